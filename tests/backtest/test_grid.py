"""A grid of portfolios from score files to a folder of tables and results."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.backtest import grid_run
from alpha_lightning.backtest.grid import run_portfolios
from alpha_lightning.backtest.grid_settings import CurveSettings, GridSettings
from alpha_lightning.backtest.settings import ExecutionSettings, SignalSettings
from alpha_lightning.panel.store import Panel
from tests.backtest.grid_scores import random_score
from tests.conftest import random_market

YEAR = 243
NONE = CurveSettings(cost=[], capital=[], delay=[])
GRID = GridSettings(
    names=[5, 10, 15],
    delta=[0.2, 1.0],
    curves=CurveSettings(cost=[0, 1, 3], capital=[1e8, 1e10], participation=0.05, delay=[1, 4]),
)


@pytest.fixture(scope="module")
def scores(panel_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder, panel = tmp_path_factory.mktemp("scores"), Panel.open(panel_path)
    return [random_score(panel, folder / f"{name}.parquet", k) for k, name in enumerate("ab")]


@pytest.fixture(scope="module")
def made(panel_path: Path, scores: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grid") / "portfolios"
    return run_portfolios(str(panel_path), scores, str(out), settings=GRID)


def table(folder: Path, name: str) -> Any:
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def files_of(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_every_portfolio_has_its_result_and_its_rows(made: Path) -> None:
    tables = {path.stem for path in (made / "tables").iterdir()}
    figures = {"fig16_top5", "fig17_top10", "top15", "top5_b", "top10_b", "top15_b"}
    curves = {"cost_curve", "capacity_curve", "delay_curve"}
    assert tables == {*figures, *curves, "portfolio_summary", "portfolio_nav"}
    results = sorted(str(path.parent.relative_to(made)) for path in made.glob("*/*/summary.json"))
    assert results == [
        f"{score}/top{names}_d{delta}"
        for score in "ab"
        for names in (10, 15, 5)
        for delta in ("0.20", "1.00")
    ]
    about = json.loads((made / "portfolios.json").read_text())
    assert (about["kind"], about["benchmark"]) == ("portfolios", "equal-weighted universe")
    assert {figure["table"] for figure in about["figures"]} == figures
    assert [score["name"] for score in about["scores"]] == ["a", "b"]
    summary = table(made, "portfolio_summary")
    assert summary[["score", "names", "delta"]].to_numpy().tolist() == [
        [score, names, delta] for score in "ab" for names in (5, 10, 15) for delta in (0.2, 1.0)
    ]
    assert summary["largest_residual"].max() < 1e-9


def test_a_portfolio_is_the_same_alone_as_in_the_grid(
    made: Path, panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    alone = GridSettings(names=[10], delta=[1.0], shown=1.0, curves=NONE)
    out = run_portfolios(str(panel_path), scores[1:], str(tmp_path / "one"), settings=alone)
    for name in ("nav", "trades", "holdings"):
        file = f"b/top10_d1.00/{name}.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(out / file), pd.read_parquet(made / file))


def test_the_tables_tell_what_the_daily_values_come_to(made: Path) -> None:
    summary = table(made, "portfolio_summary").set_index(["score", "names", "delta"])
    nav = table(made, "portfolio_nav")
    assert set(nav["delta"]) == {0.2}
    for (score, names), own in nav.groupby(["score", "names"]):
        row = summary.loc[score, names, 0.2]
        for column, side in (("nav", "absolute"), ("relative_nav", "relative")):
            grown = 100 * (own[column].iloc[-1] ** (YEAR / len(own)) - 1)
            assert row[f"{side}_annual_pct"] == pytest.approx(grown, rel=1e-5)
    figure = table(made, "fig17_top10").set_index(["side", "delta"])
    for side in ("absolute", "relative"):
        told = figure.loc[(side, 1.0), "return_annual_pct"]
        assert told == pytest.approx(summary.loc["a", 10, 1.0][f"{side}_annual_pct"])


def test_the_curves_pass_through_the_grid(made: Path) -> None:
    summary = table(made, "portfolio_summary").set_index(["score", "names", "delta"])
    cost, delay = table(made, "cost_curve"), table(made, "delay_curve")
    capacity = table(made, "capacity_curve")
    for curve, here in ((cost, cost.cost_multiple == 1), (delay, delay.delay == 1)):
        for _, row in curve[here].iterrows():
            own = summary.loc[row["score"], row["names"], 0.2]
            assert row["relative_annual_pct"] == own["relative_annual_pct"]
    for _, own in cost.groupby(["score", "names"]):
        assert own["absolute_annual_pct"].is_monotonic_decreasing
    for _, own in capacity.groupby(["score", "names"]):
        assert own["filled_pct"].is_monotonic_decreasing
        assert own["cash_pct"].is_monotonic_increasing
    assert len(cost) == 2 * 3 * 3
    assert len(capacity) == len(delay) == 2 * 3 * 2


def test_the_same_grid_gives_the_same_bytes(
    panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    small = GridSettings(names=[5], delta=[0.2], curves=CurveSettings(capital=[], delay=[2]))
    places = [str(tmp_path / name) for name in ("one", "two")]
    one, two = (run_portfolios(str(panel_path), scores, out, settings=small) for out in places)
    assert files_of(one) == files_of(two)


def test_more_names_than_stocks_are_told_and_stay_cash(
    panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    wide = GridSettings(names=[100], delta=[0.2, 0.35], curves=NONE)
    out = run_portfolios(
        str(panel_path), scores[:1], str(tmp_path / "p"), settings=wide, paper=True
    )
    about = json.loads((out / "portfolios.json").read_text())
    told = [sentence for sentence in about["warnings"] if "fewer than 100 stocks" in sentence]
    assert len(told) == 1
    assert told[0].endswith("the rest of the portfolio is cash.")
    row = table(out, "portfolio_summary").iloc[0]
    assert row["mean_names"] <= 40
    assert row["cash_pct"] > 50
    # Of our limits the paper has one, on both sides.
    assert table(out, "paper_fig16_top100")["delta"].tolist() == [0.2, 0.2]


def test_a_delay_beyond_the_last_day_has_no_point(
    panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    curves = CurveSettings(cost=[], capital=[], delay=[1, 5000])
    late = GridSettings(names=[5], delta=[0.2], curves=curves)
    out = run_portfolios(str(panel_path), scores[:1], str(tmp_path / "p"), settings=late)
    assert table(out, "delay_curve")["delay"].tolist() == [1]
    assert not (out / "tables" / "cost_curve.csv").exists()
    never = GridSettings(
        names=[5], delta=[0.2], curves=NONE, execution=ExecutionSettings(delay=5000)
    )
    with pytest.raises(UserError, match="no signal led to a trade"):
        run_portfolios(str(panel_path), scores[:1], str(tmp_path / "q"), settings=never)
    assert not (tmp_path / "q").exists()


def test_nothing_is_half_written_and_nothing_replaced_unasked(
    made: Path, panel_path: Path, scores: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(made)
    with pytest.raises(ArtefactError, match="exists: choose another path"):
        run_portfolios(str(panel_path), scores, str(made), settings=GRID)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(grid_run, "write_result", full)
    with pytest.raises(ArtefactError, match="the disk is full"):
        run_portfolios(str(panel_path), scores, str(made), settings=GRID, overwrite=True)
    assert files_of(made) == before
    assert [path.name for path in made.parent.iterdir()] == ["portfolios"]


def test_scores_are_told_apart_by_their_files(
    panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="scores a, a: two files have the same name"):
        run_portfolios(str(panel_path), [scores[0], scores[0]], str(tmp_path / "p"), GRID)
    with pytest.raises(UserError, match="names is empty: say how many stocks"):
        run_portfolios(str(panel_path), scores, str(tmp_path / "p"), GridSettings())


def test_no_day_of_the_grid_depends_on_a_later_one(
    made: Path, panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    dates = Panel.open(panel_path).dates
    cut = SignalSettings(end=str(dates[700]))
    short = GridSettings(names=[5], delta=[0.2], curves=NONE, signals=cut)
    out = run_portfolios(str(panel_path), scores[:1], str(tmp_path / "p"), settings=short)
    whole, part = (pd.read_parquet(f / "a/top5_d0.20/nav.parquet") for f in (made, out))
    assert np.datetime64(part["date"].iloc[-1], "D") <= dates[700]
    assert len(part) > 80
    pd.testing.assert_frame_equal(part, whole.iloc[: len(part)])


def test_a_score_may_be_called_tables(panel_path: Path, scores: list[str], tmp_path: Path) -> None:
    score = tmp_path / "tables.parquet"
    score.write_bytes(Path(scores[0]).read_bytes())
    settings = GridSettings(names=[5], delta=[0.2], curves=NONE)
    out = run_portfolios(str(panel_path), [str(score)], str(tmp_path / "out"), settings)
    assert (out / "tables/top5_d0.20/summary.json").is_file()
    assert len(table(out, "portfolio_summary")) == 1


def test_it_is_told_where_trades_are_done_at_the_close(tmp_path: Path) -> None:
    made = random_market(80, 12)
    for lacking, price in ((0.0, "vwap"), (0.5, "close")):
        gone = np.random.default_rng(3).random(made.vwap.shape) < lacking
        panel = replace(made, vwap=np.where(gone, np.nan, made.vwap)).write(tmp_path / price)
        score = random_score(panel, tmp_path / price / "a.parquet", 1, slice(20, 70))
        settings = GridSettings(names=[3], delta=[0.2], curves=NONE)
        out = run_portfolios(str(panel.path), [score], str(tmp_path / price / "out"), settings)
        assert json.loads((out / "portfolios.json").read_text())["traded_at"] == price


def test_limits_that_exchange_no_name_are_told(
    panel_path: Path, scores: list[str], tmp_path: Path
) -> None:
    settings = GridSettings(names=[4, 10], delta=[0, 0.05, 0.1, 0.2], curves=NONE)
    out = run_portfolios(str(panel_path), scores[:1], str(tmp_path / "out"), settings)
    told = json.loads((out / "portfolios.json").read_text())["warnings"]
    assert told[0] == "A delta of 0.05, 0.1 exchanges none of 4 names: round(delta x N) is 0."
    assert not [sentence for sentence in told if "of 10 names" in sentence]
