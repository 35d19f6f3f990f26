from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table, write_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting.score_file import read_score, standardised, write_score

DATES = np.array(["2022-01-04", "2022-01-05"], dtype="datetime64[D]")
SYMBOLS = np.array(["A", "B", "C"])
RAW = np.array([[1.0, 2.0, 6.0], [np.nan, -4.0, 8.0]])


def test_writes_a_row_per_stock_with_a_score(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "score.parquet"
    assert write_score(out, DATES, SYMBOLS, RAW, {"name": "x"}) == out
    table = read_score(out)
    assert table.symbols.tolist() == ["A", "B", "C", "B", "C"]
    assert table.columns == ("score",)
    assert table.metadata == {"kind": "score", "name": "x"}
    expected = [*((RAW[0] - 3) / RAW[0].std()), -1, 1]
    np.testing.assert_allclose(table.values[:, 0], expected, rtol=1e-6)


def test_standardised_leaves_missing_missing() -> None:
    z = standardised(RAW)
    assert np.isnan(z[1, 0])
    np.testing.assert_allclose(np.nanmean(z, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.nanstd(z, axis=1), 1, rtol=1e-12)


def test_refuses_what_is_no_score(tmp_path: Path) -> None:
    table = DatedTable(DATES, SYMBOLS[:2], np.ones((2, 1), np.float32), ("w",), {"kind": "weights"})
    write_dated_table(tmp_path / "weights.parquet", table)
    with pytest.raises(UserError, match=r"weights\.parquet is a weights, not a score"):
        read_score(tmp_path / "weights.parquet")
    write_dated_table(tmp_path / "bare.parquet", DatedTable(*_rows(table), ("w",), {}))
    with pytest.raises(UserError, match="is a table without a kind, not a score"):
        read_score(tmp_path / "bare.parquet")


def _rows(table: DatedTable) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return table.dates, table.symbols, table.values


def test_refuses_an_empty_or_damaged_score(tmp_path: Path) -> None:
    empty = write_score(tmp_path / "empty.parquet", DATES, SYMBOLS, np.full((2, 3), np.nan), {})
    assert len(read_dated_table(empty)) == 0
    with pytest.raises(UserError, match=r"empty\.parquet holds no row"):
        read_score(empty)
    whole = write_score(tmp_path / "cut.parquet", DATES, SYMBOLS, RAW, {})
    whole.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"cut\.parquet.*is damaged"):
        read_score(whole)
