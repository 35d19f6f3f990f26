from datetime import date

import numpy as np
import polars as pl

from alpha_lightning.panel import remarks

DAY = np.datetime64("2024-01-31")
OPTIONAL = ("adj_factor", "limit_up", "suspended", "st", "total_cap")


def frame(**columns: object) -> pl.DataFrame:
    return pl.DataFrame({"close": [1.0, 2.0], "volume": [3.0, 4.0]} | columns)


def test_absent_and_empty_columns_are_told_with_their_consequence() -> None:
    told = remarks.on_columns(frame(st=pl.Series([None, None], dtype=pl.Boolean)), {})
    assert "Daily has no adj_factor: prices are taken as already adjusted" in told[0]
    assert "Daily has no st: special-treatment stocks are unknown." in told
    assert told[-1].startswith("Daily has no amount or vwap: the vwap feature of rawbar is missing")
    assert len(told) == 8


def test_a_complete_table_leaves_nothing_to_tell() -> None:
    never = pl.Series([None, None], dtype=pl.Date)  # nobody was ever delisted
    dates = {"list_date": [date(2024, 1, 1)] * 2, "delist_date": never}
    whole = frame(**{name: [1.0, 1.0] for name in OPTIONAL}, **dates)
    market = {c: np.ones((2, 1)) for c in ("open", "high", "low", "vwap")}
    assert remarks.on_columns(whole, market) == []
    assert remarks.on_values(whole, market, np.ones((2, 1), dtype=bool)) == []
    assert remarks.on_bad_rows({"rows": 0, "mode": "refuse", "counts": {}}) == []
    assert remarks.on_index("300", DAY - 366, DAY, 0) == []


def test_missing_values_are_counted() -> None:
    lacking = frame(close=[None, 2.0], volume=[3.0, None], adj_factor=[None, 1.0])
    market = {"open": np.array([[np.nan], [np.nan]]), "vwap": np.array([[1.0], [np.nan]])}
    told = remarks.on_values(lacking, market, np.array([[True], [False]]))
    assert told == [
        "No volume but a close on 1 rows: taken as not traded.",
        "No close but a volume on 1 rows: taken as not traded.",
        "Missing open on 1 of 1 traded stock-days.",
        "Missing adj_factor on 1 rows: the last known one holds on.",
    ]


def test_bad_rows_are_told_with_what_was_done() -> None:
    record = {"rows": 1200, "mode": "drop", "counts": {"negative volume": 1199, "no symbol": 1}}
    reasons = "1,200 bad rows (negative volume: 1,199; no symbol: 1)"
    assert remarks.on_bad_rows(record) == [f"Daily had {reasons}: left out."]
    told = remarks.on_bad_rows(record | {"mode": "mask"})
    assert told == [f"Daily had {reasons}: kept with the values in doubt missing."]


def test_an_index_may_have_strangers_and_end_early() -> None:
    assert remarks.on_index("300", DAY - 367, DAY, 2) == [
        "2 members of 300 have no daily bars.",
        f"The last list of 300 is of {DAY - 367}: it is kept until 2024-01-31.",
    ]
