import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from alpha_lightning.artefacts.dated_table import METADATA_KEY
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.backtest.holdings_profile import Profile
from alpha_lightning.backtest.ledger import Holdings
from alpha_lightning.backtest.result_folder import plain, read_summary, write_result
from alpha_lightning.backtest.results import measure
from alpha_lightning.backtest.settings import Conventions
from alpha_lightning.portfolio.policy import Hold
from tests.backtest.results_ledgers import (
    AGAINST,
    RETURNS,
    small_benchmark,
    small_ledger,
    small_market,
    trades,
)

ABOUT = {"name": "top2", "settings": {"names": 2, "costs": {"buy": 0.001}}, "scores": "a.parquet"}
FILES = ["holdings.parquet", "nav.parquet", "summary.json", "trades.parquet"]


def write(folder: Path, rule: Conventions | None = None, **changes: Any) -> Path:
    ledger, market, benchmark = small_ledger(**changes), small_market(), small_benchmark()
    results = measure(ledger, market, benchmark, profile=Profile(0.5, float("nan"), 1.0))
    results = replace(results, warnings=("Prices are odd.",))
    return write_result(folder, ledger, market, benchmark, results, ABOUT, conventions=rule)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "result")


def test_daily_values(folder: Path) -> None:
    table = pd.read_parquet(folder / "nav.parquet")
    assert table["date"].dt.strftime("%Y-%m-%d").tolist() == [
        *("2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05"),
    ]
    assert table["value"].tolist() == pytest.approx([99, 108.9, 98.01, 107.811])
    assert table["nav"].tolist() == pytest.approx([0.99, 1.089, 0.9801, 1.07811])
    assert table["benchmark_nav"].tolist() == pytest.approx([1, 1.05, 0.9975, 1.047375])
    relative = np.cumprod(1 + np.array(RETURNS) - AGAINST)
    np.testing.assert_allclose(table["relative_nav"], relative)
    np.testing.assert_allclose(table["relative_return"], np.array(RETURNS) - AGAINST)
    assert table["turnover"].isna().tolist() == [False, True, False, True]
    assert table["names"].tolist() == [2, 2, 1, 0]
    books = table["gain"] + table["dividends"] - table["cost"]
    before = table["value"].shift(fill_value=100)
    np.testing.assert_allclose(before + books, table["value"])


def test_relative_values_follow_the_convention(tmp_path: Path) -> None:
    folder = write(tmp_path / "ratio", Conventions(relative="ratio"))
    table = pd.read_parquet(folder / "nav.parquet")
    np.testing.assert_allclose(table["relative_nav"], table["nav"] / table["benchmark_nav"])


def test_trades_done_blocked_and_in_part(folder: Path) -> None:
    table = pd.read_parquet(folder / "trades.parquet")
    assert table["side"].tolist() == ["buy"] * 3 + ["sell"] * 2 + ["buy", "delisting"]
    assert table["status"].tolist() == [
        *("filled", "blocked", "partial", "filled", "blocked", "blocked", "filled"),
    ]
    assert table["reason"].tolist() == [
        *("", "limit up", "participation", "", "suspended", "no slot", "delisted"),
    ]
    assert table["symbol"].tolist() == ["A", "B", "C", "C", "A", "B", "A"]
    assert table["value"].tolist() == [50, 0, 10, 10, 0, 0, 25]
    assert table["signal_date"].isna().tolist() == [False] * 6 + [True]
    assert str(table["signal_date"][3].date()) == "2020-12-31"
    assert table["fee"].sum() + table["duty"].sum() + table["impact"].sum() == 1.5
    assert np.isnan(table["price"][4])


def test_holdings_of_every_day(folder: Path) -> None:
    table = pl.read_parquet(folder / "holdings.parquet")
    assert table.columns == ["date", "symbol", "shares", "price", "value", "weight"]
    assert table["symbol"].to_list() == ["A", "C", "A", "C", "A"]
    assert table["weight"].to_list() == pytest.approx(
        [50 / 99, 10 / 99, 50 / 108.9, 10 / 108.9, 50 / 98.01]
    )


def test_the_three_tables_tell_the_same_value(folder: Path) -> None:
    nav = pd.read_parquet(folder / "nav.parquet").set_index("date")
    held = pd.read_parquet(folder / "holdings.parquet").groupby("date")["value"].sum()
    worth = held.reindex(nav.index, fill_value=0.0)
    np.testing.assert_allclose(nav["cash"] + worth, nav["value"])


def test_the_summary(folder: Path) -> None:
    found = read_summary(folder)
    assert found["kind"] == "backtest"
    assert (found["first"], found["last"]) == ("2020-12-30", "2021-01-05")
    assert found["settings"] == ABOUT["settings"]
    assert (found["benchmark"], found["conventions"]["year"]) == ("flat", 243)
    results = found["results"]
    assert results["absolute"]["years"]["2020"]["total_return"] == pytest.approx(0.089)
    assert results["trading"]["blocked_buys"] == {"limit up": 1, "no slot": 1}
    assert results["profile"] == {"size": 0.5, "liquidity": None, "coverage": 1.0}
    assert found["warnings"] == ["Prices are odd."]
    assert "numpy" in found["software"]
    assert "warnings" not in results
    for name in ("nav", "trades", "holdings"):
        about = json.loads(pq.read_schema(folder / f"{name}.parquet").metadata[METADATA_KEY])
        assert about == {"kind": "backtest", "name": "top2", "table": name}


def test_the_same_backtest_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write(tmp_path / "again")
    assert sorted(file.name for file in again.iterdir()) == FILES
    for name in FILES:
        assert (folder / name).read_bytes() == (again / name).read_bytes()


def test_a_portfolio_that_holds_nothing_is_written(tmp_path: Path) -> None:
    empty = np.empty(0, dtype=np.intp)
    nothing = Holdings(empty, empty, np.empty(0), np.empty(0))
    folder = write(tmp_path / "empty", holdings=nothing, trades=trades())
    for name in ("trades", "holdings"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        assert len(table) == 0
        assert str(table["symbol"].dtype) in {"object", "str", "string"}


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(ArtefactError, match="the disk is full"):
        write(tmp_path / "deep" / "result")
    assert list(tmp_path.iterdir()) == []


def test_a_result_is_replaced_only_when_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="--overwrite true"):
        write(folder)
    ledger, market, benchmark = small_ledger(), small_market(), small_benchmark()
    results = measure(ledger, market, benchmark)
    write_result(folder, ledger, market, benchmark, results, {"name": "new"}, overwrite=True)
    assert read_summary(folder)["name"] == "new"
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "letter.txt").write_text("dear")
    with pytest.raises(ArtefactError, match=r"no summary\.json"):
        write_result(theirs, ledger, market, benchmark, results, ABOUT, overwrite=True)
    assert (theirs / "letter.txt").read_text() == "dear"


def test_decisions_of_an_enhanced_index_stand_beside_it(tmp_path: Path) -> None:
    ledger, market, benchmark = small_ledger(), small_market(), small_benchmark()
    results = measure(ledger, market, benchmark)
    facts = {"status": "relaxed", "reason": "turnover by 0.1", "slack_turnover": 0.1}
    facts |= {"exposure": {"size": 0.5}, "benchmark_exposure": {"size": 0.25}, "ex_ante_te": 0.04}
    decisions = [(0, Hold("no scores")), (2, Hold("none", facts))]
    out = tmp_path / "out"
    write_result(out, ledger, market, benchmark, results, ABOUT, decisions=decisions)
    assert sorted(file.name for file in out.iterdir()) == sorted(
        [*FILES, "active_exposures.parquet", "decisions.parquet"]
    )
    table = pd.read_parquet(out / "decisions.parquet")
    assert table["date"].dt.strftime("%Y-%m-%d").tolist() == ["2020-12-29", "2020-12-31"]
    assert table["status"].tolist() == ["held", "relaxed"]
    assert table["slack_turnover"].tolist()[1] == 0.1
    exposures = pd.read_parquet(out / "active_exposures.parquet")
    assert exposures.drop(columns="date").to_dict("records") == [
        {"factor": "size", "portfolio": 0.5, "benchmark": 0.25}
    ]
    told = read_summary(out)["enhanced"]
    assert told["ex_post_te"] == results.relative.volatility
    assert told["relaxed"] == {"turnover": 1}


def test_decisions_without_facts_leave_no_table(tmp_path: Path) -> None:
    ledger, market, benchmark = small_ledger(), small_market(), small_benchmark()
    results = measure(ledger, market, benchmark)
    held = [(0, Hold("no scores"))]
    out = write_result(tmp_path / "out", ledger, market, benchmark, results, ABOUT, decisions=held)
    assert sorted(file.name for file in out.iterdir()) == FILES
    assert "enhanced" not in read_summary(out)


def test_what_is_no_backtest_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="is not a backtest"):
        read_summary(tmp_path)
    (folder / "summary.json").write_text("{")
    with pytest.raises(ArtefactError, match="damaged"):
        read_summary(folder)
    (folder / "summary.json").write_text('{"kind": "study"}')
    with pytest.raises(ArtefactError, match="is not of a backtest"):
        read_summary(folder)


def test_json_has_no_nan() -> None:
    values = {1: float("nan"), "b": (np.float64(2), np.int64(3), float("inf"), None, True)}
    assert plain(values) == {"1": None, "b": [2.0, 3, None, None, True]}
    assert plain(np.array([1.5, np.nan])) == [1.5, None]
    assert plain(Profile(1.0, float("nan"), 0.5)) == {"size": 1, "liquidity": None, "coverage": 0.5}
