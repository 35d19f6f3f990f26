"""Factor units: networks trained on cross-sections, and the factor matrices they export."""
