"""The file beside the score: what is in it, how it is drawn, what is wrong with it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.weighting.design_matrix import Array, DesignMatrix
from alpha_lightning.weighting.importance import (
    COLUMNS,
    ROWS,
    FitImportance,
    explain_fit,
    importance_file,
    read_importance,
    write_importance,
)
from alpha_lightning.weighting.weighting_model import Fit, Importance

DATES = np.arange("2022-01-03", "2022-01-13", dtype="datetime64[D]")
NAMES = ("gru/rawbar/f00", "gru/mschars/f00", "a/b/rawbar/f01")


def fit_importance(day: int, gain: list[float]) -> FitImportance:
    values = Importance(np.array(gain), 0.1 * np.array(gain))
    return FitImportance(DATES[day], DATES[day + 2], NAMES, values)


def test_lies_beside_the_score() -> None:
    assert importance_file("a/s0.parquet") == Path("a/s0.importance.parquet")
    assert importance_file(Path("a/score")) == Path("a/score.importance.parquet")
    assert importance_file("a/v1.5") == Path("a/v1.5.importance.parquet")


def test_is_read_as_it_was_written(tmp_path: Path) -> None:
    score = tmp_path / "s0.parquet"
    later, earlier = fit_importance(4, [0.2, 0.3, 0.5]), fit_importance(0, [1.0, 0.0, 0.0])
    assert write_importance(score, [later, earlier]) == tmp_path / "s0.importance.parquet"
    found = read_importance(score)
    assert tuple(found) == COLUMNS
    assert found["date"].tolist() == [*[DATES[0].item()] * 3, *[DATES[4].item()] * 3]
    assert found["until"].tolist() == [*[DATES[2].item()] * 3, *[DATES[6].item()] * 3]
    assert found["unit"].tolist() == ["gru", "gru", "a/b"] * 2
    assert found["dataset"].tolist() == ["rawbar", "mschars", "rawbar"] * 2
    assert found["factor"].tolist() == ["f00", "f00", "f01"] * 2
    assert found["gain"].tolist() == [1, 0, 0, 0.2, 0.3, 0.5]
    np.testing.assert_array_equal(found["shap"], 0.1 * found["gain"])
    by_name = read_importance(importance_file(score))
    assert all(np.array_equal(by_name[name], found[name]) for name in COLUMNS)


def test_nothing_to_tell_leaves_no_older_file(tmp_path: Path) -> None:
    score = tmp_path / "s0.parquet"
    write_importance(score, [fit_importance(0, [1.0, 0.0, 0.0])])
    assert write_importance(score, []) is None
    assert list(tmp_path.iterdir()) == []
    assert write_importance(score, []) is None


def test_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    score = tmp_path / "s0.parquet"
    with pytest.raises(ArtefactError, match=r"s0\.importance\.parquet does not exist: weigh"):
        read_importance(score)
    importance_file(score).write_text("no Parquet")
    with pytest.raises(ArtefactError, match=r"s0\.importance\.parquet is damaged or no importance"):
        read_importance(score)
    pq.write_table(pa.table({"date": [1]}), importance_file(score))
    with pytest.raises(ArtefactError, match="damaged or no importance file"):
        read_importance(score)


def rows_of(count: int) -> DesignMatrix:
    date = np.sort(np.random.default_rng(0).integers(2, 7, size=count))
    date[[0, -1]] = 2, 6
    values = np.arange(count, dtype=np.float32)[:, None] * np.ones(3, dtype=np.float32)
    return DesignMatrix(date, np.arange(count), values, NAMES)


@pytest.mark.parametrize("count", [2, 7, ROWS, ROWS + 1, 10_001])
def test_rows_are_drawn_evenly_and_once(count: int) -> None:
    seen: list[Array] = []

    def explain(features: Array) -> Importance:
        seen.append(features[:, 0])
        return Importance(np.ones(3) / 3, np.zeros(3))

    found = explain_fit(Fit(np.sum, explain=explain), rows_of(count), DATES)
    assert found is not None
    assert (found.date, found.until, found.columns) == (DATES[2], DATES[6], NAMES)
    drawn = seen[0]
    assert len(drawn) == len(np.unique(drawn)) == min(count, ROWS)
    assert (drawn[0], drawn[-1]) == (0, count - 1)
    steps = np.diff(drawn)
    assert steps.max() - steps.min() <= 1


def test_a_model_without_importance_has_none() -> None:
    assert explain_fit(Fit(np.sum), rows_of(3), DATES) is None
