"""Which dates a study will have."""

from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.study.horizon import extent_of
from alpha_lightning.study.settings import Expectation, SourceSettings, StudySettings


def study(**changes: Any) -> StudySettings:
    given: dict[str, Any] = {"name": "mine", "units": ["gru.yaml"], "vintages": [2022]}
    return StudySettings(**given | {"source": SourceSettings(daily="bars")} | changes)


def test_the_panel_is_asked_first(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    extent = extent_of(study(source=SourceSettings(panel=str(panel_path))))
    assert (extent.dates == panel.dates).all()
    assert extent.symbols == len(panel.symbols)
    assert extent.stocks == int(panel.listed.sum(axis=1).mean())
    assert extent.features["rawbar"] == 6
    assert extent.features["mschars"] == 118


def test_a_simulated_market_is_known_before_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "market.yaml"
    file.write_text("market: {stocks: 50, start: '2019-01-02', days: 1222}\n")
    out = {"out": str(tmp_path / "out")}
    extent = extent_of(study(source=SourceSettings(market=str(file)), **out))
    assert (str(extent.dates[0]), str(extent.dates[-1])) == ("2019-01-02", "2023-12-29")
    assert extent.stocks == 50


def test_otherwise_what_is_expected_counts(tmp_path: Path) -> None:
    asked = Expectation("2013-09-30", "2022-06-30", 4500)
    extent = extent_of(study(expected=asked))
    assert (str(extent.dates[0]), str(extent.dates[-1])) == ("2013-09-30", "2022-06-30")
    assert 240 * 8.75 < len(extent.dates) < 246 * 8.75
    calendar = tmp_path / "days.txt"
    calendar.write_text("2020-01-03\n2020-01-02\n")
    source = SourceSettings(daily="bars", calendar=str(calendar))
    assert [str(d) for d in extent_of(study(source=source)).dates] == ["2020-01-02", "2020-01-03"]
    assert len(extent_of(study()).dates) == 0


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [("soon", "2022-01-01", "written as 2020-01-31"), ("2022-01-01", "2021-01-01", "not after")],
)
def test_expected_dates_that_are_none_are_refused(first: str, last: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        extent_of(study(expected=Expectation(first, last, 10)))


@pytest.mark.parametrize(
    "content", ["market: [1]", "market: {days: many}", "market: {days: 9, start: never}"]
)
def test_a_market_that_says_no_dates_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "market.yaml"
    file.write_text(content)
    with pytest.raises(UserError, match=r"market.yaml: market is .*should be whole numbers"):
        extent_of(study(source=SourceSettings(market=str(file)), out=str(tmp_path)))


def test_a_calendar_of_something_else_is_refused(tmp_path: Path) -> None:
    calendar = tmp_path / "days.txt"
    calendar.write_text("2020-01-03\nholiday\n")
    with pytest.raises(UserError, match=r"days.txt: write one date"):
        extent_of(study(source=SourceSettings(daily="bars", calendar=str(calendar))))
