from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.reports.enhanced_folder import EnhancedFolder, read_enhanced
from alpha_lightning.reports.enhanced_section import EnhancedSection, enhanced_section
from tests.reports.enhanced_folder_numbers import WARNINGS, Enhanced, write_enhanced


def folder(path: Path, paper: bool = True, **about: Any) -> EnhancedFolder:
    about = {"years": (2021, 2022)} | about
    found = read_enhanced(write_enhanced(path, Enhanced(**about), paper))
    assert found is not None
    return found


def section_of(read: EnhancedFolder) -> EnhancedSection:
    section = enhanced_section(read)
    assert section is not None
    return section


def without(read: EnhancedFolder, *names: str) -> EnhancedFolder:
    tables = {name: table for name, table in read.tables.items() if name not in names}
    return replace(read, tables=tables)


def test_no_portfolios_no_section() -> None:
    assert enhanced_section(None) is None


def test_the_paper_s_figures_are_open_and_the_others_folded(tmp_path: Path) -> None:
    section = section_of(folder(tmp_path, indices=("000300", "mine"), scores=("v1", "<gru>")))
    assert section.numbers == {18, 19}
    assert [part.anchor for part in section.foremost] == ["fig-18", "fig-19"]
    assert len(section.further) == 6
    assert len({part.anchor for part in section.parts}) == 8
    assert [part.twin for part in section.parts][:3] == [
        *("paper_fig18_csi300", "paper_fig19_csi300_80", "")
    ]
    assert "defects" in section.defects


def test_the_section_tells_what_it_rests_on(tmp_path: Path) -> None:
    section = section_of(folder(tmp_path, paper=False))
    assert section.warnings == list(WARNINGS)
    assert section.period == ("2021-01-11", "2022-05-27")
    assert section.shown == "0.20"
    assert section.defects == ""
    assert section.front_table == "front_page"
    assert section.fact == (
        "hedged, a year, δ 0.20: CSI300 free 10.4 %, CSI300 80 % 10.4 %, CSI500 free 10.4 %,"
        " CSI500 80 % 10.4 %"
    )
    assert section.relaxed.count == 32
    assert not section.relaxed.failed
    part = section.parts[0]
    assert part.last == "2022-05-27"
    assert part.styles.startswith("<svg")
    assert part.industries.startswith("<svg")
    assert section.tracking_lines.startswith("<svg")
    # The market is what all stocks share: no style and no industry.
    assert "market" not in part.styles + part.industries


def test_one_index_one_floor_and_one_delta_are_enough(tmp_path: Path) -> None:
    made = folder(tmp_path, indices=("mine",), floors=(0.0,), deltas=(0.3,), relaxed=0)
    section = section_of(made)
    assert section.numbers == set()
    assert [part.name for part in section.foremost] == ["mine free"]
    assert section.further == []
    assert section.shown == "0.30"
    assert section.relaxed.sentence.startswith("Every limit was kept on all")
    assert section.relaxed.rows == []


def test_what_nobody_told_is_left_out(tmp_path: Path) -> None:
    made = folder(tmp_path, indices=("000300",))
    bare = without(made, "tracking_error", "active_exposures", "relaxations", "front_page")
    section = section_of(bare)
    assert section.tracking_lines == section.relaxed.sentence == ""
    assert section.front_table == "fig18_csi300"
    assert {part.styles + part.industries + part.last for part in section.parts} == {""}


def test_factors_without_industries_and_portfolios_without_exposures(tmp_path: Path) -> None:
    made = folder(tmp_path, indices=("000300",), floors=(0.0, 0.8))
    table = made.tables["active_exposures"]
    only = table[table["factor"].isin(["size", "market"]) & (table["floor"] == 0)]
    section = section_of(replace(made, tables={**made.tables, "active_exposures": only}))
    assert section.parts[0].styles.startswith("<svg")
    assert section.parts[0].industries == ""
    assert section.parts[1].styles == ""


def test_a_single_day_has_neither_drawing(tmp_path: Path) -> None:
    made = folder(tmp_path, indices=("000300",), floors=(0.0,))
    cut = {name: made.tables[name].head(1) for name in ("enhanced_nav", "tracking_error")}
    section = section_of(replace(made, tables={**made.tables, **cut}))
    assert section.parts[0].absolute == section.parts[0].relative == ""
    assert section.tracking_lines == ""
    assert "the index" not in [row.name for row in section.parts[0].figure.blocks[1][1]]


@pytest.mark.parametrize("status", ["failed", "held"])
def test_dates_without_a_solution_are_counted(tmp_path: Path, status: str) -> None:
    made = folder(tmp_path, indices=("000300",), floors=(0.0,))
    gone = made.tables["relaxations"].assign(status=status, reason="numbers ran out")
    summary = made.summary.assign(failed_dates=2 if status == "failed" else 0)
    tables = {**made.tables, "relaxations": gone, "enhanced_summary": summary}
    section = section_of(replace(made, tables=tables))
    assert section.relaxed.failed == (status == "failed")
    assert "holdings kept" in section.relaxed.sentence
