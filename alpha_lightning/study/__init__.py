"""The whole chain for many units, data sets, vintages and seeds, resumable."""
