from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.reports import enhanced_tables as tables
from alpha_lightning.reports.enhanced_folder import EnhancedFolder, read_enhanced
from alpha_lightning.reports.tables import Cell
from tests.reports.enhanced_folder_numbers import Enhanced, write_enhanced


@pytest.fixture
def folder(tmp_path: Path) -> EnhancedFolder:
    found = read_enhanced(write_enhanced(tmp_path, Enhanced()))
    assert found is not None
    return found


def changed(folder: EnhancedFolder, **columns: object) -> EnhancedFolder:
    summary = folder.summary.assign(**columns)
    return replace(folder, tables={**folder.tables, "enhanced_summary": summary})


def test_the_first_table_is_of_the_shown_delta(folder: EnhancedFolder) -> None:
    rows = tables.answer_rows(changed(folder, avgto=folder.summary["delta"]))
    assert [name for name, _ in rows] == [
        *("CSI300 free", "CSI300 80 %", "CSI500 free", "CSI500 80 %")
    ]
    assert rows[2][1] == [
        *("14.5", "19.0", "−25.3", "10.4", "12.2", "−6.2", "2.12"),
        *("5.0", "4.85", "5.65", "0.20", "1.6", "163", "84.1"),
    ]
    assert len(rows[0][1]) == sum(len(part) for _, part in tables.answer_columns(folder))


def test_a_column_that_nobody_measured_is_left_out(folder: EnhancedFolder) -> None:
    names = ["te_limit_pct", "ex_ante_te_pct", "ex_post_te_pct"]
    bare = replace(
        folder,
        tables={**folder.tables, "enhanced_summary": folder.summary.drop(columns=names)},
    )
    assert "tracking error" not in [title for title, _ in tables.answer_columns(bare)]
    assert tables.tracking_rows(bare) == []
    assert tables.exceeding(bare) == ""


def test_the_front_page_is_ours_above_the_paper_s(folder: EnhancedFolder) -> None:
    header, rows = tables.front_page(folder)
    assert header == [
        *("2017", "2018", "2019", "2020", "2021", "2022"),
        *("a year", "volatility", "deepest fall", "inform. ratio"),
    ]
    name, cells = rows[3]
    assert name == "CSI500 80 %"
    own = folder.tables["fig21_csi500_80"].iloc[1]
    assert cells[0].value == f"{own['hedged_2017_pct']:.1f}".replace("-", "−")
    assert [cell.paper for cell in cells] == [
        *("16.6", "34.2", "8.1", "20.9", "15.1", "[4.8]", "18.2", "5.3", "−5.9", "3.43")
    ]
    assert cells[-1] == Cell("2.12", "", "3.43")


def test_without_the_paper_nothing_stands_beneath(tmp_path: Path) -> None:
    made = Enhanced(deltas=(0.15,), years=(2021, 2022))
    found = read_enhanced(write_enhanced(tmp_path, made, paper=False))
    assert found is not None
    header, rows = tables.front_page(found)
    assert header[:2] == ["2021", "2022"]
    assert {cell.paper for _, cells in rows for cell in cells} == {""}
    assert {row[1][4][0] for _, rows in tables.tracking_rows(found) for row in rows} == {"–"}


def test_tracking_errors_stand_side_by_side(folder: EnhancedFolder) -> None:
    blocks = tables.tracking_rows(folder)
    title, rows = blocks[0]
    assert title == "CSI300 free"
    assert [name for name, _ in rows] == ["0.10", "0.20", "0.30", "0.50"]
    assert [cell for cell, _ in rows[1][1]] == ["4.0", "3.88", "4.52", "1.16", "5.0"]
    assert tables.exceeding(folder).startswith("Ex post, 16 of 16 portfolios are above")
    mixed = changed(folder, ex_post_te_pct=[1.0] * 8 + [9.0] * 7 + [np.nan])
    assert tables.exceeding(mixed).startswith("Ex post, 7 of 15 portfolios")
    unknown = changed(folder, ex_post_te_pct=np.nan, ex_ante_te_pct=0.0)
    assert tables.exceeding(unknown) == ""
    cells = tables.tracking_rows(unknown)[0][1][0][1]
    assert [cell for cell, _ in cells] == ["4.0", "0.00", "–", "–", "4.9"]


def test_the_terminal_is_told_of_each_portfolio_and_of_the_limits(folder: EnhancedFolder) -> None:
    lines = tables.enhanced_text(folder, "Every limit was kept.").splitlines()
    assert lines[0] == "index-enhanced at delta 0.20 after cost: % a year"
    assert lines[2].split() == [
        *("CSI300", "free", "10.4", "(−6.2)", "2.12", "4.0", "3.88", "4.52", "0.21", "1.6")
    ]
    assert lines[-1] == "Every limit was kept."
    assert len({len(line) for line in lines[1:6]}) == 1
    assert len(tables.enhanced_text(folder, "").splitlines()) == 6
