"""How alike the models are: single runs and averages of runs (figures 10 and 11)."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.evaluation.run_scores import Runs
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.score_correlations import (
    correlation_by_date,
    correlation_table,
    mean_over_dates,
)
from alpha_lightning.weighting.optimal_weights import averaged_correlation

Floats = NDArray[np.float64]
Table = Any
"""A pandas DataFrame."""


def single_run_table(models: Sample, runs: Runs) -> Table:
    """Correlation of single runs of each pair of models, mean over weekly signal dates.

    Args:
        models: scores of the models.
        runs: theirs, and perhaps others.

    Returns:
        The diagonal is that of two runs of one model; NaN where a model has one run, and a model
        without a run is NaN throughout.
    """
    places = {score.name: runs.by_model.get(score.name, []) for score in models.scores}
    return correlation_table(list(places), single_run_correlation(runs.correlation, places))


def averaged_table(models: Sample, runs: Runs | None) -> Table:
    """Correlation of each pair of models' scores, mean over weekly signal dates.

    Args:
        models: scores of the models.
        runs: with them only their dates and stocks count, so that the table can be held against
            that of single runs.
    """
    names = [score.name for score in models.scores]
    return correlation_table(names, mean_over_dates(averages_by_date(models, runs)))


def averaging_table(models: Sample, runs: Runs) -> Table:
    """Correlation of averaged runs as the identity predicts it from single runs, and as it is.

    Of pairs of models that have equally many runs, at least two.

    Returns:
        A row for each pair: model, other, runs, single_pct (of two single runs), predicted_pct,
        measured_pct, difference_pct (measured less predicted).
    """
    names = [score.name for score in models.scores]
    single = single_run_table(models, runs).set_index("score").to_numpy() / 100
    average = averaged_table(models, runs).set_index("score").to_numpy() / 100
    counts = [len(runs.by_model.get(name, ())) for name in names]
    rows = []
    for a, b in itertools.combinations(range(len(names)), 2):
        if counts[a] == counts[b] > 1:
            within = single[a, a], single[b, b]
            predicted = averaged_correlation(single[a, b], *within, counts[a])
            about = {"model": names[a], "other": names[b], "runs": counts[a]}
            told = {"single": single[a, b], "predicted": predicted, "measured": average[a, b]}
            told["difference"] = average[a, b] - predicted
            rows.append(about | {f"{name}_pct": 100 * value for name, value in told.items()})
    return pd.DataFrame(rows)


def averages_by_date(models: Sample, runs: Runs | None) -> Floats:
    """Correlation of each pair of scores on each weekly signal date, ``(S, K, K)``."""
    masks = [mask[models.weekly] for mask in models.masks]
    if runs is not None:
        masks = [mask & runs.mask for mask in masks]
    return correlation_by_date([score.values[models.weekly] for score in models.scores], masks)


def single_run_correlation(correlation: Floats, runs: Mapping[str, Sequence[int]]) -> Floats:
    """Correlation of two single runs of two models, ``(K, K)``, from that of all runs.

    Args:
        correlation: ``(R, R)`` of all runs, mean over dates.
        runs: places of each model's runs among them.

    Returns:
        Off the diagonal the mean over a run of the one and a run of the other model; on it that
        over two different runs, NaN for a single run.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), figure 10.
    """
    count = len(runs)
    result = np.full((count, count), np.nan)
    for i, ours in enumerate(runs.values()):
        for j, theirs in enumerate(runs.values()):
            block = correlation[np.ix_(ours, theirs)]
            if i == j:
                block = block[np.triu_indices(len(block), 1)]
            if block.size:
                result[i, j] = block.mean()
    return result
