from dataclasses import replace
from pathlib import Path

import pandas as pd

from alpha_lightning.reports import enhanced_limits as limits
from alpha_lightning.reports.enhanced_folder import EnhancedFolder, read_enhanced
from tests.reports.enhanced_folder_numbers import Enhanced, write_enhanced


def folder(path: Path, **changes: object) -> EnhancedFolder:
    given = {"indices": ("000300",), "years": (2021, 2022)} | changes
    found = read_enhanced(write_enhanced(path, Enhanced(**given)))  # type: ignore[arg-type]
    assert found is not None
    return found


def with_table(read: EnhancedFolder, name: str, table: pd.DataFrame) -> EnhancedFolder:
    return replace(read, tables={**read.tables, name: table})


def test_no_row_is_every_limit_kept(tmp_path: Path) -> None:
    read = folder(tmp_path, relaxed=0)
    count = 8 * int(read.summary["signals"].iloc[0])
    assert limits.kept_text(read) == (
        f"Every limit was kept on all {count:,} signal dates of 8 portfolios."
    )
    assert limits.relaxation_rows(read) == ([], 0)
    alone = with_table(read, "enhanced_summary", read.summary.drop(columns="signals"))
    assert limits.kept_text(alone) == "Every limit was kept on all signal dates."


def test_what_gave_way_is_counted_by_limit_and_told_by_date(tmp_path: Path) -> None:
    read = folder(tmp_path, floors=(0.0,), deltas=(0.2,))
    told = limits.kept_text(read)
    assert "1 portfolio: a limit gave way on 2 (turnover 2, tracking error 1)." in told
    rows, count = limits.relaxation_rows(read)
    assert count == 2
    assert [row[1:4] for row in rows] == [["CSI300 free", "0.20", "relaxed"]] * 2
    assert rows[0][0] < rows[1][0]
    assert rows[0][4] == "turnover +20.00 %"
    assert rows[1][4] == "turnover +11.30 %, tracking error +0.41 %"


def test_failures_and_dates_without_a_question_are_told_apart(tmp_path: Path) -> None:
    read = folder(tmp_path, floors=(0.0,), deltas=(0.2,))
    first = read.tables["relaxations"].head(1)
    held = first.assign(status="held", reason="no risk model yet", slack_turnover=float("nan"))
    failed = first.assign(status="failed", reason="numbers ran out", slack_turnover=float("nan"))
    read = with_table(read, "relaxations", pd.concat([held, failed, held], ignore_index=True))
    told = limits.kept_text(read)
    assert "no solution was found on 1, holdings kept; none was asked for on 2 (no risk" in told
    assert "gave way" not in told
    rows, count = limits.relaxation_rows(read)
    assert [row[4] for row in rows] == ["numbers ran out"]
    assert count == 1


def test_counts_are_by_portfolio_and_delta(tmp_path: Path) -> None:
    read = folder(tmp_path, deltas=(0.1, 0.2))
    table = read.summary
    table.loc[0, "failed_dates"] = 3
    table.loc[1, "relaxed_dates"] = float("nan")
    read = with_table(read, "enhanced_summary", table.drop(index=2))
    header, rows = limits.count_rows(read)
    assert header == ["δ 0.10", "δ 0.20"]
    assert rows == [
        ("CSI300 free", [("2 + 3", ""), ("–", "")]),
        ("CSI300 80 %", [("–", ""), ("2", "")]),
    ]
    bare = with_table(read, "enhanced_summary", table.drop(columns="relaxed_dates"))
    assert limits.count_rows(bare) == ([], [])


def test_nobody_counted_is_no_sentence(tmp_path: Path) -> None:
    read = folder(tmp_path)
    tables = {name: table for name, table in read.tables.items() if name != "relaxations"}
    read = replace(read, tables=tables)
    assert limits.kept_text(read) == ""
    assert limits.relaxation_rows(read) == ([], 0)


def test_a_long_list_is_cut_and_its_length_told(tmp_path: Path) -> None:
    read = folder(tmp_path, floors=(0.0,), deltas=(0.2,))
    many = pd.concat([read.tables["relaxations"]] * 150, ignore_index=True)
    rows, count = limits.relaxation_rows(with_table(read, "relaxations", many))
    assert (len(rows), count) == (200, 300)


def test_the_largest_violation_is_of_all_portfolios(tmp_path: Path) -> None:
    read = folder(tmp_path)
    assert limits.violation_text(read).endswith("is exceeded by more than 2e-09.")
    unknown = read.summary.assign(largest_violation=float("nan"))
    assert limits.violation_text(with_table(read, "enhanced_summary", unknown)) == ""
    bare = read.summary.drop(columns="largest_violation")
    assert limits.violation_text(with_table(read, "enhanced_summary", bare)) == ""


def test_a_limit_that_nobody_named_is_told_as_it_is_called() -> None:
    assert limits.slack_text({"slack_new": 0.5, "slack_style": 0.1}) == (
        "new +0.50, style exposure +0.10 s.d."
    )
    assert limits.slack_text({"slack_style": 0.0, "reason": float("nan")}) == "–"
