from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.benchmark import Span, benchmark_returns, settings_against
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.run import Setting, run_backtests
from alpha_lightning.backtest.settings import BenchmarkSettings, CostSettings, ExecutionSettings
from alpha_lightning.evaluation.execution import execution_prices
from alpha_lightning.evaluation.groups import group_labels, run_groups
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.portfolio.top_n import TopN
from tests.backtest.results_ledgers import small_market

UNIVERSE = BenchmarkSettings()
TOTAL = BenchmarkSettings("000300", total_return=True)
PRICE = BenchmarkSettings("000300")


@pytest.fixture(scope="module")
def panel(market: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Panel:
    found: Panel = market(90, 25, seed=7).write(tmp_path_factory.mktemp("benchmark"))
    return found


@pytest.fixture(scope="module")
def indexed(panel_path: Path) -> Panel:
    return Panel.open(panel_path)


def span_of(panel: Panel, first: int, last: int, name: str = "all") -> Span:
    signals = signal_rows(panel.dates)
    signals = signals[(signals >= first - 1) & (signals <= last)]
    return Span(signals, universe(panel, name)[signals], int(signals[0]) + 1, last)


def returns_of(panel: Panel, settings: BenchmarkSettings, span: Span, **execution: Any) -> Any:
    market = Market.of_panel(panel, span.first, span.last)
    own = ExecutionSettings(**execution)
    return benchmark_returns(panel, market, settings, span, own)


@pytest.mark.parametrize("price", ["vwap", "close"])
def test_the_universe_is_the_benchmark_of_the_groups(panel: Panel, price: Any) -> None:
    span = span_of(panel, 5, 85)
    prices = execution_prices(panel, span.first, span.last)
    if price == "close":
        prices = replace(prices, trade=prices.mark)
    labels = group_labels(np.zeros(span.universe.shape), span.universe, groups=1)
    assert (labels >= 0).any(axis=1).all()
    theirs = run_groups(labels, span.signals, prices, span.last)
    own = returns_of(panel, UNIVERSE, span, price=price)
    np.testing.assert_array_equal(own.rows, theirs.rows)
    np.testing.assert_allclose(own.returns, theirs.benchmark, rtol=0, atol=1e-12)
    assert np.abs(own.returns).max() > 1e-3


def test_the_universe_trades_with_the_portfolios_delay(panel: Panel) -> None:
    span = span_of(panel, 5, 85)
    later = Span(span.signals + 2, span.universe, span.first + 2, span.last)
    market = Market.of_panel(panel, 0, 89)
    # A delay of three days after the signal is a delay of one after a signal two days later, but
    # for stocks that stopped to trade in between.
    market = replace(market, traded=np.ones_like(market.traded))
    close = {**market.prices, "close": np.nan_to_num(market.prices["close"], nan=9.0)}
    market = replace(market, prices=close)
    slow = benchmark_returns(
        panel, market, UNIVERSE, replace(span, first=span.first + 2), ExecutionSettings(delay=3)
    )
    quick = benchmark_returns(panel, market, UNIVERSE, later, ExecutionSettings())
    np.testing.assert_allclose(slow.returns, quick.returns, rtol=0, atol=1e-12)


def test_nothing_after_the_last_row_is_seen(panel: Panel) -> None:
    span = span_of(panel, 5, 60)
    whole = returns_of(panel, UNIVERSE, span_of(panel, 5, 85)).returns
    own = returns_of(panel, UNIVERSE, span).returns
    np.testing.assert_array_equal(own, whole[: len(own)])
    assert len(own) == 61 - span.first


def by_hand(suspended: int = 3, **changes: Any) -> Any:
    # A doubles on row 2, B trades at 12 on row 3 and closes at 15, C is suspended on rows 3 and 4.
    close = np.array([[10, 10, 10], [10, 10, 10], [20, 10, 10], [20, 15, 10], [20, 15, 30.0]])
    vwap = close.copy()
    vwap[3, 1] = 12
    traded = np.ones(close.shape, dtype=np.bool_)
    traded[suspended:, 2] = False
    market = small_market(
        small_market().dates[:5],
        prices={"close": close, "vwap": vwap, "open": close},
        volume=np.ones(close.shape),
        factor=np.ones(close.shape),
        traded=traded,
        listed=traded,
    )
    span: dict[str, Any] = {"signals": np.array([0, 2]), "first": 1, "last": 4}
    span |= {"universe": np.ones((2, 3), dtype=np.bool_)}
    nowhere: Any = None
    return benchmark_returns(nowhere, market, UNIVERSE, Span(**(span | changes)))


def test_three_stocks_by_hand() -> None:
    # Day 3 at the trade: 20/30 + 12/30 + 10/30 = 42/30, a third each; B then gains a quarter.
    traded = 42 / 40 * (1 + 0.25 / 3)
    expected = [0.0, 1 / 3, traded - 1, 0.0]
    np.testing.assert_allclose(by_hand().returns, expected, atol=1e-15)


def test_a_member_that_is_suspended_on_the_signal_date_is_not_bought() -> None:
    traded = 42 / 40 * (1 + 0.25 / 2)
    np.testing.assert_allclose(by_hand(2).returns, [0.0, 1 / 3, traded - 1, 0.0], atol=1e-15)


def test_a_signal_without_members_keeps_what_is_held() -> None:
    members = np.array([[True] * 3, [False] * 3])
    expected = [0.0, 1 / 3, 45 / 40 - 1, 0.0]
    np.testing.assert_allclose(by_hand(universe=members).returns, expected, atol=1e-15)


def test_a_first_trade_after_its_signals_takes_the_last_of_them() -> None:
    # Both signals are due by row 3: B, of the second, is bought at 12 and closes at 15.
    members = np.array([[True, False, False], [False, True, False]])
    assert by_hand(first=3, universe=members).returns.tolist() == [0.25, 0.0]
    with pytest.raises(UserError, match="the benchmark has no stock by 2020-12-30"):
        by_hand(universe=np.zeros((2, 3), dtype=np.bool_))


def test_a_price_index_is_its_level(indexed: Panel) -> None:
    span = span_of(indexed, 100, 200, "000300")
    own = returns_of(indexed, PRICE, span)
    level = np.load(indexed.path / "levels" / "000300.npy")
    rows = slice(span.first, span.last + 1)
    np.testing.assert_allclose(
        own.returns, (level[1:] / level[:-1] - 1)[span.first - 1 : span.last]
    )
    assert len(own.returns) == len(indexed.dates[rows])
    assert "without dividends" in own.warnings[0]


def test_total_return_is_the_price_index_and_its_dividends(indexed: Panel) -> None:
    span = span_of(indexed, 5, 890, "000300")
    price, total = (returns_of(indexed, own, span) for own in (PRICE, TOTAL))
    assert total.name == "000300 with dividends"
    assert total.warnings == ()
    apart = total.returns - price.returns
    assert np.median(np.abs(apart)) < 1e-5
    yearly = apart.mean() * 243
    assert 0.002 < yearly < 0.06


def test_total_return_by_plain_loops(indexed: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    # Weights of a half in all, and a constituent that is suspended on the day before the first.
    weights = np.load(indexed.path / "weights" / "000300.npy") / 2
    adjusted = indexed.adjusted("close")
    traded = indexed.traded
    idle = np.flatnonzero(((weights > 0) & ~traded).any(axis=1))
    first = int(idle[idle > 300][0]) + 1
    span = Span(np.array([first - 1]), np.ones((1, 40), dtype=np.bool_), first, first + 10)
    expected = []
    for row in range(span.first, span.last + 1):
        above = below = 0.0
        for stock in range(len(indexed.symbols)):
            seen = [adjusted[t, stock] for t in range(row + 1) if traded[t, stock]]
            before = [adjusted[t, stock] for t in range(row) if traded[t, stock]]
            if weights[row - 1, stock] > 0 and before:
                above += weights[row - 1, stock] * (seen[-1] / before[-1] - 1)
                below += weights[row - 1, stock]
        expected.append(above / below)
    market = Market.of_panel(indexed, span.first, span.last)
    monkeypatch.setattr(np, "load", lambda *_, **__: weights)
    own = benchmark_returns(indexed, market, TOTAL, span)
    np.testing.assert_allclose(own.returns, expected, atol=1e-14)


def test_a_missing_level_is_named(indexed: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    level = np.load(indexed.path / "levels" / "000300.npy").copy()
    level[[150, 152]] = np.nan
    monkeypatch.setattr(np, "load", lambda *_, **__: level)
    span = Span(np.array([149]), np.ones((1, 40), dtype=np.bool_), 151, 160)
    expected = rf"no level on {indexed.dates[150]} \(2 such dates\)"
    with pytest.raises(UserError, match=expected):
        benchmark_returns(indexed, small_market(), PRICE, span)
    free = replace(span, first=154)
    assert len(benchmark_returns(indexed, small_market(), PRICE, free).returns) == 7


def test_missing_weights_are_named(indexed: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.load(indexed.path / "weights" / "000300.npy").copy()
    weights[155] = np.nan
    market = Market.of_panel(indexed, 150, 160)
    monkeypatch.setattr(np, "load", lambda *_, **__: weights)
    span = Span(np.array([149]), np.ones((1, 40), dtype=np.bool_), 151, 160)
    with pytest.raises(UserError, match=f"no weights on {indexed.dates[155]}"):
        benchmark_returns(indexed, market, TOTAL, span)


def test_what_the_panel_does_not_have_is_refused(panel: Panel, indexed: Panel) -> None:
    span = span_of(panel, 5, 20)
    with pytest.raises(UserError, match=r"benchmark\.index is 000300: .* has universe; ingest"):
        returns_of(panel, PRICE, span)
    with pytest.raises(UserError, match="has no weights of 000300"):
        returns_of(panel, TOTAL, span)
    with pytest.raises(UserError, match="total_return is for an index"):
        returns_of(panel, BenchmarkSettings(total_return=True), span)
    first = Span(np.array([0]), np.ones((1, 40), dtype=np.bool_), 0, 20)
    with pytest.raises(UserError, match="no close before 2019-01-02"):
        returns_of(indexed, PRICE, first)


def test_an_enhanced_index_is_held_against_the_index(panel: Panel, indexed: Panel) -> None:
    assert settings_against(indexed, "000300", UNIVERSE) == (PRICE, ())
    dividends = BenchmarkSettings(total_return=True)
    assert settings_against(indexed, "000300", dividends) == (TOTAL, ())
    other = BenchmarkSettings("000905")
    assert settings_against(indexed, "000300", other) == (other, ())
    rebuilt, told = settings_against(panel, "000300", UNIVERSE)
    assert rebuilt == TOTAL
    assert told[0].startswith("The panel has no level of 000300: the benchmark is rebuilt from")


def test_a_damaged_level_is_refused(indexed: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise EOFError

    monkeypatch.setattr(np, "load", fail)
    span = Span(np.array([149]), np.ones((1, 40), dtype=np.bool_), 151, 160)
    with pytest.raises(UserError, match=r"000300\.npy is missing or damaged"):
        benchmark_returns(indexed, small_market(), PRICE, span)


@pytest.mark.parametrize("price", ["vwap", "close"])
def test_a_portfolio_of_the_whole_universe_without_cost_is_its_benchmark(
    market: Callable[..., Any], tmp_path: Path, price: Any
) -> None:
    panel: Panel = market(70, 12, seed=3, suspended=0.0).write(tmp_path)
    assert (np.diff(panel.market("adj_factor"), axis=0) > 0.5).any(), "stocks are split"
    span = span_of(panel, 5, 65)
    # The first two stocks are listed late, and gone early.
    members = span.universe & (np.arange(12) > 1)
    span = replace(span, universe=members)
    scores = np.where(members, 1.0, np.nan)
    execution = ExecutionSettings(price=price, limit="off")
    policy = TopN(names=10, delta=1.0)
    setting = Setting("all", policy, scores, execution, CostSettings(buy=0.0, sell=0.0))
    opened = Market.of_panel(panel, span.first, span.last)
    (outcome,) = run_backtests(opened, span.signals, members, [setting], span.last)
    own = benchmark_returns(panel, opened, UNIVERSE, span, execution)
    np.testing.assert_allclose(outcome.ledger.returns, own.returns, rtol=0, atol=1e-12)
