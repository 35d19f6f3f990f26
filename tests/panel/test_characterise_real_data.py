"""Other people's minute bars and trades, where a checkout has them; one stock-day by hand each."""

import datetime as dt
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml

from alpha_lightning.characteristics.exchange import Exchange, read_exchange
from alpha_lightning.panel.characterise import characterise
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data"
Row = dict[str, Any]
Values = dict[str, float]


def source(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no {name} in this checkout")
    return path


def exchange(folder: Path, name: str, **habits: dict[str, Any]) -> Exchange:
    """An exchange of the repository whose vendor has other habits."""
    described = yaml.safe_load((ROOT / "configs/market" / f"{name}.yaml").read_text())
    for feed, changes in habits.items():
        described[feed] |= changes
    path = folder / f"{name}_vendor.yaml"
    path.write_text(yaml.safe_dump(described), encoding="utf-8")
    return read_exchange(path)


def panel_of(folder: Path, daily: pl.DataFrame) -> str:
    daily.write_parquet(folder / "daily.parquet")
    return str(ingest(str(folder / "panel"), daily=str(folder / "daily.parquet")))


def daily_of(rows: pl.DataFrame, shares: str, lot: int = 1) -> pl.DataFrame:
    """Daily bars made of intraday rows with a column price or four of them."""
    ends = ("price",) * 4 if "price" in rows.columns else ("open", "high", "low", "close")
    date = pl.col("datetime").dt.date().alias("date")
    return rows.group_by(date, "symbol", maintain_order=True).agg(
        pl.col(ends[0]).first().alias("open"),
        pl.col(ends[1]).max().alias("high"),
        pl.col(ends[2]).min().alias("low"),
        pl.col(ends[3]).last().alias("close"),
        (pl.col(shares).sum() * lot).cast(pl.Float64).alias("volume"),
    )


def stock_day(panel: Panel, name: str, day: str, symbol: str) -> Values:
    """Features by name, prices and shares as they were before adjustment."""
    dataset = panel.dataset(name)
    row, column = panel.locate(np.array([day]), np.array([symbol]))
    factor = float(panel.market("adj_factor")[row, column][0])
    scale = {"price": factor, "shares": 1 / factor}
    values = dataset.array[row, column][0].tolist()
    return {
        feature.name: value / scale.get(feature.kind, 1)
        for feature, value in zip(dataset.features, values, strict=True)
    }


def assert_by_hand(found: Values, expected: Values) -> None:
    assert sorted(found) == sorted(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=2e-6, abs=1e-9, nan_ok=True), name


def lacking(panel: Panel, name: str) -> str:
    return " ".join(panel.dataset(name).lacking)


def rows_of(frame: pl.DataFrame, day: str, symbol: str, hours: tuple[str, str]) -> list[Row]:
    """Rows of one stock-day stamped within some hours."""
    first, last = (dt.datetime.fromisoformat(f"{day} {hour}") for hour in hours)
    rows = frame.filter(pl.col("symbol") == symbol).to_dicts()
    return [row for row in rows if first <= row["datetime"] <= last]


def realised_by_hand(returns: list[float], volumes: list[float], trades: int) -> Values:
    if trades < 3:
        return dict.fromkeys(("rvol", "rskew", "rkurt", "vvol", "vhhi", "jump"), math.nan)
    n, squares = len(returns), sum(r**2 for r in returns)
    pairs = sum(abs(returns[j]) * abs(returns[j - 1]) for j in range(1, n)) / (n - 1)
    bound = 3 * math.sqrt(math.pi / 2 * pairs)
    mean = sum(volumes) / n
    return {
        "rvol": math.sqrt(squares),
        "rskew": math.sqrt(n) * sum(r**3 for r in returns) / squares**1.5,
        "rkurt": n * sum(r**4 for r in returns) / squares**2,
        "vvol": math.sqrt(sum((v - mean) ** 2 for v in volumes) / n),
        "vhhi": n * sum((v / sum(volumes)) ** 2 for v in volumes),
        "jump": sum(r for r in returns if abs(r) > bound),
    }


def mschars_by_hand(bars: dict[int, Row], width: int, periods: int) -> Values:
    """All features from a day's bars by their number; those without a trade are not there."""
    price = bars[min(bars)]["open"]
    closes, returns = [], []
    for j in range(width):
        before, price = price, bars[j]["close"] if j in bars else price
        closes.append(price)
        returns.append(math.log(price / before))
    out: Values = {"auction_volume": math.nan}
    length = width // periods
    spans = {"": range(width)} | {
        f"_{k + 1}": range(k * length, (k + 1) * length) for k in range(periods)
    }
    for end, span in spans.items():
        inside = [bars[j] for j in span if j in bars]
        volumes = [bars[j]["volume"] if j in bars else 0.0 for j in span]
        out[f"open{end}"] = inside[0]["open"]
        out[f"high{end}"] = max(bar["high"] for bar in inside)
        out[f"low{end}"] = min(bar["low"] for bar in inside)
        out[f"close{end}"] = inside[-1]["close"]
        out[f"volume{end}"] = sum(volumes)
        out[f"amount{end}"] = sum(bar["amount"] for bar in inside)
        out[f"twap{end}"] = sum(closes[j] for j in span) / len(span)
        told = realised_by_hand([returns[j] for j in span], volumes, len(inside))
        out |= {f"{name}{end}": value for name, value in told.items()}
    return out


def l2chars_by_hand(prints: list[Row], periods: int) -> Values:
    """All features from a day's prints: clock, period, price, shares, sign, phase of each."""
    for before, row in zip([prints[0], *prints], prints, strict=False):
        row["amount"] = row["price"] * row["shares"]
        row["grown"] = row["price"] / before["price"]
        half = 0.0 if row["phase"] == "opening" else 0.5
        row["bought"], row["sold"] = half * (1 + row["sign"]), half * (1 - row["sign"])
    held = [b["clock"] - a["clock"] for a, b in itertools.pairwise(prints)]
    held.append(periods * 1800 - prints[-1]["clock"])
    out: Values = {
        "twap": sum(h * row["price"] for h, row in zip(held, prints, strict=True)) / sum(held),
        "vwap": sum(row["amount"] for row in prints) / sum(row["shares"] for row in prints),
    }
    for name, phase in (("auction_amount", "opening"), ("closing_auction_amount", "closing")):
        out[name] = sum(row["amount"] for row in prints if row["phase"] == phase)
    ranked = sorted(
        (row for row in prints if row["phase"] == "continuous"), key=lambda row: -row["amount"]
    )
    for size, percent in (("", 0), ("_p1", 1), ("_p5", 5)):
        chosen = ranked[: math.ceil(len(ranked) * percent / 100)] if percent else prints
        spans = {"": chosen}
        for k in range(1, periods + 1):
            spans[f"_{k}"] = [row for row in chosen if row["period"] == k]
        for span, inside in spans.items():
            out[f"bamt{size}{span}"] = sum(row["bought"] * row["amount"] for row in inside)
            out[f"samt{size}{span}"] = sum(row["sold"] * row["amount"] for row in inside)
            out[f"aret{size}{span}"] = 100 * (math.prod(row["grown"] for row in inside) - 1)
        for side, money, price in (("bought", "bamt", "bwap"), ("sold", "samt", "swap")):
            shares = sum(row[side] * row["shares"] for row in chosen)
            out[f"{price}{size}"] = out[f"{money}{size}"] / shares if shares else math.nan
        for span in ("", "_1") if percent else ():
            buys = [row["bought"] for row in spans[span]]
            out[f"bopct{size}{span}"] = 100 * sum(buys) / len(buys) if buys else math.nan
    return out


def chinese_prints(day: str, symbol: str) -> list[Row]:
    """A stock-day of the feed of three-second snapshots, which counts lots and knows no orders."""
    frame = pl.read_parquet(source("ashare_ticks") / "trades.parquet")
    prints = []
    for row in rows_of(frame, day, symbol, ("09:15:00", "15:00:05")):
        if row["volume"] == 0:
            continue
        time = row["datetime"].time()
        clock = (time.hour * 60 + time.minute) * 60 + time.second
        phase = "closing" if time > dt.time(14, 57, 5) else "continuous"
        # A snapshot up to five seconds after the bell tells of trades before it.
        if time < dt.time(9, 30):
            clock, phase, period = 0, "opening", 0
        elif time < dt.time(12):
            clock = min(clock - 34_200, 7200)
            period = min(clock // 1800 + 1, 4)
        else:
            clock = min(clock - 46_800 + 7200, 14_400)
            period = min(clock // 1800 + 1, 8)
        sign = {"B": 1, "S": -1, "N": 0}[row["side"]]
        prints.append(
            {"clock": clock, "period": period, "price": row["price"], "sign": sign}
            | {"shares": 100 * row["volume"], "phase": phase}
        )
    return prints


def american_prints(day: str, symbol: str) -> list[Row]:
    """A stock-day of a tape without sides; the closing cross is printed a minute after the bell."""
    frame = pl.read_parquet(source("us_ticks") / "ibm_20131007_trades.parquet")
    prints: list[Row] = []
    sign = 0
    for row in rows_of(frame, day, symbol, ("09:30:00", "16:02:00")):
        clock = (row["datetime"] - dt.datetime.fromisoformat(f"{day} 09:30")).total_seconds()
        clock = min(clock, 13 * 1800)
        if prints and row["price"] != prints[-1]["price"]:
            sign = 1 if row["price"] > prints[-1]["price"] else -1
        prints.append(
            {"clock": clock, "period": min(int(clock // 1800) + 1, 13), "price": row["price"]}
            | {"sign": sign, "shares": row["size"], "phase": "continuous"}
        )
    return prints


def unlike_the_daily_bars(bars: pl.DataFrame, daily: pl.DataFrame, tolerance: float) -> set[str]:
    """Stock-days whose bars do not add up to the daily volume."""
    sums: dict[tuple[dt.date, str], float] = {}
    for time, symbol, volume in bars.select("datetime", "symbol", "volume").iter_rows():
        key = (time.date(), symbol)
        sums[key] = sums.get(key, 0) + volume
    rows = daily.select("date", "symbol", "volume").iter_rows()
    compared = [(time.date(), symbol, volume) for time, symbol, volume in rows if volume]
    return {
        f"{date},{symbol}"
        for date, symbol, volume in compared
        if abs(sums[date, symbol] / volume - 1) > tolerance
    }


def test_chinese_bars_of_fifteen_minutes(tmp_path: Path) -> None:
    path = source("ashare_15min") / "bars.parquet"
    bars = pl.read_parquet(path)
    daily = pl.read_parquet(source("ashare_daily") / "bars.parquet").filter(
        pl.col("symbol").is_in(bars["symbol"].unique().to_list()),
        pl.col("date") >= pl.date(2025, 10, 1),
    )
    cn = exchange(tmp_path, "cn", minute={"columns": {"time": "datetime"}})
    panel = Panel.open(characterise(panel_of(tmp_path, daily), cn, minute=str(path)))
    day, symbol = "2025-12-30", "600801.SH"  # its shares went ex dividend early in December
    row, column = panel.locate(np.array([day]), np.array([symbol]))
    assert panel.market("adj_factor")[row, column][0] == pytest.approx(1 / 0.984726, rel=1e-4)
    rows = rows_of(bars, day, symbol, ("09:30", "15:00"))
    assert len(rows) == 16
    expected = mschars_by_hand(dict(enumerate(rows)), 16, 8)
    assert_by_hand(stock_day(panel, "mschars", day, symbol), expected)
    told = lacking(panel, "mschars")
    assert "rvol_1 ... jump_8 (48 features) are missing: bars of 15 minutes" in told
    assert "auction_volume is missing: the opening auction is not told apart" in told
    assert len([name for name, value in expected.items() if math.isnan(value)]) == 49
    # Without trades the bars stand for them, and say so.
    assert panel.dataset("l2chars").proxy
    assert "closing_auction_amount is missing" in lacking(panel, "l2chars")
    listed = (panel.path / "datasets" / "mschars.checks.csv").read_text().splitlines()
    named = {",".join(line.split(",")[:2]) for line in listed if "volume differs" in line}
    assert named == unlike_the_daily_bars(bars, daily, cn.volume_tolerance)
    assert f"by more than 2% on {len(named)} of {daily.height:,} stock-days" in told


def test_american_bars_of_one_minute(tmp_path: Path) -> None:
    path = source("us_1min") / "bars.parquet"
    bars = pl.read_parquet(path)
    time = pl.col("datetime").dt.time()
    session = bars.filter((time >= dt.time(9, 30)) & (time < dt.time(16)))
    us = exchange(tmp_path, "us", minute={"columns": {"time": "datetime"}, "stamp": "start"})
    made = characterise(panel_of(tmp_path, daily_of(session, "volume")), us, minute=str(path))
    panel = Panel.open(made)
    day, symbol = "2013-10-04", "IBM"
    opened = dt.datetime.fromisoformat(f"{day} 09:30")
    numbered = {
        int((row["datetime"] - opened).total_seconds()) // 60: row | {"amount": math.nan}
        for row in rows_of(bars, day, symbol, ("09:30", "15:59"))
    }
    assert len(numbered) == 389  # a minute without a trade has no bar
    expected = mschars_by_hand(numbered, 390, 13)
    assert_by_hand(stock_day(panel, "mschars", day, symbol), expected)
    told = lacking(panel, "mschars")
    assert "amount ... amount_13 (14 features) are missing: minute has no column 'amount'" in told
    assert f"in the extended hours: {bars.height - session.height:,}" in told
    assert "l2chars" not in panel.datasets  # no money, no proxy
    # Stocks that have no bars on a date, before they begin or after they end, are missing.
    nobody = np.isnan(panel.dataset("mschars").array).all(axis=2)
    np.testing.assert_array_equal(nobody, ~panel.listed)


def test_chinese_trades_in_lots(tmp_path: Path) -> None:
    path = source("ashare_ticks") / "trades.parquet"
    daily = daily_of(pl.read_parquet(path), "volume", lot=100)
    habits = {"columns": {"time": "datetime"}, "volume_unit": "lots"}
    cn = exchange(tmp_path, "cn", trades=habits)
    panel = Panel.open(characterise(panel_of(tmp_path, daily), cn, trades=str(path)))
    for day, symbol in (("2019-02-01", "000001.SZ"), ("2019-02-11", "600000.SH")):
        expected = l2chars_by_hand(chinese_prints(day, symbol), 8)
        assert_by_hand(stock_day(panel, "l2chars", day, symbol), expected)
    assert not panel.dataset("l2chars").proxy
    told = lacking(panel, "l2chars")
    assert "of volume 0: 6" in told
    assert "missing:" not in told
    assert "differ" not in told  # lots and shares agree with the daily bars


def test_lots_taken_for_shares_are_noticed(tmp_path: Path) -> None:
    path = source("ashare_ticks") / "trades.parquet"
    daily = daily_of(pl.read_parquet(path), "volume", lot=100)
    cn = exchange(tmp_path, "cn", trades={"columns": {"time": "datetime"}})
    panel = Panel.open(characterise(panel_of(tmp_path, daily), cn, trades=str(path)))
    told = lacking(panel, "l2chars")
    assert "by more than 2% on 4 of 4 stock-days" in told
    assert "volume_unit" in told


def test_american_trades_without_sides(tmp_path: Path) -> None:
    path = source("us_ticks") / "ibm_20131007_trades.parquet"
    time = pl.col("datetime").dt.time()
    tape = pl.read_parquet(path)
    session = tape.filter((time >= dt.time(9, 30)) & (time <= dt.time(16, 2)))
    assert (session["size"] == 151_665).sum() == 1  # the closing cross
    us = exchange(tmp_path, "us", trades={"columns": {"time": "datetime", "volume": "size"}})
    made = characterise(panel_of(tmp_path, daily_of(session, "size")), us, trades=str(path))
    panel = Panel.open(made)
    expected = l2chars_by_hand(american_prints("2013-10-07", "IBM"), 13)
    assert_by_hand(stock_day(panel, "l2chars", "2013-10-07", "IBM"), expected)
    told = lacking(panel, "l2chars")
    assert "trades name no side: tick rule" in told
    assert f"in the extended hours: {tape.height - session.height}" in told
