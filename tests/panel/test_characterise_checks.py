"""What is odd but no mistake: counted, listed by symbol and date, summed up in a sentence."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel

MakeVendor = Callable[..., Any]
Change = Callable[[pl.DataFrame], pl.DataFrame]
Given = Callable[..., None]
TIME, SYMBOL = pl.col("time"), pl.col("symbol")
SECOND_DAY = TIME.dt.date() == dt.date(2024, 1, 3)
B = SECOND_DAY & SYMBOL.eq("B")
NUMBER = pl.int_range(pl.len()).over("symbol", TIME.dt.date())


@pytest.fixture
def given(workplace: Any, vendor: MakeVendor) -> Given:
    """Run the command over a changed table of three days, in which it finds nothing to refuse."""
    tables = vendor(3)
    workplace.ingest(tables.daily)

    def run(name: str, change: Change, *options: str, exchange: Any = None) -> None:
        folder = workplace.write(name, change(getattr(tables, name)), "all")
        path = ("--exchange", str(exchange)) if exchange else ()
        assert workplace.run(f"--{name}", str(folder), *options, *path) == (0, "")

    return run


def lines(workplace: Any, name: str) -> list[str]:
    text: str = (workplace.panel / "datasets" / f"{name}.checks.csv").read_text()
    return text.splitlines()[1:]


def lacking(workplace: Any, name: str) -> str:
    return " ".join(Panel.open(workplace.panel).dataset(name).lacking)


def value(workplace: Any, name: str, symbol: str, feature: str, day: int = 1) -> float:
    panel = Panel.open(workplace.panel)
    dataset = panel.dataset(name)
    column = [f.name for f in dataset.features].index(feature)
    return float(dataset.array[day, panel.symbols.tolist().index(symbol), column])


def test_a_day_with_one_trade(workplace: Any, given: Given) -> None:
    given("trades", lambda f: f.filter(~B | (NUMBER == 7)))
    told = lines(workplace, "l2chars")
    assert any(line.startswith("2024-01-03,B,a single trade,") for line in told)
    assert any(
        line.startswith("2024-01-03,B,volume differs from the daily bar's,-0.9") for line in told
    )
    vwap, twap, aret = (value(workplace, "l2chars", "B", f) for f in ("vwap", "twap", "aret"))
    assert vwap == twap
    assert aret == 0
    given("minute", lambda f: f.filter(~B | (NUMBER == 7)))
    assert any(
        line.startswith("2024-01-03,B,a single trade,") for line in lines(workplace, "mschars")
    )
    assert np.isnan(value(workplace, "mschars", "B", "rvol"))
    opened, close = (value(workplace, "mschars", "B", f) for f in ("open", "close"))
    assert 0 < opened < 2 * close


@pytest.mark.parametrize(("name", "data_set"), [("trades", "l2chars"), ("minute", "mschars")])
def test_a_stock_that_trades_in_the_auction_only(
    workplace: Any, given: Given, name: str, data_set: str
) -> None:
    given(name, lambda f: f.filter(~B | (NUMBER == 0)))
    told = lines(workplace, data_set)
    assert any(line.startswith("2024-01-03,B,trades in an auction only,") for line in told)
    auction = {"l2chars": "auction_amount", "mschars": "auction_volume"}[data_set]
    assert value(workplace, data_set, "B", auction) > 0
    large = {"l2chars": "bamt_p1", "mschars": "rvol"}[data_set]
    assert np.isnan(value(workplace, data_set, "B", large))


@pytest.mark.parametrize(("name", "data_set"), [("trades", "l2chars"), ("minute", "mschars")])
def test_a_day_missing_for_one_stock_and_for_all(
    workplace: Any, given: Given, name: str, data_set: str
) -> None:
    given(name, lambda f: f.filter(~B))
    volume = Panel.open(workplace.panel).market("volume")[1, 1]
    assert lines(workplace, data_set) == [
        f"2024-01-03,B,absent on a day with a daily bar,{volume:.6g}"
    ]
    dataset = Panel.open(workplace.panel).dataset(data_set)
    assert np.isnan(dataset.array[1, 1]).all()
    assert not np.isnan(dataset.array[1, 0]).all()
    given(name, lambda f: f.filter(~SECOND_DAY))
    assert lines(workplace, data_set) == ["2024-01-03,,no stock has rows,4"]
    rows = {"trades": "trades", "minute": "bars"}[name]
    assert f"{name} has no {rows} on 1 of 3 dates: first 2024-01-03." in lacking(
        workplace, data_set
    )
    dataset = Panel.open(workplace.panel).dataset(data_set)
    assert np.isnan(dataset.array[1]).all()
    # Suspended the day after: the last close is that of the day which the table lacks.
    price = dataset.array[2, 2, 0]
    close = Panel.open(workplace.panel).adjusted("close")
    assert price == np.float32(close[1, 2])


def test_a_stock_without_any_row(workplace: Any, given: Given) -> None:
    given("minute", lambda f: f.filter(SYMBOL != "D"))
    assert "No bars for 1 symbols of the panel: D." in lacking(workplace, "mschars")


def test_symbols_that_the_panel_does_not_know(workplace: Any, given: Given) -> None:
    def add(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([frame, frame.filter(SYMBOL == "A").with_columns(symbol=pl.lit("ZZ"))])

    before = "2024-01-03,ZZ,symbol is not in the panel,"
    given("minute", lambda f: f)
    expected = np.array(Panel.open(workplace.panel).dataset("mschars").array)
    given("minute", add)
    assert any(line.startswith(before) for line in lines(workplace, "mschars"))
    assert "1 symbols of minute are not in the panel: ZZ." in lacking(workplace, "mschars")
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("mschars").array, expected)


def test_volumes_that_do_not_add_up(workplace: Any, given: Given) -> None:
    given(
        "minute",
        lambda f: f.with_columns(
            pl.when(B).then(pl.col("volume", "amount") * 1.03).otherwise(pl.col("volume", "amount"))
        ),
    )
    assert lines(workplace, "mschars") == ["2024-01-03,B,volume differs from the daily bar's,0.03"]
    told = "Day volumes differ from the daily bars' by more than 2% on 1 of 11 stock-days."
    assert told in lacking(workplace, "mschars")
    wide = workplace.exchange(volume_tolerance=0.05)
    given(
        "minute",
        lambda f: f.with_columns(
            pl.when(B).then(pl.col("volume", "amount") * 1.03).otherwise(pl.col("volume", "amount"))
        ),
        exchange=wide,
    )
    assert lines(workplace, "mschars") == []


def test_volumes_in_lots(workplace: Any, given: Given) -> None:
    given("trades", lambda f: f)
    expected = np.array(Panel.open(workplace.panel).dataset("l2chars").array)

    def in_lots(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.col("volume") // 100)

    given("trades", in_lots)
    told = "On most the one is about 100 times the other: is the trades table's volume_unit shares"
    assert told in lacking(workplace, "l2chars")
    given("trades", in_lots, exchange=workplace.exchange(trades={"volume_unit": "lots"}))
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("l2chars").array, expected)
    assert lacking(workplace, "l2chars").count(".") == 1


def test_repeated_prints(workplace: Any, given: Given) -> None:
    def repeat(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([frame, frame.filter(B & (NUMBER == 7))])

    given("trades", lambda f: f)
    expected = np.array(Panel.open(workplace.panel).dataset("l2chars").array)
    given("trades", repeat)
    assert lines(workplace, "l2chars") == [
        "2024-01-03,,left out: repeated,1",
        "2024-01-03,B,repeated rows,1",
    ]
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("l2chars").array, expected)
    # Without order numbers they may be two trades.
    given("trades", lambda f: repeat(f.drop("buy_order", "sell_order")))
    assert "2024-01-03,B,repeated rows,1" in lines(workplace, "l2chars")
    vwap = [f.name for f in Panel.open(workplace.panel).dataset("l2chars").features].index("vwap")
    assert Panel.open(workplace.panel).dataset("l2chars").array[1, 1, vwap] != expected[1, 1, vwap]


def test_repeated_bars(workplace: Any, given: Given) -> None:
    given("minute", lambda f: f)
    expected = np.array(Panel.open(workplace.panel).dataset("mschars").array)
    given("minute", lambda f: pl.concat([f, f.filter(B)]))
    assert any(
        line.startswith("2024-01-03,B,repeated rows,") for line in lines(workplace, "mschars")
    )
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("mschars").array, expected)


def test_crossed_and_missing_sides(workplace: Any, given: Given) -> None:
    eighth = B & (NUMBER == 7)
    other = pl.when(pl.col("side") == "B").then(pl.lit("S")).otherwise(pl.lit("B"))

    def cross(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(side=pl.when(eighth).then(other).otherwise("side"))

    def half(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(side=pl.when(eighth).then(pl.lit("N")).otherwise("side"))

    given("trades", lambda f: f)
    right = np.array(Panel.open(workplace.panel).dataset("l2chars").array)
    given("trades", half)
    expected = np.array(Panel.open(workplace.panel).dataset("l2chars").array)
    given("trades", cross)
    assert lines(workplace, "l2chars") == ["2024-01-03,B,sides that contradict the order numbers,1"]
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("l2chars").array, expected)
    given("trades", lambda f: f.with_columns(side=pl.when(~eighth).then("side")))
    assert lines(workplace, "l2chars") == ["2024-01-03,B,missing sides,1"]
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("l2chars").array, right)


def test_no_sides_at_all(workplace: Any, given: Given) -> None:
    exchange = workplace.exchange(trades={"missing_side": "tick"})
    given("trades", lambda f: f.drop("side", "buy_order", "sell_order"), exchange=exchange)
    assert "trades name no side: tick rule" in lacking(workplace, "l2chars")
    buys, sells = (value(workplace, "l2chars", "B", f) for f in ("bamt", "samt"))
    assert buys > 0
    assert sells > 0


def test_trades_of_nothing_and_outside_hours(workplace: Any, given: Given) -> None:
    given("trades", lambda f: f)
    expected = np.array(Panel.open(workplace.panel).dataset("l2chars").array)

    def add(frame: pl.DataFrame) -> pl.DataFrame:
        nothing = frame.filter(B & (NUMBER == 7)).with_columns(volume=pl.lit(0, dtype=pl.Int64))
        late = frame.filter(B & (NUMBER == 8)).with_columns(
            TIME.dt.truncate("1d").dt.offset_by("16h")
        )
        return pl.concat([frame, nothing, late])

    exchange = workplace.exchange(extended_hours=["09:00", "17:00"])
    given("trades", add, exchange=exchange)
    assert lines(workplace, "l2chars") == [
        "2024-01-03,,left out: in the extended hours,1",
        "2024-01-03,,left out: of volume 0,1",
    ]
    told = "trades had rows that were left out (in the extended hours: 1; of volume 0: 1)."
    assert told in lacking(workplace, "l2chars")
    np.testing.assert_array_equal(Panel.open(workplace.panel).dataset("l2chars").array, expected)


def test_bars_on_a_day_that_the_panel_says_was_idle(workplace: Any, vendor: MakeVendor) -> None:
    tables = vendor(3)
    idle = (pl.col("date") == dt.date(2024, 1, 3)) & (pl.col("symbol") == "B")
    workplace.ingest(tables.daily.with_columns(suspended=idle))
    folder = workplace.write("minute", tables.minute)
    assert workplace.run("--minute", str(folder)) == (0, "")
    assert lines(workplace, "mschars")[0].startswith(
        "2024-01-03,B,trades on a day without a daily bar,"
    )
    assert value(workplace, "mschars", "B", "volume") == 0


def test_what_bars_do_not_show_is_named(workplace: Any, given: Given) -> None:
    given("minute", lambda f: f.filter(TIME.dt.time() > dt.time(9, 30)).drop("amount"))
    told = lacking(workplace, "mschars")
    assert "auction_volume is missing: the opening auction is not told apart" in told
    assert (
        "mschars: amount ... amount_8 (9 features) are missing: minute has no column 'amount'."
        in told
    )
    panel = Panel.open(workplace.panel)
    assert "l2chars" not in panel.datasets  # nor can they stand in for trades
    assert told.startswith("No proxy l2chars: minute has no column 'amount'.")
    with pytest.raises(PanelError, match=r"'l2chars'; it has .* \(No proxy l2chars: minute has no"):
        panel.dataset("l2chars")
    half_hour = TIME.dt.offset_by("-1us").dt.truncate("30m").dt.offset_by("30m")
    given(
        "minute",
        lambda f: (
            f.filter(TIME.dt.time() > dt.time(9, 30))
            .group_by("symbol", half_hour, maintain_order=True)
            .agg(
                pl.col("open").first(),
                pl.col("high").max(),
                pl.col("low").min(),
                pl.col("close").last(),
                pl.col("volume", "amount").sum(),
            )
        ),
    )
    told = lacking(workplace, "mschars")
    assert "mschars: rvol_1 ... jump_8 (48 features) are missing: bars of 30 minutes" in told
    assert "leave fewer than three in a half-hour." in told
    told = lacking(workplace, "l2chars")
    assert "closing_auction_amount is missing: no bar begins as the closing auction does" in told


def two_days_of_new_york(start: bool) -> pl.DataFrame:
    # New York sets its clocks forward on Sunday 2024-03-10: 14:30 UTC on Friday, 13:30 on Monday.
    clock = [dt.timedelta(minutes=570 + 30 * k) for k in range(13)]
    days = [dt.datetime.fromisoformat(day) for day in ("2024-03-08", "2024-03-11")]
    stamp = [
        day + time + dt.timedelta(minutes=0 if start else 30) for day in days for time in clock
    ]
    price = 100 + np.arange(26.0)
    return pl.DataFrame(
        {
            "time": stamp,
            "symbol": "A",
            "open": price,
            "high": price,
            "low": price,
            "close": price,
            "volume": 100,
            "amount": 100 * price,
        }
    )


@pytest.mark.parametrize("start", [False, True])
def test_both_sides_of_a_change_to_daylight_saving(
    workplace: Any, vendor: MakeVendor, start: bool
) -> None:
    local = two_days_of_new_york(start)
    zoned = local.with_columns(
        TIME.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    )
    hours = zoned["time"].dt.hour().unique().sort().to_list()
    assert hours[0] == (13 if start else 14)
    daily = local.group_by(pl.col("time").dt.date().alias("date"), "symbol").agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
    )
    workplace.ingest(daily)
    stamped = {"stamp": "start" if start else "end"}
    exchange = str(workplace.exchange("us", minute=stamped))
    found = []
    for name, frame, kind in (
        ("local", local, "parquet"),
        ("zoned", zoned, "parquet"),
        ("text", zoned, "csv"),
    ):
        folder = workplace.write(name, frame, "all", kind)
        assert workplace.run("--minute", str(folder), "--exchange", exchange) == (0, "")
        found.append(np.array(Panel.open(workplace.panel).dataset("mschars").array))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    names = [f.name for f in Panel.open(workplace.panel).dataset("mschars").features]
    opens = found[0][:, 0, [names.index(f"open_{k}") for k in range(1, 14)]]
    np.testing.assert_array_equal(opens.ravel(), local["open"].cast(pl.Float32))
