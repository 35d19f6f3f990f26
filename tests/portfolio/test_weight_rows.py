"""Rows of target weights from files of many makes."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.portfolio.weight_rows import read_weight_rows

TEXT = """date,symbol,weight,rank,keep,reserve
2024-01-05,000001,0.5,1,true,false
2024-01-05 00:00:00,600519,0.5,0,false,false
2024-01-12,NA,,0,false,true
"""


def test_text_is_read_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "w.CSV"
    file.write_text(TEXT)
    rows = read_weight_rows(file)
    assert rows.dates.astype(str).tolist() == ["2024-01-05", "2024-01-05", "2024-01-12"]
    assert rows.symbols.tolist() == ["000001", "600519", "NA"], "no number, no missing value"
    assert rows.weights[:2].tolist() == [0.5, 0.5]
    assert np.isnan(rows.weights[2])
    assert rows.rank.tolist() == [1, 0, 0]
    assert rows.keep.tolist() == [True, False, False]
    assert rows.reserve.tolist() == [False, False, True]
    assert rows.metadata == {}


@pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("ns"), pl.String])
def test_dates_of_any_kind(kind: Any, tmp_path: Path) -> None:
    dates = pl.Series(["2024-01-05", "2024-01-12"])
    if kind == pl.Date:
        dates = dates.str.to_date()
    elif kind != pl.String:
        dates = (dates + " 15:00:00").str.to_datetime(time_unit="ns")
    frame = pl.DataFrame({"date": dates, "symbol": ["A", "B"], "weight": [1, 1]})
    file = tmp_path / "w.parquet"
    frame.write_parquet(file)
    rows = read_weight_rows(file)
    assert rows.dates.tolist() == np.array(["2024-01-05", "2024-01-12"], "M8[D]").tolist()
    assert rows.weights.dtype == np.float64
    assert rows.rank.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("date,symbol\n2024-01-05,A\n", "no column weight: it is a table of date, symbol; target"),
        ("date,symbol,weight\n,A,1\n", "date is empty in row 1"),
        ("date,symbol,weight\n2024-01-05,A,much\n", "cannot be read as Parquet or CSV"),
        ("date,symbol,weight\nFriday,A,1\n", "cannot be read as Parquet or CSV"),
        ("", "cannot be read as Parquet or CSV"),
    ],
)
def test_text_that_is_no_table_of_weights(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "w.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=told) as raised:
        read_weight_rows(file)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_columns_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "w.parquet"
    frame = pl.DataFrame({"date": ["2024-01-05"], "symbol": ["A"], "weight": ["much"]})
    frame.write_parquet(file)
    with pytest.raises(UserError, match="the column weight holds other things"):
        read_weight_rows(file)
    frame.with_columns(weight=1.0, date=pl.lit("Friday")).write_parquet(file)
    with pytest.raises(UserError, match="the column date holds other things"):
        read_weight_rows(file)


def test_files_that_are_not_there_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="does not exist: check the path"):
        read_weight_rows(tmp_path / "w.parquet")
    with pytest.raises(ArtefactError, match="does not exist: check the path"):
        read_weight_rows(tmp_path / "w.csv")
    file = tmp_path / "w.parquet"
    file.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(ArtefactError, match="cannot be read as Parquet or CSV"):
        read_weight_rows(file)
