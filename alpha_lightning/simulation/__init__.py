"""The simulated market: a vendor whose tables hide a signal of known strength."""
