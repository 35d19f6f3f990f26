"""The engine against the plain twin on random markets in which everything happens."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.book import Setting
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, LimitRule
from alpha_lightning.portfolio.fixed_weights import FixedWeights
from alpha_lightning.portfolio.top_n import TopN
from tests.backtest.run_both import (
    assert_same,
    engine_target,
    random_case,
    wanted_of,
)
from tests.backtest.run_plain import PlainRun
from tests.backtest.run_plain_market import UnexplainedJumpError
from tests.backtest.run_plain_policies import PlainReplay, PlainTopN
from tests.backtest.run_random_markets import EVENTS

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
    minimum=st.sampled_from([0.0, 5.0, 500.0]),
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
    case = random_case(rng, stocks, days, happenings)
    dates, rows = case.arrays.dates, case.signals.tolist()
    policy: FixedWeights | TopN
    own: PlainReplay | PlainTopN
    if top_n is None:
        wanted = wanted_of(rows, rng, stocks)
        own = PlainReplay(wanted)
        policy = FixedWeights({dates[row]: engine_target(w) for row, w in wanted.items()})
    else:
        own, policy = PlainTopN(top_n), top_n
    about = (rows, case.universe.tolist(), case.scores.tolist())
    twin = PlainRun(case.bars, own, execution, costs, *about).run(case.last)
    (outcome,) = case.outcomes([Setting("twin", policy, case.scores, execution, costs)])
    assert_same(outcome.ledger, twin)
    assert (outcome.ledger.residual <= 1e-9).all()
    return twin


def engine_alone(sizes: tuple[int, int, int], happenings: frozenset[str], setting: Setting) -> None:
    """Run the engine on the market that `compare` makes."""
    stocks, days, seed = sizes
    case = random_case(np.random.default_rng(seed), stocks, days, happenings)
    case.outcomes([replace(setting, scores=case.scores)])


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


BOARDS = frozenset(("limits", "no limit columns", "special", "listings", "suspensions", "splits"))


@settings(REPRODUCIBLE, max_examples=150)
@given(st.tuples(*SIZES), st.sampled_from(["locked", "open", "close"]), st.booleans())
def test_limits_by_the_rules_of_the_boards(
    sizes: tuple[int, int, int], limit: LimitRule, random_weights: bool
) -> None:
    execution = ExecutionSettings(price="close", limit=limit, factor_jumps="keep")
    top_n = None if random_weights else TopN(names=4, delta=1.0)
    compare(sizes, BOARDS, execution, CostSettings(), top_n)
    stocks, days, seed = sizes
    case = random_case(np.random.default_rng(seed), stocks, days, BOARDS)
    every = np.arange(stocks)
    for row in range(days):
        ups = case.market.at_limit_up(row, every, limit).tolist()
        downs = case.market.at_limit_down(row, every, limit).tolist()
        assert ups == [case.bars.at_limit(row, j, limit, "up") for j in range(stocks)]
        assert downs == [case.bars.at_limit(row, j, limit, "down") for j in range(stocks)]


@settings(REPRODUCIBLE, max_examples=60)
@given(st.tuples(*SIZES), st.sampled_from([frozenset(["jumps"]), frozenset(["jumps", "table"])]))
def test_both_refuse_the_same_jumps(
    sizes: tuple[int, int, int], happenings: frozenset[str]
) -> None:
    execution, top_n = ExecutionSettings(price="close", factor_jumps="refuse"), TopN(names=3)
    try:
        compare(sizes, happenings, execution, CostSettings(), top_n)
    except UnexplainedJumpError as jump:
        _, date = jump.args
        with pytest.raises(UserError, match=f" on {date}, but ") as told:
            engine_alone(sizes, happenings, Setting("jumps", top_n, None, execution))
        assert "execution.factor_jumps" in str(told.value)
