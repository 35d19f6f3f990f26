"""Row ``t`` of a panel knows nothing after ``t``: whatever happens later, it stays bit for bit."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.store import Panel

Change = Callable[[pl.DataFrame, pl.Expr], pl.DataFrame]
TABLES = ("index_members", "index_levels", "industries", "fundamentals")
CUT = date(2020, 9, 30)
ULP = 2.0**-53


@pytest.fixture(scope="module")
def vendor(market_folder: Path) -> dict[str, pl.DataFrame]:
    """The first two years of the simulated market, with fundamentals and an st flag beside it."""
    names = ("daily", "index_members", "index_levels", "industries")
    tables = {n: pl.read_parquet(market_folder / f"{n}.parquet") for n in names}
    tables = {n: frame.filter(pl.col("date") < date(2021, 1, 1)) for n, frame in tables.items()}
    noise = pl.Series(np.random.default_rng(0).random(tables["daily"].height))
    tables["daily"] = tables["daily"].with_columns(st=noise < 0.05, vwap=pl.col("close"))
    tables["fundamentals"] = (
        tables["daily"]
        .filter(noise > 0.95)
        .select("date", "symbol", roe=pl.col("close") / 100, eps=pl.col("open"))
    )
    return tables


def panel_of(folder: Path, tables: dict[str, pl.DataFrame]) -> Panel:
    folder.mkdir()
    for name, frame in tables.items():
        frame.write_parquet(folder / f"{name}.parquet")
    side = SideTables(**{name: str(folder / f"{name}.parquet") for name in TABLES})
    daily = str(folder / "daily.parquet")
    return Panel.open(ingest(str(folder / "panel"), daily, tables=side, bad_rows="mask"))


@pytest.fixture(scope="module")
def before(vendor: dict[str, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Panel:
    return panel_of(tmp_path_factory.mktemp("market") / "before", vendor)


def scaled(frame: pl.DataFrame, later: pl.Expr, columns: tuple[str, ...]) -> pl.DataFrame:
    scale = pl.Series(np.exp(np.random.default_rng(5).normal(0, 0.3, frame.height)))
    return frame.with_columns(
        pl.when(later).then(pl.col(c) * scale).otherwise(c).alias(c) for c in columns
    )


BAR = ("open", "high", "low", "close", "vwap", "amount")
CHANGES: dict[str, tuple[str, Change]] = {
    "prices": ("daily", lambda f, later: scaled(f, later, BAR)),
    "volumes": ("daily", lambda f, later: scaled(f, later, ("volume", "amount"))),
    "adjustment factors": ("daily", lambda f, later: scaled(f, later, ("adj_factor",))),
    "market values": ("daily", lambda f, later: scaled(f, later, ("total_cap", "float_cap"))),
    "suspensions": (
        "daily",
        lambda f, later: f.with_columns(suspended=pl.col("suspended") ^ later),
    ),
    "special treatment": ("daily", lambda f, later: f.with_columns(st=pl.col("st") ^ later)),
    "delistings": (
        "daily",
        lambda f, later: f.with_columns(
            delist_date=pl.when(later).then(date(2020, 11, 2)).otherwise("delist_date")
        ),
    ),
    "rows that stop": ("daily", lambda f, later: f.filter(~later | (pl.col("symbol") > "S00015"))),
    "all rows stop": ("daily", lambda f, later: f.filter(~later)),
    "bad rows": (
        "daily",
        lambda f, later: f.with_columns(
            close=pl.when(later & (pl.col("symbol") > "S00015")).then(0.0).otherwise("close")
        ),
    ),
    "new stocks": (
        "daily",
        lambda f, later: pl.concat(
            [f, *(f.filter(later).with_columns(symbol=n + pl.col("symbol")) for n in ("0", "9"))]
        ),
    ),
    "members": (
        "index_members",
        lambda f, later: f.filter(~later | (pl.col("weight") > 0.03)).with_columns(
            weight=pl.col("weight") / pl.col("weight").sum().over("date", "index")
        ),
    ),
    "levels": ("index_levels", lambda f, later: scaled(f, later, ("close",))),
    "industries": (
        "industries",
        lambda f, _later: pl.concat(
            [
                f,
                f.unique("symbol").with_columns(
                    date=pl.lit(date(2020, 10, 12)),
                    industry=pl.lit("A new one, first in the alphabet"),
                ),
            ]
        ),
    ),
    "fundamentals": ("fundamentals", lambda f, later: scaled(f, later, ("roe", "eps"))),
}


def arrays(panel: Panel) -> dict[str, NDArray[Any]]:
    files = sorted(panel.path.rglob("*.npy"))
    return {str(file.relative_to(panel.path)): np.load(file) for file in files}


def assert_same_past(before: Panel, after: Panel, until: date, *, rtol: float = 0) -> bool:
    """Compare all rows up to a date; whether any later row differs."""
    rows = int(np.searchsorted(before.dates, np.datetime64(until), side="right"))
    np.testing.assert_array_equal(after.dates[:rows], before.dates[:rows])
    columns = np.searchsorted(after.symbols, before.symbols)
    np.testing.assert_array_equal(after.symbols[columns], before.symbols)
    old, new = arrays(before), arrays(after)
    assert set(old) == set(new)
    changed = len(after.dates) != len(before.dates) or len(after.symbols) != len(before.symbols)
    for name, values in old.items():
        there = new[name][:, columns] if values.ndim > 1 else new[name]
        if rtol and values.dtype.kind == "f":
            eps = rtol if values.dtype == np.float64 else 2.0**-23
            np.testing.assert_allclose(there[:rows], values[:rows], rtol=eps, err_msg=name)
        else:
            np.testing.assert_array_equal(there[:rows], values[:rows], err_msg=name)
        changed |= not np.array_equal(there, values, equal_nan=values.dtype.kind == "f")
    return changed


@pytest.mark.parametrize("what", CHANGES)
def test_what_comes_later_changes_nothing_before(
    tmp_path: Path, vendor: dict[str, pl.DataFrame], before: Panel, what: str
) -> None:
    table, change = CHANGES[what]
    changed = vendor | {table: change(vendor[table], pl.col("date") > CUT)}
    after = panel_of(tmp_path / "after", changed)
    assert assert_same_past(before, after, CUT)


def test_everything_at_once_later(
    tmp_path: Path, vendor: dict[str, pl.DataFrame], before: Panel
) -> None:
    changed = dict(vendor)
    for what, (table, change) in CHANGES.items():
        if what != "all rows stop":
            changed[table] = change(changed[table], pl.col("date") > CUT)
    assert assert_same_past(before, panel_of(tmp_path / "after", changed), CUT)


def test_a_panel_to_date_is_the_head_of_a_longer_one(
    tmp_path: Path, vendor: dict[str, pl.DataFrame], before: Panel
) -> None:
    cut = {name: frame.filter(pl.col("date") <= CUT) for name, frame in vendor.items()}
    to_date = panel_of(tmp_path / "to_date", cut)
    assert to_date.dates[-1] == np.datetime64(CUT)
    assert_same_past(to_date, before, CUT)


def rescaled(vendor: dict[str, pl.DataFrame], factors: NDArray[Any]) -> dict[str, pl.DataFrame]:
    symbols = vendor["daily"]["symbol"].unique().sort()
    by_symbol = dict(zip(symbols, factors[: len(symbols)].tolist(), strict=True))
    scale = pl.col("symbol").replace_strict(by_symbol, return_dtype=pl.Float64)
    daily = vendor["daily"].with_columns(adj_factor=pl.col("adj_factor") * scale)
    return vendor | {"daily": daily}


def test_forward_adjusting_vendors_give_the_same_panel(
    tmp_path: Path, vendor: dict[str, pl.DataFrame], before: Panel
) -> None:
    # Such a vendor divides all of a stock's past factors by each new split. Two products and two
    # quotients are rounded on the way: 4 halves of a unit in the last place, and not bit for bit.
    factors = np.random.default_rng(1).uniform(0.01, 1, 100)
    after = panel_of(tmp_path / "after", rescaled(vendor, factors))
    assert_same_past(before, after, date(2030, 1, 1), rtol=5 * ULP)


def test_rescaling_by_powers_of_two_is_exact(
    tmp_path: Path, vendor: dict[str, pl.DataFrame], before: Panel
) -> None:
    factors = 2.0 ** np.random.default_rng(1).integers(-6, 3, 100)
    after = panel_of(tmp_path / "after", rescaled(vendor, factors))
    assert not assert_same_past(before, after, date(2030, 1, 1))
    assert after.fingerprint == before.fingerprint


def test_the_adjustment_factor_starts_at_one(before: Panel) -> None:
    first = np.argmax(before.traded, axis=0)
    factor = np.asarray(before.market("adj_factor"))
    assert (factor[first, np.arange(len(before.symbols))] == 1).all()
    assert factor.max() > 1
