"""Score files laid out on the panel's signal dates, and the cross-sections they are compared on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.factor_mean import WEIGHTING
from alpha_lightning.weighting.score_grid import ScoreGrid, read_score_grid
from alpha_lightning.weighting.subsets import in_order

Level = Literal["unit", "data set", "weighting", "stacking", "model", "ensemble", "baseline"]
LEVELS: tuple[Level, ...] = (
    *("unit", "data set", "weighting", "stacking"),
    *("model", "ensemble", "baseline"),
)
LIGHTGBM = "lightgbm"
"""What a score is weighed by whose provenance does not say."""
IN_SAMPLE = "in_sample"
"""Stacking scheme whose factors were made by networks that had seen the dates."""
MIN_STOCKS = 20
"""Fewest stocks in a cross-section that is evaluated; a date with fewer is skipped and counted."""


@dataclass(frozen=True)
class Score(ScoreGrid):
    """One score on the signal dates, and what its provenance says of it."""

    @property
    def baseline(self) -> bool:
        """Whether the score is a yardstick and no model of the study."""
        return self.metadata.get("scheme") == "baseline"

    @property
    def weighting(self) -> str:
        """What made factors into the score: ``lightgbm``, ``linear``, ``equal`` or ``mean``."""
        return str(self.metadata.get("weighting", LIGHTGBM))

    @property
    def scheme(self) -> str:
        """Stacking scheme, ``oos_lagged`` or ``in_sample``; empty when the file does not say."""
        return str(self.metadata.get("scheme", ""))

    @property
    def units(self) -> tuple[str, ...]:
        """Networks it is made of."""
        return tuple(self.metadata.get("units", ()))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Data sets it is made of, from coarse to fine."""
        return in_order(self.metadata.get("datasets", ()))


def level_of(score: Score, scores: Sequence[Score]) -> Level:
    """At which stage of the chain a score stands, read off what it is made of.

    A part or a variant is one only beside what it is a part or a variant of: where every score is
    weighed by a linear model, the linear ones are the models.

    Args:
        score: one of ``scores``.
        scores: all that are compared; together they tell which data sets, weightings and schemes
            there are.

    Returns:
        ``unit`` (the mean of a unit's factors), ``data set`` (made from some of the data sets),
        ``weighting`` (not by LightGBM), ``stacking`` (in sample), ``model`` (all data sets, one
        network), ``ensemble`` (several networks), or ``baseline``.
    """
    if score.baseline:
        return "baseline"
    if score.weighting == WEIGHTING:
        return "unit"
    others = [other for other in scores if not other.baseline and other.weighting != WEIGHTING]
    if score.weighting != LIGHTGBM and any(other.weighting == LIGHTGBM for other in others):
        return "weighting"
    if score.scheme == IN_SAMPLE and any(other.scheme != IN_SAMPLE for other in others):
        return "stacking"
    if len(score.datasets) < len({name for other in scores for name in other.datasets}):
        return "data set"
    return "ensemble" if len(score.units) > 1 else "model"


def read_scores(
    paths: Sequence[str | Path], panel: Panel, rows: NDArray[np.intp]
) -> tuple[Score, ...]:
    """Read score files onto the signal dates of a panel.

    Args:
        paths: Parquet files with ``kind="score"`` in their metadata.
        panel: the panel they were made from.
        rows: ``(S,)`` signal dates, as rows of the panel.

    Raises:
        UserError: no file, not a score, made from another panel, a date or symbol unknown to the
            panel, a repeated row, an infinite value, or a name used twice.
    """
    if not paths:
        msg = "no score to evaluate: name at least one score file"
        raise UserError(msg)
    grids = [read_score_grid(path, panel, rows) for path in paths]
    scores = tuple(Score(g.name, g.values, g.metadata, g.fingerprint) for g in grids)
    names = [score.name for score in scores]
    for name, path in zip(names, paths, strict=True):
        if names.count(name) > 1:
            msg = f"{path}: the name {name!r} is used twice: evaluate scores of different names"
            raise UserError(msg)
    return scores


def shared_rows(scores: Sequence[Score], rows: NDArray[np.intp], panel: Panel) -> slice:
    """Signal dates from the first to the last on which every score has a value.

    Raises:
        UserError: there is no such date.
    """
    shared = np.logical_and.reduce([np.isfinite(score.values).any(axis=1) for score in scores])
    if not shared.any():
        spans = "; ".join(_span(score, rows, panel) for score in scores)
        msg = (
            f"the scores share no signal date ({spans}): widen --start and --end, or evaluate fewer"
        )
        raise UserError(msg)
    places = np.flatnonzero(shared)
    return slice(int(places[0]), int(places[-1]) + 1)


def cross_sections(
    scores: Sequence[Score], members: NDArray[np.bool_], *, same_stocks: bool
) -> tuple[NDArray[np.bool_], ...]:
    """Stocks each score is judged on, ``(S, N)``: members of the universe that it scores.

    Args:
        scores: on the same ``S`` dates.
        members: ``(S, N)`` universe.
        same_stocks: only stocks that every score has, so that their numbers can be compared.
    """
    own = [members & np.isfinite(score.values) for score in scores]
    return (np.logical_and.reduce(own),) * len(own) if same_stocks else tuple(own)


def _span(score: Score, rows: NDArray[np.intp], panel: Panel) -> str:
    dates = panel.dates[rows[np.isfinite(score.values).any(axis=1)]]
    return f"{score.name} {dates[0]} to {dates[-1]}" if len(dates) else f"{score.name} none"
