"""Portfolios of six stocks against an index of four, of which the answer is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio import enhanced_policy
from alpha_lightning.portfolio.enhanced_policy import EnhancedPolicy
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.policy import Hold, Target
from alpha_lightning.portfolio.program import Solution
from tests.portfolio.enhanced_policy_cases import (
    DATES,
    INDEX,
    OPEN,
    ROW,
    SCORES,
    SmallRisk,
    policy,
    seen,
    small_risk,
    weights_of,
)

PAPERS = IndexEnhanced("000300", max_age=None)
FLAT = [0.5] * 6


def test_without_limits_everything_is_in_the_best_stock() -> None:
    answer = policy().decide(seen())
    assert isinstance(answer, Target)
    assert answer.columns.tolist() == [4]
    assert answer.weights.tolist() == pytest.approx([1.0])
    assert not answer.keep.any()
    assert answer.facts["status"] == "solved"
    inside = np.array(SCORES)
    best = (2.0 - inside.mean()) / inside.std()
    assert answer.facts["objective"] == pytest.approx(best)


@pytest.mark.parametrize("held", [(), (0.1, 0.2, 0.3, 0.4, 0.0, 0.0)])
def test_without_dispersion_of_scores_the_index_is_held(held: tuple[float, ...]) -> None:
    answer = policy(PAPERS, turnover=1.0).decide(seen(FLAT, held))
    np.testing.assert_allclose(weights_of(answer), INDEX, atol=1e-6)
    assert answer.facts["ex_ante_te"] < 1e-6


@pytest.mark.parametrize("held", [(), (0.1, 0.2, 0.3, 0.4, 0.0, 0.0)])
def test_without_tracking_error_the_index_is_held(held: tuple[float, ...]) -> None:
    answer = policy(PAPERS, tracking_error=0.0, turnover=1.0).decide(seen(held=held))
    np.testing.assert_allclose(weights_of(answer), INDEX, atol=1e-6)
    assert answer.facts["status"] == "solved"


def test_without_turnover_nothing_is_traded() -> None:
    held = (0.39, 0.31, 0.2, 0.07, 0.03, 0.0)
    answer = policy(PAPERS, turnover=0.0).decide(seen(held=held))
    assert isinstance(answer, Target)
    assert answer.keep.all()
    assert answer.columns.tolist() == [0, 1, 2, 3, 4]
    assert answer.facts["turnover"] == pytest.approx(0, abs=1e-7)
    assert answer.facts["status"] == "solved"


def test_without_turnover_a_broken_limit_makes_room_for_itself() -> None:
    held = (0.0, 0.0, 0.0, 0.0, 0.5, 0.5)
    answer = policy(PAPERS, turnover=0.0).decide(seen(held=held))
    assert answer.facts["status"] == "relaxed"
    assert answer.facts["slack_turnover"] > 0.3
    assert answer.facts["slack_tracking_error"] == 0
    assert answer.facts["ex_ante_te"] <= 0.04 + 1e-6


def test_cash_is_invested_and_counts_as_turnover() -> None:
    held = tuple(0.9 * weight for weight in INDEX)
    answer = policy(OPEN, turnover=0.0).decide(seen(held=held))
    assert weights_of(answer).sum() == pytest.approx(1)
    assert answer.facts["slack_turnover"] == pytest.approx(0.05, abs=1e-6)
    # Cash that is owed is no part of the portfolio, nor is cash that is a rounding error.
    owed = tuple(1.01 * weight for weight in INDEX)
    assert policy(OPEN, turnover=0.0).decide(seen(held=owed)).facts["status"] == "solved"
    dust = tuple((1 - 1e-9) * weight for weight in INDEX)
    assert policy(OPEN, turnover=0.0).decide(seen(held=dust)).facts["status"] == "solved"


def test_the_first_purchase_has_no_limit_on_turnover_and_the_second_has() -> None:
    first = policy(OPEN, turnover=0.1).decide(seen())
    assert (first.facts["status"], first.facts["turnover"]) == ("solved", pytest.approx(0.5))
    second = policy(OPEN, turnover=0.1).decide(seen(held=INDEX))
    assert second.facts["turnover"] == pytest.approx(0.1)
    np.testing.assert_allclose(weights_of(second), [0.3, 0.3, 0.2, 0.1, 0.1, 0], atol=1e-6)


def test_what_did_not_trade_stays_though_it_is_above_its_bound() -> None:
    held = (0.2, 0.2, 0.2, 0.1, 0.3, 0.0)
    given = policy(OPEN, active=0.1)
    answer = given.decide(seen(held=held, suspended=[4]))
    assert isinstance(answer, Target)
    assert answer.keep[answer.columns == 4].all()
    own = weights_of(answer)
    assert own[4] == 0.3
    assert (answer.facts["status"], answer.facts["frozen"]) == ("solved", 1)
    others = np.abs(own - INDEX)[[1, 2, 3, 5]]
    assert others.max() <= 0.1 + 1e-7
    # The same stock sells down to its bound once it trades.
    assert weights_of(given.decide(seen(held=held)))[4] == pytest.approx(0.1, abs=1e-6)


def test_what_cannot_be_bought_never_rises_nor_falls_what_cannot_be_sold() -> None:
    generator = np.random.default_rng(3)
    for _ in range(25):
        scores, held = generator.normal(size=6), generator.dirichlet(np.ones(6))
        up, down = generator.choice(6, 2, replace=False)
        given = policy(PAPERS, turnover=0.3, floor=0.5)
        answer = given.decide(seen(scores.tolist(), held.tolist(), up=[up], down=[down]))
        if isinstance(answer, Hold):
            continue
        own = weights_of(answer)
        assert own[up] <= held[up] + 1e-9
        assert own[down] >= held[down] - 1e-9
        assert (answer.facts["no_buy"], answer.facts["no_sell"]) == (1, 1)


def test_an_exchange_of_constituents_that_turnover_is_too_small_for() -> None:
    held = (0.5, 0.3, 0.0, 0.0, 0.2, 0.0)
    new = (0.0, 0.3, 0.2, 0.1, 0.0, 0.4)
    given = policy(OPEN, new, floor=0.8, turnover=0.1)
    answer = given.decide(seen(held=held))
    assert answer.facts["status"] == "relaxed"
    assert answer.facts["constituents"] == pytest.approx(0.8, abs=1e-6)
    assert answer.facts["slack_turnover"] == pytest.approx(0.4, abs=1e-6)
    assert "turnover" in answer.facts["reason"]
    # In the other order the floor is what gives.
    floor = policy(OPEN, new, floor=0.8, turnover=0.1, relax=["floor", "turnover"])
    facts = floor.decide(seen(held=held)).facts
    assert (facts["slack_turnover"], facts["slack_floor"]) == (0, pytest.approx(0.4, abs=1e-6))
    # And where nothing may give, nothing is traded, and it is said.
    none = policy(OPEN, new, floor=0.8, turnover=0.1, relax=[]).decide(seen(held=held))
    assert isinstance(none, Hold)
    assert none.facts["status"] == "failed"
    assert none.reason.startswith("no portfolio: ")


def test_a_constituent_without_a_price_is_not_bought() -> None:
    answer = policy(PAPERS, tracking_error=0.2).decide(seen(suspended=[0]))
    own = weights_of(answer)
    assert own[0] == 0
    assert own.sum() == pytest.approx(1)
    assert answer.facts["frozen"] == 1
    assert answer.facts["covered_benchmark"] == pytest.approx(1)


def test_a_floor_without_a_constituent_that_can_be_traded() -> None:
    given = policy(OPEN, floor=0.8)
    answer = given.decide(seen(suspended=[0, 1, 2, 3]))
    assert answer.facts["status"] == "relaxed"
    assert answer.facts["slack_floor"] == pytest.approx(0.8, abs=1e-6)
    nobody = given.decide(seen(suspended=range(6)))
    assert isinstance(nobody, Hold)
    assert nobody.facts["status"] == "failed"


def test_constituents_that_are_not_listed_are_scaled_away_and_told() -> None:
    answer = policy(PAPERS, tracking_error=0.0).decide(seen(unlisted=[3]))
    np.testing.assert_allclose(weights_of(answer), [4 / 9, 3 / 9, 2 / 9, 0, 0, 0], atol=1e-6)
    assert answer.facts["covered_benchmark"] == pytest.approx(0.9)


def test_a_stock_without_a_score_is_bought_up_to_its_weight_in_the_index() -> None:
    scores = (np.nan, np.nan, 0.0, -1.0, np.nan, 4.0)
    own = weights_of(policy(min_coverage=0.1).decide(seen(scores, suspended=[5])))
    # Their score counts as the mean, above all but that of the stock that does not trade.
    np.testing.assert_allclose(own, [0.4, 0.3, 0.3, 0, 0, 0], atol=1e-6)
    # One outside the index has the mean score too, and is bought in no case.
    held = (0.45, 0.0, 0.35, 0.0, 0.2, 0.0)
    later = weights_of(policy(min_coverage=0.1).decide(seen(scores, held, suspended=[5])))
    np.testing.assert_allclose(later[[2, 3, 5]], [0.05, 0, 0], atol=1e-6)
    np.testing.assert_allclose(later[[0, 1, 4]], [0.45, 0.3, 0.2], atol=1e-6)


def test_a_stock_outside_universe_and_index_is_not_bought() -> None:
    own = weights_of(policy().decide(seen(outside=[4])))
    np.testing.assert_allclose(own, [0, 0, 0, 0, 0, 1], atol=1e-6)
    held = (0.0, 0.0, 0.0, 0.0, 0.2, 0.8)
    assert weights_of(policy().decide(seen(held=held, outside=[4])))[4] <= 0.2
    # A constituent may be, and is ranked among the universe.
    member = weights_of(policy().decide(seen((9, 0.5, 0, -0.5, 2, 1), outside=[0])))
    np.testing.assert_allclose(member, [1, 0, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "view", "reason"),
    [
        ({}, {"scores": [np.nan] * 6}, "no scores"),
        ({}, {"scores": (1.0, 2.0, *[np.nan] * 4)}, "scores for 2 of 6 stocks"),
        ({}, {"outside": range(6)}, "no scores"),
        ({"index": [0.0] * 6}, {}, "no weights of 000300"),
        (
            {},
            {"unlisted": [0, 1]},
            "only 30.0% of the weight of 000300 is in the panel (min_benchmark is 0.5)",
        ),
        ({"max_age": 4}, {}, "the weights of 000300 have not changed for 5 trading days"),
        ({"first": 6}, {}, "no risk model yet"),
    ],
)
def test_what_cannot_be_decided_is_held_and_says_why(
    settings: dict[str, Any], view: dict[str, Any], reason: str
) -> None:
    answer = policy(**settings).decide(seen(**view))
    assert isinstance(answer, Hold)
    assert answer.reason == answer.facts["reason"] == reason
    assert answer.facts["status"] == "held"


def test_a_solver_that_gives_up_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Solution(None, "failed", reason="the solver stopped with MaxIterations")
    monkeypatch.setattr(enhanced_policy, "optimise", lambda *_: gone)
    answer = policy(PAPERS).decide(seen(held=INDEX))
    assert isinstance(answer, Hold)
    assert answer.reason == "no portfolio: the solver stopped with MaxIterations"
    assert answer.facts["status"] == "failed"


def test_a_risk_that_is_none_is_told_with_the_date() -> None:
    broken = replace(small_risk(), specific=np.full(6, -1.0))
    told = r"enhanced portfolio of 2024-01-06: optimisation: specific variance of S0 is negative"
    with pytest.raises(UserError, match=told):
        policy(PAPERS, risk=broken).decide(seen())


def test_what_the_risk_does_not_cover_is_counted() -> None:
    risk = small_risk()
    risk.exposures[1] = np.nan
    answer = policy(PAPERS, risk=risk).decide(seen())
    assert (answer.facts["uncovered"], answer.facts["status"]) == (1, "solved")


def test_the_limits_are_kept_and_the_facts_are_those_of_the_weights() -> None:
    risk, held = small_risk(), (0.3, 0.3, 0.2, 0.1, 0.1, 0.0)
    answer = policy(PAPERS, floor=0.8).decide(seen(held=held))
    own, facts = weights_of(answer), answer.facts
    active = own - INDEX
    assert facts["ex_ante_te"] == pytest.approx(risk.volatility(active), abs=1e-9)
    assert facts["ex_ante_te"] <= 0.04 + 1e-7
    assert facts["turnover"] == pytest.approx(np.abs(own - held).sum() / 2, abs=1e-9)
    assert facts["constituents"] == pytest.approx(own[:4].sum(), abs=1e-9)
    assert facts["names"] == (own > 0).sum()
    assert list(facts["exposure"]) == list(facts["benchmark_exposure"]) == list(risk.factors)
    for k, factor in enumerate(risk.factors):
        assert facts["exposure"][factor] == pytest.approx(own @ risk.exposures[:, k])
        apart = facts["exposure"][factor] - facts["benchmark_exposure"][factor]
        assert apart == pytest.approx(active @ risk.exposures[:, k], abs=1e-7)
    assert facts["violation"] <= 1e-7


def test_nothing_after_the_date_is_looked_at() -> None:
    view = seen(held=(0.3, 0.3, 0.2, 0.1, 0.1, 0.0))
    before = policy(PAPERS).decide(view)
    weights = np.tile(np.array(INDEX, dtype=np.float32), (len(DATES), 1))
    weights[ROW + 1 :] = np.nan

    class Changed(SmallRisk):
        def at(self, row: int) -> Any:
            return self.risk if row == ROW else small_risk(seed=9)

    after = EnhancedPolicy(PAPERS, Changed(small_risk()), weights, DATES).decide(view)
    assert isinstance(before, Target)
    assert isinstance(after, Target)
    np.testing.assert_array_equal(before.columns, after.columns)
    np.testing.assert_array_equal(before.weights, after.weights)
    assert before.facts == after.facts
    # Of the date itself it is.
    weights[ROW] = weights[ROW][::-1]
    other = EnhancedPolicy(PAPERS, Changed(small_risk()), weights, DATES).decide(view)
    assert other.facts != before.facts
