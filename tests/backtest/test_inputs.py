"""Which dates, stocks and scores a portfolio is decided from, and until when it runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.inputs import open_inputs, open_weights
from alpha_lightning.backtest.settings import SignalSettings
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.portfolio.policy import Hold, Target
from alpha_lightning.portfolio.weights_file import write_weights

Write = Callable[..., str]
WEEKLY = SignalSettings()


@pytest.fixture(scope="module")
def panel(panel_path: Path) -> Panel:
    return Panel.open(panel_path)


def values(panel: Panel, first: int, last: int, seed: int = 0) -> NDArray[np.float64]:
    """Scores of the rows from ``first`` to ``last``, nothing elsewhere."""
    drawn = np.random.default_rng(seed).normal(size=(len(panel.dates), len(panel.symbols)))
    drawn[:first] = drawn[last + 1 :] = np.nan
    return drawn


def test_from_the_first_score_to_the_signal_after_the_last(
    panel: Panel, write_score: Write
) -> None:
    grid = values(panel, 200, 400)
    found = open_inputs(panel.path, [write_score(panel, grid)], WEEKLY)
    weeks = signal_rows(panel.dates)
    inside = weeks[(weeks >= 200) & (weeks <= 400)]
    np.testing.assert_array_equal(found.signals, inside)
    assert found.first == inside[0]
    assert found.last == weeks[weeks > 400][0]
    np.testing.assert_array_equal(found.universe, universe(panel)[inside])
    np.testing.assert_array_equal(found.scores[0].values, grid[inside].astype(np.float32))


def test_several_scores_share_their_dates(panel: Panel, write_score: Write) -> None:
    early, late = values(panel, 100, 300), values(panel, 200, 400, seed=1)
    found = open_inputs(panel.path, [write_score(panel, g) for g in (early, late)], WEEKLY)
    weeks = signal_rows(panel.dates)
    np.testing.assert_array_equal(found.signals, weeks[(weeks >= 200) & (weeks <= 400)])
    # The first has ended: its portfolio is held, and says so.
    assert np.isnan(found.scores[0].values[found.signals > 300]).all()
    assert np.isfinite(found.scores[1].values).all()


@pytest.mark.parametrize(
    ("settings", "first", "last"),
    [
        (SignalSettings(frequency="daily"), 200, 401),
        (SignalSettings(frequency="daily", every=10), 200, 410),
        (SignalSettings(frequency="daily", start="2019-12-31"), None, 401),
    ],
)
def test_other_calendars(
    settings: SignalSettings, first: int | None, last: int, panel: Panel, write_score: Write
) -> None:
    found = open_inputs(panel.path, [write_score(panel, values(panel, 200, 400))], settings)
    if first is None:
        first = int(np.searchsorted(panel.dates, np.datetime64("2019-12-31")))
    assert (found.first, found.last) == (first, last)
    assert set(np.diff(found.signals)) == {settings.every}


def test_nothing_after_the_end_is_used(panel: Panel, write_score: Write) -> None:
    score = write_score(panel, values(panel, 200, len(panel.dates)))
    weeks = signal_rows(panel.dates)
    end = int(weeks[weeks > 400][0]) + 2
    found = open_inputs(panel.path, [score], SignalSettings(end=str(panel.dates[end])))
    assert (found.signals[-1], found.last) == (end - 2, end)
    whole = open_inputs(panel.path, [score], WEEKLY)
    assert (whole.signals[-1], whole.last) == (weeks[-1], len(panel.dates) - 1)


def test_the_universe_of_an_index(panel: Panel, write_score: Write) -> None:
    score = write_score(panel, values(panel, 200, 400))
    index = panel.indices[0]
    found = open_inputs(panel.path, [score], SignalSettings(universe=index))
    np.testing.assert_array_equal(found.universe, universe(panel, index)[found.signals])
    with pytest.raises(UserError, match="knows no universe 'moon'"):
        open_inputs(panel.path, [score], SignalSettings(universe="moon"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"start": "soon"}, "--signals.start soon is not a date"),
        ({"start": "2050"}, "--signals.start 2050 is after the last date"),
        ({"end": "1990"}, "--signals.end 1990 is before the first date"),
        ({"start": "2020-06-01", "end": "2020-01-31"}, "is after --signals.end 2020-01-31"),
        ({"start": "2020-06-02", "end": "2020-06-03"}, "no weekly signal date from 2020-06-02"),
        ({"start": "2021-06-01"}, "has no score on any of the .* signal dates from 2021-06-04"),
    ],
)
def test_periods_without_a_signal(
    settings: dict[str, str], told: str, panel: Panel, write_score: Write
) -> None:
    score = write_score(panel, values(panel, 200, 400))
    with pytest.raises(UserError, match=told):
        open_inputs(panel.path, [score], SignalSettings(**settings))  # type: ignore[arg-type]


def test_a_score_between_the_signal_dates_or_none_at_all(panel: Panel, write_score: Write) -> None:
    weeks = signal_rows(panel.dates)
    monday = int(weeks[50]) + 1
    with pytest.raises(UserError, match=r"0\.parquet has no score on any of the \d+ signal dates"):
        open_inputs(panel.path, [write_score(panel, values(panel, monday, monday))], WEEKLY)
    with pytest.raises(UserError, match="name a score file"):
        open_inputs(panel.path, [], WEEKLY)


def weights(panel: Panel, folder: Path, rows: list[int], **about: Any) -> Path:
    none = np.empty(0, dtype=np.intp)
    target = Target(np.array([1]), np.ones(1), np.zeros(1, np.bool_), none)
    decisions: list[tuple[int, Target | Hold]] = [(row, target) for row in rows]
    return write_weights(folder / "w.parquet", panel.dates, panel.symbols, decisions, about)


def test_weights_bring_their_own_dates(panel: Panel, tmp_path: Path) -> None:
    file = weights(panel, tmp_path, [10, 33, 50], panel_fingerprint=panel.fingerprint)
    found, policy, about = open_weights(panel.path, file, WEEKLY)
    assert found.signals.tolist() == [10, 33, 50]
    assert found.last == len(panel.dates) - 1, "nobody says until when the last are held"
    assert (found.scores, len(policy.decisions)) == ((), 3)
    assert about["panel_fingerprint"] == panel.fingerprint
    settings = SignalSettings(start=str(panel.dates[11]), end=str(panel.dates[49]))
    found, _, _ = open_weights(panel.path, file, settings)
    assert (found.signals.tolist(), found.last) == ([33], 49)
    with pytest.raises(UserError, match="has no weights from"):
        open_weights(panel.path, file, SignalSettings(start=str(panel.dates[51])))


def test_weights_say_until_when_and_of_what_universe(panel: Panel, tmp_path: Path) -> None:
    index = panel.indices[0]
    file = weights(panel, tmp_path, [10], last_date=str(panel.dates[60]), universe=index)
    found, _, _ = open_weights(panel.path, file, WEEKLY)
    assert found.last == 60
    np.testing.assert_array_equal(found.universe, universe(panel, index)[[10]])
    found, _, _ = open_weights(panel.path, file, SignalSettings(end=str(panel.dates[20])))
    assert found.last == 20
