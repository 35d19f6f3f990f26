from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.evaluation.sample import EvaluationRule, draw_sample
from alpha_lightning.panel.returns import EVALUATION_RETURNS, forward_return
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel

Write = Callable[..., str]


@pytest.fixture
def panel(market: Callable[..., Any], tmp_path: Path) -> Panel:
    given = market(60, 25)
    members = np.zeros((60, 25), dtype=bool)
    members[:, :10] = True
    written: Panel = replace(given, members=members).write(tmp_path / "market")
    return written


@pytest.fixture
def values() -> Any:
    return np.random.default_rng(0).normal(size=(60, 25))


def test_the_whole_score_by_default(panel: Panel, values: Any, write_score: Write) -> None:
    values[:8] = np.nan
    sample = draw_sample(panel.path, [write_score(panel, values)], EvaluationRule())
    weeks = signal_rows(panel.dates)
    assert sample.rows.tolist() == weeks[weeks >= 8].tolist()
    assert sample.weekly.all()
    assert sample.last == sample.held_until == 59
    assert np.array_equal(sample.members, (panel.listed & panel.traded)[sample.rows])
    assert np.array_equal(sample.dates, panel.dates[sample.rows])


def test_the_groups_are_held_until_the_week_after_the_last_score(
    panel: Panel, values: Any, write_score: Write
) -> None:
    values[30:] = np.nan
    sample = draw_sample(panel.path, [write_score(panel, values)], EvaluationRule())
    weeks = signal_rows(panel.dates)
    assert sample.rows[-1] == weeks[weeks < 30][-1]
    assert sample.held_until == weeks[weeks > sample.rows[-1]][0]
    assert sample.last == 59


def test_a_period_and_an_index(panel: Panel, values: Any, write_score: Write) -> None:
    rule = EvaluationRule("000300", "daily", str(panel.dates[10]), str(panel.dates[40]))
    sample = draw_sample(panel.path, [write_score(panel, values)], rule)
    assert sample.rows.tolist() == list(range(10, 41))
    assert sample.last == sample.held_until == 40
    assert not sample.members[:, 10:].any()
    assert sample.rows[sample.weekly].tolist() == [
        row for row in signal_rows(panel.dates).tolist() if 10 <= row <= 40
    ]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (EvaluationRule(start="2020-13-01"), "--start 2020-13-01 is not a date"),
        (EvaluationRule(start="2031-01-01"), "--start 2031-01-01 is after the last date"),
        (EvaluationRule(end="1999-01-01"), "--end 1999-01-01 is before the first date"),
        (
            EvaluationRule(start="2020-01-06", end="2020-01-08"),
            "no weekly signal date from 2020-01-06",
        ),
        (EvaluationRule(universe="000905"), "knows no universe '000905'"),
        (
            EvaluationRule("all", "daily", "2020-01-06", "2020-01-08"),
            "no week ends from 2020-01-06",
        ),
    ],
)
def test_periods_that_cannot_be_evaluated(
    panel: Panel, values: Any, write_score: Write, rule: EvaluationRule, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        draw_sample(panel.path, [write_score(panel, values)], rule)


def test_returns_are_those_known_by_the_last_date(
    panel: Panel, values: Any, write_score: Write
) -> None:
    rule = EvaluationRule(end=str(panel.dates[50]))
    sample = draw_sample(panel.path, [write_score(panel, values)], rule)
    found = list(sample.returns())
    assert [(horizon.days, horizon.gap) for horizon, _, _ in found] == list(EVALUATION_RETURNS)
    for horizon, known, returns in found:
        assert known.tolist() == [row + horizon.span <= 50 for row in sample.rows]
        expected = forward_return(panel, horizon.days, horizon.gap)[sample.rows]
        expected[~known] = np.nan
        np.testing.assert_array_equal(returns, expected)


def test_some_of_the_scores_keep_the_dates_and_stocks_of_all(
    panel: Panel, values: Any, write_score: Write
) -> None:
    holed = np.where(np.arange(25) < 5, np.nan, values)
    files = [write_score(panel, values, "full"), write_score(panel, holed, "holed")]
    sample = draw_sample(panel.path, files, EvaluationRule())
    part = sample.of_scores(slice(1))
    assert [score.name for score in part.scores] == ["full"]
    assert len(part.masks) == 1
    assert not part.masks[0][:, :5].any()
    assert np.array_equal(part.rows, sample.rows)
