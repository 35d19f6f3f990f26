"""mschars and l2chars by tuned pandas, the quicker peer of bench_characterise.py.

Written for one exchange and a clean feed: Shanghai hours, one-minute bars stamped with their end,
an opening auction for every stock, a trade of every stock in every half-hour, no bad rows. Symbols
become categories at once, so that every groupby after it is quick, and products are worked out
before it, so that no Python function is called for a group.
"""

from typing import Any

import numpy as np
import pandas as pd

Table = Any
"""A DataFrame; pandas is untyped here."""
OPEN, NOON, AFTERNOON, CLOSING = 34_200, 41_400, 46_800, 53_820
"""09:30, 11:30, 13:00 and 14:57 in seconds since midnight."""
DAY, PERIOD, LAST = 14_400, 1_800, 8
BUY = {"B": 1.0, "S": 0.0, "N": 0.5}


def minute_features(file: str) -> Table:
    """Features of a day's file of bars: a row a symbol, a column a feature."""
    table = pd.read_parquet(file)
    table["symbol"] = table["symbol"].astype("category")
    clock = table["time"].dt.hour * 3600 + table["time"].dt.minute * 60
    auction = table[clock <= OPEN].set_index("symbol")
    clock = clock - OPEN - np.where(clock > NOON, AFTERNOON - NOON, 0)
    table["minute"] = clock // 60
    bars = _every_minute(table[clock > 0])
    bars["period"] = (bars["minute"] - 1) // (PERIOD // 60) + 1
    opening = bars["symbol"].map(auction["close"]).astype(float)
    closes = bars.groupby("symbol", observed=True)["close"]
    bars["close"] = closes.ffill().fillna(opening)
    bars["last"] = bars.groupby("symbol", observed=True)["close"].shift().fillna(opening)
    bars["r"] = np.log(bars["close"] / bars["last"])
    for power in (2, 3, 4):
        bars[f"r{power}"] = bars["r"] ** power
    bars["v2"] = bars["volume"] ** 2
    periods = _bar_features(bars, ["symbol", "period"])
    periods = periods.unstack("period")
    periods.columns = [f"{name}_{k}" for name, k in periods.columns]
    periods["open_1"] = auction["open"]
    periods["high_1"] = np.maximum(periods["high_1"], auction["high"])
    periods["low_1"] = np.minimum(periods["low_1"], auction["low"])
    day = _bar_features(bars, ["symbol"])
    day["auction_volume"] = auction["volume"]
    day["open"] = auction["open"]
    day["high"] = np.maximum(day["high"], auction["high"])
    day["low"] = np.minimum(day["low"], auction["low"])
    day["volume"] += auction["volume"]
    day["amount"] += auction["amount"]
    return day.join(periods)


def _every_minute(bars: Table) -> Table:
    # Minutes without a trade are not in the file; sorted by symbol and minute.
    grid = pd.MultiIndex.from_product(
        [bars["symbol"].cat.categories, range(1, DAY // 60 + 1)], names=["symbol", "minute"]
    )
    full = bars.drop(columns="time").set_index(["symbol", "minute"]).reindex(grid)
    full[["volume", "amount"]] = full[["volume", "amount"]].fillna(0.0)
    full = full.reset_index()
    full["symbol"] = full["symbol"].astype("category")
    return full


def _bar_features(bars: Table, keys: list[str]) -> Table:
    groups = bars.groupby(keys, observed=True)
    bars["pair"] = bars["r"].abs() * groups["r"].shift().abs()
    out = groups.agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        amount=("amount", "sum"),
        twap=("close", "mean"),
        n=("r", "size"),
        r2=("r2", "sum"),
        r3=("r3", "sum"),
        r4=("r4", "sum"),
        v2=("v2", "sum"),
        vvol=("volume", "std"),
        pair=("pair", "mean"),
    )
    out["rvol"] = np.sqrt(out["r2"])
    out["rskew"] = np.sqrt(out["n"]) * out["r3"] / out["r2"] ** 1.5
    out["rkurt"] = out["n"] * out["r4"] / out["r2"] ** 2
    out["vvol"] *= np.sqrt((out["n"] - 1) / out["n"])
    out["vhhi"] = out["n"] * out["v2"] / out["volume"] ** 2
    bound = 3 * np.sqrt(np.pi / 2 * out["pair"])
    beyond = bars["r"].abs() > bound.to_numpy()[groups.ngroup()]
    out["jump"] = bars["r"].where(beyond, 0.0).groupby([bars[k] for k in keys], observed=True).sum()
    return out.drop(columns=["n", "r2", "r3", "r4", "v2", "pair"])


def trade_features(file: str) -> Table:
    """Features of a day's file of trades: a row a symbol, a column a feature."""
    trades = pd.read_parquet(file)
    trades["symbol"] = trades["symbol"].astype("category")
    trades = trades.sort_values(["symbol", "time"], kind="stable", ignore_index=True)
    clock = (trades["time"] - trades["time"].dt.normalize()).dt.total_seconds()
    opening, closing = clock < OPEN, clock >= CLOSING
    clock = (clock - OPEN - np.where(clock >= AFTERNOON, AFTERNOON - NOON, 0)).clip(lower=0)
    trades["period"] = np.minimum(clock // PERIOD, LAST - 1).astype(int) + 1
    trades["amount"] = trades["price"] * trades["volume"]
    buy = trades["side"].map(BUY).astype(float).where(~opening, 0.0)
    sell = (1.0 - buy).where(~opening, 0.0)
    trades["bamt"], trades["samt"] = buy * trades["amount"], sell * trades["amount"]
    trades["bvol"], trades["svol"] = buy * trades["volume"], sell * trades["volume"]
    prices = trades.groupby("symbol", observed=True)["price"]
    trades["r"] = np.log(trades["price"] / prices.shift()).fillna(0.0)
    symbols = trades["symbol"]
    until = clock.groupby(symbols, observed=True).shift(-1).fillna(DAY)
    trades["held"] = until - clock
    trades["paid"] = trades["held"] * trades["price"]
    sums = trades.groupby("symbol", observed=True)[["paid", "held", "amount", "volume"]].sum()
    out = pd.DataFrame(
        {"twap": sums["paid"] / sums["held"], "vwap": sums["amount"] / sums["volume"]}
    )
    for name, at in (("auction_amount", opening), ("closing_auction_amount", closing)):
        out[name] = trades["amount"].where(at, 0.0).groupby(symbols, observed=True).sum()
    continuous = trades[~opening & ~closing]
    rank, count = _rank(continuous)
    large = {"": trades}
    for size, share in (("_p1", 100), ("_p5", 20)):
        large[size] = continuous[rank <= -(-count // share)]
    for size, prints in large.items():
        out = out.join(_trade_sums(prints, size))
    return out.join(_order_shares(continuous))


def _rank(amounts: Table) -> tuple[Any, Any]:
    groups = amounts.groupby("symbol", observed=True)["amount"]
    return groups.rank(method="first", ascending=False), groups.transform("size")


def _trade_sums(prints: Table, size: str) -> Table:
    columns = ["bamt", "samt", "bvol", "svol", "r"]
    periods = prints.groupby(["symbol", "period"], observed=True)[columns].sum()
    day = periods.groupby("symbol", observed=True).sum()
    day["bwap"], day["swap"] = day["bamt"] / day["bvol"], day["samt"] / day["svol"]
    periods["aret"], day["aret"] = 100 * np.expm1(periods["r"]), 100 * np.expm1(day["r"])
    wide = periods[["bamt", "samt", "aret"]].unstack("period").fillna(0.0)
    wide.columns = [f"{name}{size}_{k}" for name, k in wide.columns]
    return day.drop(columns=["bvol", "svol", "r"]).add_suffix(size).join(wide)


def _order_shares(continuous: Table) -> Table:
    later = np.maximum(continuous["buy_order"], continuous["sell_order"])
    groups = continuous.assign(order=later).groupby(["symbol", "order"], observed=True)
    orders = groups.agg(
        amount=("amount", "sum"), side=("side", "first"), period=("period", "first")
    ).reset_index()
    orders["buy"] = 100 * orders["side"].map(BUY).astype(float)
    rank, count = _rank(orders)
    out = {}
    for size, share in (("_p1", 100), ("_p5", 20)):
        large = orders[rank <= -(-count // share)]
        out[f"bopct{size}"] = large.groupby("symbol", observed=True)["buy"].mean()
        early = large[large["period"] == 1]
        out[f"bopct{size}_1"] = early.groupby("symbol", observed=True)["buy"].mean()
    return pd.DataFrame(out)
