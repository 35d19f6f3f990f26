import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.settings import CostSettings
from alpha_lightning.backtest.trade_costs import Charges, TradeCosts
from tests.backtest.orders_market import flat_market

COLUMNS = np.array([0, 1])
VALUE = np.array([1000.0, 0.0])


def test_rates_by_side_and_a_smallest_fee_of_what_is_traded() -> None:
    costs = TradeCosts(CostSettings(buy=0.001, sell=0.002), flat_market([10, 10]))
    assert costs.of_purchases(1, COLUMNS, VALUE).fee.tolist() == [1.0, 0.0]
    assert costs.of_sales(1, COLUMNS, VALUE).fee.tolist() == [2.0, 0.0]
    costs = TradeCosts(CostSettings(minimum=5.0), flat_market([10, 10]))
    assert costs.of_purchases(1, COLUMNS, VALUE).fee.tolist() == [5.0, 0.0]
    assert costs.of_purchases(1, COLUMNS, VALUE).total == 5.0


def test_stamp_duty_of_sales_from_its_dates_on() -> None:
    duty = {"2024-01-03": 0.0005, "2024-01-02": 0.001}
    costs = TradeCosts(CostSettings(stamp_duty=duty), flat_market([10, 10]))
    paid = [costs.of_sales(row, COLUMNS, VALUE).duty[0] for row in range(3)]
    np.testing.assert_allclose(paid, [0.0, 1.0, 0.5])
    assert costs.of_purchases(2, COLUMNS, VALUE).duty.tolist() == [0.0, 0.0]
    with pytest.raises(UserError, match=r"costs\.stamp_duty 3\.1\.2024 is not a date"):
        TradeCosts(CostSettings(stamp_duty={"3.1.2024": 0.001}), flat_market([10, 10]))


def test_impact_grows_with_the_root_of_the_share_of_the_usual_amount() -> None:
    market = flat_market([10, 10], days=30)
    costs = TradeCosts(CostSettings(impact=0.5), market)
    # Prices do not move, so volatility is 0 and there is no impact; of a new market it is 3 %.
    assert costs.impact(25, COLUMNS, VALUE).tolist() == [0.0, 0.0]
    amount = 10 * 1e4
    expected = 0.5 * 0.03 * np.sqrt(1000 / amount) * 1000
    np.testing.assert_allclose(costs.impact(3, COLUMNS, VALUE), [expected, 0.0])
    market.volume[:] = 0.0
    assert costs.impact(3, COLUMNS, VALUE).tolist() == [0.0, 0.0]


def test_what_each_trade_costs() -> None:
    charges = Charges(np.array([1.0, 2.0]), np.array([0.5, 0.0]), np.array([0.0, 4.0]))
    assert charges.each.tolist() == [1.5, 6]
    assert charges.total == 7.5
