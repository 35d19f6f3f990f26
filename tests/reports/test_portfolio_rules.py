from pathlib import Path

import pandas as pd
import pytest

from alpha_lightning.backtest.settings import CostSettings
from alpha_lightning.reports.portfolio_folder import PortfolioFolder
from alpha_lightning.reports.portfolio_rules import (
    benchmark_name,
    capacity_words,
    cost_words,
    delay_words,
    ratio_words,
    relative_words,
    rules,
    turnover_words,
    year_words,
)


def test_the_rules_of_the_paper_are_told_by_default() -> None:
    told = " ".join(rules({}))
    for words in (
        "Signals at the close (weekly) exchange at most a share δ of the N names",
        "equal weights are restored",
        "Traded the next trading day at the VWAP; cost: 0.1 % for buying, 0.2 % for selling.",
        "locked at its price limit all day",
        "Capital 100m, fractions of shares are allowed.",
    ):
        assert words in told


def test_what_is_set_otherwise_is_told_otherwise() -> None:
    execution = {"price": "open", "delay": 2, "limit": "off", "lot": 100, "participation": 0.1}
    execution |= {"capital": 2.5e9, "dividend_tax": 0.1, "delist_value": 0.5}
    settings = {
        "execution": execution,
        "signals": {"frequency": "monthly", "every": 2},
        "replacement": {"reweight": "band"},
        "costs": {
            "buy": 0.0005,
            "minimum": 5.0,
            "impact": 1.0,
            "stamp_duty": {"2020-01-01": 0.001},
        },
    }
    told = " ".join(rules(settings))
    for words in (
        *("(monthly, one signal in 2)", "weights that left their band", "2 trading days later"),
        *("at the open", "0.05 % for buying", "stamp duty", "5 at least", "impact 1"),
        *("price limits are ignored", "Capital 2.5bn, lots of 100, at most 10 % of a day's"),
        *("dividends taxed at 10 %", "a delisted share is worth 50 % of its last price"),
    ):
        assert words in told


def test_the_price_is_named_that_was_traded_at() -> None:
    told = " ".join(rules({"execution": {"price": "vwap"}}, "close"))
    assert "Traded the next trading day at the close;" in told
    assert "VWAP" not in told


def test_costs_are_told_once_each() -> None:
    assert cost_words(CostSettings(0, 0.0025)) == "0 % for buying, 0.25 % for selling"


@pytest.mark.parametrize(
    ("told", "asked", "name"),
    [
        (None, {}, "equal-weighted universe"),
        ("universe", {}, "equal-weighted universe"),
        ("CSI300 with dividends", {"index": "CSI300"}, "CSI300 with dividends"),
        ({"name": "CSI500"}, {"index": "CSI500"}, "CSI500"),
        (None, {"index": "CSI500"}, "CSI500"),
    ],
)
def test_the_benchmark_has_a_name(told: object, asked: dict[str, str], name: str) -> None:
    about = {"benchmark": told, "settings": {"benchmark": asked}}
    assert benchmark_name(PortfolioFolder(Path(), about, {}, ())) == name


def test_relative_returns_are_as_agreed() -> None:
    assert "−" in relative_words({})
    assert "/" in relative_words({"conventions": {"relative": "ratio"}})


def test_capacity_says_what_holds_a_trade_back() -> None:
    told = capacity_words(pd.DataFrame({"participation": [0.05], "impact": [0.7]}))
    assert "at most 5 % of a stock's volume" in told
    assert "0.7 × daily volatility" in told
    assert capacity_words(pd.DataFrame({"participation": [0.0], "impact": [0.0]})) == (
        "Relative return by capital. What finds no volume stays cash or stays held."
    )


def test_signals_that_a_long_delay_passes_over_are_told() -> None:
    table = pd.DataFrame({"delay": [1, 5, 1, 5], "held_signals": [0, 3, 0, 2]})
    told = delay_words(table, ", at δ 0.20")
    assert "so many trading days later, at δ 0.20. Signals without a trade: 3 with 5;" in told
    assert "passed over" not in delay_words(table.assign(held_signals=0))
    assert "passed over" not in delay_words(table[["delay"]])


@pytest.mark.parametrize(
    ("signals", "words"),
    [
        ({}, "weekly one-way turnover"),
        ({"frequency": "monthly"}, "monthly one-way turnover"),
        ({"every": 2}, "one-way turnover of a trade day"),
    ],
)
def test_turnover_is_that_of_the_signals(signals: dict[str, object], words: str) -> None:
    assert turnover_words({"signals": signals}) == words


def test_the_information_ratio_is_told_as_it_was_counted() -> None:
    assert ratio_words({}) == "relative return / its volatility"
    told = ratio_words({"conventions": {"information_ratio": "mean", "year": 252}})
    assert told == "252 × mean daily relative return / its volatility"


def test_a_calendar_year_is_told_as_it_was_counted() -> None:
    plain = "A calendar year's return is not annualised and its fall is measured from 1 January."
    assert year_words({}) == plain
    told = year_words({"conventions": {"yearly_drawdown": "carries", "annualise_years": True}})
    assert "return is annualised and its fall" in told
    assert told.endswith("measured from the highest value ever.")


def test_capital_that_stays_cash_is_told() -> None:
    table = pd.DataFrame({"participation": 0.1, "impact": 1.0, "cash_pct": [0.4, 62.8]})
    told = "stays held: cash is up to 63 % of the value, on average over the days."
    assert capacity_words(table).endswith(told)
    assert capacity_words(table.head(1)).endswith("stays cash or stays held.")
