"""The engine against the plain twin on random markets in which everything happens."""

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from alpha_lightning.backtest.book import Setting
from alpha_lightning.backtest.run import run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.portfolio.fixed_weights import FixedWeights
from alpha_lightning.portfolio.top_n import TopN
from tests.backtest.run_both import (
    assert_same,
    bars_of,
    engine_target,
    market_of,
    random_table,
    wanted_of,
)
from tests.backtest.run_plain import PlainRun
from tests.backtest.run_plain_policies import PlainReplay, PlainTopN
from tests.backtest.run_random_markets import EVENTS, random_market

EXECUTION = st.builds(
    ExecutionSettings,
    price=st.sampled_from(["close", "vwap", "open", "twap"]),
    delay=st.integers(1, 3),
    limit=st.sampled_from(["off", "locked", "open", "close"]),
    lot=st.sampled_from([None, 1, 100]),
    participation=st.sampled_from([None, 0.1, 0.01]),
    corporate_actions=st.sampled_from(["shares", "cash"]),
    dividend_tax=st.sampled_from([0.0, 0.1]),
    delist_value=st.sampled_from([1.0, 0.5, 0.01]),
    factor_jumps=st.sampled_from(["ignore", "keep"]),
    capital=st.sampled_from([1e5, 1e4, 3e6]),
)
COSTS = st.builds(
    CostSettings,
    buy=st.sampled_from([0.0, 0.001, 0.01]),
    sell=st.sampled_from([0.0, 0.002]),
    minimum=st.sampled_from([0.0, 5.0]),
    stamp_duty=st.sampled_from([{}, {"2020-08-24": 0.001, "2023-04-12": 0.0005}]),
    impact=st.sampled_from([0.0, 0.1]),
)
TOP_N = st.builds(
    TopN,
    names=st.integers(1, 5),
    delta=st.sampled_from([1.0, 0.2, 0.5, 0.0]),
    keep_within=st.sampled_from([None, 5, 6]),
    reweight=st.sampled_from(["always", "never", "band"]),
    band=st.sampled_from([0.02, 0.1]),
    reserves=st.sampled_from([0, 1, 50]),
    min_coverage=st.sampled_from([0.0, 0.6]),
)
SIZES = (st.integers(3, 8), st.integers(6, 30), st.integers(0, 2**32 - 1))
HAPPENINGS = st.frozensets(st.sampled_from([*EVENTS, "table"]))
REPRODUCIBLE = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
Make = Callable[[list[int], np.random.Generator, int], tuple[PlainReplay | PlainTopN, object]]


def compare(
    sizes: tuple[int, int, int],
    happenings: frozenset[str],
    execution: ExecutionSettings,
    costs: CostSettings,
    top_n: TopN | None,
) -> PlainRun:
    """Run both on one market; with ``top_n`` None on random weights. Returns the twin's run."""
    stocks, days, seed = sizes
    rng = np.random.default_rng(seed)
    market = random_market(rng, stocks, days, happenings)
    bars = bars_of(market, *(random_table(rng, market) if "table" in happenings else ()))
    adjusted = frozenset(("twap",)) if rng.random() < 0.5 else frozenset[str]()
    frequency = "daily" if rng.random() < 0.6 else "weekly"
    signals = signal_rows(market.dates, "weekly" if frequency == "weekly" else "daily")
    last = days - 1 - int(rng.integers(0, 3))
    signals = signals[signals <= last]
    shape = len(signals), stocks
    universe = rng.random(shape) < 0.9
    scores = np.where(rng.random(shape) < 0.15, np.nan, np.round(rng.normal(0, 1, shape), 1))
    scores[rng.random(len(signals)) < 0.05] = np.nan
    policy: FixedWeights | TopN
    own: PlainReplay | PlainTopN
    if top_n is None:
        wanted = wanted_of(signals.tolist(), rng, stocks)
        own = PlainReplay(wanted)
        policy = FixedWeights({market.dates[row]: engine_target(w) for row, w in wanted.items()})
    else:
        own, policy = PlainTopN(top_n), top_n
    about = (signals.tolist(), universe.tolist(), scores.tolist())
    twin = PlainRun(bars, own, execution, costs, *about).run(last)
    assume(not getattr(own, "tight", False))
    setting = Setting("twin", policy, scores, execution, costs)
    (outcome,) = run_backtests(
        market_of(market, bars, adjusted), signals, universe, [setting], last
    )
    assert_same(outcome.ledger, twin)
    assert (outcome.ledger.residual <= 1e-9).all()
    return twin


@REPRODUCIBLE
@given(st.tuples(*SIZES), HAPPENINGS, EXECUTION, COSTS)
def test_random_weights(
    sizes: tuple[int, int, int],
    happenings: frozenset[str],
    execution: ExecutionSettings,
    costs: CostSettings,
) -> None:
    compare(sizes, happenings, execution, costs, None)


@REPRODUCIBLE
@given(st.tuples(*SIZES), HAPPENINGS, EXECUTION, COSTS, TOP_N)
def test_top_n(
    sizes: tuple[int, int, int],
    happenings: frozenset[str],
    execution: ExecutionSettings,
    costs: CostSettings,
    top_n: TopN,
) -> None:
    compare(sizes, happenings, execution, costs, top_n)
