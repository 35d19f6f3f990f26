import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts import dated_table
from alpha_lightning.artefacts.dated_table import (
    DatedTable,
    DatedTableWriter,
    read_dated_table,
    read_metadata,
    write_dated_table,
)
from alpha_lightning.artefacts.errors import ArtefactError

Array = NDArray[Any]


def table(dates: int = 5, symbols: int = 40) -> DatedTable:
    generator = np.random.default_rng(0)
    days = np.datetime64("2024-01-31") + np.arange(dates)
    names = np.array([f"S{k:03d}" for k in range(symbols)])
    values = generator.normal(size=(dates * symbols, 2)).astype(np.float32)
    values[3, 1] = np.nan
    about = {"unit": "gru", "seed": 3, "range": ["2024-01-31", None]}
    rows = np.repeat(days, symbols), np.tile(names, dates)
    return DatedTable(*rows, values, ("f00", "f01"), about)


def assert_same(left: DatedTable, right: DatedTable) -> None:
    assert left.columns == right.columns
    assert left.metadata == right.metadata
    for a, b in ((left.dates, right.dates), (left.symbols, right.symbols)):
        np.testing.assert_array_equal(a, b)
    assert left.values.dtype == right.values.dtype == np.float32
    np.testing.assert_array_equal(left.values, right.values)


def test_a_table_comes_back_sorted(tmp_path: Path) -> None:
    whole = table()
    order = np.random.default_rng(1).permutation(len(whole))
    shuffled = DatedTable(
        whole.dates[order], whole.symbols[order], whole.values[order], whole.columns, whole.metadata
    )
    write_dated_table(tmp_path / "t.parquet", shuffled)
    assert_same(read_dated_table(tmp_path / "t.parquet"), whole)
    assert read_metadata(tmp_path / "t.parquet") == whole.metadata


def test_other_libraries_read_it(tmp_path: Path) -> None:
    write_dated_table(tmp_path / "t.parquet", table())
    frame = pl.read_parquet(tmp_path / "t.parquet")
    expected = {"date": pl.Datetime("us"), "symbol": pl.String, "f00": pl.Float32}
    assert dict(frame.schema) == expected | {"f01": pl.Float32}
    assert frame["date"].is_sorted()
    np.testing.assert_array_equal(frame["f01"].to_numpy(), table().values[:, 1])


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    whole = table()
    none = DatedTable(whole.dates[:0], whole.symbols[:0], whole.values[:0], whole.columns)
    write_dated_table(tmp_path / "t.parquet", none)
    read = read_dated_table(tmp_path / "t.parquet")
    assert len(read) == 0
    assert read.values.shape == (0, 2)
    assert read.columns == whole.columns


def test_many_dates_stream_in_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dated_table, "_ROWS_PER_GROUP", 100)
    write_dated_table(tmp_path / "t.parquet", table(dates=7))
    groups = pq.read_metadata(tmp_path / "t.parquet").num_row_groups
    assert groups == 3  # 120, 120 and 40 rows: whole dates
    assert_same(read_dated_table(tmp_path / "t.parquet"), table(dates=7))


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_dated_table(tmp_path / name, table())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_rows_must_fit_and_dates_ascend(tmp_path: Path) -> None:
    names = np.array(["B", "A"])
    days = [np.datetime64("2024-01-31") + k for k in range(2)]
    with DatedTableWriter(tmp_path / "t.parquet", ("x",), {}) as writer:
        writer.append(days[0], names, np.array([[2.0], [1.0]]))
        with pytest.raises(ValueError, match=r"2024-01-31 after 2024-01-31"):
            writer.append(days[0], names, np.zeros((2, 1)))
        with pytest.raises(ValueError, match=r"\(2, 3\) do not fit 2 symbols x 1"):
            writer.append(days[1], names, np.zeros((2, 3)))
    read = read_dated_table(tmp_path / "t.parquet")
    assert read.symbols.tolist() == ["A", "B"]
    assert read.values[:, 0].tolist() == [1.0, 2.0]


FAILURES = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()]


@pytest.mark.parametrize("rows_per_group", [1, 1000])  # early, or when all rows are in
@pytest.mark.parametrize("failure", FAILURES)
def test_a_full_disk_or_an_interrupt_leaves_the_old_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows_per_group: int,
    failure: BaseException,
) -> None:
    write_dated_table(tmp_path / "t", table())

    def fail(*_: Any, **__: Any) -> None:
        raise failure

    monkeypatch.setattr(dated_table, "_ROWS_PER_GROUP", rows_per_group)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    with pytest.raises((ArtefactError, KeyboardInterrupt), match=r"disk is full|^$"):
        write_dated_table(tmp_path / "t", table(dates=9))
    assert_same(read_dated_table(tmp_path / "t"), table())
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


def test_damaged_bytes_are_refused_or_harmless(tmp_path: Path) -> None:
    whole = table()
    file = tmp_path / "t.parquet"
    write_dated_table(file, whole)
    good = file.read_bytes()
    # The footer, some 1,400 bytes of schema and statistics, has no checksum: all before it has.
    body = len(good) - int.from_bytes(good[-8:-4], "little") - 8
    refused = []
    for place in range(0, body, max(body // 150, 1)):
        file.write_bytes(good[:place] + bytes([good[place] ^ 0x5A]) + good[place + 1 :])
        try:
            assert_same(read_dated_table(file), whole)
        except ArtefactError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all("it is damaged, write it again" in message for message in refused)
    for length in (0, 3, len(good) // 2, len(good) - 1):
        file.write_bytes(good[:length])
        with pytest.raises(ArtefactError, match=r"t\.parquet cannot be read as Parquet"):
            read_dated_table(file)


def test_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pq.write_table(pa.table({"date": [1], "symbol": ["A"]}), file)
    with pytest.raises(ArtefactError, match="is not a table of alpha_lightning"):
        read_metadata(file)
    schema = pa.schema([("when", pa.int64())], metadata={dated_table.METADATA_KEY: b"{}"})
    pq.write_table(pa.table({"when": [1]}, schema=schema), file)
    with pytest.raises(ArtefactError, match="is not a table of alpha_lightning"):
        read_dated_table(file)
    with pytest.raises(ArtefactError, match="does not exist: check the path"):
        read_dated_table(tmp_path / "none.parquet")
    with pytest.raises(ArtefactError, match="cannot be read"):
        read_metadata(tmp_path)


def test_half_precision_takes_half_of_the_space_and_is_read_by_others(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4000, 30)).astype(np.float32)
    names, columns = np.array([f"S{k:04d}" for k in range(4000)]), [f"f{k:02d}" for k in range(30)]
    for precision in ("float32", "float16"):
        with DatedTableWriter(tmp_path / precision, columns, {}, precision) as writer:
            writer.append(np.datetime64("2024-01-31"), names, values)
    sizes = [(tmp_path / precision).stat().st_size for precision in ("float32", "float16")]
    assert sizes[1] < 0.55 * sizes[0]
    assert sizes[0] < 1.02 * values.nbytes
    read = read_dated_table(tmp_path / "float16")
    assert read.values.dtype == np.float32
    np.testing.assert_array_equal(read.values, values.astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(pl.read_parquet(tmp_path / "float16")["f07"], read.values[:, 7])


def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    values = np.array([[1.0], [np.nan], [-7e4]], dtype=np.float32)
    symbols = np.array(["a", "b", "c"])
    with (
        pytest.raises(ArtefactError, match="2024-01-31 is 70000, too large for float16"),
        DatedTableWriter(tmp_path / "t.parquet", ["f00"], {}, "float16") as writer,
    ):
        writer.append(np.datetime64("2024-01-31"), symbols, values)
    assert not list(tmp_path.iterdir())
