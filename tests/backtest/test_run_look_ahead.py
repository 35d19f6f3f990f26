"""Nothing dated ``t`` depends on anything after ``t``, and a policy cannot even ask."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.backtest.book import Outcome, Setting
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, LimitRule, TradePrice
from alpha_lightning.portfolio.policy import Hold, Observation, Target
from alpha_lightning.portfolio.top_n import Reweight, TopN
from tests.backtest.run_both import Case, bars_of, market_of, random_case
from tests.backtest.run_random_markets import EVENTS

Array = NDArray[Any]
DAYS = 40
CASES = {
    "columns": frozenset(EVENTS[:7]),
    "board": frozenset([*EVENTS[:7], "no limit columns", "special"]),
    "no amount": frozenset([*EVENTS[:7], "no amount"]),
}
CUTS = (3, 9, 17, 26, 35)
STYLES: tuple[tuple[TradePrice, LimitRule, Reweight], ...] = (
    ("vwap", "locked", "always"),
    ("open", "open", "never"),
    ("close", "close", "band"),
    ("twap", "off", "always"),
)


def settings_of(scores: Array) -> list[Setting]:
    """Every price, rule of limits, delay and way of weighting, with all costs."""
    costs = CostSettings(minimum=5.0, stamp_duty={"2020-09-01": 0.001}, impact=0.5)
    rules = {"lot": 100, "participation": 0.3, "factor_jumps": "keep", "dividend_tax": 0.1}
    return [
        Setting(
            f"{price} {delay}",
            TopN(names=3, delta=0.5, reweight=reweight, reserves=2),
            scores,
            ExecutionSettings(price=price, limit=limit, delay=delay, **rules),  # type: ignore[arg-type]
            costs,
        )
        for price, limit, reweight in STYLES
        for delay in (1, 3)
    ]


def dated_until(outcome: Outcome, row: int) -> dict[str, list[Any]]:
    """Everything that a run says of rows up to one, bit by bit."""
    ledger = outcome.ledger
    told: dict[str, list[Any]] = {}
    names = ("value", "cash", "gain", "dividends", "cost", "turnover", "names", "short", "rows")
    for name in names:
        told[name] = [getattr(ledger, name)[ledger.rows <= row].tobytes()]
    for table in (ledger.holdings, ledger.trades):
        for name, values in vars(table).items():
            told[f"{type(table).__name__}.{name}"] = [values[table.row <= row].tobytes()]
    told["held"] = [entry for entry in ledger.held if entry[0] <= row]
    for signal, decision in outcome.decisions:
        if signal <= row:
            told[f"decision {signal}"] = [
                decision.reason
                if isinstance(decision, Hold)
                else list(map(frozen, vars(decision).values()))
            ]
    return told


def frozen(value: Any) -> Any:
    return value.tobytes() if isinstance(value, np.ndarray) else value


def changed(case: Case, row: int, seed: int) -> Case:
    """The same market, universe and scores up to a row, others after it."""
    rng = np.random.default_rng(seed)
    arrays = case.arrays.changed_after(row, rng)
    bars = bars_of(arrays)
    bars.missing_vwap = case.bars.missing_vwap
    late = case.signals > row
    scores, universe = case.scores.copy(), case.universe.copy()
    scores[late], universe[late] = rng.normal(0, 1, scores[late].shape), True
    return replace(
        case,
        arrays=arrays,
        bars=bars,
        market=market_of(arrays, bars, case.market.adjusted),
        scores=scores,
        universe=universe,
    )


@pytest.mark.parametrize("kind", list(CASES))
@pytest.mark.parametrize("row", CUTS)
def test_the_past_does_not_move_with_the_future(kind: str, row: int) -> None:
    case = random_case(np.random.default_rng(7), 8, DAYS, CASES[kind])
    other = changed(case, row, 11)
    before, after = (one.outcomes(settings_of(one.scores)) for one in (case, other))
    for own, new in zip(before, after, strict=True):
        told, expected = dated_until(new, row), dated_until(own, row)
        assert told.keys() == expected.keys()
        for name, values in expected.items():
            assert told[name] == values, name
    # What is changed is used: later days differ.
    assert any(
        dated_until(own, DAYS)["value"] != dated_until(new, DAYS)["value"]
        for own, new in zip(before, after, strict=True)
    )


@dataclass
class Spy:
    """A policy that notes what it sees and spoils it."""

    fields: tuple[str, ...]
    seen: dict[Any, dict[str, Array]] = field(default_factory=dict)

    def decide(self, seen: Observation) -> Target | Hold:
        past = {name: seen.history(name, 10_000) for name in self.fields}
        told = {name: getattr(seen, name) for name in ("scores", "universe", "traded")}
        told |= {"shares": seen.shares, "weights": seen.weights}
        self.seen[seen.date] = {
            **{f"past {name}": values.copy() for name, values in past.items()},
            **{name: values.copy() for name, values in told.items()},
        }
        order = np.argsort(np.nan_to_num(seen.scores, nan=-9.0))[::-1][:3]
        for values in (*past.values(), *told.values()):
            values[...] = 0
        return Target(
            order, np.full(3, 0.3), np.zeros(3, dtype=np.bool_), np.zeros(0, dtype=np.intp)
        )


FIELDS = ("open", "high", "low", "close", "volume", "adj_factor", "traded", "listed", "amount")


def spied(case: Case) -> tuple[Spy, Outcome]:
    spy = Spy(FIELDS)
    rules = ExecutionSettings(factor_jumps="keep", price="close")
    (outcome,) = case.outcomes([Setting("spy", spy, case.scores, rules)])
    return spy, outcome


def test_a_policy_sees_the_past_alone() -> None:
    case = random_case(np.random.default_rng(3), 8, DAYS, CASES["columns"])
    spy, _ = spied(case)
    assert len(spy.seen) == len(case.signals)
    fields = {**case.arrays.prices, "adj_factor": case.arrays.factor}
    fields |= {name: getattr(case.arrays, name) for name in ("volume", "traded", "listed")}
    fields["amount"] = np.asarray(case.arrays.amount)
    for k, row in enumerate(case.signals.tolist()):
        seen = spy.seen[case.arrays.dates[row]]
        for name in FIELDS:
            own = fields[name][: row + 1]
            np.testing.assert_array_equal(seen[f"past {name}"], own, err_msg=name)
        np.testing.assert_array_equal(seen["traded"], case.arrays.traded[row])
        np.testing.assert_array_equal(seen["scores"], case.scores[k])
        np.testing.assert_array_equal(seen["universe"], case.universe[k])


def test_what_a_policy_writes_changes_nothing() -> None:
    case = random_case(np.random.default_rng(3), 8, DAYS, CASES["columns"])
    kept = random_case(np.random.default_rng(3), 8, DAYS, CASES["columns"])
    (spy, first), (again, second) = spied(case), spied(case)
    assert dated_until(first, DAYS) == dated_until(second, DAYS)
    for date, seen in spy.seen.items():
        for name, values in seen.items():
            np.testing.assert_array_equal(values, again.seen[date][name], err_msg=name)
    np.testing.assert_array_equal(case.scores, kept.scores)
    np.testing.assert_array_equal(case.universe, kept.universe)
    for name, values in kept.arrays.prices.items():
        np.testing.assert_array_equal(case.arrays.prices[name], values, err_msg=name)
    for name in ("volume", "factor", "traded", "listed", "amount", "up", "down"):
        np.testing.assert_array_equal(getattr(case.arrays, name), getattr(kept.arrays, name))
    # The holdings that a later signal sees are those of the ledger, not the spoilt ones.
    held = first.ledger.holdings
    for date, seen in spy.seen.items():
        row = int(np.searchsorted(case.arrays.dates, date))
        own = np.zeros(8)
        own[held.column[held.row == row]] = held.shares[held.row == row]
        np.testing.assert_array_equal(seen["shares"], own)


def test_settings_side_by_side_do_not_see_each_other() -> None:
    case = random_case(np.random.default_rng(5), 8, DAYS, CASES["columns"])
    settings = settings_of(case.scores)
    together = case.outcomes(settings)
    for setting, outcome in zip(settings, together, strict=True):
        (alone,) = case.outcomes([setting])
        assert dated_until(alone, DAYS) == dated_until(outcome, DAYS)
