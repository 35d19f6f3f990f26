import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.simulation import fundamentals as fundamentals_module
from alpha_lightning.simulation.fundamentals import FIELDS, Fundamentals
from alpha_lightning.simulation.market import Market
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.stocks import Stocks, draw_stocks
from alpha_lightning.simulation.streams import Purpose, stream
from alpha_lightning.simulation.trading_days import trading_days

CALENDAR = trading_days("2018-01-02", 500)
LAGS = {3: (22, 29), 6: (40, 61), 9: (18, 31), 12: (40, 105)}


def stocks_of(count: int = 300) -> Stocks:
    return draw_stocks(MarketSettings(stocks=count), 0, CALENDAR)


def rows_of(days: int, listed_from: int = 0) -> pl.DataFrame:
    """What stocks 1 and on publish; stock 0 is listed from a day on."""
    stocks = stocks_of()
    fundamentals, frames = Fundamentals(stocks, 0, CALENDAR[0]), []
    for number, day in enumerate(CALENDAR[:days]):
        listed = np.ones(300, dtype=bool)
        listed[0] = number >= listed_from
        for news in fundamentals.step(day, listed):
            who = np.flatnonzero(news.stocks)
            columns = {name: news.report[name][who] for name in FIELDS}
            dates = [news.date.item()] * len(who)
            frames.append(pl.DataFrame({"date": dates, "n": who, **columns}))
    return pl.concat(frames)


def quarter_ends() -> list[dt.date]:
    return [
        dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)
        for year in range(2013, 2020)
        for month in (3, 6, 9, 12)
    ]


def test_every_report_comes_out_once_within_its_season_and_never_before_its_quarter() -> None:
    rows = rows_of(480)
    assert not rows.select("date", "n").is_duplicated().any()
    assert rows["date"].is_sorted()
    for own in rows.partition_by("n"):
        dates = own["date"].to_list()
        ends = [end for end in quarter_ends() if dates[0] > end][-1:]
        assert ends
        later = [end for end in quarter_ends() if end >= ends[0]]
        for date, end in zip(dates, later, strict=False):
            shortest, longest = LAGS[end.month]
            # A date without trading waits for the next one with.
            assert shortest <= (date - end).days <= longest + 11
        assert 18 <= len(dates) <= 23


def test_three_years_of_reports_lie_before_the_first_day() -> None:
    rows = rows_of(1)
    before = rows.filter(pl.col("date") < dt.date(2018, 1, 2))
    counts = before.group_by("n").len()
    assert counts.height == 300
    assert (counts["len"] >= 13).all()
    assert before["date"][0] < dt.date(2015, 1, 1)


def test_a_longer_market_publishes_the_same_reports_first() -> None:
    short, long = rows_of(200), rows_of(300)
    assert short.equals(long.filter(pl.col("date") <= CALENDAR[199].item()))
    assert long.height > short.height


def test_a_new_stock_shows_its_latest_report_on_its_first_day() -> None:
    rows, old = rows_of(480, listed_from=137), rows_of(480)
    first = CALENDAR[137].item()
    mine, known = (frame.filter(pl.col("n") == 0) for frame in (rows, old))
    assert mine["date"][0] == first
    latest = known.filter(pl.col("date") <= first).row(-1)
    assert mine.row(0)[1:] == latest[1:]
    assert mine[1:].equals(known.filter(pl.col("date") > first))


def test_numbers_have_the_ranges_and_ties_of_real_ones() -> None:
    rows, stocks = rows_of(1), stocks_of()
    last = rows.group_by("n", maintain_order=True).last().sort("n")
    cap = np.log(stocks.shares * stocks.price)
    book = np.log(last["book_equity"].to_numpy())
    assert np.corrcoef(cap, book)[0, 1] > 0.8
    price_to_book = np.exp(cap - book)
    assert 1 < np.median(price_to_book) < 4
    assert (last["net_assets"] > last["book_equity"]).all()
    roe = (last["net_profit_ttm"] / last["book_equity"]).to_numpy()
    assert 0.05 < np.median(roe) < 0.12
    assert 0.01 < (roe < 0).mean() < 0.2
    assert last["state_share"].is_between(0, 0.7).all()
    assert last["fund_share"].is_between(0, 0.4).all()
    assert np.corrcoef(cap, last["coverage"].to_numpy())[0, 1] > 0.3
    assert (last["sales_ttm"] > 0).all()


def test_trailing_sums_are_those_of_four_quarters() -> None:
    rows = rows_of(300).filter(pl.col("n") == 5)
    # The book grows by what is earned and not paid out: no year grows by more than it earned.
    book, earned = rows["book_equity"].to_numpy(), rows["net_profit_ttm"].to_numpy()
    growth = book[4:] - book[:-4]
    gained = np.maximum(earned[4:], 0)
    assert (growth <= gained * (1 + 1e-9) + 8).all()
    assert (growth >= 0.7 * earned[4:] - 8).all()


def test_the_table_names_listed_stocks_only(lively_folder: Path, lively: Market) -> None:
    table = pl.read_parquet(lively_folder / "fundamentals.parquet")
    first = lively.dates[0].item()
    listing = dict(zip(lively.stocks.symbols, lively.stocks.list_day, strict=True))
    for symbol, own in table.group_by("symbol"):
        day = int(listing[symbol[0]])
        if day > 0:
            assert own["date"].min() == lively.dates[day].item()
        else:
            assert own["date"].min() < first


def test_quarters_to_come_cannot_reach_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows_of(300)

    def other_future(seed: int, purpose: Purpose, quarter: int = 0) -> np.random.Generator:
        return stream(seed if quarter <= 20 else seed + 1, purpose, quarter)

    monkeypatch.setattr(fundamentals_module, "stream", other_future)
    after = rows_of(300)
    # The twentieth quarter is the one that ends in June 2018: three pass before the first report.
    unchanged = pl.col("date") <= dt.date(2018, 9, 30)
    assert before.filter(unchanged).equals(after.filter(unchanged))
    assert not before.equals(after)
