"""The point-in-time store: ingestion, calendar, universe, returns, vintages."""
