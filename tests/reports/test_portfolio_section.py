from pathlib import Path

import pytest

from alpha_lightning.reports.portfolio_folder import PortfolioFolder, read_portfolios
from alpha_lightning.reports.portfolio_section import portfolio_section
from tests.reports.portfolio_folder_numbers import WARNINGS, Portfolios, write_portfolios


def folder(path: Path, paper: bool = True, **about: object) -> PortfolioFolder:
    read = read_portfolios(write_portfolios(path, Portfolios(**about), paper))
    assert read is not None
    return read


def test_no_portfolios_no_section() -> None:
    assert portfolio_section(None) is None


def test_the_paper_s_figures_are_open_and_the_others_folded(tmp_path: Path) -> None:
    section = portfolio_section(folder(tmp_path, names=(100, 300, 50), scores=("v1", "<gru>")))
    assert section is not None
    assert section.numbers == {16, 17}
    assert [part.anchor for part in section.foremost] == ["fig-16", "fig-17"]
    assert [part.name for part in section.further] == [
        *("TOP-100 of <gru>", "TOP-300 of <gru>", "TOP-50 of v1", "TOP-50 of <gru>")
    ]
    anchors = [part.anchor for part in section.parts]
    assert len(set(anchors)) == 6
    assert all(part.twin == f"paper_{part.table}" for part in section.foremost)
    assert section.further[0].twin == ""


def test_the_section_tells_what_it_rests_on(tmp_path: Path) -> None:
    section = portfolio_section(folder(tmp_path, paper=False))
    assert section is not None
    assert section.warnings == list(WARNINGS)
    assert section.period == ("2017-01-10", "2022-05-27")
    assert section.benchmark == "equal-weighted universe"
    assert section.costless
    assert section.shown == "0.20"
    assert section.fact == (
        "TOP-100 of RCTv1, δ 0.20, after cost: 25.0 % a year, relative 26.0 %, deepest fall −27.4 %"
    )
    assert not any(part.twin for part in section.parts)
    assert [curve.anchor.removeprefix("portfolio-") for curve in section.curves] == [
        *("turnover", "cost", "delay", "capacity")
    ]
    assert "Diamonds" not in section.curves[0].words


@pytest.mark.parametrize("lost", ["cost_curve", "capacity_curve", "delay_curve"])
def test_a_curve_that_was_left_out_is_left_out(tmp_path: Path, lost: str) -> None:
    read = folder(tmp_path)
    (read.path / "tables" / f"{lost}.csv").unlink()
    section = portfolio_section(read_portfolios(read.path))
    assert section is not None
    assert lost not in [curve.table for curve in section.curves]
    assert len(section.curves) == 3


def test_a_single_delta_on_a_single_day_has_neither_drawing(tmp_path: Path) -> None:
    made = folder(tmp_path, names=(10,))
    tables = {name: table.head(1) for name, table in made.tables.items()}
    tables["portfolio_summary"] = made.summary[made.summary["delta"] == 0.2]
    section = portfolio_section(PortfolioFolder(made.path, made.about, tables, made.figures))
    assert section is not None
    (part,) = section.parts
    assert part.absolute == part.relative == ""
    assert "benchmark" not in [row.name for row in part.figure.blocks[0][1]]
    assert "portfolio-turnover" not in [curve.anchor for curve in section.curves]


def test_words_follow_the_settings(tmp_path: Path) -> None:
    made = folder(tmp_path)
    changed = {"signals": {"frequency": "monthly"}, "conventions": {"information_ratio": "mean"}}
    about = {**made.about, "settings": {**made.settings, **changed}, "traded_at": "close"}
    tables = {**made.tables, "delay_curve": made.tables["delay_curve"].assign(held_signals=4)}
    section = portfolio_section(PortfolioFolder(made.path, about, tables, made.figures))
    assert section is not None
    assert "at the close;" in " ".join(section.rules)
    assert section.turnover == "monthly one-way turnover"
    assert section.ratio == "243 × mean daily relative return / its volatility"
    words = {curve.anchor: (curve.words, curve.svg) for curve in section.curves}
    assert "monthly one-way turnover" in words["portfolio-turnover"][1]
    assert "Signals without a trade: 4 with 1, 4 with 2" in words["portfolio-delay"][0]
