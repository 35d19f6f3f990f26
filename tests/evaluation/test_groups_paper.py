"""Arithmetic oracle 4: the paper's groups together are their benchmark."""

import numpy as np
import pytest

from alpha_lightning.backtest.summary import YEAR
from alpha_lightning.evaluation.groups import GroupReturns, groups_check, mean_log_growth
from alpha_lightning.evaluation.paper_figures import paper_table

FIGURES = ("fig08_groups", "fig09_groups", "fig14_groups", "fig15_groups")


@pytest.mark.parametrize("figure", FIGURES)
def test_the_groups_grow_by_a_little_less_than_nothing(figure: str) -> None:
    table = paper_table(figure).dropna().set_index("score").drop(columns=["since", "turnover"])
    for score, row in table.iterrows():
        check = 100 * mean_log_growth(row.to_numpy(dtype=float) / 100)
        assert -0.195 < check < -0.075, score


def test_the_check_is_minus_half_the_squared_tracking_error() -> None:
    # Ten groups around a benchmark, their mean exactly it on every day.
    generator = np.random.default_rng(2)
    days = 4 * YEAR
    hedged = generator.normal(0, 0.004, (days, 10))
    hedged -= hedged.mean(axis=1, keepdims=True)
    benchmark = generator.normal(0, 0.01, days)
    rows = np.arange(days)
    nothing = np.zeros((0, 10))
    results = GroupReturns(rows, hedged + benchmark[:, None], benchmark, rows[:0], nothing, 0)
    error = (hedged**2).mean() * YEAR
    assert groups_check(results) == pytest.approx(-error / 2, rel=1e-3)
    # Groups that are each a little better than their benchmark are found out.
    biased = GroupReturns(rows, results.returns + 1e-5, benchmark, rows[:0], nothing, 0)
    assert groups_check(biased) == pytest.approx(-error / 2 + 1e-5 * YEAR, rel=1e-2)
