"""Features that networks read, made from bars."""
