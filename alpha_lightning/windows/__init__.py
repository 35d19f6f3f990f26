"""Cross-section batches: 30-day windows of all stocks of a date, scaled, sliced on the fly."""
