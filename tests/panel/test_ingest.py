from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.store import Panel

Bars = Callable[..., pl.DataFrame]
Ingested = Callable[..., Any]


def fingerprint(ingested: Ingested, frame: pl.DataFrame, *options: str, file: str) -> str:
    status, message, out = ingested(frame, *options, "--overwrite", "true", file=file)
    assert (status, message) == (0, "")
    return Panel.open(out).fingerprint


def test_the_same_bars_make_the_same_panel(ingested: Ingested, bars: Bars) -> None:
    frame = bars().with_columns(volume=pl.col("volume").cast(pl.Int64), st=pl.lit(value=False))
    variants = [
        frame,
        frame.sample(fraction=1, shuffle=True, seed=0),
        frame.select(reversed(frame.columns)),
        frame.with_columns(
            pl.col("symbol").cast(pl.Categorical), pl.col("volume").cast(pl.Float32)
        ),
        frame.with_columns(pl.col("date").cast(pl.Datetime("ns"))),
        frame.with_columns(note=pl.lit("not read")),
    ]
    prints = {fingerprint(ingested, v, file=f"{k}.parquet") for k, v in enumerate(variants)}
    prints |= {
        fingerprint(ingested, v.with_columns(pl.col("symbol").cast(pl.String)), file=f"{k}.csv")
        for k, v in enumerate(variants)
    }
    assert len(prints) == 1
    other = frame.with_columns(volume=pl.col("volume") + (pl.int_range(pl.len()) == 5))
    assert fingerprint(ingested, other, file="other.parquet") not in prints


def test_what_a_panel_holds(ingested: Ingested, bars: Bars) -> None:
    status, message, out = ingested(bars().with_columns(amount=pl.col("close") * pl.col("volume")))
    assert (status, message) == (0, "")
    panel = Panel.open(out)
    assert panel.dates.tolist() == bars()["date"].unique().sort().to_list()
    assert panel.symbols.tolist() == ["A", "B", "C"]
    close = bars()["close"].to_numpy().reshape(30, 3)
    np.testing.assert_array_equal(panel.market("close"), close)
    np.testing.assert_allclose(panel.market("vwap"), close, rtol=1e-15)
    np.testing.assert_array_equal(panel.adjusted("close"), close)
    assert panel.traded.all()
    assert panel.listed.all()
    assert panel.datasets == ("rawbar",)
    assert panel.dataset("rawbar").array.shape == (30, 3, 6)
    assert panel.meta["sources"][0]["rows"] == 90
    assert panel.meta["bad_rows"] == {"mode": "refuse", "rows": 0, "counts": {}, "first": []}


@pytest.mark.parametrize(("days", "symbols"), [(1, 1), (1, 3), (30, 1)])
def test_the_smallest_tables(ingested: Ingested, bars: Bars, days: int, symbols: int) -> None:
    frame = bars(days, symbols)
    for extra in (frame, frame.with_columns(volume=pl.lit(0.0), amount=pl.lit(0.0))):
        status, message, out = ingested(extra, "--overwrite", "true")
        assert (status, message) == (0, "")
        assert Panel.open(out).traded.shape == (days, symbols)


def test_a_suspended_day_whichever_way_it_is_told(ingested: Ingested, bars: Bars) -> None:
    frame = bars().with_columns(amount=pl.col("close") * pl.col("volume"))
    there = pl.int_range(pl.len()) == 7  # B on the third day
    columns = [c for c in frame.columns if c not in ("date", "symbol")]
    told = [
        frame.filter(~there),
        frame.with_columns(pl.when(~there).then(c).otherwise(0.0).alias(c) for c in ["volume"]),
        frame.with_columns(pl.when(~there).then(c).alias(c) for c in columns),
        frame.with_columns(suspended=there),
        frame.with_columns(suspended=pl.when(there).then(1)),
    ]
    for k, variant in enumerate(told):
        panel = Panel.open(ingested(variant, "--overwrite", "true", file=f"{k}.parquet")[2])
        assert np.argwhere(~panel.traded).tolist() == [[2, 1]]
        assert panel.listed.all()
        assert np.isnan(panel.market("close")[2, 1])
        assert panel.market("volume")[2, 1] == panel.market("amount")[2, 1] == 0
        rawbar = panel.dataset("rawbar").array
        np.testing.assert_allclose(rawbar[2, 1], [11.1] * 5 + [0], rtol=1e-6)
        np.testing.assert_allclose(rawbar[3, 1, 3], 11.3, rtol=1e-6)


def test_a_calendar_may_have_days_without_bars(
    tmp_path: Path, ingested: Ingested, bars: Bars
) -> None:
    days = bars()["date"].unique().sort().to_list()
    file = tmp_path / "days.txt"
    file.write_text("\n".join(str(day) for day in [date(2020, 1, 1), *days, date(2030, 1, 1)]))
    frame = bars().filter(pl.col("date") != days[4])
    panel = Panel.open(ingested(frame, "--calendar", str(file))[2])
    assert panel.dates.tolist() == days  # from the first bar to the last
    assert not panel.traded[4].any()
    assert panel.listed[4].all()
    inferred = Panel.open(ingested(frame, "--overwrite", "true")[2])
    assert inferred.dates.tolist() == [day for day in days if day != days[4]]


def test_a_market_on_sundays_needs_its_calendar(
    tmp_path: Path, ingested: Ingested, bars: Bars
) -> None:
    frame = bars(days=4).with_columns(pl.col("date").dt.offset_by("4d"))  # Saturday to Tuesday
    assert ingested(frame)[0] == 1
    file = tmp_path / "days.txt"
    file.write_text("\n".join(str(day) for day in frame["date"].unique().sort()))
    assert Panel.open(ingested(frame, "--calendar", str(file))[2]).traded.all()


def test_the_simulated_market_with_all_its_tables(market_folder: Path, panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    daily = pl.read_parquet(market_folder / "daily.parquet")
    assert panel.dates.tolist() == daily["date"].unique().sort().to_list()
    assert panel.symbols.tolist() == sorted(daily["symbol"].unique())
    rows, columns = panel.locate(daily["date"].to_numpy(), daily["symbol"].to_numpy())
    traded = ~daily["suspended"].to_numpy() & (daily["volume"].to_numpy() > 0)
    for field in ("open", "high", "low", "close", "amount", "volume"):
        np.testing.assert_array_equal(
            panel.market(field)[rows[traded], columns[traded]], daily[field].to_numpy()[traded]
        )
    assert panel.traded.sum() == traded.sum()
    members = pl.read_parquet(market_folder / "index_members.parquet")
    rows, columns = panel.locate(members["date"].to_numpy(), members["symbol"].to_numpy())
    for index in panel.indices:
        own = members["index"].to_numpy() == index
        grid = np.zeros(panel.traded.shape, dtype=bool)
        grid[rows[own], columns[own]] = True
        np.testing.assert_array_equal(panel.members(index), grid)
        weights = np.load(panel_path / "weights" / f"{index}.npy")
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert panel.meta["levels"] == list(panel.indices)


def test_side_tables_are_known_from_their_date_on(
    tmp_path: Path, ingested: Ingested, bars: Bars
) -> None:
    rows = {"date": [date(2024, 1, 6), date(2024, 1, 10), date(2023, 1, 1)], "symbol": list("AAB")}
    pl.DataFrame(rows | {"industry": ["banks", "autos", "steel"]}).write_csv(tmp_path / "i.csv")
    pl.DataFrame(rows | {"roe": [0.1, 0.2, 0.3], "eps": [None, 5, None]}).write_csv(
        tmp_path / "f.csv"
    )
    (tmp_path / "f.parquet").write_bytes(b"")
    fundamentals = pl.read_csv(tmp_path / "f.csv", try_parse_dates=True)
    fundamentals.write_parquet(tmp_path / "f.parquet")
    status, _, out = ingested(
        bars(days=8),
        *("--tables.industries", str(tmp_path / "i.csv")),
        *("--tables.fundamentals", str(tmp_path / "f.parquet")),
    )
    assert status == 0
    panel = Panel.open(out)
    names = panel.meta["industries"]
    industry = np.load(out / "industry.npy")
    known = [[names[c] if c >= 0 else None for c in column] for column in industry.T]
    # The 6th is a Saturday: known on Monday the 8th, the fifth day.
    assert known[0] == [None] * 4 + ["banks"] * 2 + ["autos"] * 2
    assert known[1] == ["steel"] * 8
    assert known[2] == [None] * 8
    roe = np.load(out / "fundamentals" / "roe.npy")
    np.testing.assert_array_equal(roe[:, 0], [np.nan] * 4 + [0.1] * 2 + [0.2] * 2)
    np.testing.assert_array_equal(roe[:, 1], [0.3] * 8)
    eps = np.load(out / "fundamentals" / "eps.npy")
    np.testing.assert_array_equal(eps[:, 0], [np.nan] * 6 + [5.0] * 2)
    assert panel.meta["fundamentals"] == ["roe", "eps"]


def test_python_and_command_line_agree(tmp_path: Path, ingested: Ingested, bars: Bars) -> None:
    file = tmp_path / "m.parquet"
    pl.DataFrame({"date": [date(2024, 1, 2)], "index": ["300"], "symbol": ["A"]}).write_parquet(
        file
    )
    by_command = Panel.open(ingested(bars(), "--tables.index-members", str(file))[2])
    written = ingest(
        str(tmp_path / "panel"),
        daily=str(tmp_path / "daily.parquet"),
        tables=SideTables(index_members=str(file)),
    )
    assert Panel.open(written).meta == by_command.meta
