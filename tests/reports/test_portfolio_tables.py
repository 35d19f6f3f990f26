from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.reports.portfolio_folder import PortfolioFolder, read_portfolios
from alpha_lightning.reports.portfolio_tables import (
    ANSWER,
    accounts_text,
    all_rows,
    answer_rows,
    measure_blocks,
    portfolio_text,
)
from tests.reports.portfolio_folder_numbers import Portfolios, write_portfolios


@pytest.fixture
def folder(tmp_path: Path) -> PortfolioFolder:
    read = read_portfolios(write_portfolios(tmp_path, Portfolios(scores=("RCTv1", "gru"))))
    assert read is not None
    return read


def with_summary(folder: PortfolioFolder, summary: Any) -> PortfolioFolder:
    return replace(folder, tables={**folder.tables, "portfolio_summary": summary})


def test_the_answer_is_what_was_earned_at_the_shown_delta(folder: PortfolioFolder) -> None:
    rows = dict(answer_rows(folder))
    assert list(rows) == [f"TOP-{n} of {s}" for s in ("RCTv1", "gru") for n in (100, 300)]
    columns = [column for part in ANSWER.values() for _, column, _ in part]
    cells = dict(zip(columns, rows["TOP-100 of gru"], strict=True))
    assert cells["absolute_annual_pct"] == "25.0"
    assert cells["relative_max_drawdown_pct"] == "−9.6"
    assert cells["information_ratio"] == "4.12"
    # 0.2 of the names, and not another delta's.
    assert cells["avgto"] == "0.22"


def test_measures_that_nobody_wrote_are_left_out(folder: PortfolioFolder) -> None:
    names, blocks = measure_blocks(folder)
    assert len(names) == 4
    assert dict(blocks[1][1])["purchases blocked"] == [("1,234", "")] * 4
    unknown = ["size_percentile", "liquidity_percentile"]
    fewer = with_summary(folder, folder.summary.drop(columns=unknown))
    told = [name for name, _ in measure_blocks(fewer)[1][0][1]]
    assert told == ["stocks held", "cash, %", "universe with a score, %"]
    nowhere = with_summary(folder, folder.summary.assign(size_percentile=float("nan")))
    assert "size percentile" not in dict(measure_blocks(nowhere)[1][0][1])
    bare = with_summary(folder, folder.summary[["score", "names", "delta"]])
    assert measure_blocks(bare)[1] == []
    assert set(answer_rows(bare)[0][1]) == {"–"}


def test_every_portfolio_is_a_row_of_text(folder: PortfolioFolder) -> None:
    header, rows = all_rows(folder.summary)
    assert len(rows) == 28
    assert header[:5] == ["score", "names", "delta", "avgto", "absolute annual, %"]
    row = dict(zip(header, rows[0], strict=True))
    assert row["score"] == "RCTv1"
    assert row["delta"] == "0.05"
    assert row["blocked buys"] == "1,234"
    assert row["cost, % a year"] == "3.3"
    assert row["largest residual"] == "3e-15"


def test_the_accounts_are_told_when_they_were_counted(folder: PortfolioFolder) -> None:
    folder.summary.loc[3, "largest_residual"] = 2e-13
    assert "to 2e-13 of value" in accounts_text(folder.summary)
    assert accounts_text(folder.summary.drop(columns="largest_residual")) == ""


def test_the_text_for_a_terminal_is_in_columns(folder: PortfolioFolder) -> None:
    lines = portfolio_text(folder).splitlines()
    assert lines[0] == "portfolios at delta 0.20 after cost: % a year"
    assert len({len(line) for line in lines[1:]}) == 1
    told = "TOP-100 of RCTv1 25.0 (−27.4) 26.0 (−9.6) 4.12 0.22 3.3"
    assert lines[2].split() == told.split()
