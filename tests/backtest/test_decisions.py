"""What is told of an enhanced portfolio's decisions."""

from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.decisions import (
    decision_columns,
    decision_remarks,
    enhanced_summary,
    exposure_columns,
    has_facts,
)
from alpha_lightning.portfolio.decision_facts import NUMBERS
from alpha_lightning.portfolio.policy import Hold, Target

DATES = np.datetime64("2024-01-01") + np.arange(40)
NONE = np.empty(0, dtype=np.intp)


def bought(**facts: Any) -> Target:
    exposure = {"exposure": {"size": 0.5, "market": 1.0}}
    index = {"benchmark_exposure": {"size": 0.1, "market": 1.0}}
    told = {"status": "solved", "reason": "", "covered_benchmark": 1.0, "violation": 1e-9}
    return Target(
        NONE, np.empty(0), np.empty(0, np.bool_), NONE, None, told | exposure | index | facts
    )


HELD = Hold("no scores", {"status": "held", "reason": "no scores", "covered_benchmark": 0.9})
FAILED = Hold("no portfolio: stopped", {"status": "failed", "reason": "stopped", "frozen": 2})
PENDING = Hold("the trade of the signal before is still to come")
RELAXED = {"status": "relaxed", "reason": "turnover by 0.1"}
DECISIONS = (
    (4, bought(ex_ante_te=0.02, turnover=0.5)),
    (9, HELD),
    (14, bought(ex_ante_te=0.04, slack_turnover=0.1, slack_floor=0.02, **RELAXED)),
    (19, FAILED),
    (24, PENDING),
    (
        29,
        bought(ex_ante_te=0.03, slack_turnover=0.3, covered_benchmark=0.8, uncovered=3, **RELAXED),
    ),
)


def test_a_row_a_signal() -> None:
    table = decision_columns(DECISIONS, DATES)
    assert list(table) == ["date", "status", "reason", *NUMBERS]
    assert table["date"].tolist() == DATES[[4, 9, 14, 19, 24, 29]].tolist()
    assert table["status"].tolist() == ["solved", "held", "relaxed", "failed", "held", "relaxed"]
    assert table["reason"].tolist()[1:5] == [
        *("no scores", "turnover by 0.1", "stopped"),
        "the trade of the signal before is still to come",
    ]
    np.testing.assert_array_equal(table["ex_ante_te"], [0.02, np.nan, 0.04, np.nan, np.nan, 0.03])
    np.testing.assert_array_equal(table["frozen"], [*[np.nan] * 3, 2, np.nan, np.nan])
    assert all(table[name].dtype == np.float64 for name in NUMBERS)


def test_a_row_a_factor_of_what_was_decided() -> None:
    table = exposure_columns(DECISIONS, DATES)
    assert table["date"].tolist() == DATES[[4, 4, 14, 14, 29, 29]].tolist()
    assert table["factor"].tolist() == ["size", "market"] * 3
    assert table["portfolio"].tolist() == [0.5, 1.0] * 3
    assert table["benchmark"].tolist() == [0.1, 1.0] * 3
    nothing = exposure_columns([(1, HELD)], DATES)
    assert {name: len(column) for name, column in nothing.items()} == dict.fromkeys(table, 0)


def test_the_summary_counts() -> None:
    told = enhanced_summary(DECISIONS, 0.05)
    assert told["ex_ante_te"] == pytest.approx(0.03)
    assert told["ex_post_te"] == 0.05
    counts = [told[f"{name}_dates"] for name in ("solved", "relaxed", "failed", "held")]
    assert (told["signals"], counts) == (6, [1, 2, 1, 2])
    assert told["relaxed"] == {"turnover": 2, "floor": 1}
    assert told["largest_slack"] == {"turnover": 0.3, "floor": 0.02}
    assert told["covered_benchmark"] == pytest.approx((3 * 1 + 0.9 - 1 + 0.8) / 4)
    assert (told["worst_violation"], told["uncovered"]) == (1e-9, 3)


def test_a_summary_of_nothing_decided() -> None:
    told = enhanced_summary([(4, FAILED)], float("nan"))
    assert (told["ex_ante_te"], told["worst_violation"], told["failed_dates"]) == (None, None, 1)


def test_what_a_reader_is_told() -> None:
    assert list(decision_remarks(DECISIONS, DATES)) == [
        "On 2 of 6 signals the limits could not all be kept (first 2024-01-15); what gave way:"
        " turnover on 2 (by 0.3 at most), floor on 1 (by 0.02 at most).",
        "On 1 of 6 signals no portfolio was found, and nothing was traded: 2024-01-20.",
        "On 2 of 4 signals constituents of the index are not listed in the panel: the weights of"
        " the rest, 92.5% of the index on average and 80.0% on 2024-01-30, are scaled up.",
        "On 1 of 6 signals the risk model does not cover all holdings and constituents (3 are left"
        " out at most): they count as risky, and of no style or industry.",
    ]


def test_weights_of_an_index_that_have_not_changed_for_long() -> None:
    daily = [(row, bought(benchmark_age=0.0)) for row in range(3)]
    monthly = [(row, bought(benchmark_age=23.0)) for row in range(3, 6)]
    assert decision_remarks([*daily, *monthly], DATES) == ()
    held = Hold("no weights", {"status": "held", "reason": "no weights", "benchmark_age": 90})
    old = [(6, bought(benchmark_age=70.0)), (7, bought(benchmark_age=71.0))]
    told = decision_remarks([*daily, *monthly, *old, (8, held)], DATES)
    assert told == (
        "On 2 of 9 signals (first 2024-01-07) the weights of the index had not changed for more"
        " than 31 trading days, for 71 at most: those of the last date that has some are used.",
    )


def test_many_failures_are_named_in_part() -> None:
    failed = [(row, FAILED) for row in range(8)]
    told = decision_remarks(failed, DATES)[0]
    assert told.startswith("On 8 of 8 signals no portfolio was found")
    assert told.endswith("2024-01-05 and 3 more.")


def test_nothing_is_told_of_other_policies() -> None:
    others: list[tuple[int, Target | Hold]] = [
        (4, Target(NONE, np.empty(0), np.empty(0, np.bool_), NONE)),
        (9, PENDING),
    ]
    assert not has_facts(others)
    assert decision_remarks(others, DATES) == ()
    assert decision_remarks([(4, bought())], DATES) == ()
