"""What the weighting model is worth, and how much stacking in sample promises too much."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.evaluation.rank_ic import RankIC
from alpha_lightning.evaluation.scores import LIGHTGBM, Score, level_of
from alpha_lightning.evaluation.standard_errors import paired_difference
from alpha_lightning.panel.returns import LABEL, Horizon
from alpha_lightning.weighting.variants import IN_SAMPLE, variant_name, variant_of

RankICs = Mapping[str, Sequence[RankIC]]
Provenance = Mapping[str, Sequence[Mapping[str, Any]]]
Series = NDArray[np.float64]
Table = Any
"""A pandas DataFrame."""
_LABEL = Horizon(*LABEL)


def weighting_value_table(results: RankICs, scores: Sequence[Score]) -> Table:
    """RankIC of LightGBM and of plainer weightings of the same factors, by score and horizon.

    The difference is that of the weighting to LightGBM, paired date by date, with a Newey-West
    error: below zero where the trees are worth something.

    Args:
        results: by score name.
        scores: the same scores, with what they are made of.

    Returns:
        LightGBM's own row first; empty when no score has a variant beside it.
    """
    rows = []
    for score in scores:
        variants = [
            other
            for other in scores
            if level_of(other, scores) == "weighting" and variant_of(other.name)[0] == score.name
        ]
        for other in [score, *variants] if variants and score.weighting == LIGHTGBM else []:
            for ic, full in zip(results[other.name], results[score.name], strict=True):
                about: dict[str, Any] = {"score": score.name, "weighting": other.weighting}
                about |= {"horizon": str(ic.horizon), "rank_ic_pct": 100 * ic.mean}
                about |= {"rank_ic_se_pct": 100 * ic.errors["newey_west"], "ic_ir": ic.ic_ir}
                rows.append(about | _difference(ic, full))
    return pd.DataFrame(rows)


def stacking_gap_table(
    results: RankICs, scores: Sequence[Score], runs: Provenance, until: np.datetime64
) -> Table:
    """RankIC out of sample of both stacking schemes, and what their fits had promised.

    A fit promises the RankIC of its own validation dates, which factors made in sample flatter. A
    promise is the mean over refits, of the score's own or of its runs'; it is of the label's return
    and no other.

    Args:
        results: by score name.
        scores: the same scores; ``gru`` is compared with ``gru, in-sample stacking``.
        runs: provenance of single runs by score, for an average knows nothing of its fits.
        until: last date that may be used; later refits do not count.

    Returns:
        Difference is in sample less out of sample, paired by date, with a Newey-West error; empty
        when no score has both.
    """
    rows = []
    names = {score.name: score for score in scores}
    for score in scores:
        other = names.get(variant_name(score.name, IN_SAMPLE))
        for k, honest in enumerate(results[score.name]) if other else []:
            inside = results[variant_name(score.name, IN_SAMPLE)][k]
            row: dict[str, Any] = {"score": score.name, "horizon": str(honest.horizon)}
            row["oos_lagged_pct"] = 100 * honest.mean
            row["in_sample_pct"] = 100 * inside.mean
            row |= _difference(inside, honest)
            for column, one in (("oos_promised_pct", score), ("in_sample_promised_pct", other)):
                told = promised(one, runs, until) if honest.horizon == _LABEL else np.nan
                row[column] = 100 * told
            rows.append(row)
    order = ["score", "horizon", "oos_lagged_pct", "in_sample_pct", "difference_pct"]
    order += ["difference_se_pct", "oos_promised_pct", "in_sample_promised_pct", "dates"]
    return pd.DataFrame(rows, columns=order if rows else None)


def promised(score: Score | None, runs: Provenance, until: np.datetime64) -> float:
    """Mean RankIC of the validation dates over a score's refits; NaN where none tells it.

    Args:
        score: whose fits are asked.
        runs: asked, by score, where it is an average and says nothing of them.
        until: refits that serve later dates do not count.
    """
    if score is None:
        return float("nan")
    own = list(_validated(score.metadata, until))
    for metadata in [] if own else runs.get(score.name, ()):
        own += _validated(metadata, until)
    return float(np.mean(own)) if own else float("nan")


def _validated(metadata: Mapping[str, Any], until: np.datetime64) -> Iterator[float]:
    for refit in metadata.get("refits", ()):
        told = refit.get("valid_rank_ic")
        if told is not None and np.datetime64(refit["date"], "D") <= until:
            yield float(told)


def _difference(ic: RankIC, other: RankIC) -> dict[str, Any]:
    known = slice(0, len(ic.series) - ic.unknown)
    pair = ic.series[known], other.series[known]
    difference, error = paired_difference(*pair, ic.lag)
    both = np.isfinite(pair[0]) & np.isfinite(pair[1])
    return {
        "difference_pct": 100 * difference,
        "difference_se_pct": 100 * error,
        "dates": int(both.sum()),
    }
