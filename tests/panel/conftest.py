"""Daily and intraday tables small enough to read, and the command line over them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from alpha_lightning.cli import main
from alpha_lightning.panel.ingest import ingest

Frame = Callable[..., pl.DataFrame]
Told = tuple[int, str, Path]


@pytest.fixture(scope="session")
def bars() -> Frame:
    """Daily bars of symbols A, B, ... on weekdays from Tuesday 2024-01-02 on, by date and symbol.

    The close is 10 for A, 11 for B, ... and rises by 0.1 a day.
    """

    def make(days: int = 30, symbols: int = 3) -> pl.DataFrame:
        all_days = np.arange("2024-01-02", "2030-01-01", dtype="datetime64[D]")
        dates = np.repeat(all_days[np.is_busday(all_days)][:days], symbols)
        number = np.tile(np.arange(symbols), days)
        close = np.round(10 + number + 0.1 * np.repeat(np.arange(days), symbols), 2)
        return pl.DataFrame(
            {
                "date": pl.Series(dates.astype("datetime64[ms]")).cast(pl.Date),
                "symbol": [chr(ord("A") + k) for k in number],
                "open": close - 0.05,
                "high": close + 0.1,
                "low": close - 0.1,
                "close": close,
                "volume": 1000.0 + 10 * number,
            }
        )

    return make


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the bytes of files, None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def ingested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run ``ingest`` through the command line; a failure must have written nothing.

    Takes options, and a frame or None for ``--daily``. Returns the exit status, what was said on
    stderr, and where the panel is or would have been.
    """

    def run(frame: pl.DataFrame | None, *options: str, file: str = "daily.parquet") -> Told:
        out = tmp_path / "out" / "panel"
        given = ["ingest", "--out", str(out), *options]
        if frame is not None:
            path = tmp_path / file
            path.parent.mkdir(exist_ok=True)
            if path.suffix == ".csv":
                frame.write_csv(path)
            else:
                frame.write_parquet(path)
            given += ["--daily", str(path)]
        before = tree(tmp_path)
        status = main(given)
        message = capsys.readouterr().err
        if status:
            assert message.startswith("error: ")
            assert tree(tmp_path) == before
        return status, message, out

    return run


MARKETS = Path(__file__).parents[2] / "configs" / "market"
FIRST_DAY = np.datetime64("2024-01-02")


def trading_day(number: int) -> dt.date:
    """Weekdays from Tuesday 2024-01-02 on, counted from 0."""
    days: list[dt.date] = np.busday_offset(FIRST_DAY, [number]).tolist()
    return days[0]


def prints_of(day: dt.date, symbol: str, rng: np.random.Generator) -> pl.DataFrame:
    """An opening auction, 60 trades of the two sessions and a closing auction."""
    clock = np.sort(rng.integers(1, 4 * 3600 - 200, 60))
    second = np.concatenate([[33900], np.where(clock <= 7200, 34200, 39600) + clock, [54000]])
    midnight = np.datetime64(day, "us")
    price = np.round(20 + np.cumsum(rng.normal(0, 0.03, 62)), 2)
    order = 2 + 2 * np.arange(62)
    side = np.where(rng.random(62) < 0.5, "B", "S")
    side[[0, -1]] = "N"
    return pl.DataFrame(
        {
            "time": midnight + second.astype("timedelta64[s]"),
            "symbol": symbol,
            "price": price,
            "volume": 100 * rng.integers(1, 60, 62),
            "side": side,
            "buy_order": order + (side == "B"),
            "sell_order": order + (side != "B"),
        }
    )


def bars_of(trades: pl.DataFrame, minutes: int = 10) -> pl.DataFrame:
    """Minute bars of trades, stamped with their end; the opening auction is a bar of 09:25."""
    money = (pl.col("price") * pl.col("volume")).sum().alias("amount")
    end = pl.col("time").dt.offset_by("-1us").dt.truncate(f"{minutes}m").dt.offset_by(f"{minutes}m")
    is_auction = pl.col("time").dt.time() <= dt.time(9, 25)
    stamp = pl.when(is_auction).then(pl.col("time")).otherwise(end).alias("time")
    return (
        trades.group_by("symbol", stamp, maintain_order=True)
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("volume").sum(),
            money,
        )
        .select("time", "symbol", "open", "high", "low", "close", "volume", "amount")
    )


@dataclass
class Vendor:
    """Tables of a few stocks on a few days that agree with one another.

    A, B, C and D; C is suspended on the third day, A has a factor of 2 from the fourth day on.
    """

    days: int = 5
    symbols: tuple[str, ...] = ("A", "B", "C", "D")
    trades: pl.DataFrame = field(init=False)
    minute: pl.DataFrame = field(init=False)
    daily: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        parts = [
            prints_of(trading_day(t), symbol, np.random.default_rng([t, k]))
            for t in range(self.days)
            for k, symbol in enumerate(self.symbols)
            if (t, symbol) != (2, "C")
        ]
        self.trades = pl.concat(parts)
        self.minute = bars_of(self.trades)
        fourth = pl.col("date") >= trading_day(3)
        daily = bars_of(self.trades.with_columns(pl.col("time").dt.truncate("1d")), 1440)
        factor = pl.when(fourth & (pl.col("symbol") == "A")).then(2.0).otherwise(1.0)
        daily = daily.with_columns(date=pl.col("time").dt.date()).drop("time")
        self.daily = daily.with_columns(adj_factor=factor)


@pytest.fixture(scope="session")
def vendor() -> Callable[..., Vendor]:
    """Make tables of so many days."""
    return Vendor


@dataclass
class Workplace:
    """A folder with vendor tables, a panel of the daily ones, and the command over them."""

    room: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def panel(self) -> Path:
        return self.room / "panel"

    def ingest(self, daily: pl.DataFrame) -> Path:
        daily.write_parquet(self.room / "daily.parquet")
        return ingest(str(self.panel), daily=str(self.room / "daily.parquet"), overwrite=True)

    def write(
        self, name: str, frame: pl.DataFrame, split: str = "day", kind: str = "parquet"
    ) -> Path:
        """Write a table in one file, one a day or one a symbol; return where it is."""
        folder = self.room / name
        folder.mkdir(exist_ok=True)
        key = {"day": pl.col("time").dt.date().cast(pl.String), "symbol": pl.col("symbol")}
        whole = pl.lit("all")
        parts = frame.with_columns(_part=key.get(split, whole)).partition_by("_part", as_dict=True)
        for (part,), tagged in parts.items():
            file, rows = folder / f"{part}.{kind}", tagged.drop("_part")
            rows.write_csv(file) if kind == "csv" else rows.write_parquet(file)
        return folder

    def exchange(self, market: str = "cn", **changes: Any) -> Path:
        """An exchange of the repository with changes; those of minute and trades are merged."""
        described = yaml.safe_load((MARKETS / f"{market}.yaml").read_text())
        for key, value in changes.items():
            described[key] = described[key] | value if isinstance(value, dict) else value
        path = self.room / "exchange.yaml"
        path.write_text(yaml.safe_dump(described), encoding="utf-8")
        return path

    def run(self, *options: str) -> tuple[int, str]:
        """``characterise``; a failure must have left the panel and the older day files alone."""
        before = self._kept()
        given = list(options) if "--exchange" in options else [*options, "--exchange", "cn.yaml"]
        given = [str(MARKETS / arg) if arg == "cn.yaml" else arg for arg in given]
        status = main(["characterise", "--panel", str(self.panel), *given])
        message = self.capsys.readouterr().err
        if status:
            assert "error: " in message
            after = self._kept()
            assert {name: after.get(name) for name in before} == before
            assert [k for k in after if not k.startswith("days/") and k not in before] == []
        return status, message

    @property
    def days(self) -> Path:
        return self.room / "panel.days"

    def _kept(self) -> dict[str, bytes | None]:
        days = {f"days/{k}": v for k, v in tree(self.days).items() if "/" in k}
        return tree(self.panel) | days


@pytest.fixture
def workplace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Workplace:
    """A `Workplace` without tables yet."""
    return Workplace(tmp_path, capsys)
