"""What each data set is worth: the same models on some of the data sets and on all of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.evaluation.rank_ic import RankIC
from alpha_lightning.evaluation.scores import Score
from alpha_lightning.evaluation.standard_errors import paired_difference
from alpha_lightning.weighting.subsets import Subset, subset_name, subsets_by_role

RankICs = Mapping[str, Sequence[RankIC]]
Table = Any
"""A pandas DataFrame."""


def dataset_value_table(results: RankICs, scores: Sequence[Score]) -> Table:
    """RankIC of each data set alone, added one by one, left out, and of all, by score and horizon.

    A score ``gru`` of several data sets is compared with the scores called
    ``gru on <data set>+<data set>``. The difference is that of the subset to the whole, paired date
    by date, with a Newey-West error: below zero where the missing data sets are worth something.

    Args:
        results: by score name.
        scores: the same scores, with what they are made of.

    Returns:
        Ensembles first, then models; empty when no score has a subset beside it.
    """
    whole = sorted(scores, key=lambda score: -len(score.units))
    rows = [row for score in whole for row in _rows_of(score, results)]
    return pd.DataFrame(rows)


def _rows_of(score: Score, results: RankICs) -> Iterator[dict[str, Any]]:
    full = results[score.name]
    subsets = list(_measured(score, results))
    if len({name for _, name in subsets}) < 2:
        return
    for subset, name in subsets:
        for ic, all_of_them in zip(results[name], full, strict=True):
            known = slice(0, len(ic.series) - ic.unknown)
            pair = ic.series[known], all_of_them.series[known]
            difference, error = paired_difference(*pair, ic.lag)
            both = np.isfinite(pair[0]) & np.isfinite(pair[1])
            yield {
                "score": score.name,
                "role": subset.role,
                "change": subset.change,
                "datasets": "+".join(subset.datasets),
                "horizon": str(ic.horizon),
                "rank_ic_pct": 100 * ic.mean,
                "rank_ic_se_pct": 100 * ic.errors["newey_west"],
                "ic_ir": ic.ic_ir,
                "difference_pct": 100 * difference,
                "difference_se_pct": 100 * error,
                "dates": int(both.sum()),
            }


def _measured(score: Score, results: RankICs) -> Iterator[tuple[Subset, str]]:
    for subset in subsets_by_role(score.datasets):
        whole = subset.datasets == score.datasets
        name = score.name if whole else subset_name(score.name, subset.datasets)
        if name in results:
            yield subset, name
