"""Minute bars and trades on disk: what they hold, and that they add up to the daily bars."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings, VolumeSettings
from alpha_lightning.simulation.simulate import simulate

MARKETS = {
    "ten": MarketSettings(stocks=40, days=60),
    "thin": MarketSettings(
        stocks=30,
        days=60,
        volume=VolumeSettings(turnover=1e-5, turnover_spread=2),
        intraday=IntradaySettings(bar_minutes=5, prints=2, size_spread=2),
    ),
    "thirty": MarketSettings(
        stocks=20, days=60, intraday=IntradaySettings(bar_minutes=30, prints=1, size_spread=0)
    ),
    "fifteen": MarketSettings(
        stocks=20, days=60, intraday=IntradaySettings(bar_minutes=15, prints=7)
    ),
}


@pytest.fixture(scope="module", params=list(MARKETS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(str(tmp_path_factory.mktemp("m") / "m"), MARKETS[request.param], seed=2)


def cents(column: str) -> pl.Expr:
    return (pl.col(column) * 100).round().cast(pl.Int64)


def bars_of(frame: pl.DataFrame, keys: list[str], columns: dict[str, str]) -> pl.DataFrame:
    """Bars of finer rows, prices and amounts in cents."""
    first, high, low, last = (columns[name] for name in ("open", "high", "low", "close"))
    return frame.group_by(keys, maintain_order=True).agg(
        cents(first).first().alias("open"),
        cents(high).max().alias("high"),
        cents(low).min().alias("low"),
        cents(last).last().alias("close"),
        pl.col("volume").sum(),
        cents("amount").sum().alias("amount"),
    )


def test_trades_make_the_minute_bars_and_those_the_daily_bars(folder: Path) -> None:
    daily = pl.read_parquet(folder / "daily.parquet").filter(~pl.col("suspended"))
    trades = pl.read_parquet(folder / "trades" / "*.parquet")
    minute = pl.read_parquet(folder / "minute" / "*.parquet")
    own = {name: name for name in ("open", "high", "low", "close")}
    keys = ["date", "symbol"]
    wanted = bars_of(daily, keys, own)
    by_day = pl.col("time").dt.date().alias("date")
    trades = trades.with_columns((pl.col("price") * pl.col("volume")).alias("amount"))
    prices = dict.fromkeys(own, "price")
    assert bars_of(trades.with_columns(by_day), keys, prices).equals(wanted)
    assert bars_of(minute.with_columns(by_day), keys, own).equals(wanted)

    length = minute["time"].dt.minute().filter(minute["time"].dt.hour() == 9).min()
    assert length == 25
    ends = minute.select("time").unique().sort("time").with_columns(pl.col("time").alias("end"))
    stamped = trades.sort("time").join_asof(ends, on="time", strategy="forward")
    stamped = stamped.sort("symbol", "time").drop("time").rename({"end": "time"})
    again = bars_of(stamped, ["time", "symbol"], prices).sort("time", "symbol")
    assert again.equals(bars_of(minute, ["time", "symbol"], own).sort("time", "symbol"))


def test_one_file_a_day_sorted_by_symbol_and_time(folder: Path) -> None:
    dates = pl.read_parquet(folder / "daily.parquet")["date"].unique().sort().cast(pl.String)
    text, number, whole = pl.String(), pl.Float64(), pl.Int64()
    prices: dict[str, pl.DataType] = dict.fromkeys(("open", "high", "low", "close"), number)
    schemas: dict[str, dict[str, pl.DataType]] = {
        "minute": {"symbol": text} | prices | {"volume": whole, "amount": number},
        "trades": {"symbol": text, "price": number, "volume": whole, "side": text}
        | {"buy_order": whole, "sell_order": whole},
    }
    for name, schema in schemas.items():
        files = sorted((folder / name).iterdir())
        assert [file.stem for file in files] == dates.to_list()
        for file in files[::20]:
            frame = pl.read_parquet(file)
            assert dict(frame.schema) == {"time": pl.Datetime("us")} | schema
            assert frame.equals(frame.sort("symbol", "time", maintain_order=True))
            assert (frame["time"].dt.date().cast(pl.String) == file.stem).all()
            assert frame.null_count().sum_horizontal()[0] == 0
            assert (frame["volume"] > 0).all()
            assert (frame["volume"] % 100 == 0).all()
            assert pq.read_metadata(file).row_group(0).column(1).compression == "ZSTD"


def test_auctions_have_no_side_and_their_own_times(folder: Path) -> None:
    trades = pl.read_parquet(folder / "trades" / "*.parquet")
    auctions = trades.filter(pl.col("side") == "N")
    clock = auctions["time"].dt.time().cast(pl.String).str.slice(0, 8)
    assert set(clock) == {"09:25:00", "15:00:00"}
    stock_days = trades.select(pl.struct("symbol", pl.col("time").dt.date()).n_unique()).item()
    assert auctions.height == 2 * stock_days
    sides = trades.filter(pl.col("side") != "N")["side"].to_list()
    assert set(sides) == {"B", "S"}
    assert sides.count("B") / len(sides) == pytest.approx(0.5, abs=0.03)
    minute = pl.read_parquet(folder / "minute" / "*.parquet")
    opening = minute.filter(pl.col("time").dt.time().cast(pl.String).str.starts_with("09:25"))
    assert opening.height == stock_days
    for name in ("high", "low", "close"):
        assert opening[name].equals(opening["open"].alias(name))


def test_bars_without_a_print_are_absent() -> None:
    market = Market(MARKETS["thin"], seed=2)
    day: MarketDay = next(iter(market))
    assert (day.minutes.lots[day.status.traded] == 0).mean() > 0.05


def test_writing_the_day_files_changes_no_other_table(tmp_path: Path) -> None:
    folders = []
    for minute, trades in ((True, True), (False, True), (False, False)):
        intraday = IntradaySettings(minute=minute, trades=trades)
        market = MarketSettings(stocks=20, days=60, intraday=intraday)
        out = simulate(str(tmp_path / f"{minute}{trades}"), market, seed=1)
        assert (out / "minute").exists() == minute
        assert (out / "trades").exists() == trades
        folders.append(out)
    for file in folders[0].glob("*.parquet"):
        for other in folders[1:]:
            assert file.read_bytes() == (other / file.name).read_bytes()
