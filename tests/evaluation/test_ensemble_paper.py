"""Arithmetic oracles 1 and 2: the paper's own figures follow its identities."""

import itertools
import math
from typing import Any

import numpy as np
import pytest

from alpha_lightning.evaluation.ensemble import mean_of_equals, mean_pairwise
from alpha_lightning.evaluation.paper_figures import paper_table
from alpha_lightning.weighting.optimal_weights import averaged_correlation, mean_ic

MODELS = ("gru", "agru", "lstm", "restcn", "transformer")
GROUPS = {"RNN": MODELS[:3], "RCT": MODELS}
HORIZONS = ("5", "10", "20", "5g", "10g", "20g")
PREDICTED = {
    "RNN": [14.76, 16.26, 16.74, 12.99, 14.56, 15.27],
    "RCT": [14.99, 16.48, 17.02, 13.15, 14.76, 15.53],
}


def matrix(figure: str, models: tuple[str, ...] = MODELS) -> Any:
    table = paper_table(figure).set_index("score")
    return table.loc[list(models), [f"{name}_pct" for name in models]].to_numpy() / 100


def farthest(runs: int) -> float:
    """Of the predicted averages' correlations from the printed ones, all ten pairs."""
    single = matrix("fig10_correlation_single_run")
    average = matrix("fig11_correlation_average")
    pairs = list(itertools.combinations(range(5), 2))
    assert len(pairs) == 10
    apart = [
        abs(averaged_correlation(single[a, b], single[a, a], single[b, b], runs) - average[a, b])
        for a, b in pairs
    ]
    return float(max(apart))


def test_the_averaged_correlations_follow_from_single_runs() -> None:
    assert farthest(10) <= 0.0015
    # Without averaging, or with another number of runs, they do not.
    for runs in (1, 3, 1000):
        assert farthest(runs) > 0.004


@pytest.mark.parametrize("group", GROUPS)
def test_equal_means_of_models_are_predicted(group: str) -> None:
    members = GROUPS[group]
    correlation = matrix("fig11_correlation_average", members)
    ics = paper_table("fig06_rank_ic").set_index("score")
    columns = [f"rank_ic_{horizon}_pct" for horizon in HORIZONS]
    ic = ics.loc[list(members), columns].to_numpy()
    equal = np.full(len(members), 1 / len(members))
    predicted = np.array([mean_ic(equal, column, correlation) for column in ic.T])
    np.testing.assert_allclose(predicted, PREDICTED[group], atol=0.006)
    measured = paper_table("fig12_rank_ic").set_index("score").loc[f"{group}v1", columns]
    assert np.abs(predicted - measured.to_numpy(dtype=float)).max() < 0.1
    # Each member's IC grows by one factor, which has a limit in the number of models.
    factor, limit = {"RNN": (1.0205, 1.031), "RCT": (1.0354, 1.045)}[group]
    ones = np.ones(len(members))
    assert mean_ic(equal, ones, correlation) == pytest.approx(factor, abs=5e-5)
    rho = mean_pairwise(correlation)
    assert mean_of_equals(1, rho, len(members)) == pytest.approx(factor, abs=5e-5)
    assert mean_of_equals(1, rho, math.inf) == pytest.approx(limit, abs=5e-4)
