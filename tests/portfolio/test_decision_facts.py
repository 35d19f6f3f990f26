from dataclasses import replace

import numpy as np

from alpha_lightning.portfolio.audit import audit
from alpha_lightning.portfolio.benchmark_weights import Constituents
from alpha_lightning.portfolio.decision_facts import EXPOSURES, NUMBERS, of_problem, of_solution
from alpha_lightning.portfolio.program import Limits, Problem, Solution
from alpha_lightning.portfolio.trade_bounds import TradeBounds
from tests.portfolio.enhanced_policy_cases import INDEX, small_risk

HELD = np.array([0.3, 0.3, 0.2, 0.1, 0.1, 0.0])
PROBLEM = Problem(
    score=np.zeros(6),
    benchmark=np.array(INDEX),
    held=HELD,
    risk=small_risk(),
    members=np.array(INDEX) > 0,
    lower=np.zeros(6),
    upper=np.ones(6),
    limits=Limits(turnover=0.1),
)


def test_untradable_stocks_are_counted_among_holdings_and_constituents() -> None:
    flags = np.array([True, False, False, False, True, True])
    bounds = TradeBounds(np.zeros(6), np.ones(6), flags, ~flags, np.zeros(6, dtype=bool))
    told = of_problem(PROBLEM, Constituents(np.array(INDEX), 0.9, 3), bounds)
    assert told == {
        "covered_benchmark": 0.9, "benchmark_age": 3, "frozen": 2, "no_buy": 3, "no_sell": 0,
    }  # fmt: skip


def test_a_solution_is_told_in_plain_numbers() -> None:
    weights = np.array([0.4, 0.3, 0.1, 0.0, 0.2, 0.0])
    slacks = {"turnover": 0.1}
    checked = audit(PROBLEM, weights, slacks)
    found = Solution(weights, "relaxed", slacks, checked, 0.5, "turnover by 0.1", 6, 2)
    told = of_solution(PROBLEM, found)
    assert (told["status"], told["reason"], told["rounds"]) == ("relaxed", "turnover by 0.1", 2)
    assert (told["slack_turnover"], told["slack_floor"], told["names"]) == (0.1, 0.0, 4)
    assert told["constituents"] == audit(PROBLEM, weights).values["floor"]
    counted = set(of_problem(PROBLEM, Constituents(HELD, 1.0, 0), _NONE)) | {"uncovered"}
    assert set(told) | counted == {*NUMBERS, *EXPOSURES, "status", "reason"}
    assert all(type(told[name]) in (int, float) for name in set(told) & set(NUMBERS))
    assert list(told["exposure"]) == ["size", "banks", "metals", "market"]
    assert np.isclose(told["exposure"]["market"], 1)


def test_a_failure_has_no_weights_to_tell_of() -> None:
    gone = replace(Solution(None, "failed"), reason="stopped")
    told = of_solution(PROBLEM, gone)
    assert (told["status"], told["reason"]) == ("failed", "stopped")
    assert not {"ex_ante_te", "exposure", "objective"} & set(told)


_NONE = TradeBounds(np.zeros(6), np.ones(6), *(np.zeros(6, dtype=bool) for _ in range(3)))
