import datetime as dt
import io
from typing import Any

import numpy as np

from alpha_lightning.characteristics.day_store import StockDay
from alpha_lightning.characteristics.sifting import Sifting
from alpha_lightning.characteristics.stock_facts import StockFacts
from alpha_lightning.panel.day_checks import DailyRow, DayChecks

DATE = np.datetime64("2024-01-02")
SYMBOLS = np.array(["A", "B", "C"])
PRICES = {"day_close": 10.0, "day_high": 11.0, "day_low": 9.0}


def checks_of(
    day: StockDay | None, volume: list[float], tolerance: float = 0.02
) -> tuple[DayChecks, list[str]]:
    file = io.StringIO()
    checks = DayChecks(file, SYMBOLS, tolerance, 100)
    shares = np.array(volume)
    place = np.array(
        [] if day is None else [" ABC".find(s) - 1 if s in "ABC" else -1 for s in day.symbols]
    )
    close, high, low = (np.full(3, price) for price in (10.0, 11.0, 9.0))
    row = DailyRow(DATE, shares > 0, shares, close, high, low)
    checks.add(row, day, place.astype(np.intp))
    lines = file.getvalue().splitlines()
    assert lines[0] == "date,symbol,what,value"
    assert sum(checks.counts.values()) == len(lines) - 1
    return checks, [line.removeprefix("2024-01-02,") for line in lines[1:]]


def day_of(
    symbols: str, volume: list[float], sifting: Sifting | None = None, **facts: list[float]
) -> StockDay:
    count = len(symbols)
    given = {"day_volume": volume, "trades": [9.0] * count, "continuous": [8.0] * count}
    given |= {name: [price] * count for name, price in PRICES.items()}
    given |= {"day_amount": [10 * shares for shares in volume]} | facts
    matrix = StockFacts(
        **{name: np.array(given.get(name, [0.0] * count)) for name in StockFacts.names()}
    ).matrix()
    return StockDay(
        dt.date(2024, 1, 2),
        np.array(list(symbols)),
        np.zeros((count, 1)),
        matrix,
        sifting or Sifting(),
    )


def test_nothing_is_odd() -> None:
    checks, lines = checks_of(day_of("AB", [100, 200]), [101, 200, 0])
    assert lines == []
    assert checks.heard
    assert checks.unheard() == []
    assert (checks.compared, checks.many_times) == (2, 0)


def test_volumes_and_who_is_there() -> None:
    checks, lines = checks_of(day_of("AC", [100, 50]), [110, 200, 0])
    assert lines == [
        "A,volume differs from the daily bar's,-0.0909091",
        "B,absent on a day with a daily bar,200",
        "C,trades on a day without a daily bar,50",
    ]
    assert checks.unheard() == ["B"]
    assert checks_of(day_of("ABC", [100, 200, 0]), [110, 200, 0], tolerance=0.1)[1] == []


def test_a_day_without_rows() -> None:
    checks, lines = checks_of(None, [1, 2, 0])
    assert lines == [",no stock has rows,2"]
    assert checks.absent_dates == [DATE]
    assert not checks.heard
    checks, lines = checks_of(None, [0, 0, 0])  # nobody expected any
    assert lines == []
    assert checks.absent_dates == []


def test_rows_that_were_absent_but_for_their_name() -> None:
    _, lines = checks_of(day_of("AB", [100, 0], trades=[9, 0], continuous=[8, 0]), [100, 200, 0])
    assert lines == ["B,absent on a day with a daily bar,200"]


def test_strangers() -> None:
    checks, lines = checks_of(day_of("AZ", [100, 5]), [100, 0, 0])
    assert lines == ["Z,symbol is not in the panel,9"]
    assert checks.strangers == {"Z": 1}


def test_oddities_of_a_stock() -> None:
    facts: dict[str, Any] = {"trades": [1, 2, 9], "continuous": [1, 0, 8]}
    facts |= {"duplicates": [0, 0, 3], "unsided": [0, 0, 4], "crossed": [0, 0, 5]}
    _, lines = checks_of(day_of("ABC", [100, 200, 300], **facts), [100, 200, 300])
    assert lines == [
        "A,a single trade,100",
        "B,trades in an auction only,200",
        "C,missing sides,4",
        "C,repeated rows,3",
        "C,sides that contradict the order numbers,5",
    ]


def test_what_was_left_out_and_what_was_wrong() -> None:
    sifting = Sifting(10, {"negative volume": 2}, {"repeated": 3})
    _, lines = checks_of(day_of("A", [100], sifting), [100, 0, 0])
    assert lines == [",bad rows: negative volume,2", ",left out: repeated,3"]


def test_lots_are_told_from_shares() -> None:
    for volume in ([1, 2, 3], [10_000, 20_000, 30_000]):
        checks, _ = checks_of(day_of("ABC", [float(v) for v in volume]), [100, 200, 300])
        assert (checks.compared, checks.many_times) == (3, 3)
    assert checks_of(day_of("ABC", [50, 100, 150]), [100, 200, 300])[0].many_times == 0


def test_prices_that_are_not_the_daily_bars() -> None:
    volume = [100.0, 200.0, 300.0]
    _, lines = checks_of(
        day_of(
            "ABC", volume,
            day_close=[10.04, 9.94, 5.0], day_high=[11.05, 11.2, 5.5], day_low=[9.1, 8.96, 4.5],
            day_amount=[1000, 2000, 1500],
        ),
        volume,
    )  # fmt: skip
    assert lines == [
        "B,close differs from the daily bar's,-0.006",
        "B,high or low outside the daily bar's,0.0181818",
        "C,close differs from the daily bar's,-0.5",
        "C,high or low outside the daily bar's,-0.5",
    ]


def test_a_range_that_is_narrower_and_prices_that_are_not_known() -> None:
    unknown = [float("nan")]
    cases: tuple[dict[str, Any], ...] = (
        {"day_high": [10.5], "day_low": [10.0]},  # an auction that is not among the bars
        {"day_close": unknown, "day_high": unknown, "day_low": unknown},
        {"day_amount": unknown},
    )
    for facts in cases:
        assert checks_of(day_of("A", [100], **facts), [100, 0, 0])[1] == []


def test_money_that_does_not_fit_the_prices() -> None:
    volume = [100.0, 200.0, 300.0]
    _, lines = checks_of(day_of("ABC", volume, day_amount=[1e7, 2204, 2600]), volume)
    assert lines == [
        "A,amount / volume outside the day's low to high,9999",
        "C,amount / volume outside the day's low to high,-0.133333",
    ]


def test_how_trades_got_their_sides_is_added_up() -> None:
    facts: dict[str, Any] = {"continuous": [5, 6], "unsided": [1, 2], "by_order": [1, 0]}
    checks, _ = checks_of(day_of("AZ", [100, 5], **facts), [100, 0, 0])
    assert checks.totals == {"continuous": 11, "unsided": 3, "by_order": 1}
