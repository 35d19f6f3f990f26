"""What a data set says of a date does not depend on what comes after it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.store import Panel

MakeVendor = Callable[..., Any]
TABLES = ("daily", "minute", "trades")
CUT = dt.date(2024, 1, 30)


def later(frame: pl.DataFrame) -> pl.Expr:
    day = pl.col("time").dt.date() if "time" in frame.columns else pl.col("date")
    return day > CUT


def disturbed(frame: pl.DataFrame) -> pl.DataFrame:
    """Everything after the cut is different, and a stock falls silent."""
    after = later(frame)
    scale = {c: f for c, f in {"volume": 3, "amount": 6}.items() if c in frame.columns}
    prices = [c for c in ("open", "high", "low", "close", "price") if c in frame.columns]
    changes = [pl.when(after).then(pl.col(c) * f).otherwise(c).alias(c) for c, f in scale.items()]
    changes += [pl.when(after).then(pl.col(c) * 2).otherwise(c).alias(c) for c in prices]
    if "adj_factor" in frame.columns:
        changes.append(pl.when(after).then(pl.col("adj_factor") * 5).otherwise("adj_factor"))
    return frame.with_columns(changes).filter(~(after & (pl.col("symbol") == "B")))


def built(workplace: Any, tables: dict[str, pl.DataFrame], proxy: bool) -> dict[str, Any]:
    workplace.ingest(tables["daily"])
    given = ["--store", str(workplace.room / "store")]
    for name in ("minute",) if proxy else ("minute", "trades"):
        folder = workplace.room / name
        for file in folder.glob("*.parquet") if folder.exists() else ():
            file.unlink()
        given += [f"--{name}", str(workplace.write(name, tables[name]))]
    assert workplace.run(*given) == (0, "")
    panel = Panel.open(workplace.panel)
    rows = int((panel.dates <= np.datetime64(CUT)).sum())
    return {name: np.array(panel.dataset(name).array[:rows]) for name in ("mschars", "l2chars")}


@pytest.mark.parametrize("proxy", [False, True])
@pytest.mark.parametrize("future", ["disturbed", "gone"])
def test_the_future_changes_nothing(
    workplace: Any, vendor: MakeVendor, proxy: bool, future: str
) -> None:
    tables = {name: getattr(vendor(23), name) for name in TABLES}
    change = disturbed if future == "disturbed" else lambda f: f.filter(~later(f))
    expected = built(workplace, tables, proxy)
    assert len(expected["l2chars"]) == 21
    for changed in (TABLES, ("daily",), ("minute", "trades")):
        other = {n: change(f) if n in changed else f for n, f in tables.items()}
        found = built(workplace, other, proxy)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name][: len(values)], values)
