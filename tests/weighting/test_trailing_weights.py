"""Optimal weights month by month against a plain loop; nothing after a month begins counts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.trailing_weights import (
    MonthWeights,
    TrailingRule,
    describe_weights,
    trailing_weights,
)
from alpha_lightning.windows.sample import SampleRule, take_sample

Array = NDArray[Any]
STRENGTH = (0.2, 0.5, 0.1)


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    steps = np.random.default_rng(0).normal(size=(420, 40)) * 0.02
    return make_panel(10 * np.exp(np.cumsum(steps, axis=0)), first="2021-01-01")


@pytest.fixture(scope="module")
def scores(panel: Panel) -> Array:
    """Three scores of different strength with a common error, from the fifth month on."""
    rng = np.random.default_rng(3)
    label = np.nan_to_num(take_sample(panel, SampleRule()).label).astype(float)
    common = rng.normal(size=label.shape)
    own = rng.normal(size=(3, *label.shape))
    values = np.array(STRENGTH)[:, None, None] * label + 0.8 * common + 0.6 * own
    values[rng.random(values.shape) < 0.05] = np.nan
    return np.asarray(values[:, 100:])


def months_of(panel: Panel, scores: Array, **changes: Any) -> list[MonthWeights]:
    dates = panel.dates[-scores.shape[1] :]
    return trailing_weights(scores, dates, panel.symbols, panel, TrailingRule(**changes))


def correlation(x: Array, y: Array) -> float:
    both = ~np.isnan(x) & ~np.isnan(y)
    return float(np.corrcoef(x[both], y[both])[0, 1])


@pytest.mark.parametrize(
    ("shrink", "window", "horizon"), [(0.0, 243, (10, 1)), (0.5, 90, (10, 1)), (0.3, 243, (5, 0))]
)
def test_equals_a_plain_loop(
    panel: Panel, scores: Array, shrink: float, window: int, horizon: tuple[int, int]
) -> None:
    label = take_sample(panel, SampleRule(horizon=horizon[0], gap=horizon[1])).label[100:]
    dates = panel.dates[100:].tolist()
    found = months_of(panel, scores, shrink=shrink, window=window, label=Horizon(*horizon))
    assert np.concatenate([month.rows for month in found]).tolist() == list(range(len(dates)))
    optimal = 0
    for month in found:
        first = dates[month.rows[0]]
        assert {(dates[row].year, dates[row].month) for row in month.rows} == {
            (first.year, first.month)
        }
        # The close that ends the label lies at least two dates before the month.
        known = [row for row in range(month.rows[0]) if row + sum(horizon) <= month.rows[0] - 2]
        known = [row for row in known if np.isfinite(label[row]).any()][-window:]
        assert month.dates == len(known)
        if len(known) < 60:
            assert month.reason == f"{len(known)} dates with a known label, min_dates is 60"
            np.testing.assert_array_equal(month.weights, np.full(3, 1 / 3))
            continue
        ic = np.array([np.mean([correlation(s[d], label[d]) for d in known]) for s in scores])
        pairs = np.eye(3)
        for a in range(3):
            for b in range(3):
                days = [correlation(scores[a, d], scores[b, d]) for d in known]
                pairs[a, b] = np.mean(days)
        mean = pairs[~np.eye(3, dtype=bool)].mean()
        pulled = np.where(np.eye(3, dtype=bool), 1, (1 - shrink) * pairs + shrink * mean)
        weights = np.linalg.inv(pulled) @ ((1 - shrink) * ic + shrink * ic.mean())
        np.testing.assert_allclose(month.ic, ic, atol=1e-6)
        np.testing.assert_allclose(month.weights, weights / weights.sum(), atol=2e-5)
        assert (month.weights[1] > month.weights[0] > month.weights[2]).all()
        assert not month.reason
        optimal += 1
    assert optimal >= 8


def test_what_is_learnt_of_a_month_does_not_depend_on_later_dates(
    panel: Panel, scores: Array, make_panel: Callable[..., Panel]
) -> None:
    before = months_of(panel, scores)
    month = before[8]
    first = 100 + int(month.rows[0])
    rng = np.random.default_rng(7)
    close = np.array(panel.market("close"))
    close[first - 1 :] *= rng.uniform(0.5, 2, size=close[first - 1 :].shape)
    # Scores of dates whose label is known later may change, too.
    changed = scores.copy()
    changed[:, first - 100 - 12 :] = rng.normal(size=changed[:, first - 100 - 12 :].shape)
    after = months_of(make_panel(close, "2021-01-01"), changed)
    assert not month.reason
    for one, other in zip(before[:9], after[:9], strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.ic, other.ic)
    assert not np.array_equal(before[10].weights, after[10].weights)


def test_dates_that_a_score_lacks_are_not_counted(panel: Panel, scores: Array) -> None:
    late = scores.copy()
    late[2, :120] = np.nan
    whole, short = (months_of(panel, given, window=400) for given in (scores, late))
    assert [a.dates - b.dates for a, b in zip(whole, short, strict=True)][-1] == 120
    assert sum(bool(month.reason) for month in short) > sum(bool(m.reason) for m in whole)


def test_scores_that_forecast_the_contrary_get_equal_weights(panel: Panel, scores: Array) -> None:
    month = months_of(panel, -scores)[-1]
    assert month.reason == "the scores' ICs and correlations give weights with no sum above 0"
    np.testing.assert_array_equal(month.weights, np.full(3, 1 / 3))
    assert (month.ic < 0).all()


def test_says_the_weights_of_each_month(panel: Panel, scores: Array) -> None:
    months = months_of(panel, scores, shrink=0.25)
    about = describe_weights(months, panel.dates[100:], TrailingRule(shrink=0.25))
    assert about["weights"] == "optimal"
    assert about["weights_rule"] == {
        "universe": "all",
        "label": {"days": 10, "gap": 1},
        "shrink": 0.25,
        "window": 243,
        "min_dates": 60,
    }
    told = about["weights_by_month"]
    assert [month["date"] for month in told] == [str(panel.dates[100 + m.rows[0]]) for m in months]
    assert told[0]["equal_because"] == "0 dates with a known label, min_dates is 60"
    assert (told[0]["dates"], told[0]["ic"]) == (0, [])
    assert told[0]["weights"] == [0.333333] * 3
    assert sorted(told[-1]) == ["date", "dates", "ic", "weights"]
    assert told[-1]["weights"] == months[-1].weights.tolist()


def test_dates_and_symbols_must_be_the_panel_s(panel: Panel, scores: Array) -> None:
    dates, symbols = panel.dates[100:], panel.symbols.copy()
    symbols[3] = "nobody"
    with pytest.raises(PanelError, match="nobody"):
        trailing_weights(scores, dates, symbols, panel, TrailingRule())
    with pytest.raises(PanelError, match="2021-05-23"):
        trailing_weights(scores, dates - 1, panel.symbols, panel, TrailingRule())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shrink": -0.1}, r"shrink is -0\.1: it must lie from 0"),
        ({"shrink": 1.1}, r"shrink is 1\.1"),
        ({"min_dates": 0}, "min_dates is 0: it must be at least 1 and at most 243"),
        ({"min_dates": 244}, "min_dates is 244"),
    ],
)
def test_refuses_values(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        TrailingRule(**changes)
