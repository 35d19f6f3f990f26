from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.panel.vintages import Vintage, cut_vintage
from alpha_lightning.weighting.design_matrix import DesignMatrix, from_dense
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.walk_forward import WalkForward
from alpha_lightning.windows.sample import SampleRule, take_sample

Array = NDArray[Any]
LABEL = Horizon(10, 1)
SETTINGS = LightGBMSettings(min_data_in_leaf=20, rounds=25, threads=1)


def random_closes(n_dates: int = 460, n_assets: int = 40, seed: int = 0) -> Array:
    rng = np.random.default_rng(seed)
    return 10 * np.exp(np.cumsum(rng.normal(size=(n_dates, n_assets)) * 0.02, axis=0))


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    close = random_closes()
    close[300:320, 3] = np.nan
    return make_panel(close, first="2020-07-01")


def planted(panel: Panel, strength: float = 1.0, seed: int = 1) -> Array:
    """Four factors: the first two together tell the label, through noise; two tell nothing."""
    rng = np.random.default_rng(seed)
    label = take_sample(panel, SampleRule()).label
    signal = np.nan_to_num(label) * strength
    factors = rng.normal(size=(*label.shape, 4))
    factors[..., 0] += signal / 2
    factors[..., 1] -= signal / 2
    return factors.astype(np.float32)


def design_of(panel: Panel, factors: Array, vintage: Vintage) -> DesignMatrix:
    columns = tuple(f"f{k}" for k in range(factors.shape[-1]))
    return from_dense(factors, universe(panel), vintage.output, columns)


def scored(panel: Panel, factors: Array, **changes: Any) -> Array:
    settings = LightGBMSettings(**(vars(SETTINGS) | changes))
    walk = WalkForward.over(panel, "all", LABEL, settings, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    design = design_of(panel, factors, vintage)
    return walk.scores(walk.serve(design, walk.plan(vintage, design)))


def mean_rank_ic(scores: Array, label: Array) -> float:
    ics = []
    for x, y in zip(scores, label, strict=True):
        both = ~np.isnan(x) & ~np.isnan(y)
        if both.sum() > 2:
            ics.append(float(stats.spearmanr(x[both], y[both]).statistic))
    return float(np.mean(ics))


def test_learns_the_label_that_networks_learn(panel: Panel) -> None:
    walk = WalkForward.over(panel, "all", Horizon(5, 0), SETTINGS, seed=0)
    sample = take_sample(panel, SampleRule(horizon=5, gap=0))
    np.testing.assert_array_equal(walk.members, sample.scored)
    np.testing.assert_array_equal(walk.label, sample.label)


def test_recovers_a_planted_signal_and_finds_nothing_in_noise(panel: Panel) -> None:
    label = take_sample(panel, SampleRule()).label
    assert mean_rank_ic(scored(panel, planted(panel)), label) > 0.3
    # Overlapping labels: about 8 independent cross-sections of 40 stocks, a standard error of 0.05.
    assert abs(mean_rank_ic(scored(panel, planted(panel, strength=0.0)), label)) < 0.1


def test_a_shuffled_label_teaches_nothing(panel: Panel) -> None:
    walk = WalkForward.over(panel, "all", LABEL, SETTINGS, seed=0)
    shuffled = np.random.default_rng(4).permuted(walk.label, axis=1)
    blind = WalkForward(walk.dates, walk.members, shuffled, LABEL, SETTINGS, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    design = design_of(panel, planted(panel), vintage)
    scores = blind.scores(blind.serve(design, blind.plan(vintage, design)))
    assert abs(mean_rank_ic(scores, walk.label)) < 0.1


def test_scores_the_year_and_nobody_outside_the_universe(panel: Panel) -> None:
    factors = planted(panel)
    walk = WalkForward.over(panel, "all", LABEL, SETTINGS, seed=0)
    members = walk.members & (np.arange(40) % 2 == 0)
    walk = WalkForward(walk.dates, members, walk.label, LABEL, SETTINGS, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    design = design_of(panel, factors, vintage)
    scores = walk.scores(walk.serve(design, walk.plan(vintage, design)))
    wanted = members & np.isin(np.arange(len(panel.dates)), vintage.serve)[:, None]
    np.testing.assert_array_equal(~np.isnan(scores), wanted)


def test_changing_the_future_leaves_the_past_bit_equal(
    panel: Panel, make_panel: Callable[..., Panel]
) -> None:
    factors = planted(panel)
    t = int(np.searchsorted(panel.dates, np.datetime64("2022-02-14")))
    close = np.array(panel.market("close"))
    close[t + 1 :] *= np.random.default_rng(9).uniform(0.5, 2, size=close[t + 1 :].shape)
    changed = factors.copy()
    changed[t + 1 :] = -changed[t + 1 :]
    before, after = scored(panel, factors), scored(make_panel(close, "2020-07-01"), changed)
    np.testing.assert_array_equal(before[: t + 1], after[: t + 1])
    assert np.isfinite(before[t]).any()
    assert not np.array_equal(before[t + 1 :], after[t + 1 :], equal_nan=True)


def test_a_month_learns_from_no_price_of_the_day_before_its_fit(
    panel: Panel, make_panel: Callable[..., Panel]
) -> None:
    factors = planted(panel)
    first = int(np.searchsorted(panel.dates, np.datetime64("2022-03-01")))
    before = scored(panel, factors)
    moved = []
    for days_before in (1, 90):
        close = np.array(panel.market("close"))
        rows = slice(first - days_before, None)
        close[rows] *= np.random.default_rng(9).uniform(0.5, 2, size=close[rows].shape)
        after = scored(make_panel(close, "2020-07-01"), factors)
        moved.append(not np.array_equal(before[first], after[first], equal_nan=True))
    assert moved == [False, True]


def test_two_runs_and_any_threads_are_bit_equal(panel: Panel) -> None:
    factors = planted(panel)
    first = scored(panel, factors, rounds=4)
    np.testing.assert_array_equal(scored(panel, factors, rounds=4), first)
    np.testing.assert_array_equal(scored(panel, factors, rounds=4, threads=2), first)


def test_records_what_was_fitted_on_what(panel: Panel) -> None:
    walk = WalkForward.over(panel, "all", LABEL, SETTINGS, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    design = design_of(panel, planted(panel), vintage)
    plan = walk.plan(vintage, design)
    about = walk.describe(walk.serve(design, plan))
    assert [record["date"] for record in about["refits"]] == [
        "2022-01-03",
        "2022-02-01",
        "2022-03-01",
        "2022-04-01",
    ]
    assert about["skipped"] == []
    record = about["refits"][1]
    assert record["train"] == [str(walk.dates[plan[1].train[end]]) for end in (0, -1)]
    assert record["valid"] == [str(walk.dates[plan[1].valid[end]]) for end in (0, -1)]
    assert record["dates"] == len(plan[1].train) + len(plan[1].valid)
    assert record["rows"] == np.isfinite(walk.label[plan[1].train]).sum()
    assert 1 <= record["best_iteration"] <= 25
    assert about["settings"]["rounds"] == 25
    assert about["label"] == {"days": 10, "gap": 1}


def test_skips_months_with_too_little_to_learn_from(panel: Panel) -> None:
    walk = WalkForward.over(panel, "all", LABEL, SETTINGS, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    design = design_of(panel, planted(panel), vintage)
    late = np.searchsorted(panel.dates, np.datetime64("2021-11-29"))
    design = design.where(design.date_index >= late)
    months = walk.serve(design, walk.plan(vintage, design))
    assert [month.record.get("reason") for month in months] == [
        "0 dates to train and 3 to validate on, min_dates is 40",
        "15 dates to train and 7 to validate on, min_dates is 40",
        None,
        None,
    ]
    scores = walk.scores(months)
    served = panel.dates[np.isfinite(scores).any(axis=1)]
    assert str(served[0]) == "2022-03-01"
    skipped = walk.describe(months)["skipped"]
    assert [record["date"] for record in skipped] == ["2022-01-03", "2022-02-01"]


def test_skips_a_month_without_rows(panel: Panel) -> None:
    walk = WalkForward.over(panel, "all", LABEL, SETTINGS, seed=0)
    vintage = cut_vintage(panel.dates, 2022)
    design = design_of(panel, planted(panel), vintage)
    month = panel.dates[design.date_index].astype("datetime64[M]")
    design = design.where(month != np.datetime64("2022-02"))
    months = walk.serve(design, walk.plan(vintage, design))
    assert months[1].record["reason"] == "no row of this month in the universe"
    assert len(months[1].predictions) == 0
    assert len(months[2].predictions) > 0


def test_a_constant_fit_is_not_served(panel: Panel) -> None:
    with pytest.raises(UserError, match=r"none of 4 months.*2022-01: no tree could split \d+ rows"):
        scored(panel, planted(panel), min_data_in_leaf=100_000)


def test_no_month_at_all_is_an_error(panel: Panel) -> None:
    with pytest.raises(UserError, match=r"none of 4 months can be scored; 2022-01: .* is 400"):
        scored(panel, planted(panel), min_dates=400)
