from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.evaluation.importance_tables import (
    importance_factors_table,
    importance_table,
    read_importances,
)
from alpha_lightning.weighting.importance import importance_file

UNTIL = np.datetime64("2021-12-31")
Fit = tuple[str, str, dict[str, tuple[float, float]]]


def write(folder: Path, name: str, *fits: Fit) -> str:
    """A score and the importance of its fits: first date, last date, (gain, shap) by column."""
    file = folder / f"{name.replace('/', '_')}.parquet"
    table = DatedTable(
        np.array(["2021-01-04"], dtype="datetime64[D]"),
        np.array(["A"]),
        np.zeros((1, 1), dtype=np.float32),
        ("score",),
        {"kind": "score", "name": name},
    )
    write_dated_table(file, table)
    rows = [
        (np.datetime64(date, "us"), np.datetime64(until, "us"), *column.split("/"), gain, shap)
        for date, until, columns in fits
        for column, (gain, shap) in columns.items()
    ]
    names = ["date", "until", "unit", "dataset", "factor", "gain", "shap"]
    if rows:
        columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
        pq.write_table(pa.table(columns, names=names), importance_file(file))
    return str(file)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    january = {
        "gru/rawbar/f00": (0.1, 1.0),
        "gru/rawbar/f01": (0.3, 1.0),
        "gru/mschars/f00": (0.6, 6),
    }
    march = {
        "gru/rawbar/f00": (0.2, 0.5),
        "gru/rawbar/f01": (0.2, 0.5),
        "gru/mschars/f00": (0.6, 1),
    }
    other = {
        "gru/rawbar/f00": (1.0, 3.0),
        "gru/rawbar/f01": (0.0, 0.0),
        "gru/mschars/f00": (0.0, 1),
    }
    future = {"gru/rawbar/f00": (1.0, 99.0)}
    files = [
        write(
            tmp_path,
            "gru/s0",
            ("2021-01-04", "2021-01-29", january),
            ("2021-03-01", "2021-03-31", march),
            ("2021-12-20", "2022-01-14", future),
        ),
        write(tmp_path, "gru/s1", ("2021-01-04", "2021-01-29", other)),
        write(tmp_path, "lstm/s0"),
    ]
    return read_importances(files, UNTIL)


def test_shares_are_taken_within_a_fit_and_averaged(read: Any) -> None:
    table = importance_table(read).set_index(["score", "unit", "dataset"])
    assert table.index.tolist() == [("gru", "gru", "rawbar"), ("gru", "gru", "mschars")]
    assert table["gain_pct"].tolist() == pytest.approx([100 * (0.4 + 0.4 + 1) / 3, 40])
    rawbar = (2 / 8 + 1 / 2 + 3 / 4) / 3
    assert table["shap_pct"].tolist() == pytest.approx([100 * rawbar, 100 * (1 - rawbar)])


def test_factors_are_averaged_over_months_and_runs(read: Any) -> None:
    table = importance_factors_table(read).set_index(["dataset", "factor"])
    assert (table["months"] == 3).all()
    assert table.loc[("rawbar", "f00"), "gain_pct"] == pytest.approx(100 * 1.3 / 3)
    assert table.loc[("rawbar", "f00"), "shap"] == pytest.approx(4.5 / 3)
    assert table["gain_pct"].sum() == pytest.approx(100)


def test_a_fit_that_serves_later_dates_is_not_read(read: Any) -> None:
    assert read["shap"].max() == 6
    assert len(read) == 9


def test_without_importance_there_is_no_table(tmp_path: Path) -> None:
    nothing = read_importances([write(tmp_path, "gru/s0")], UNTIL)
    assert importance_table(nothing).empty
    assert importance_factors_table(nothing).empty


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "gru/s0")
    importance_file(file).write_bytes(b"PAR1")
    with pytest.raises(ArtefactError, match=r"gru_s0\.importance\.parquet"):
        read_importances([file], UNTIL)
