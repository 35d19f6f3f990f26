"""How every hand-over between stages reaches the disk: whole or not at all, with provenance."""
