import math
import statistics

import numpy as np
import pytest
import torch

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Feature
from alpha_lightning.windows.scaling import (
    CLIP,
    WindowScaling,
    across_stocks,
    location_and_inverse_scale,
    without_missing,
)

NAN = math.nan
NAMES = ("open", "high", "low", "close", "vwap", "volume")
FEATURES = tuple(Feature(n, "volume" if n == "volume" else "price") for n in NAMES)
CLOSE, VOLUME = 3, 5


def slab(stocks: int = 9, lags: int = 4, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype]:
    rng = np.random.default_rng(seed)
    values = rng.uniform(5, 20, size=(lags, stocks, len(FEATURES))).astype(np.float32)
    values[..., VOLUME] *= 1e6
    return values


def within(values: np.ndarray[tuple[int, ...], np.dtype]) -> torch.Tensor:
    last = values[-1]
    volume = np.where(last[:, VOLUME] == 0, 1, last[:, VOLUME])
    none = np.full(len(last), NAN)
    yardsticks = np.stack([last[:, CLOSE], volume, none, none, np.ones(len(last))], axis=1)
    return WindowScaling.of(FEATURES).within_window(
        torch.from_numpy(values.copy()), torch.from_numpy(yardsticks.astype(np.float32))
    )


def test_prices_by_last_close_and_volumes_by_last_volume() -> None:
    values = slab()
    scaled = within(values)
    for lag in range(4):
        for stock in range(9):
            for k in range(6):
                divisor = values[-1, stock, VOLUME if k == VOLUME else CLOSE]
                expected = float(values[lag, stock, k]) / float(divisor)
                assert float(scaled[lag, stock, k]) == pytest.approx(expected, rel=3e-7)
    torch.testing.assert_close(scaled[-1, :, CLOSE], torch.ones(9), rtol=2e-7, atol=0)


def test_a_last_volume_of_zero_counts_as_one() -> None:
    values = slab()
    values[-1, 2, VOLUME] = 0
    scaled = within(values)
    np.testing.assert_array_equal(scaled[:, 2, VOLUME], values[:, 2, VOLUME])
    assert float(scaled[-1, 2, VOLUME]) == 0


def test_a_missing_value_is_alone_but_a_missing_divisor_takes_its_window_down() -> None:
    values = slab()
    values[1, 0, 0] = NAN
    values[-1, 1, CLOSE] = NAN
    values[-1, 2, VOLUME] = NAN
    scaled = within(values)
    missing = torch.zeros_like(scaled, dtype=torch.bool)
    missing[1, 0, 0] = True
    missing[:, 1, :VOLUME] = True
    missing[:, 2, VOLUME] = True
    torch.testing.assert_close(scaled.isnan(), missing)


def test_each_kind_has_its_yardstick() -> None:
    kinds = ("price", "volume", "shares", "amount", "ratio", "return", "moment")
    features = [Feature(f"f{k}", kind) for k, kind in enumerate(kinds)]
    scaled = WindowScaling.of(features).within_window(
        torch.ones(2, 3, 7), torch.tensor([[2.0, 4.0, 8.0, 16.0, 1.0]]).expand(3, 5)
    )
    expected = torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 16, 1, 1, 1])
    torch.testing.assert_close(scaled, expected.expand(2, 3, 7), rtol=0, atol=0)


def test_a_kind_without_a_rule_is_refused() -> None:
    with pytest.raises(PanelError, match="tempo has kind 'speed': choose one of price, volume,"):
        WindowScaling.of((*FEATURES, Feature("tempo", "speed")))


def plain_statistics(column: np.ndarray[tuple[int, ...], np.dtype]) -> tuple[float, float]:
    """Location and spread of one lag and feature, in float64."""
    seen = [float(v) for v in column if not math.isnan(v)]
    if not seen:
        return 0.0, 0.0
    middle = statistics.median(seen)
    return middle, 1.4826 * statistics.median(abs(v - middle) for v in seen)


@pytest.mark.parametrize("stocks", [20, 21, 1, 2])
def test_location_and_scale_are_median_and_mad(stocks: int) -> None:
    values = within(slab(stocks, seed=stocks)).numpy()
    rng = np.random.default_rng(1)
    values[rng.random(values.shape) < 0.2] = NAN
    values[0, :, 0] = NAN
    location, inverse = location_and_inverse_scale(values)
    assert location.dtype == inverse.dtype == np.float32
    for lag in range(4):
        for k in range(6):
            middle, spread = plain_statistics(values[lag, :, k])
            assert float(location[lag, k]) == pytest.approx(middle, rel=1e-6)
            if spread <= 1e-6 * max(abs(middle), 1e-3):
                assert inverse[lag, k] == 0
            else:
                assert 1 / float(inverse[lag, k]) == pytest.approx(spread, rel=1e-6, abs=2e-7)


def test_no_spread_is_scale_zero_whatever_the_reason() -> None:
    column = np.ones((1, 21, 4), dtype=np.float32)
    column[0, :10, 0] = np.arange(10)  # most stocks tie: the MAD is 0
    column[0, :, 1] = NAN  # nobody has it
    column[0, ::2, 2] = np.nextafter(np.float32(1), np.float32(2))  # rounding of a constant
    column[0, :11, 3] = 2.0  # two values in equal shares do have a spread
    column[0, 0, 3] = NAN
    location, inverse = location_and_inverse_scale(column)
    np.testing.assert_array_equal(inverse[0, :3], 0)
    assert location[0, 1] == 0
    assert location[0, 3] == 1.5
    assert 1 / inverse[0, 3] == pytest.approx(1.4826 * 0.5, rel=1e-6)


def test_stage_two_against_a_loop() -> None:
    values = within(slab(31)).numpy()
    values[2, 5, 1] = NAN
    values[2, 6, 1] = 1e9
    statistic = location_and_inverse_scale(values)
    location, inverse = torch.from_numpy(statistic)
    scaled = across_stocks(torch.from_numpy(values.copy()), location, inverse)
    for (lag, stock, k), value in np.ndenumerate(values):
        z = (float(value) - float(location[lag, k])) * float(inverse[lag, k])
        expected = NAN if math.isnan(z) else min(max(z, -5.0), 5.0)
        assert float(scaled[lag, stock, k]) == pytest.approx(expected, rel=1e-6, nan_ok=True)
    assert CLIP == 5
    assert float(scaled[2, 6, 1]) == CLIP
    assert not scaled[-1, :, CLOSE].any(), "close / close says nothing"


def test_missing_and_infinite_become_zero_in_place() -> None:
    values = torch.tensor([[1.0, NAN], [math.inf, -math.inf]])
    assert without_missing(values) is values
    torch.testing.assert_close(values, torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
