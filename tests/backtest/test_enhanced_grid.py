"""Index-enhanced portfolios from score files to a folder of tables and results."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.backtest import enhanced_run
from alpha_lightning.backtest.enhanced_grid import run_enhanced
from alpha_lightning.backtest.enhanced_points import OTHER_TABLES
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid, LimitSettings
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from tests.backtest.enhanced_grid_market import (
    GRID,
    inputs_of,
    market_tables,
    risk_of,
    table,
    two_scores,
)
from tests.backtest.policies_market import after, drawn, ingested, score_file

ONE = replace(GRID, indices={"000300": 0.04}, floors=[0.0], deltas=[0.2])


def files_of(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def about(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "enhanced.json").read_text())
    return told


def test_every_portfolio_has_its_result_and_its_rows(enhanced: Path) -> None:
    tables = {path.stem for path in (enhanced / "tables").iterdir()}
    firsts = {"fig18_csi300", "fig19_csi300_80", "fig20_csi500", "fig21_csi500_80"}
    seconds = {"csi300_b", "csi300_80_b", "csi500_b", "csi500_80_b"}
    # Of CSI500 the paper has another tracking error.
    papers = {"paper_fig18_csi300", "paper_fig19_csi300_80"}
    assert tables == {*firsts, *seconds, *papers, *OTHER_TABLES}
    results = {str(path.parent.relative_to(enhanced)) for path in enhanced.glob("*/*/summary.json")}
    assert results == {
        f"{score}/{index}{floor}_d{delta}"
        for score in "ab"
        for index in ("csi300", "csi500")
        for floor in ("", "_80")
        for delta in ("0.02", "0.20")
    }
    for place in results:
        assert (enhanced / place / "decisions.parquet").is_file()
        assert (enhanced / place / "active_exposures.parquet").is_file()
    told = about(enhanced)
    assert (told["kind"], told["signals"], told["traded_at"]) == ("enhanced", 23, "vwap")
    assert [score["name"] for score in told["scores"]] == ["a", "b"]
    assert {figure["table"] for figure in told["figures"]} == firsts | seconds
    assert told["risk"]["settings"]["kind"] == "simple"
    assert told["settings"]["policy"]["style"] == 0.3
    nav = table(enhanced, "enhanced_nav")
    assert (told["period"]["first"], told["period"]["last"]) == (nav.date.min(), nav.date.max())


def test_what_a_reader_must_know_is_told_once(enhanced: Path) -> None:
    told = about(enhanced)
    assert told["benchmarks"] == {
        "000300": {"name": "000300", "total_return": False},
        "000905": {"name": "000905 with dividends", "total_return": True},
    }
    warnings = told["warnings"]
    assert len(warnings) == len(set(warnings))
    relaxed = int((table(enhanced, "relaxations").status == "relaxed").sum())
    assert warnings[0].startswith(f"On {relaxed} of {16 * 23} signals of all ")
    whole = [text for text in warnings if "The panel has no level of 000905" in text]
    assert len(whole) == 1
    assert whole[0].startswith("CSI500 free of a, CSI500 80 % of a, CSI500 free of b, CSI500 80 %")
    silent = [text for text in warnings if "no scores" in text]
    assert len(silent) == 1
    assert " of b" not in silent[0].partition(":")[0]


def test_a_portfolio_is_the_same_alone_as_in_the_grid(enhanced: Path, tmp_path: Path) -> None:
    given = inputs_of(enhanced)
    given["scores"] = given["scores"][1:]
    out = run_enhanced(**given, out=str(tmp_path / "one"), settings=ONE)
    for name in ("nav", "trades", "holdings", "decisions", "active_exposures"):
        file = f"b/csi300_d0.20/{name}.parquet"
        assert (out / file).read_bytes() == (enhanced / file).read_bytes()
    # Of the first score, it has the paper's figure.
    assert {path.stem for path in (out / "tables").iterdir()} == {"fig18_csi300", *OTHER_TABLES}
    assert not [text for text in about(out)["warnings"] if "CSI300 free" in text]


def test_the_same_grid_gives_the_same_bytes(enhanced: Path, tmp_path: Path) -> None:
    given = inputs_of(enhanced)
    places = [str(tmp_path / name) for name in ("one", "two")]
    one, two = (run_enhanced(**given, out=out, settings=ONE) for out in places)
    assert files_of(one) == files_of(two)


def test_nothing_is_half_written_and_nothing_replaced_unasked(
    enhanced: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, given = files_of(enhanced), inputs_of(enhanced)
    with pytest.raises(ArtefactError, match="exists: choose another path"):
        run_enhanced(**given, out=str(enhanced), settings=ONE)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(enhanced_run, "write_result", full)
    siblings = sorted(path.name for path in enhanced.parent.iterdir())
    with pytest.raises(ArtefactError, match="the disk is full"):
        run_enhanced(**given, out=str(enhanced), settings=ONE, overwrite=True)
    assert files_of(enhanced) == before
    assert sorted(path.name for path in enhanced.parent.iterdir()) == siblings


def test_no_index_is_refused(enhanced: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"indices is empty: name an index and its tracking error"):
        run_enhanced(**inputs_of(enhanced), out=str(tmp_path / "p"), settings=EnhancedGrid())


def test_where_nothing_can_be_found_it_is_told(enhanced: Path, tmp_path: Path) -> None:
    # A stranger's stocks may not be held at all, and the first purchase may not give way.
    limits = LimitSettings(active=0.0, relax=[])
    floor = replace(ONE, floors=[0.0], policy=limits, indices={"000300": 0.0})
    given = inputs_of(enhanced) | {"scores": inputs_of(enhanced)["scores"][1:]}
    out = run_enhanced(**given, out=str(tmp_path / "p"), settings=floor)
    row = table(out, "enhanced_summary").iloc[0]
    told = table(out, "relaxations")
    assert row["failed_dates"] == (told.status == "failed").sum() > 0
    assert told.loc[told.status == "failed", "reason"].str.len().min() > 5
    assert told.loc[told.status == "failed", "slack_turnover"].isna().all()
    words = f"On {row['failed_dates']} of 23 signals of all index-enhanced portfolios no portfolio"
    assert any(text.startswith(words) for text in about(out)["warnings"])
    own = pd.read_parquet(out / "b/csi300_d0.20/decisions.parquet")
    assert (own.status == "failed").sum() == row["failed_dates"]


def test_no_row_depends_on_a_later_date(enhanced: Path, tmp_path: Path) -> None:
    given = inputs_of(enhanced)
    old = Panel.open(given["panel"])
    row = int(signal_rows(old.dates)[22])
    date = old.dates[row].item()
    tables = market_tables(tmp_path / "vendor")
    noise = pl.Series(np.exp(np.random.default_rng(1).normal(0, 0.1, tables["daily"].height)))
    prices = ("open", "high", "low", "close", "vwap", "amount", "total_cap", "float_cap")
    found = [name for name in prices if name in tables["daily"].columns]
    daily = tables["daily"].with_columns(after(date, lambda column: column * noise, *found))
    new = ingested(tables | {"daily": daily}, tmp_path / "own")
    two_scores(new, tmp_path / "scores")
    values = drawn(new, 2)
    values[: row + 1] = drawn(new, 1)[: row + 1]
    score = score_file(new, values, tmp_path / "scores/b.parquet")
    settings = replace(GRID, floors=[0.8], deltas=[0.2])
    risk = risk_of(new, tmp_path)
    out = run_enhanced(str(new.path), risk, [score], str(tmp_path / "out"), settings)
    for name in ("enhanced_nav", "tracking_error", "active_exposures", "relaxations"):
        parts = []
        for whole in (table(enhanced, name), table(out, name)):
            of = (whole.score == "b") & (whole.floor == 0.8) & (whole.delta == 0.2)
            parts.append(whole[of].reset_index(drop=True))
        early = [part[part.date <= str(date)] for part in parts]
        keys = ["index", "date"]
        one, other = (part.reset_index(drop=True) for part in early)
        # A column of whole numbers is read as such.
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
        assert name == "relaxations" or len(early[0].drop_duplicates(keys)) > 10
        assert name == "relaxations" or not parts[0].equals(parts[1])
    months = [table(folder, "risk_r_squared") for folder in (enhanced, out)]
    first = [one[one.date < f"{date:%Y-%m}"] for one in months]
    pd.testing.assert_frame_equal(*first)
    assert len(first[0]) >= 4
