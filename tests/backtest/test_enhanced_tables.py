"""Tables of index-enhanced portfolios, counted again from what was written beside them."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.backtest.enhanced_points import EnhancedPoint
from alpha_lightning.backtest.enhanced_tables import (
    Enhanced,
    exposure_table,
    front_page_table,
    paper_figure,
    relaxation_table,
    tracking_error_table,
)
from alpha_lightning.backtest.paper_tables import paper_table
from tests.backtest.enhanced_grid_market import GRID, table

YEAR = 243
FIGURES = {
    ("a", "000300", 0.0): "fig18_csi300",
    ("a", "000300", 0.8): "fig19_csi300_80",
    ("a", "000905", 0.0): "fig20_csi500",
    ("a", "000905", 0.8): "fig21_csi500_80",
    ("b", "000300", 0.0): "csi300_b",
    ("b", "000300", 0.8): "csi300_80_b",
    ("b", "000905", 0.0): "csi500_b",
    ("b", "000905", 0.8): "csi500_80_b",
}
KEYS = ["score", "index", "floor", "delta"]
SLACKS = ("turnover", "tracking_error", "style", "industry", "floor", "active")


def folder_of(made: Path, key: tuple[Any, ...]) -> Path:
    score, index, floor, delta = key
    name: str = {"000300": "csi300", "000905": "csi500"}[index] + ("_80" if floor else "")
    return made / f"{score}/{name}_d{delta:.2f}"


def daily_of(made: Path, key: tuple[Any, ...]) -> pd.DataFrame:
    """Returns by day of the portfolio and of its benchmark, from their values."""
    nav = pd.read_parquet(folder_of(made, key) / "nav.parquet")
    own = nav.nav / nav.nav.shift(fill_value=1.0) - 1
    against = nav.benchmark_nav / nav.benchmark_nav.shift(fill_value=1.0) - 1
    return pd.DataFrame(
        {
            "date": pd.to_datetime(nav.date),
            "absolute": own,
            "hedged": own - against,
            "turnover": nav.turnover,
        }
    )


def deepest(returns: Any) -> float:
    value = (1 + returns).cumprod()
    return float((value / value.cummax().clip(lower=1) - 1).min())


def grown(returns: Any, days: int) -> float:
    return float((1 + returns).prod() ** (YEAR / days) - 1)


def points(made: Path) -> list[tuple[Any, ...]]:
    return list(table(made, "enhanced_summary")[KEYS].itertuples(index=False, name=None))


def test_the_figures_are_what_the_daily_values_come_to(enhanced: Path) -> None:
    seen = 0
    for key in points(enhanced):
        figure = table(enhanced, FIGURES[key[:3]])
        assert figure["delta"].tolist() == [0.02, 0.2]
        row = figure[figure["delta"] == key[3]].iloc[0]
        daily = daily_of(enhanced, key)
        told = {"avgto": daily.turnover.dropna()[1:].mean()}
        for side in ("hedged", "absolute"):
            returns = daily[side]
            told[f"{side}_annual_pct"] = 100 * grown(returns, len(returns))
            told[f"{side}_volatility_pct"] = 100 * returns.std() * YEAR**0.5
            told[f"{side}_max_drawdown_pct"] = 100 * deepest(returns)
            for year, part in returns.groupby(daily.date.dt.year):
                told[f"{side}_{year}_pct"] = 100 * ((1 + part).prod() - 1)
                if side == "hedged":
                    told[f"hedged_volatility_{year}_pct"] = 100 * part.std() * YEAR**0.5
                    told[f"hedged_max_drawdown_{year}_pct"] = 100 * deepest(part)
        for name, value in told.items():
            assert row[name] == pytest.approx(value, rel=1e-6, abs=1e-9), (key, name)
            seen += 1
        assert set(row.index) == {"delta", *told}
    assert seen == 16 * 15


def test_the_layout_is_the_papers(enhanced: Path) -> None:
    ours, theirs = table(enhanced, "fig18_csi300"), paper_table("fig18_csi300")
    years = ("_2017_", "_2018_", "_2019_", "_2020_", "_2021_", "_2022_")
    columns = [name for name in theirs.columns if not any(year in name for year in years)]
    assert [name for name in ours.columns if name in columns] == columns[:-1]
    paper = table(enhanced, "paper_fig18_csi300")
    assert paper["delta"].tolist() == [0.2]
    own = theirs[theirs["delta"] == "0.20"].iloc[0]
    assert paper["hedged_annual_pct"].tolist() == [own["hedged_annual_pct"]]


def test_the_paper_stands_beside_its_own_limits_only() -> None:
    ours = pd.DataFrame({"delta": ["0.10", "0.25"]})
    twin = paper_figure("000905", 0.8, 0.05, ours)
    assert twin is not None
    assert twin["delta"].tolist() == ["0.10"]
    assert paper_figure("000905", 0.8, 0.06, ours) is None
    assert paper_figure("000905", 0.7, 0.05, ours) is None
    assert paper_figure("000852", 0.8, 0.05, ours) is None
    assert paper_figure("000905", 0.8, 0.05, ours[1:]) is None


def test_the_summary_is_what_the_decisions_and_the_results_say(enhanced: Path) -> None:
    summary = table(enhanced, "enhanced_summary")
    assert len(summary) == len(points(enhanced)) == 16
    for _, row in summary.iterrows():
        key = tuple(row[KEYS])
        place = folder_of(enhanced, key)
        decided = pd.read_parquet(place / "decisions.parquet")
        told = json.loads((place / "summary.json").read_text())
        daily, results = daily_of(enhanced, key), told["results"]
        wanted = {
            "te_limit_pct": 100 * GRID.indices[key[1]],
            "ex_ante_te_pct": 100 * decided.ex_ante_te.mean(),
            "ex_post_te_pct": 100 * daily.hedged.std() * YEAR**0.5,
            "relative_annual_pct": 100 * grown(daily.hedged, len(daily)),
            "relative_volatility_pct": 100 * daily.hedged.std() * YEAR**0.5,
            "relative_max_drawdown_pct": 100 * deepest(daily.hedged),
            "absolute_annual_pct": 100 * grown(daily.absolute, len(daily)),
            "constituents_pct": 100 * decided.constituents.mean(),
            "covered_benchmark_pct": 100 * decided.covered_benchmark.mean(),
            "signals": len(decided),
            "relaxed_dates": (decided.status == "relaxed").sum(),
            "failed_dates": (decided.status == "failed").sum(),
            "held_signals": decided.status.isin(["held", "failed"]).sum(),
            "largest_violation": decided.violation.max(),
            "information_ratio": results["information_ratio"],
            "cost_pct_a_year": 100 * results["cost_a_year"],
            "mean_names": results["mean_names"],
            "blocked_buys": sum(results["trading"]["blocked_buys"].values()),
            "blocked_sells": sum(results["trading"]["blocked_sells"].values()),
        }
        for name, value in wanted.items():
            assert row[name] == pytest.approx(value, rel=1e-6, abs=1e-12), (key, name)
    assert summary.largest_violation.max() < 1e-6
    assert summary.relaxed_dates.sum() > 5
    assert summary[summary.score == "a"].held_signals.tolist() == [2] * 8


def test_what_gave_way_is_what_the_decisions_say(enhanced: Path) -> None:
    told = table(enhanced, "relaxations")
    frames = []
    for key in points(enhanced):
        decided = pd.read_parquet(folder_of(enhanced, key) / "decisions.parquet")
        own = decided[decided.status != "solved"]
        frames.append(own.assign(**dict(zip(KEYS, key, strict=True))))
    wanted = pd.concat(frames, ignore_index=True)
    assert len(told) == len(wanted) > 20
    for name in (*KEYS, "status", "reason"):
        assert told[name].tolist() == wanted[name].tolist()
    assert told.date.tolist() == wanted.date.astype(str).tolist()
    relaxed = (told.status == "relaxed").to_numpy()
    for name in SLACKS:
        ours = told[f"slack_{name}"].to_numpy(dtype=float)
        np.testing.assert_allclose(
            ours[relaxed], wanted[f"slack_{name}"][relaxed], rtol=1e-6, atol=1e-12
        )
        assert np.isnan(ours[~relaxed]).all()
    assert (told.slack_turnover[relaxed] > 0).all()


def test_tracking_errors_by_date(enhanced: Path) -> None:
    told = table(enhanced, "tracking_error")
    later = 0
    for key, own in told.groupby(KEYS):
        decided = pd.read_parquet(folder_of(enhanced, key) / "decisions.parquet")
        assert own.date.tolist() == decided.date.astype(str).tolist()
        np.testing.assert_allclose(own.ex_ante_te_pct, 100 * decided.ex_ante_te, rtol=1e-6)
        daily = daily_of(enhanced, key)
        rolling = 100 * daily.hedged.rolling(60).std() * YEAR**0.5
        rolling.index = daily.date.astype(str)
        wanted = rolling.reindex(own.date).to_numpy()
        np.testing.assert_allclose(own.ex_post_te_pct, wanted, rtol=1e-6)
        later += int(np.isfinite(wanted).sum())
    assert later > 100


def test_exposures_are_those_of_the_shown_limit(enhanced: Path) -> None:
    told = table(enhanced, "active_exposures")
    assert set(told["delta"]) == {0.2}
    for key, own in told.groupby(KEYS):
        wanted = pd.read_parquet(folder_of(enhanced, key) / "active_exposures.parquet")
        assert own.factor.tolist() == wanted.factor.tolist()
        for name in ("portfolio", "benchmark"):
            np.testing.assert_allclose(own[name], wanted[name], rtol=1e-6, atol=1e-9)
        size = own[own.factor == "size"]
        assert (size.portfolio - size.benchmark).abs().max() <= 0.3 + 1e-6


def test_the_front_page_has_ours_and_the_papers(enhanced: Path) -> None:
    told = table(enhanced, "front_page")
    ours, paper = (told[told.source == name] for name in ("measured", "paper"))
    assert len(ours) == 8
    for _, row in ours.iterrows():
        figure = table(enhanced, FIGURES[tuple(row[KEYS[:3]])])
        own = figure[figure["delta"] == 0.2].iloc[0]
        for name in ("annual", "2020", "2021", "volatility", "max_drawdown"):
            assert row[f"hedged_{name}_pct"] == own[f"hedged_{name}_pct"]
        ratio = own.hedged_annual_pct / own.hedged_volatility_pct
        assert row.information_ratio == pytest.approx(ratio, rel=1e-6)
    # CSI500 was run at 6 %, of which the paper has nothing.
    assert paper[["index", "floor"]].to_numpy().tolist() == [["000300", 0.0], ["000300", 0.8]]
    assert paper.hedged_annual_pct.tolist() == [10.7, 11.9]
    assert paper.score.isna().all()
    assert paper.information_ratio.iloc[0] == pytest.approx(10.7 / 5.0)
    assert paper.solved.iloc[0] == "hedged_2021"
    assert not [name for name in told.columns if "volatility_2" in name]


def test_the_paper_stands_on_the_front_page_once_and_only_if_asked_for() -> None:
    one = enhanced_by_hand()
    assert front_page_table([one], paper=False).source.tolist() == ["measured"]
    assert front_page_table([one], paper=True).source.tolist() == ["measured", "paper"]
    others: list[dict[str, Any]]
    others = [{"index": "mine"}, {"tracking_error": 0.05}, {"floor": 0.7}, {"delta": 0.25}]
    for other in others:
        strange = replace(one, point=replace(one.point, **other))
        assert front_page_table([strange], paper=True).source.tolist() == ["measured"]
    both = [one, replace(one, point=replace(one.point, score="b"))]
    told = front_page_table(both, paper=True)
    assert told.source.tolist() == ["measured", "measured", "paper"]


def enhanced_by_hand() -> Enhanced:
    relative = SimpleNamespace(annual_return=0.1, volatility=0.05, max_drawdown=-0.02, years={})
    results: Any = SimpleNamespace(relative=relative, information_ratio=2.0)
    point = EnhancedPoint("a", "000300", 0.04, 0.0, 0.2)
    generator = np.random.default_rng(0)
    facts: list[dict[str, Any]]
    facts = [{}, {"status": "solved", "ex_ante_te": 0.03}, {"status": "failed", "reason": "none"}]
    rows = np.arange(3, 90)
    return Enhanced(
        point, results, np.array([0, 61, 70]), facts, rows, generator.normal(0, 0.01, len(rows))
    )


def test_by_hand() -> None:
    own = enhanced_by_hand()
    dates = np.datetime64("2024-01-01") + np.arange(100)
    assert own.statuses == ["held", "solved", "failed"]
    assert own.mean("ex_ante_te") == 0.03
    assert np.isnan(own.mean("turnover"))
    told = relaxation_table([own], dates)
    assert told.status.tolist() == ["held", "failed"]
    assert told.reason.tolist() == ["", "none"]
    assert relaxation_table([], dates).columns.tolist() == told.columns.tolist()
    errors = tracking_error_table([own], dates, YEAR)
    # Row 61 is the 59th day since the first trade.
    assert errors.ex_post_te_pct.isna().tolist() == [True, True, False]
    wanted = 100 * own.relative[8:68].std(ddof=1) * YEAR**0.5
    assert errors.ex_post_te_pct[2] == pytest.approx(wanted)
    assert exposure_table([own], dates).empty
