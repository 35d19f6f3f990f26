import json
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports.enhanced_folder import (
    EnhancedFigure,
    EnhancedFolder,
    at_delta,
    read_enhanced,
    study_enhanced,
)
from tests.reports.enhanced_folder_numbers import WARNINGS, Enhanced, write_enhanced

ASKED = {"enhanced": {"indices": {"000300": 0.04}}}


def small(**changes: object) -> Enhanced:
    years = {"years": (2021, 2022)}
    return Enhanced(**(years | changes))  # type: ignore[arg-type]


def read(path: Path, made: Enhanced) -> EnhancedFolder:
    found = read_enhanced(write_enhanced(path, made))
    assert found is not None
    return found


def test_portfolios_are_read_whole(tmp_path: Path) -> None:
    folder = read(tmp_path, small(indices=("000300", "mine"), scores=("a", "007")))
    assert folder.warnings == list(WARNINGS)
    assert folder.shown_delta == 0.2
    assert folder.scores == ["a", "007"]
    assert [figure.table for figure in folder.figures] == [
        *("fig18_csi300", "fig19_csi300_80", "mine", "mine_80"),
        *("csi300_007", "csi300_80_007", "mine_007", "mine_80_007"),
    ]
    assert [figure.number for figure in folder.figures][:3] == [18, 19, None]
    assert folder.name(folder.figures[5]) == "CSI300 80 % of 007"
    own = folder.figures[5].rows_of(folder.summary)
    assert set(own["index"]) == {"000300"}
    assert set(own["score"]) == {"007"}
    assert set(own["floor"]) == {0.8}
    assert len(own) == 4
    assert len(at_delta(own, 0.3)) == 1
    assert folder.part("nothing", folder.figures[0]) is None
    assert folder.part("enhanced_nav", EnhancedFigure("t", "t", "a", "other")) is None


def test_a_floor_that_is_empty_is_none(tmp_path: Path) -> None:
    folder = read(tmp_path, small(indices=("mine",)))
    table = folder.summary.assign(floor=folder.summary["floor"].replace(0.0, float("nan")))
    assert len(folder.figures[0].rows_of(table)) == 4


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("enhanced.json", "{", "enhanced.json is damaged"),
        ("enhanced.json", "[]", "holds no mapping"),
        ("enhanced.json", "{}", "does not tell its figures"),
        ("enhanced.json", '{"figures": [{"table": "a"}]}', "does not tell its figures"),
        ("tables/enhanced_nav.csv", None, "lacks enhanced_nav: delete the study's folder enhanced"),
        ("tables/fig18_csi300.csv", None, "lacks fig18_csi300"),
        ("tables/enhanced_nav.csv", "", "enhanced_nav.csv is damaged"),
        ("tables/enhanced_summary.csv", "score,index\n", "enhanced_summary.csv has no row"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    tmp_path: Path, file: str, text: str | None, words: str
) -> None:
    folder = write_enhanced(tmp_path, small(indices=("000300",), floors=(0.0,)))
    if text is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(text)
    with pytest.raises(ArtefactError, match=words):
        read_enhanced(folder)


def test_what_is_not_asked_for_is_not_shown(tmp_path: Path) -> None:
    assert study_enhanced(tmp_path, {}) == (None, ())
    write_enhanced(tmp_path, small(indices=("000300",)))
    assert study_enhanced(tmp_path, ASKED)[0] is not None
    assert study_enhanced(tmp_path, {})[0] is not None, "settings of before there were any"
    assert study_enhanced(tmp_path, {"enhanced": {"indices": {}}}) == (None, ())


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("enhanced", "The index-enhanced portfolios are missing: no weights."),
        (
            "risk",
            "The index-enhanced portfolios are missing, for want of a risk model: no weights.",
        ),
    ],
)
def test_portfolios_of_before_a_failure_are_not_shown(
    tmp_path: Path, task: str, words: str
) -> None:
    write_enhanced(tmp_path, small(indices=("000300",)))
    folder = tmp_path / "tasks" / task
    folder.mkdir(parents=True)
    (folder / "failed.json").write_text(json.dumps({"failure": "no weights"}))
    assert study_enhanced(tmp_path, ASKED) == (None, (words,))
    assert study_enhanced(tmp_path, {"enhanced": {"indices": {}}}) == (None, ())


def test_portfolios_that_are_gone_are_told(tmp_path: Path) -> None:
    told = ("The index-enhanced portfolios are missing: run the study again.",)
    assert study_enhanced(tmp_path, ASKED) == (None, told)
