import numpy as np

from alpha_lightning.portfolio.trade_bounds import trade_bounds
from tests.portfolio.enhanced_policy_cases import seen

HELD = np.array([0.1, 0.2, 0.3, 0.4, 0.0, 0.0])
INDEX = np.array([0.4, 0.0, 0.2, 0.1, 0.3, 0.0])
EVERYBODY = np.ones(6, dtype=bool)


def test_who_may_move_and_in_which_direction() -> None:
    view = seen(held=HELD.tolist(), up=[0], down=[1], suspended=[2, 4])
    found = trade_bounds(view, HELD, INDEX, EVERYBODY)
    np.testing.assert_array_equal(found.lower, [0, 0.2, 0.3, 0, 0, 0])
    np.testing.assert_array_equal(found.upper, [0.1, 1, 0.3, 1, 0, 1])
    assert found.frozen.tolist() == [False, False, True, False, True, False]


def test_without_a_score_the_weight_in_the_index_is_the_most() -> None:
    found = trade_bounds(seen(held=HELD.tolist()), HELD, INDEX, ~EVERYBODY)
    np.testing.assert_array_equal(found.lower, np.zeros(6))
    np.testing.assert_array_equal(found.upper, [0.4, 0.2, 0.3, 0.4, 0.3, 0])


def test_a_limit_goes_before_the_weight_in_the_index() -> None:
    found = trade_bounds(seen(held=HELD.tolist(), up=[0, 4]), HELD, INDEX, ~EVERYBODY)
    np.testing.assert_array_equal(found.upper, [0.1, 0.2, 0.3, 0.4, 0.0, 0])


def test_what_did_not_trade_is_at_no_limit() -> None:
    view = seen(held=HELD.tolist(), up=[2, 3], down=[2, 1], suspended=[2])
    found = trade_bounds(view, HELD, INDEX, EVERYBODY)
    assert np.flatnonzero(found.no_buy).tolist() == [3]
    assert np.flatnonzero(found.no_sell).tolist() == [1]
