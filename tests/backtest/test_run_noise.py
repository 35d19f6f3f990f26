"""Where nothing can be forecast a portfolio earns what its universe earns, less its costs."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.backtest.benchmark import Span, equal_weighted
from alpha_lightning.backtest.book import Setting
from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.backtest.summary import YEAR
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

Array = NDArray[Any]
DELTAS = (0.1, 0.3, 1.0)
SEEDS = range(24)
FREE = CostSettings(buy=0.0, sell=0.0)
PAID = CostSettings()
STANDARD_ERRORS = 3


def noise_market(seed: int, days: int = 244, stocks: int = 50) -> Market:
    """Independent returns of 2 % a day; some days are missing, some prices are at a limit."""
    rng = np.random.default_rng(seed)
    shape = days, stocks
    traded = rng.random(shape) > 0.02
    moves = np.where(traded, rng.normal(0, 0.02, shape), 0.0)
    close = 10 * np.cumprod(1 + moves, axis=0)
    between = close * (1 + rng.normal(0, 0.005, shape))
    prices = {"open": between, "vwap": between, "close": close, "high": close, "low": close}
    dates = np.busday_offset(np.datetime64("2022-01-03"), np.arange(days))
    return Market(
        dates,
        np.array([f"N{j:03d}" for j in range(stocks)]),
        {name: np.where(traded, values, np.nan) for name, values in prices.items()},
        np.where(traded, 1e6, 0.0),
        np.ones(shape),
        traded,
        np.ones(shape, dtype=np.bool_),
    )


def run(
    market: Market, seed: int, universe: Array, names: int
) -> dict[tuple[float, bool], tuple[Ledger, Array]]:
    """Ledgers and the benchmark's returns by delta and whether trades cost something."""
    signals = signal_rows(market.dates)
    scores = np.random.default_rng(seed + 1_000).normal(0, 1, (len(signals), universe.shape[1]))
    execution = ExecutionSettings()
    kinds = [(delta, paid) for delta in DELTAS for paid in (False, True)]
    settings = [
        Setting(f"{d}", TopN(names=names, delta=d), scores, execution, PAID if paid else FREE)
        for d, paid in kinds
    ]
    last = len(market.dates) - 1
    outcomes = run_backtests(market, signals, universe[signals], settings, last)
    first = int(outcomes[0].ledger.rows[0])
    span = Span(signals, universe[signals], first, last)
    benchmark = equal_weighted(market, span, execution).returns
    return {k: (o.ledger, benchmark) for k, o in zip(kinds, outcomes, strict=True)}


@cache
def runs() -> list[dict[tuple[float, bool], tuple[Ledger, Array]]]:
    universe = np.ones((244, 50), dtype=np.bool_)
    return [run(noise_market(seed), seed, universe, 10) for seed in SEEDS]


@pytest.mark.parametrize("delta", DELTAS)
def test_before_costs_it_earns_what_the_universe_earns(delta: float) -> None:
    ledgers = [found[delta, False] for found in runs()]
    relative = np.concatenate([ledger.returns - other for ledger, other in ledgers])
    error = relative.std() / np.sqrt(len(relative))
    assert error * YEAR < 0.03  # a leak would be seen
    assert abs(relative.mean()) < STANDARD_ERRORS * error


@pytest.mark.parametrize("delta", DELTAS)
def test_a_forecast_would_be_seen(delta: float) -> None:
    market = noise_market(0)
    signals = signal_rows(market.dates)[:-2]
    close = 10 + np.nan_to_num(market.prices["close"] - 10)
    scores = close[signals + 6] / close[signals + 1]
    universe = np.ones((len(signals), 50), dtype=np.bool_)
    policy = Setting("leak", TopN(names=10, delta=delta), scores, ExecutionSettings(), FREE)
    (outcome,) = run_backtests(market, signals, universe, [policy], 243)
    span = Span(signals, universe, int(outcome.ledger.rows[0]), 243)
    relative = outcome.ledger.returns - equal_weighted(market, span, ExecutionSettings()).returns
    assert relative.mean() > STANDARD_ERRORS * relative.std() / np.sqrt(len(relative))


@pytest.mark.parametrize("delta", DELTAS)
def test_net_is_gross_less_cost(delta: float) -> None:
    for found in runs():
        (free, other), (paid, _) = found[delta, False], found[delta, True]
        before = np.r_[paid.capital, paid.value[:-1]]
        gross, cost = (paid.gain + paid.dividends) / before, paid.cost / before
        net = YEAR * float((paid.returns - other).mean())
        yearly_cost = YEAR * float(cost.mean())
        assert net == pytest.approx(YEAR * float((gross - other).mean()) - yearly_cost, abs=1e-6)
        assert yearly_cost > 0.01 * delta
        # Costs are paid out of the purchases, so that the two hold nearly the same.
        lost = YEAR * float((free.returns - paid.returns).mean())
        assert lost == pytest.approx(yearly_cost, abs=1e-3)


@pytest.mark.parametrize("delta", DELTAS)
def test_cost_is_both_rates_on_what_changed_hands(delta: float) -> None:
    for found in runs()[:4]:
        ledger, _ = found[delta, True]
        trades = ledger.trades
        value = trades.shares * np.nan_to_num(trades.price)
        bought, sold = value[value > 0].sum(), -value[value < 0].sum()
        expected = PAID.buy * bought + PAID.sell * sold
        assert ledger.cost.sum() == pytest.approx(expected, rel=1e-12)
        weekly = np.nanmean(ledger.turnover[1:])
        assert weekly < delta + 0.05


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """The simulator's market without a signal, with dividends, splits, limits, suspensions."""
    folder: Path = tmp_path_factory.mktemp("noise")
    settings = MarketSettings(
        stocks=60, days=500, signal=0, intraday=IntradaySettings(minute=False, trades=False)
    )
    vendor = simulate(str(folder / "vendor"), settings, seed=3)
    return Panel(ingest(str(folder / "panel"), daily=str(vendor / "daily.parquet")))


def test_a_simulated_market_without_a_signal(simulated: Panel) -> None:
    market = Market.of_panel(simulated, 0, len(simulated.dates) - 1)
    relative, errors = [], []
    for seed in range(6):
        found = run(market, seed, simulated.listed, 15)
        for delta in DELTAS:
            for paid in (False, True):
                ledger, other = found[delta, paid]
                assert ledger.residual.max() <= 1e-9
            (free, other), (paying, _) = found[delta, False], found[delta, True]
            relative.append(float((free.returns - other).mean()))
            errors.append(float((free.returns - other).std() / np.sqrt(len(other))))
            cost = (paying.cost / np.r_[paying.capital, paying.value[:-1]]).mean()
            lost = YEAR * float((free.returns - paying.returns).mean() - cost)
            assert abs(lost) < 5e-3
    # The three deltas of a seed hold much the same stocks.
    error = np.mean(errors) / np.sqrt(6)
    assert abs(np.mean(relative)) < STANDARD_ERRORS * error
