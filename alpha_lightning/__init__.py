"""Cross-sectional stock alpha on PyTorch Lightning: vendor tables to scores and RankIC."""

__version__ = "0.1.0"
