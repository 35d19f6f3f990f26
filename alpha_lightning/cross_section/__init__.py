"""Arithmetic on one date's assets, batched over dates, with masks and without state."""

from alpha_lightning.cross_section.correlation import pearson, spearman
from alpha_lightning.cross_section.groups import quantile_groups
from alpha_lightning.cross_section.neutralise import neutralise
from alpha_lightning.cross_section.ranks import rank
from alpha_lightning.cross_section.scaling import median_and_mad, winsorise, zscore

__all__ = [
    "median_and_mad",
    "neutralise",
    "pearson",
    "quantile_groups",
    "rank",
    "spearman",
    "winsorise",
    "zscore",
]
