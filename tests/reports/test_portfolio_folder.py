import json
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports.portfolio_folder import (
    PortfolioFigure,
    read_portfolios,
    study_portfolios,
)
from tests.reports.portfolio_folder_numbers import WARNINGS, Portfolios, write_portfolios


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_portfolios(tmp_path, Portfolios(names=(10, 30, 50), scores=("gru", "a b")))


def test_portfolios_are_read_whole(folder: Path) -> None:
    read = read_portfolios(folder)
    assert read is not None
    assert read.warnings == list(WARNINGS)
    assert read.shown_delta == 0.2
    assert len(read.summary) == 6 * 7
    assert [figure.table for figure in read.figures] == [
        *("fig16_top10", "fig16_top10_a b", "fig17_top30", "fig17_top30_a b"),
        *("top50", "top50_a b"),
    ]
    assert set(read.figures[1].rows_of(read.summary)["names"]) == {10}
    assert set(read.figures[1].rows_of(read.summary)["score"]) == {"a b"}


def test_a_study_without_portfolios_has_none(tmp_path: Path) -> None:
    assert read_portfolios(tmp_path / "portfolios") is None


@pytest.mark.parametrize(
    ("table", "names", "number"),
    [
        ("fig16_top100", 100, 16),
        ("fig17_top30", 30, 17),
        ("fig16_top100_gru", 100, None),
        ("top50", 50, None),
        ("fig18_top50", 50, None),
    ],
)
def test_only_the_first_score_s_first_sizes_have_a_number(
    table: str, names: int, number: int | None
) -> None:
    assert PortfolioFigure(table, "title", names, "gru").number == number


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("portfolios.json", "{", "portfolios.json is damaged"),
        ("portfolios.json", "[]", "holds no mapping"),
        ("portfolios.json", "{}", "does not tell its figures"),
        ("tables/portfolio_nav.csv", None, "lacks portfolio_nav: delete the study's folder"),
        ("tables/top50.csv", None, "lacks top50"),
        ("tables/portfolio_nav.csv", "", "portfolio_nav.csv is damaged"),
        ("tables/portfolio_summary.csv", "score,names,delta\n", "summary.csv has no row"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    folder: Path, file: str, text: str | None, words: str
) -> None:
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)
    with pytest.raises(ArtefactError, match=words):
        read_portfolios(folder)


def test_a_figure_without_its_size_is_named(folder: Path) -> None:
    file = folder / "portfolios.json"
    about = json.loads(file.read_text())
    about["figures"][0]["names"] = "many"
    file.write_text(json.dumps(about))
    with pytest.raises(ArtefactError, match=r"does not tell its figures .*many"):
        read_portfolios(folder)


def test_portfolios_that_a_study_does_not_ask_for_are_not_shown(tmp_path: Path) -> None:
    write_portfolios(tmp_path, Portfolios(names=(30,)))
    found, missing = study_portfolios(tmp_path, {"portfolios": {"names": [30]}})
    assert found is not None
    assert missing == ()
    assert study_portfolios(tmp_path, {})[0] is not None, "settings of before there were any"
    # Left from other settings.
    assert study_portfolios(tmp_path, {"portfolios": {"names": []}}) == (None, ())


def test_portfolios_of_before_a_failure_are_not_shown_and_the_failure_is_told(
    tmp_path: Path,
) -> None:
    write_portfolios(tmp_path, Portfolios(names=(30,)))
    task, config = tmp_path / "tasks" / "portfolios", {"portfolios": {"names": [30]}}
    task.mkdir(parents=True)
    found, missing = study_portfolios(tmp_path, config)
    assert found is None
    assert missing == ("The portfolios are missing: their run was cut off, run the study again.",)
    (task / "done.json").write_text("{}")
    assert study_portfolios(tmp_path, config)[0] is not None
    (task / "failed.json").write_text('{"failure": "600000, 2022-02-11: a jump", "seconds": 1}')
    found, missing = study_portfolios(tmp_path, config)
    assert found is None
    assert missing == ("The portfolios are missing: 600000, 2022-02-11: a jump.",)


def test_portfolios_that_are_gone_are_told(tmp_path: Path) -> None:
    told = ("The portfolios are missing: run the study again.",)
    assert study_portfolios(tmp_path, {"portfolios": {"names": [30]}}) == (None, told)
    assert study_portfolios(tmp_path, {}) == (None, ())
