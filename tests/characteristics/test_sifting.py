import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.characteristics.day_rows import DayRows
from alpha_lightning.characteristics.exchange import CharacteristicsError, Exchange
from alpha_lightning.characteristics.feed import Feed, trade_feed
from alpha_lightning.characteristics.sifting import (
    EXTENDED_HOURS,
    OUTSIDE_HOURS,
    UNKNOWN_SIDE,
    UNTIMED,
    Sifting,
    advice,
    checks_of,
    describe_bad,
    mostly_outside,
    refuse,
    summary,
    without_bad,
)

CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30")], lot=100)
DAY = dt.date(2024, 1, 2)


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    (tmp_path / "t.csv").write_text("")
    return trade_feed(tmp_path / "t.csv", CN)


def rows_of(volume: list[float | None], unreadable: list[str | None] | None = None) -> DayRows:
    count = len(volume)
    frame = pl.DataFrame(
        {
            "time": [dt.datetime.fromisoformat("2024-01-02 09:31:00")] * count,
            "symbol": ["A"] * count,
            "price": [1.5] * count,
            "volume": volume,
            "_code": [0] * count,
            "_file": [0] * count,
            "_row": list(range(1, count + 1)),
            "_unreadable": unreadable or [None] * count,
        },
        schema_overrides={"_unreadable": pl.String, "volume": pl.Float64},
    )
    orders = {name: pl.lit(None, dtype=pl.Int64) for name in ("buy_order", "sell_order")}
    return DayRows(DAY, frame.with_columns(side=pl.lit("B"), **orders), np.array(["A"]))


def test_only_doubtful_rows_are_looked_at_and_the_good_ones_stay(feed: Feed) -> None:
    rows = rows_of([1.0, -1.0, 0.0, float("nan"), float("inf"), -2.0])
    doubt = np.array([False, True, True, True, True, True])
    kept, found = without_bad(rows, doubt, checks_of("volume"), feed)
    assert kept.frame["_row"].to_list() == [1, 3]
    assert found.rows == 6
    assert found.bad == {"infinite volume": 1, "missing volume": 1, "negative volume": 2}
    assert [row["row"] for row in found.first] == [2, 4, 5, 6]
    first = {"file": "t.csv", "row": 2, "time": "2024-01-02 09:31:00", "symbol": "A"}
    first |= {"reason": "negative volume", "values": {"price": 1.5, "volume": -1.0, "side": "B"}}
    assert found.first[0] == first


def test_nothing_in_doubt(feed: Feed) -> None:
    rows = rows_of([1.0, 2.0])
    for doubt in (np.zeros(2, dtype=bool), np.ones(2, dtype=bool)):
        kept, found = without_bad(rows, doubt, checks_of("volume"), feed)
        assert kept is rows
        assert found == Sifting(rows=2)


def test_what_could_not_be_read_is_quoted(feed: Feed) -> None:
    rows = rows_of([None, 2.0], ["volume 'x'", None])
    checks = [("value of a wrong type", pl.col("_unreadable").is_not_null()), *checks_of("volume")]
    kept, found = without_bad(rows, np.zeros(2, dtype=bool), checks, feed)
    assert kept.frame["_row"].to_list() == [2]
    assert found.first[0]["reason"] == "value of a wrong type (volume 'x')"


def test_days_add_up(feed: Feed) -> None:
    frame = rows_of([-1.0] * 15).frame.with_columns(_reason=pl.lit("negative volume"))
    day = describe_bad(frame, feed)
    both = Sifting(rows=3, left_out={EXTENDED_HOURS: 2}).add([day, day, Sifting(left_out={"x": 1})])
    assert both.rows == 3
    assert both.bad == {"negative volume": 30}
    assert both.left_out == {EXTENDED_HOURS: 2, "x": 1}
    assert len(both.first) == 20
    again = json.loads(json.dumps(both.record()))
    assert Sifting(**again | {"first": tuple(again["first"])}) == both


def test_the_refusal_lists_counts_and_places(feed: Feed) -> None:
    found = describe_bad(
        rows_of([-1.0]).frame.with_columns(_reason=pl.lit("negative volume")), feed
    )
    assert summary(found) == "1 bad row (negative volume: 1)"
    error = refuse(found, feed)
    assert isinstance(error, CharacteristicsError)
    assert str(error).splitlines() == [
        "trades: 1 bad row (negative volume: 1). The first:",
        "  t.csv row 1, 2024-01-02 09:31:00 A: negative volume [price 1.5, volume -1, side B]",
        "Mend the table, or go on with --bad-rows drop (without these rows).",
    ]


def test_advice_follows_the_reasons(feed: Feed) -> None:
    assert advice(Sifting(10, {"negative volume": 1}), feed) == []
    (times,) = advice(Sifting(10, {UNTIMED: 1}), feed)
    assert "text such as 2024-01-31 09:35:00" in times
    (sides,) = advice(Sifting(10, {UNKNOWN_SIDE: 1}), feed)
    assert "under trades.sides of the exchange's file" in sides
    error = str(refuse(Sifting(10, {UNKNOWN_SIDE: 10}), feed, all_rows=True))
    assert error.splitlines()[-2:] == [sides, "Mend the table."]


def test_times_that_are_mostly_outside(feed: Feed) -> None:
    assert not mostly_outside(Sifting(rows=10, bad={OUTSIDE_HOURS: 5}))
    found = Sifting(rows=10, bad={OUTSIDE_HOURS: 3}, left_out={EXTENDED_HOURS: 3})
    assert mostly_outside(found)
    assert "are the times UTC? Asia/Shanghai is taken for granted." in str(refuse(found, feed))
