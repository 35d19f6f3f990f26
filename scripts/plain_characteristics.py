"""mschars and l2chars by straightforward pandas, a peer of bench_characterise.py.

Written as a quant would write them first, with each feature where it is looked for: sums, extremes
and means by groupby and agg; the realised statistics and the largest prints, which agg does not
have, by groupby and apply. For the same exchange and clean feed as pandas_characteristics.py.
"""

from typing import Any

import numpy as np
import pandas as pd

Table = Any
"""A DataFrame; pandas is untyped here."""
OPEN, NOON, AFTERNOON, CLOSING = 34_200, 41_400, 46_800, 53_820
"""09:30, 11:30, 13:00 and 14:57 in seconds since midnight."""
MINUTES, DAY, HALF_HOUR, LAST = 240, 14_400, 1_800, 8
BUY = {"B": 1.0, "S": 0.0, "N": 0.5}


def minute_features(file: str) -> Table:
    """Features of a day's file of bars: a row a symbol, a column a feature."""
    table = pd.read_parquet(file)
    clock = table["time"].dt.hour * 3600 + table["time"].dt.minute * 60
    auction = table[clock <= OPEN].set_index("symbol")
    table["minute"] = (clock - OPEN - np.where(clock > NOON, AFTERNOON - NOON, 0)) // 60
    bars = _every_minute(table[clock > OPEN])
    bars["half_hour"] = (bars["minute"] - 1) // (HALF_HOUR // 60) + 1
    opening = bars["symbol"].map(auction["close"])
    bars["close"] = bars.groupby("symbol")["close"].ffill().fillna(opening)
    before = bars.groupby("symbol")["close"].shift().fillna(opening)
    bars["r"] = np.log(bars["close"] / before)
    periods = _bar_features(bars, ["symbol", "half_hour"]).unstack("half_hour")
    periods.columns = [f"{name}_{k}" for name, k in periods.columns]
    day = _bar_features(bars, ["symbol"])
    for table, suffix in ((periods, "_1"), (day, "")):
        table[f"open{suffix}"] = auction["open"]
        table[f"high{suffix}"] = np.maximum(table[f"high{suffix}"], auction["high"])
        table[f"low{suffix}"] = np.minimum(table[f"low{suffix}"], auction["low"])
    day["auction_volume"] = auction["volume"]
    day["volume"] += auction["volume"]
    day["amount"] += auction["amount"]
    return day.join(periods)


def _every_minute(bars: Table) -> Table:
    # Minutes without a trade are not in the file.
    every = pd.MultiIndex.from_product(
        [bars["symbol"].unique(), range(1, MINUTES + 1)], names=["symbol", "minute"]
    )
    full = bars.set_index(["symbol", "minute"]).reindex(every).reset_index()
    return full.fillna({"volume": 0.0, "amount": 0.0})


def _bar_features(bars: Table, keys: list[str]) -> Table:
    groups = bars.groupby(keys)
    out = groups.agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
        amount=("amount", "sum"),
        twap=("close", "mean"),
    )
    return out.join(groups[["r", "volume"]].apply(_realised))


def _realised(bars: Table) -> Any:
    r, volume = bars["r"].to_numpy(), bars["volume"].to_numpy()
    n, square, size = len(r), np.sum(r**2), np.abs(r)
    bound = 3 * np.sqrt(np.pi / 2 * np.mean(size[1:] * size[:-1]))
    return pd.Series(
        {
            "rvol": np.sqrt(square),
            "rskew": np.sqrt(n) * np.sum(r**3) / square**1.5,
            "rkurt": n * np.sum(r**4) / square**2,
            "vvol": np.std(volume),
            "vhhi": n * np.sum((volume / np.sum(volume)) ** 2),
            "jump": np.sum(r[size > bound]),
        }
    )


def trade_features(file: str) -> Table:
    """Features of a day's file of trades: a row a symbol, a column a feature."""
    trades = pd.read_parquet(file).sort_values(["symbol", "time"], kind="stable", ignore_index=True)
    clock = (trades["time"] - trades["time"].dt.normalize()).dt.total_seconds()
    opening, closing = clock < OPEN, clock >= CLOSING
    clock = (clock - OPEN - np.where(clock >= AFTERNOON, AFTERNOON - NOON, 0)).clip(lower=0)
    trades["half_hour"] = np.minimum(clock // HALF_HOUR, LAST - 1).astype(int) + 1
    trades["amount"] = trades["price"] * trades["volume"]
    trades["buy"] = trades["side"].map(BUY)
    buy, sell = trades["buy"].where(~opening, 0.0), (1 - trades["buy"]).where(~opening, 0.0)
    trades["bamt"], trades["samt"] = buy * trades["amount"], sell * trades["amount"]
    trades["bvol"], trades["svol"] = buy * trades["volume"], sell * trades["volume"]
    groups = trades.groupby("symbol")
    trades["growth"] = (trades["price"] / groups["price"].shift()).fillna(1.0)
    trades["held"] = clock.groupby(trades["symbol"]).shift(-1).fillna(DAY) - clock
    trades["paid"] = trades["price"] * trades["held"]
    sums = trades.groupby("symbol")[["paid", "held", "amount", "volume"]].sum()
    out = pd.DataFrame(
        {"twap": sums["paid"] / sums["held"], "vwap": sums["amount"] / sums["volume"]}
    )
    out["auction_amount"] = trades[opening].groupby("symbol")["amount"].sum()
    out["closing_auction_amount"] = trades[closing].groupby("symbol")["amount"].sum()
    continuous = trades[~opening & ~closing]
    sizes = {"": trades, "_p1": _largest(continuous, 100), "_p5": _largest(continuous, 20)}
    for size, prints in sizes.items():
        out = out.join(_trade_features(prints, size))
    return out.join(_order_shares(continuous))


def _largest(trades: Table, share: int) -> Table:
    amounts = trades.groupby("symbol")["amount"]
    chosen = amounts.apply(lambda amount: amount.nlargest(-(-len(amount) // share)))
    return trades.loc[chosen.index.get_level_values(-1)]


def _trade_features(prints: Table, size: str) -> Table:
    wanted = {
        "bamt": ("bamt", "sum"),
        "samt": ("samt", "sum"),
        "aret": ("growth", "prod"),
        "bvol": ("bvol", "sum"),
        "svol": ("svol", "sum"),
    }
    day = prints.groupby("symbol").agg(**wanted)
    day["bwap"], day["swap"] = day["bamt"] / day["bvol"], day["samt"] / day["svol"]
    periods = prints.groupby(["symbol", "half_hour"]).agg(**wanted)
    for table in (day, periods):
        table["aret"] = 100 * (table["aret"] - 1)
    wide = periods[["bamt", "samt", "aret"]].unstack("half_hour").fillna(0.0)
    wide.columns = [f"{name}{size}_{k}" for name, k in wide.columns]
    return day.drop(columns=["bvol", "svol"]).add_suffix(size).join(wide)


def _order_shares(continuous: Table) -> Table:
    later = np.maximum(continuous["buy_order"], continuous["sell_order"])
    groups = continuous.assign(order=later).groupby(["symbol", "order"], sort=False)
    orders = groups.agg(
        amount=("amount", "sum"), buy=("buy", "first"), half_hour=("half_hour", "first")
    ).reset_index()
    out = {}
    for size, share in (("_p1", 100), ("_p5", 20)):
        large = _largest(orders, share)
        out[f"bopct{size}"] = 100 * large.groupby("symbol")["buy"].mean()
        early = large[large["half_hour"] == 1]
        out[f"bopct{size}_1"] = 100 * early.groupby("symbol")["buy"].mean()
    return pd.DataFrame(out)
