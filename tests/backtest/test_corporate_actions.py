from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.corporate_actions import Booking, CorporateActions
from alpha_lightning.backtest.corporate_events import CorporateEvents
from alpha_lightning.backtest.settings import ExecutionSettings

COLUMNS = np.array([2, 0])
MARKS = np.array([20.0, 10.0])


def actions(
    changes: list[float], opens: list[float] | None = None, events: Any = None, **given: Any
) -> CorporateActions:
    """Factors of stocks 0, 1, 2 change by so much on the second of two days."""
    factor = np.array([[1.5, 1.0, 0.5], np.array([1.5, 1.0, 0.5]) * changes])
    fair = [10 / changes[0], 1.0, 20 / changes[2]]
    return CorporateActions(
        dates=np.array(["2021-03-01", "2021-03-02"], dtype="datetime64[D]"),
        symbols=np.array(["AA", "BB", "CC"]),
        factor=factor,
        opens=np.array([[10.0, 1.0, 20.0], opens or fair]),
        traded=given.get("traded", np.ones((2, 3), dtype=np.bool_)),
        events=events,
    )


def table(*rows: tuple[int, float, float]) -> CorporateEvents:
    columns, cash, shares = (np.array(part) for part in zip(*rows, strict=True))
    return CorporateEvents(np.ones(len(rows), dtype=np.intp), columns, cash, shares, 1, 1)


def book(market: CorporateActions, **settings: Any) -> tuple[list[float], ...]:
    found = market.on(1, COLUMNS, MARKS, ExecutionSettings(**settings))
    assert found is not None
    return tuple(part.tolist() for part in found)


def test_nothing_happens() -> None:
    execution = ExecutionSettings()
    assert actions([1.0, 2.0, 1.0]).on(1, COLUMNS, MARKS, execution) is None
    assert actions([1 + 1e-10, 1.0, 1.0]).on(1, COLUMNS, MARKS, execution) is None
    assert actions([2.0, 2.0, 2.0]).on(0, COLUMNS, MARKS, execution) is None
    told = actions([1.0, 1.0, 1.0], events=table((1, 0.1, 0.0)))
    assert told.on(1, COLUMNS, MARKS, execution) is None


def test_a_change_of_the_factor_as_shares() -> None:
    assert book(actions([2.0, 1.0, 1.0])) == ([1.0, 2.0], [0.0, 0.0], [20.0, 5.0])
    assert book(actions([1.0, 1.0, 0.5])) == ([0.5, 1.0], [0.0, 0.0], [40.0, 10.0])


def test_a_small_change_of_the_factor_as_cash() -> None:
    small = actions([1.25, 1.0, 1.1])
    growth, cash, marks = book(small, corporate_actions="cash", split_from=1.25)
    assert growth == [1.0, 1.25]
    assert_allclose(cash, [20 - 20 / 1.1, 0.0], atol=1e-12)
    assert_allclose(marks, [20 / 1.1, 8.0])
    growth, cash, marks = book(small, corporate_actions="cash", split_from=1.2501)
    assert growth == [1.0, 1.0]
    assert_allclose(cash, [20 - 20 / 1.1, 2.0])


def test_a_fall_of_the_factor_is_a_consolidation() -> None:
    assert book(actions([0.9, 1.0, 1.0]), corporate_actions="cash")[:2] == ([1.0, 0.9], [0.0, 0.0])


def test_value_is_kept_without_tax() -> None:
    for way in ("shares", "cash"):
        growth, cash, marks = book(actions([1.07, 1.0, 1.4]), corporate_actions=way)
        assert_allclose(np.array(growth) * marks + cash, MARKS)


def test_a_jump_that_the_price_does_not_follow_is_refused() -> None:
    market = actions([2.0, 1.0, 1.0], opens=[10.1, 1.0, 20.0])
    with pytest.raises(UserError) as caught:
        book(market)
    assert str(caught.value) == (
        "the adjustment factor of AA changes by 2 on 2021-03-02, but its price does not (last close"
        " 10, open 10.1): mend the data, or set execution.factor_jumps to ignore (book nothing) or"
        " keep (book it)"
    )
    assert book(market, factor_jumps="keep")[0] == [1.0, 2.0]
    assert book(market, factor_jumps="ignore") == ([1.0, 1.0], [0.0, 0.0], [20.0, 10.0])


def test_only_the_unexplained_jump_is_ignored() -> None:
    market = actions([2.0, 1.0, 2.0], opens=[10.1, 1.0, 10.2])
    assert book(market, factor_jumps="ignore") == ([2.0, 1.0], [0.0, 0.0], [10.0, 10.0])


@pytest.mark.parametrize(
    ("change", "opening", "refused"),
    [
        # ln 1.28 is 0.247: below a quarter nothing is asked.
        (1.28, 10.0, False),
        (1.30, 10.0, True),
        # After the action 1.3 x 9.9 / 10 is 1.287, whose logarithm is 0.252; 1.3 x 9.8 is below.
        (1.30, 9.9, True),
        (1.30, 9.8, False),
        # A price that moves by more than the rest is followed, whatever it lacks.
        (3.0, 5.0, False),
        (3.0, 6.0, True),
        (0.5, 20.0, False),
        (0.5, 10.0, True),
    ],
)
def test_what_counts_as_unexplained(change: float, opening: float, refused: bool) -> None:
    market = actions([change, 1.0, 1.0], opens=[opening, 1.0, 20.0])
    if refused:
        with pytest.raises(UserError, match="of AA changes by"):
            book(market)
    else:
        assert book(market)[0] == [1.0, change]


def test_a_suspended_stock_is_not_asked_for_its_price() -> None:
    traded = np.array([[True] * 3, [False, True, True]])
    market = actions([2.0, 1.0, 1.0], opens=[np.nan, 1.0, 20.0], traded=traded)
    assert book(market)[0] == [1.0, 2.0]
    market = actions([2.0, 1.0, 1.0], opens=[10.0, 1.0, 20.0], traded=traded)
    assert book(market)[0] == [1.0, 2.0]
    assert book(actions([2.0, 1.0, 1.0], opens=[np.nan, 1.0, 20.0]))[0] == [1.0, 2.0]


def test_a_table_is_believed_before_the_factor() -> None:
    # 10 a share with 0.5 in cash and three for ten; the factor rounds.
    market = actions([1.368, 1.0, 1.0], events=table((0, 0.5, 0.3)))
    growth, cash, marks = book(market, corporate_actions="cash")
    assert (growth, cash) == ([1.0, 1.3], [0.0, 0.5])
    assert_allclose(marks, [20.0, 9.5 / 1.3])


def test_an_event_without_a_change_of_the_factor_is_booked() -> None:
    assert book(actions([1.0, 1.0, 1.0], events=table((0, 0.5, 0.0)))) == (
        *([1.0, 1.0], [0.0, 0.5], [20.0, 9.5]),
    )


def test_a_jump_that_the_table_does_not_know() -> None:
    market = actions([1.01, 1.0, 1.0], events=table((2, 1.0, 0.0)))
    with pytest.raises(
        UserError, match=r"of AA changes by 1\.01 .*, but the table .* has no event"
    ):
        book(market)
    assert book(market, factor_jumps="ignore") == ([1.0, 1.0], [1.0, 0.0], [19.0, 10.0])
    growth, cash, marks = book(market, factor_jumps="keep", corporate_actions="cash")
    assert_allclose([growth, cash], [[1.0, 1.0], [1.0, 10 - 10 / 1.01]], atol=1e-12)
    assert_allclose(marks, [19.0, 10 / 1.01])


def test_a_factor_of_few_digits_is_no_unknown_jump() -> None:
    market = actions([1.00001, 1.0, 1.0], events=table((1, 1.0, 0.0)))
    assert market.on(1, COLUMNS, MARKS, ExecutionSettings()) is None


def test_outside_the_table_s_dates_the_factor_counts() -> None:
    events = table((1, 1.0, 0.0))
    later = CorporateEvents(events.rows, events.columns, events.cash, events.shares, 2, 9)
    assert book(actions([2.0, 1.0, 1.0], events=later))[0] == [1.0, 2.0]


def test_shares_that_went_to_others_are_unexplained() -> None:
    # A restructuring gives shares to creditors: neither price nor factor follows.
    market = actions([1.0, 1.0, 1.0], opens=[10.2, 1.0, 20.0], events=table((0, 0.0, 0.8)))
    with pytest.raises(UserError, match=r"divides the price of AA by 1\.8 on .*, but it"):
        book(market)
    assert book(market, factor_jumps="ignore") == ([1.0, 1.0], [0.0, 0.0], [20.0, 10.0])
    assert book(market, factor_jumps="keep")[0] == [1.0, 1.8]


def test_a_dividend_as_large_as_the_price_is_refused() -> None:
    market = actions([1.0, 1.0, 1.0], events=table((0, 10.0, 0.0)))
    with pytest.raises(UserError, match="gives AA a dividend of 10 a share on 2021-03-02"):
        book(market, factor_jumps="keep")


def test_a_booking_is_three_arrays() -> None:
    growth, cash, marks = Booking(np.ones(1), np.zeros(1), MARKS[:1])
    assert_array_equal([growth[0], cash[0], marks[0]], [1, 0, 20])


@pytest.mark.parametrize("covered", [2, 3])
def test_an_event_in_a_suspension_is_booked_once(covered: int) -> None:
    # AA is away on rows 1 and 2, and goes ex-dividend on row 2; its factor follows on row 3.
    factor = np.array([[1.0, 1.0]] * 3 + [[10 / 9, 1.25]])
    events = CorporateEvents(np.array([2]), np.array([0]), np.array([1.0]), np.zeros(1), 0, covered)
    market = CorporateActions(
        dates=np.arange("2021-03-01", "2021-03-05", dtype="datetime64[D]"),
        symbols=np.array(["AA", "BB"]),
        factor=factor,
        opens=np.array([[10.0, 10.0]] * 3 + [[9.0, 8.0]]),
        traded=np.array([[True, True], [False, True], [False, True], [True, True]]),
        events=events,
    )
    execution, first = ExecutionSettings(), np.array([0])
    found = market.on(2, first, np.array([10.0]), execution)
    assert found is not None
    assert (found.cash.tolist(), found.marks.tolist()) == ([1.0], [9.0])
    assert market.on(3, first, np.array([9.0]), execution) is None
    # A factor that had followed already, and a stock that was not away, jump anew.
    factor[2, 0] = 1.1
    if covered == 3:
        with pytest.raises(UserError, match="of AA changes"):
            market.on(3, first, np.array([9.0]), execution)
        with pytest.raises(UserError, match="of BB changes"):
            market.on(3, np.array([1]), np.array([10.0]), execution)
    else:
        assert market.on(3, first, np.array([9.0]), execution) is not None
