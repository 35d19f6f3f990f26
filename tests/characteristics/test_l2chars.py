"""``l2chars`` against pure Python loops over the prints of one stock, and its identities."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.characteristics.intraday import CLOSING, CONTINUOUS, OPENING, Prints
from alpha_lightning.characteristics.l2chars import l2chars
from alpha_lightning.characteristics.schema import l2chars_columns

Row = dict[str, float]
SHARE = {"p1": 0.01, "p5": 0.05}
STOCKS = 12


def random_prints(periods: int, seed: int, orders: bool) -> Prints:
    """Busy and idle stocks: 3 has one print, 5 trades in auctions only, 7 not at all."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(2, 150, STOCKS)
    counts[[0, 3, 5, 7]] = [900, 1, 4, 0]
    stock = np.repeat(np.arange(STOCKS), counts)
    rows = len(stock)
    day = periods * 1800
    clock = generator.integers(0, day // 10, rows) * 10.0 + generator.choice([0, 0.25], rows)
    phase = np.where(clock > day - 180, CLOSING, CONTINUOUS)
    first = np.diff(stock, prepend=-1) != 0
    auction = (first & (generator.random(rows) < 0.7) & (stock != 3)) | (stock == 5)
    phase[auction], clock[auction] = OPENING, 0
    last = np.diff(stock, append=-1) != 0
    closes = (last & (generator.random(rows) < 0.5)) | (last & (stock == 5))
    phase[closes & (stock != 3)], clock[closes & (stock != 3)] = CLOSING, day
    in_time = np.lexsort((clock, stock))
    phase, clock = phase[in_time], clock[in_time]
    price = generator.integers(35, 45, rows) / 4  # amounts are exact, so that ties are ties
    opening = phase == OPENING
    price[opening] = (10 + stock / 4)[opening]
    return Prints(
        stock=stock,
        clock=clock,
        price=price,
        volume=generator.integers(1, 30, rows).astype(np.float64) * 100,
        sign=generator.integers(-1, 2, rows).astype(float),
        phase=phase,
        order=generator.integers(0, 1 + rows // 3, rows) if orders else None,
    )


def rows_of(prints: Prints, stock: int) -> list[Row]:
    """Prints of one stock with what they are in themselves, and the return against the last one."""
    rows: list[Row] = []
    for i in range(len(prints.stock)):
        if prints.stock[i] == stock:
            price, volume = float(prints.price[i]), float(prints.volume[i])
            before = rows[-1]["price"] if rows else price
            order = i if prints.order is None else int(prints.order[i])
            row = {"price": price, "volume": volume, "amount": price * volume, "order": order}
            row |= {"sign": float(prints.sign[i]), "phase": int(prints.phase[i])}
            row |= {"clock": float(prints.clock[i]), "earned": price / before - 1}
            rows.append(row)
    return rows


def mean(rows: list[Row], weights: list[float]) -> float:
    """Mean price, weighted by shares."""
    shares = sum(row["volume"] * w for row, w in zip(rows, weights, strict=True))
    money = sum(row["amount"] * w for row, w in zip(rows, weights, strict=True))
    return money / shares if shares else math.nan


def largest(rows: list[Row], share: float) -> list[Row]:
    """The largest by amount, in the order of time; of equal ones the earlier."""
    ranked = sorted(range(len(rows)), key=lambda i: (-rows[i]["amount"], i))
    return [rows[i] for i in sorted(ranked[: math.ceil(len(rows) * round(share * 100) / 100)])]


def flow(rows: list[Row]) -> tuple[float, float, float]:
    """Money bought and sold, and the return of the path over these prints, in percent."""
    traded = [row for row in rows if row["phase"] != OPENING]
    bought = sum(row["amount"] * (1 + row["sign"]) / 2 for row in traded)
    sold = sum(row["amount"] * (1 - row["sign"]) / 2 for row in traded)
    path = 1.0
    for row in rows:
        path *= 1 + row["earned"]
    return bought, sold, 100 * (path - 1)


def plain_twap(rows: list[Row], day_seconds: int) -> float:
    """Each price holds until the next print."""
    total, seconds = 0.0, 0.0
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        until = after["clock"] if after else day_seconds
        total += row["price"] * (until - row["clock"])
        seconds += until - row["clock"]
    return total / seconds if seconds else rows[-1]["price"]


def period_of(row: Row, periods: int) -> int:
    if row["phase"] == CLOSING:
        return periods
    return min(math.floor(row["clock"] / 1800), periods - 1) + 1


def plain_orders(rows: list[Row], periods: int) -> list[Row]:
    orders: dict[float, Row] = {}
    for row in rows:
        if row["phase"] == CONTINUOUS:
            known = orders.setdefault(
                row["order"],
                {"amount": 0.0, "sign": row["sign"], "period": period_of(row, periods)},
            )
            known["amount"] += row["amount"]
    return list(orders.values())


def buy_percent(orders: list[Row]) -> float:
    if not orders:
        return math.nan
    return 100 * sum((1 + order["sign"]) / 2 for order in orders) / len(orders)


def plain_l2chars(rows: list[Row], periods: int) -> dict[str, float]:
    """All features of one stock by name."""
    if not rows:
        return {name: math.nan for name, _ in l2chars_columns(periods)}
    continuous = [row for row in rows if row["phase"] == CONTINUOUS]
    traded = [row for row in rows if row["phase"] != OPENING]
    of_size = {"": rows} | {f"_{p}": largest(continuous, SHARE[p]) for p in SHARE}
    out = {
        "twap": plain_twap(rows, periods * 1800),
        "vwap": mean(rows, [1.0] * len(rows)),
        "auction_amount": sum(row["amount"] for row in rows if row["phase"] == OPENING),
        "closing_auction_amount": sum(row["amount"] for row in rows if row["phase"] == CLOSING),
    }
    for size, chosen in of_size.items():
        prices = chosen if size else traded
        out[f"bwap{size}"] = mean(prices, [(1 + row["sign"]) / 2 for row in prices])
        out[f"swap{size}"] = mean(prices, [(1 - row["sign"]) / 2 for row in prices])
        spans = {"": chosen}
        for k in range(1, periods + 1):
            spans[f"_{k}"] = [row for row in chosen if period_of(row, periods) == k]
        for span, inside in spans.items():
            values = flow(inside) if continuous or not size else (math.nan,) * 3
            for name, value in zip(("bamt", "samt", "aret"), values, strict=True):
                out[f"{name}{size}{span}"] = value
    orders = plain_orders(rows, periods)
    for p, share in SHARE.items():
        large = largest(orders, share)
        out[f"bopct_{p}"] = buy_percent(large)
        out[f"bopct_{p}_1"] = buy_percent([order for order in large if order["period"] == 1])
    return out


@pytest.mark.parametrize("orders", [False, True], ids=["prints", "orders"])
@pytest.mark.parametrize("periods", [8, 13])
def test_every_feature_is_a_loop_over_prints(periods: int, orders: bool) -> None:
    names = [name for name, _ in l2chars_columns(periods)]
    for seed in range(6):
        prints = random_prints(periods, seed, orders)
        result = l2chars(prints, STOCKS, periods, 1800)
        assert result.shape == (STOCKS, len(names))
        for stock in range(STOCKS):
            expected = plain_l2chars(rows_of(prints, stock), periods)
            assert sorted(expected) == sorted(names)
            np.testing.assert_allclose(
                result[stock], [expected[name] for name in names], rtol=1e-9, atol=1e-9
            )


class Named:
    """Features of every stock by name."""

    def __init__(self, prints: Prints, periods: int = 8) -> None:
        self.values = l2chars(prints, STOCKS, periods, 1800)
        self.names = [name for name, _ in l2chars_columns(periods)]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.values[:, self.names.index(name)]

    def periods(self, name: str) -> NDArray[np.float64]:
        return np.stack([self[f"{name}_{k}"] for k in range(1, 9)])


def amounts(prints: Prints, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    amount: NDArray[np.float64] = prints.price * prints.volume
    return np.bincount(prints.stock[chosen], amount[chosen], STOCKS).astype(float)


def test_what_is_bought_and_sold_adds_up() -> None:
    prints = random_prints(8, seed=9, orders=False)
    named = Named(prints)
    trades = np.bincount(prints.stock, minlength=STOCKS) > 0
    for k in range(1, 9):
        last = prints.clock >= 1800 * 7 if k == 8 else np.floor(prints.clock / 1800) == k - 1
        inside = last & (prints.phase != OPENING)
        total = named[f"bamt_{k}"] + named[f"samt_{k}"]
        np.testing.assert_allclose(total[trades], amounts(prints, inside)[trades], rtol=1e-14)
    for name in ("bamt", "samt", "bamt_p1", "samt_p1", "bamt_p5", "samt_p5"):
        np.testing.assert_array_equal(named.periods(name).sum(axis=0), named[name])
    day = named["bamt"] + named["samt"] + named["auction_amount"]
    everything = amounts(prints, prints.phase < 3)
    np.testing.assert_allclose(day[trades], everything[trades], rtol=1e-14)
    continuous = everything - amounts(prints, prints.phase != CONTINUOUS)
    for side in ("bamt", "samt"):  # nested
        assert (named[f"{side}_p1"] <= named[f"{side}_p5"])[continuous > 0].all()
        assert (named[f"{side}_p5"] <= named[side])[continuous > 0].all()


def test_the_auction_amount_is_its_volume_at_the_opening_price() -> None:
    prints = random_prints(8, seed=2, orders=False)
    opening = prints.phase == OPENING
    volume = np.bincount(prints.stock[opening], prints.volume[opening], STOCKS)
    price = 10 + np.arange(STOCKS) / 4
    traded = np.bincount(prints.stock, minlength=STOCKS) > 0
    amount = Named(prints)["auction_amount"]
    np.testing.assert_array_equal(amount[traded], (volume * price)[traded])
    assert 0 < (volume > 0).sum() < traded.sum()


def test_returns_of_the_periods_compound_to_the_day_and_to_last_over_first() -> None:
    prints = random_prints(8, seed=4, orders=False)
    named = Named(prints)
    for size in ("", "_p1", "_p5"):
        path = np.prod(1 + named.periods(f"aret{size}") / 100, axis=0)
        np.testing.assert_allclose(path, 1 + named[f"aret{size}"] / 100, rtol=1e-13)
    for stock in set(prints.stock.tolist()):
        price = prints.price[prints.stock == stock]
        assert named["aret"][stock] == pytest.approx(100 * (price[-1] / price[0] - 1), abs=1e-11)


def prints_of(*rows: tuple[float, float, float, float, int]) -> Prints:
    """Prints of stock 4 from (clock, price, volume, sign, phase)."""
    clock, price, volume, sign, phase = (np.array(column) for column in zip(*rows, strict=True))
    return Prints(np.full(len(rows), 4), clock, price, volume, sign, phase)


def test_one_print_is_large_and_very_large() -> None:
    named = Named(prints_of((3700.0, 9.5, 200.0, 1.0, CONTINUOUS)))
    for name in ("twap", "vwap", "bwap", "bwap_p1", "bwap_p5"):
        assert named[name][4] == 9.5
    for name in ("bamt", "bamt_p1", "bamt_p5", "bamt_3", "bamt_p1_3"):
        assert named[name][4] == 1900
    for name in ("swap", "swap_p1", "bopct_p1_1", "bopct_p5_1"):
        assert np.isnan(named[name][4])
    assert [named[name][4] for name in ("bopct_p1", "bopct_p5", "aret", "samt")] == [100, 100, 0, 0]
    assert np.isnan(named.values[[0, 1, 2, 3, 5]]).all()


def test_a_stock_that_trades_in_the_opening_auction_only() -> None:
    named = Named(prints_of((0.0, 9.5, 200.0, 0.0, OPENING)))
    assert [named[name][4] for name in ("twap", "vwap", "auction_amount")] == [9.5, 9.5, 1900]
    for name in ("bamt", "samt", "aret", "bamt_1", "aret_8", "closing_auction_amount"):
        assert named[name][4] == 0
    unknown = {name for name in named.names if np.isnan(named[name][4])}
    assert unknown == {"bwap", "swap"} | {name for name in named.names if "_p" in name}


@pytest.mark.parametrize("clock", [14400.0, 12000.0])
def test_a_closing_auction_alone_counts_half_each_in_the_last_period(clock: float) -> None:
    named = Named(prints_of((clock, 9.5, 200.0, 0.0, CLOSING)))
    assert [named[name][4] for name in ("twap", "vwap", "bwap", "swap")] == [9.5] * 4
    assert [named[name][4] for name in ("bamt_8", "samt_8", "closing_auction_amount")] == [
        950,
        950,
        1900,
    ]
    assert np.isnan(named["bamt_p1"][4])


def test_a_print_at_the_bell_belongs_to_the_last_period() -> None:
    named = Named(prints_of((14400.0, 9.5, 200.0, -1.0, CONTINUOUS)))
    assert [named[name][4] for name in ("twap", "samt_8", "samt_p1_8")] == [9.5, 1900, 1900]


def test_the_time_weighted_price_begins_with_the_first_print() -> None:
    day = (
        (7200.0, 10.0, 100.0, 1.0, CONTINUOUS),
        (10800.0, 99.0, 100.0, 1.0, CONTINUOUS),
        (10800.0, 12.0, 100.0, 1.0, CONTINUOUS),  # the last of a second counts
    )
    assert Named(prints_of(*day))["twap"][4] == 11
    opened = ((0.0, 8.0, 100.0, 0.0, OPENING), *day)
    assert Named(prints_of(*opened))["twap"][4] == 9.5


def test_prints_of_one_order_are_large_together() -> None:
    many = [(60.0 * k, 10.0, 100.0, -1.0, CONTINUOUS) for k in range(30)]
    prints = prints_of(*many, (9000.0, 10.0, 500.0, 1.0, CONTINUOUS))
    assert Named(prints)["bopct_p1"][4] == 100
    order = np.arange(31)
    order[10:20] = 7  # ten of the small ones are one order of 1100 shares
    named = Named(dataclasses.replace(prints, order=order))
    assert (named["bopct_p1"][4], named["bopct_p5"][4]) == (0, 50)
    assert (named["bopct_p1_1"][4], named["bopct_p5_1"][4]) == (0, 0)
    # The amounts are those of large prints, whoever sent them.
    assert named["bamt_p1"][4] == 5000


def test_a_stock_knows_nothing_of_the_others() -> None:
    prints = random_prints(8, seed=6, orders=True)
    whole = l2chars(prints, STOCKS, 8, 1800)
    number = np.random.default_rng(0).permutation(STOCKS)
    order = np.argsort(number[prints.stock], kind="stable")
    columns = {name: value[order] for name, value in vars(prints).items()}
    permuted = Prints(**columns | {"stock": number[prints.stock][order]})
    np.testing.assert_array_equal(l2chars(permuted, STOCKS, 8, 1800)[number], whole)
    alone = prints.stock == 2
    one = Prints(**{name: value[alone] for name, value in vars(prints).items()})
    np.testing.assert_array_equal(l2chars(one, STOCKS, 8, 1800)[2], whole[2])


def test_later_prints_do_not_change_the_periods_before() -> None:
    prints = random_prints(8, seed=8, orders=False)
    later = prints.clock >= 9000
    changed = dataclasses.replace(
        prints, price=prints.price + later, sign=np.where(later, -prints.sign, prints.sign)
    )
    before, after = Named(prints), Named(changed)
    for k in range(1, 9):
        for name in ("bamt", "samt", "aret"):
            same = np.array_equal(before[f"{name}_{k}"], after[f"{name}_{k}"], equal_nan=True)
            assert same == (k <= 5)


def test_no_prints_at_all() -> None:
    empty = np.zeros(0)
    nobody = Prints(empty.astype(int), empty, empty, empty, empty, empty, empty.astype(int))
    result = l2chars(nobody, 3, 13, 1800)
    assert result.shape == (3, 140)
    assert np.isnan(result).all()
