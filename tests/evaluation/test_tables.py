from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from alpha_lightning.backtest.summary import max_drawdown
from alpha_lightning.evaluation import tables
from alpha_lightning.evaluation.evaluate import measure_groups, measure_rank_ics
from alpha_lightning.evaluation.execution import execution_prices
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample
from alpha_lightning.evaluation.score_correlations import score_correlation_table
from alpha_lightning.evaluation.standard_errors import newey_west_error
from alpha_lightning.panel.returns import forward_return


@pytest.fixture
def sample(market: Callable[..., Any], tmp_path: Path, write_score: Callable[..., str]) -> Sample:
    panel = market(320, 30, seed=1).write(tmp_path / "market")
    generator = np.random.default_rng(2)
    first = generator.normal(size=(320, 30))
    second = np.where(
        generator.random(first.shape) < 0.1, np.nan, first + generator.normal(size=30)
    )
    files = [write_score(panel, first, "a"), write_score(panel, second, "b")]
    return draw_sample(panel.path, files, EvaluationRule(same_stocks=False))


@pytest.fixture
def rank_ics(sample: Sample) -> Any:
    return measure_rank_ics(sample)


@pytest.fixture
def groups(sample: Sample) -> Any:
    return measure_groups(sample, execution_prices(sample.panel, 0, sample.last))


def test_rank_ic_tables_say_the_same_as_scipy_by_date(sample: Sample, rank_ics: Any) -> None:
    returns = forward_return(sample.panel, 10, 1)[sample.rows]
    by_date = tables.rank_ic_by_date_table(rank_ics, sample)
    own = by_date[(by_date["score"] == "b") & (by_date["horizon"] == "10g")]
    expected = {}
    for place, date in enumerate(sample.dates.astype(str)):
        both = sample.masks[1][place] & np.isfinite(returns[place])
        if both.sum() >= 20:
            pair = sample.scores[1].values[place, both], returns[place, both]
            expected[date] = 100 * stats.spearmanr(*pair).statistic
    assert own["date"].tolist() == sorted(expected)
    np.testing.assert_allclose(own["rank_ic_pct"], [expected[d] for d in own["date"]], atol=1e-9)
    table = tables.rank_ic_table(rank_ics).set_index("score")
    assert table.loc["b", "rank_ic_10g_pct"] == pytest.approx(own["rank_ic_pct"].mean(), abs=1e-9)
    ratios = tables.ic_ir_table(rank_ics).set_index("score")
    ratio = own["rank_ic_pct"].mean() / own["rank_ic_pct"].std()
    assert ratios.loc["b", "ic_ir_10g"] == pytest.approx(ratio, abs=1e-9)
    assert by_date["date"].is_monotonic_increasing


def test_summary_counts_every_signal_once(sample: Sample, rank_ics: Any) -> None:
    summary = tables.rank_ic_summary_table(rank_ics)
    assert len(summary) == 12
    counted = summary["dates"] + summary["skipped"] + summary["return_unknown"]
    assert (counted == len(sample.rows)).all()
    by_horizon = summary.set_index(["score", "horizon"])
    assert by_horizon.loc[("a", "20g"), "newey_west_lag"] == 3
    assert by_horizon.loc[("a", "20g"), "return_unknown"] == (sample.rows + 21 > 319).sum()


def test_years_partition_the_dates(sample: Sample, rank_ics: Any) -> None:
    by_year = tables.rank_ic_by_year_table(rank_ics, sample)
    by_date = tables.rank_ic_by_date_table(rank_ics, sample)
    own = by_date[(by_date["score"] == "a") & (by_date["horizon"] == "5")]
    row = by_year[(by_year["score"] == "a") & (by_year["horizon"] == "5")].set_index("year")
    in_2020 = own[own["date"].str.startswith("2020")]["rank_ic_pct"]
    assert row.loc[2020, "dates"] == len(in_2020)
    assert row.loc[2020, "mean_pct"] == pytest.approx(in_2020.mean(), abs=1e-9)
    rows = next(ic for ic in rank_ics["a"] if str(ic.horizon) == "5").series
    error = newey_west_error(rows[sample.dates < np.datetime64("2021")], 0)
    assert row.loc[2020, "se_newey_west_pct"] == pytest.approx(100 * error, abs=1e-9)
    assert row.loc[2020, "se_plain_pct"] == pytest.approx(in_2020.sem(), abs=1e-9)
    assert row["dates"].sum() <= len(own)


def test_a_year_needs_two_dates_and_a_constant_one_has_no_ratio(
    sample: Sample, rank_ics: Any
) -> None:
    in_2021 = sample.dates >= np.datetime64("2021-01-01")
    series = np.where(in_2021, np.nan, 0.5)
    series[-1] = 0.5
    only = {"a": [replace(rank_ics["a"][0], series=series)]}
    by_year = tables.rank_ic_by_year_table(only, sample)
    assert by_year["year"].tolist() == [2020]
    assert by_year["mean_pct"].tolist() == [50]
    assert np.isnan(by_year["ic_ir"]).tolist() == [True]


def test_group_tables_agree_with_each_other(sample: Sample, groups: Any) -> None:
    first = int(groups["a"].rows[0])
    table = tables.groups_table(groups, {"2020-01-06": first, "2021-01-01": 262})
    assert table["since"].tolist() == ["2020-01-06"] * 2 + ["2021-01-01"] * 2
    nav = tables.group_nav_table(groups, sample)
    own = nav[nav["score"] == "a"]
    annual = own["g20"].iloc[-1] ** (243 / len(own)) - 1
    assert table["g20_pct"].iloc[0] == pytest.approx(100 * annual, abs=1e-9)
    assert table["turnover"].iloc[0] == pytest.approx(groups["a"].turnover[:, 0].mean(), abs=1e-12)
    late = own["g01"].iloc[-1] / own[own["date"] < "2021-01-01"]["g01"].iloc[-1]
    days = (own["date"] >= "2021-01-01").sum()
    expected = 100 * (late ** (243 / days) - 1)
    assert table["g01_pct"].iloc[2] == pytest.approx(expected, abs=1e-9)


def test_top_group_by_year_compounds_to_the_whole(sample: Sample, groups: Any) -> None:
    top = tables.top_group_table(groups, sample).set_index(["score", "year"])
    hedged = groups["b"].hedged[:, 0]
    years = np.prod([1 + top.loc[("b", year), "return_pct"] / 100 for year in (2020, 2021)])
    assert years == pytest.approx(np.prod(1 + hedged), abs=1e-9)
    fall = top.loc[("b", "all"), "max_drawdown_pct"]
    assert fall == pytest.approx(100 * max_drawdown(hedged), abs=1e-9)


def test_correlations_against_numpy(sample: Sample) -> None:
    table = score_correlation_table(sample).set_index("score")
    daily = []
    for place in range(len(sample.rows)):
        both = sample.masks[0][place] & sample.masks[1][place]
        if both.sum() >= 20:
            pair = sample.scores[0].values[place, both], sample.scores[1].values[place, both]
            daily.append(np.corrcoef(*pair)[0, 1])
    assert table.loc["a", "b_pct"] == pytest.approx(100 * np.mean(daily), abs=1e-5)
    assert table.loc["a", "b_pct"] == table.loc["b", "a_pct"]
    assert table.loc["a", "a_pct"] == pytest.approx(100, abs=1e-9)


def test_coverage_counts_stocks(sample: Sample) -> None:
    table = tables.coverage_table(sample).set_index("score")
    traded = sample.panel.traded[sample.rows]
    assert table.loc["a", "universe_stocks"] == pytest.approx(traded.sum(axis=1).mean())
    assert table.loc["a", "scored_pct"] == 100
    scored = np.isfinite(sample.scores[1].values) & traded
    assert table.loc["b", "compared_pct"] == pytest.approx(100 * scored.sum() / traded.sum())
