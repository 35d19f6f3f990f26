"""Cross-sectional stock alpha on PyTorch Lightning: from vendor tables to RankIC, scores and portfolios."""

__version__ = "0.1.0"
