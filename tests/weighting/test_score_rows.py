from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import (
    DatedTable,
    DatedTableWriter,
    read_dated_table,
    write_dated_table,
)
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.score_rows import read_score_rows

Write = Callable[..., str]


@pytest.fixture
def panel(market: Callable[..., Any], tmp_path: Path) -> Panel:
    written: Panel = market(30, 25).write(tmp_path / "market")
    return written


def test_rows_are_those_of_the_table_whatever_the_row_groups(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alpha_lightning.artefacts.dated_table._ROWS_PER_GROUP", 30)
    file, random = tmp_path / "score.parquet", np.random.default_rng(0)
    with DatedTableWriter(file, ("score",), {"kind": "score"}) as writer:
        for date in panel.dates[3:]:
            # Symbols come and go, so that each row group spells others in another order.
            symbols = random.permutation(panel.symbols)[: random.integers(1, 25)]
            writer.append(date, symbols, random.normal(size=(len(symbols), 1)))
    rows, table = read_score_rows(file), read_dated_table(file)
    assert (rows.columns, rows.metadata) == (table.columns, table.metadata)
    assert (rows.values.dtype, len(rows.values)) == (np.dtype(np.float32), len(table))
    for found, expected in (
        (rows.dates, table.dates),
        (rows.symbols[rows.codes], table.symbols),
        (rows.values, table.values[:, 0]),
        *zip(rows.locate(panel), panel.locate(table.dates, table.symbols), strict=True),
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_file_without_rows(panel: Panel, write_score: Write) -> None:
    rows = read_score_rows(Path(write_score(panel, np.full((30, 25), np.nan))))
    assert [len(found) for found in rows.locate(panel)] == [0, 0]


def test_what_the_panel_lacks_is_counted_in_rows(panel: Panel, tmp_path: Path) -> None:
    dates, file = np.repeat(panel.dates[:4], 2), tmp_path / "score.parquet"
    symbols = np.array([panel.symbols[0], "Z"] * 4)
    table = DatedTable(dates, symbols, np.zeros((8, 1), np.float32), ("score",), {"kind": "score"})
    write_dated_table(file, table)
    with pytest.raises(PanelError, match=r"symbol Z \(4 rows in all\) is not in the panel"):
        read_score_rows(file).locate(panel)


def test_damage_is_told(panel: Panel, write_score: Write) -> None:
    file = Path(write_score(panel, np.random.default_rng(0).normal(size=(30, 25))))
    content = bytearray(file.read_bytes())
    content[100:130] = bytes(30)
    file.write_bytes(content)
    with pytest.raises(ArtefactError, match="it is damaged, write it again"):
        read_score_rows(file)
