from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table, write_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.evaluation.scores import (
    LEVELS,
    Score,
    cross_sections,
    level_of,
    read_scores,
    shared_rows,
)
from alpha_lightning.panel.store import Panel

Write = Callable[..., str]


@pytest.fixture
def panel(market: Callable[..., Any], tmp_path: Path) -> Panel:
    written: Panel = market(30, 25).write(tmp_path / "market")
    return written


@pytest.fixture
def values() -> Any:
    return np.random.default_rng(0).normal(size=(30, 25)).astype(np.float32)


def test_values_land_on_their_date_and_symbol(
    panel: Panel, values: Any, write_score: Write
) -> None:
    values[3, 4] = np.nan
    rows = np.array([3, 8, 20])
    (score,) = read_scores([write_score(panel, values, scheme="baseline")], panel, rows)
    assert np.array_equal(score.values, values[rows], equal_nan=True)
    assert score.name == "alpha"
    assert score.baseline
    assert len(score.fingerprint) == 16


def test_no_score_is_refused(panel: Panel) -> None:
    with pytest.raises(UserError, match="at least one score file"):
        read_scores([], panel, np.array([3]))


def test_a_score_of_another_panel_is_refused(panel: Panel, values: Any, write_score: Write) -> None:
    file = write_score(panel, values, panel_fingerprint="0123456789abcdef")
    with pytest.raises(UserError, match="made from panel 0123456789abcdef"):
        read_scores([file], panel, np.array([3]))


def test_a_table_of_another_kind_is_refused(panel: Panel, values: Any, write_score: Write) -> None:
    file = write_score(panel, values, kind="factor_matrix")
    with pytest.raises(UserError, match="not a score but a factor_matrix with columns score"):
        read_scores([file], panel, np.array([3]))


def test_infinite_scores_are_named(panel: Panel, values: Any, write_score: Write) -> None:
    values[7, 2] = np.inf
    file = write_score(panel, values)
    with pytest.raises(
        UserError, match=f"1 infinite scores, the first for S002 on {panel.dates[7]}"
    ):
        read_scores([file], panel, np.array([3]))


def test_unknown_symbols_and_dates_are_named(panel: Panel, values: Any, write_score: Write) -> None:
    table = read_dated_table(write_score(panel, values))
    strange = {"stranger.parquet": replace(table, symbols=np.full(len(table), "XYZ"))}
    strange["early.parquet"] = replace(table, dates=table.dates - 9999)
    for name, word in (("stranger.parquet", "XYZ"), ("early.parquet", "date")):
        file = panel.path / name
        write_dated_table(file, strange[name])
        with pytest.raises(UserError, match=word):
            read_scores([file], panel, np.array([3]))


def test_repeated_rows_are_refused(panel: Panel, values: Any, write_score: Write) -> None:
    table = read_dated_table(write_score(panel, values))
    twice = {
        name: np.concatenate([getattr(table, name), getattr(table, name)[:1]])
        for name in ("dates", "symbols", "values")
    }
    file = panel.path / "twice.parquet"
    write_dated_table(file, DatedTable(**twice, columns=table.columns, metadata=table.metadata))
    with pytest.raises(UserError, match="more than one row for a date and symbol"):
        read_scores([file], panel, np.array([3]))


def test_two_scores_of_one_name_are_refused(panel: Panel, values: Any, write_score: Write) -> None:
    files = [write_score(panel, values), write_score(panel, values + 1)]
    with pytest.raises(UserError, match="'alpha' is used twice"):
        read_scores(files, panel, np.array([3]))


def test_common_dates_and_stocks(panel: Panel, values: Any, write_score: Write) -> None:
    early, late = values.copy(), values.copy()
    early[20:] = np.nan
    late[:10] = np.nan
    late[15, 3] = np.nan
    rows = np.arange(0, 30, 5)
    files = [write_score(panel, early, "early"), write_score(panel, late, "late")]
    scores = read_scores(files, panel, rows)
    assert rows[shared_rows(scores, rows, panel)].tolist() == [10, 15]
    members = np.ones((6, 25), dtype=bool)
    members[:, 0] = False
    same = cross_sections(scores, members, same_stocks=True)
    own = cross_sections(scores, members, same_stocks=False)
    assert np.array_equal(same[0], same[1])
    assert same[0].sum(axis=1).tolist() == [0, 0, 24, 23, 0, 0]
    assert own[0].sum(axis=1).tolist() == [24, 24, 24, 24, 0, 0]


def test_scores_without_a_common_date_are_refused(
    panel: Panel, values: Any, write_score: Write
) -> None:
    early, late = values.copy(), values.copy()
    early[10:] = np.nan
    late[:20] = np.nan
    rows = np.arange(0, 20)
    files = [write_score(panel, early, "early"), write_score(panel, late, "late")]
    scores = read_scores(files, panel, rows)
    with pytest.raises(UserError, match=f"early {panel.dates[0]} to {panel.dates[9]}; late none"):
        shared_rows(scores, rows, panel)


def made_of(units: str, datasets: str, **metadata: Any) -> Score:
    about = {"units": units.split(), "datasets": datasets.split()} | metadata
    return Score("any", np.zeros((1, 1), dtype=np.float32), about, "")


def test_levels_are_read_off_what_a_score_is_made_of() -> None:
    whole = "rawbar mschars"
    by_level = {
        "unit": made_of("gru", "rawbar", weighting="mean"),
        "data set": made_of("gru lstm", "mschars"),
        "weighting": made_of("gru lstm", whole, weighting="linear"),
        "stacking": made_of("gru", whole, weighting="lightgbm", scheme="in_sample"),
        "model": made_of("gru", whole),
        "ensemble": made_of("gru lstm", whole),
        "baseline": made_of("summary", "", scheme="baseline"),
    }
    assert tuple(by_level) == LEVELS
    scores = list(by_level.values())
    assert [level_of(score, scores) for score in scores] == list(LEVELS)
    # With a single data set there is no part of the data sets.
    alone = [made_of("gru", "rawbar"), made_of("gru", "rawbar", weighting="mean")]
    assert [level_of(score, alone) for score in alone] == ["model", "unit"]


def test_a_variant_is_one_only_beside_what_it_varies() -> None:
    linear = made_of("gru", "rawbar", weighting="linear", scheme="in_sample")
    mean = made_of("gru", "rawbar", weighting="mean", scheme="oos_lagged")
    yardstick = made_of("summary", "", scheme="baseline")
    assert level_of(linear, [linear, mean, yardstick]) == "model"
    # A file from before there was a choice says nothing of its weighting.
    silent = made_of("gru", "rawbar", scheme="in_sample")
    assert level_of(linear, [linear, silent]) == "weighting"
    assert level_of(silent, [linear, silent]) == "model"
    honest = made_of("gru", "rawbar", scheme="oos_lagged")
    assert level_of(silent, [silent, honest]) == "stacking"
    part = made_of("gru", "rawbar", scheme="in_sample")
    whole = made_of("gru", "rawbar mschars", scheme="in_sample")
    assert level_of(part, [part, whole]) == "data set"


def test_a_score_that_says_nothing_is_a_model() -> None:
    silent = Score("any", np.zeros((1, 1), dtype=np.float32), {}, "")
    assert level_of(silent, [silent]) == "model"
