import numpy as np
import pytest

from alpha_lightning.backtest.summary import (
    annualise,
    annualised_return,
    annualised_volatility,
    by_year,
    max_drawdown,
    net_value,
    ratio,
    total_return,
)


@pytest.fixture
def returns() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(3).normal(0.0003, 0.01, (500, 4))


def test_against_plain_loops(returns: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    for column in range(returns.shape[1]):
        value, peak, fall, values = 1.0, 1.0, 0.0, []
        for r in returns[:, column].tolist():
            value *= 1 + r
            values.append(value)
            peak = max(peak, value)
            fall = min(fall, value / peak - 1)
        own = returns[:, column]
        np.testing.assert_allclose(net_value(returns)[:, column], values, rtol=1e-12)
        assert total_return(returns)[column] == pytest.approx(value - 1, abs=1e-12)
        assert max_drawdown(returns)[column] == pytest.approx(fall, abs=1e-12)
        assert annualised_return(own) == pytest.approx(value ** (243 / 500) - 1, abs=1e-12)
        squares = sum((r - own.mean()) ** 2 for r in own.tolist())
        expected = (squares / 499) ** 0.5 * 243**0.5
        assert annualised_volatility(returns)[column] == pytest.approx(expected, abs=1e-12)


def test_a_year_of_243_days_is_its_own_annualised_return() -> None:
    returns = np.full(243, 0.001)
    assert annualised_return(returns) == pytest.approx(total_return(returns), abs=1e-12)


def test_a_rising_series_has_no_drawdown_and_a_first_loss_counts() -> None:
    assert max_drawdown(np.array([0.01, 0.02])) == 0
    assert max_drawdown(np.array([-0.25])) == pytest.approx(-0.25)


def test_one_day_has_no_volatility() -> None:
    assert np.isnan(annualised_volatility(np.array([0.01])))
    assert np.isnan(annualised_volatility(np.array([[0.01, 0.02]]))).tolist() == [True, True]


def test_drawdown_of_a_year_restarts_on_its_first_day() -> None:
    dates = np.array(["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05"], dtype="M8[D]")
    returns = np.array([0.5, -0.2, -0.2, 0.1])
    years = by_year(dates, returns)
    assert {year: part.tolist() for year, part in years.items()} == {
        2020: [0.5, -0.2],
        2021: [-0.2, 0.1],
    }
    assert max_drawdown(years[2021]) == pytest.approx(-0.2)
    assert max_drawdown(returns) == pytest.approx(0.8 * 0.8 - 1)


def test_a_year_of_other_length(returns: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    own = returns[:, 0]
    grown = float(np.prod(1 + own))
    assert annualised_return(own, 250) == pytest.approx(grown**0.5 - 1, abs=1e-12)
    assert annualise(grown, 500, 250) == pytest.approx(grown**0.5, abs=1e-12)
    longer = annualised_volatility(own, 972)
    assert longer == pytest.approx(2 * annualised_volatility(own), abs=1e-12)


def test_a_ratio_to_nothing_is_no_number() -> None:
    assert ratio(0.3, 0.2) == pytest.approx(1.5)
    assert np.isnan([ratio(0.3, 0.0), ratio(1e-17, 1e-17), ratio(0.3, np.nan)]).all()
