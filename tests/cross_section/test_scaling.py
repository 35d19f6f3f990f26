import numpy as np
import pytest
import torch
from scipy import stats

from alpha_lightning.cross_section.scaling import median_and_mad, winsorise, zscore


@pytest.fixture(name="panel")
def ragged_panel() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.standard_t(2, (20, 41))
    x[rng.random(x.shape) < 0.1] = np.nan
    x[3, 4], x[5, 6] = np.inf, -np.inf
    return torch.from_numpy(x), torch.from_numpy(rng.random(x.shape) < 0.8)


def test_zscore_is_scipys_on_the_assets_that_count(
    panel: tuple[torch.Tensor, torch.Tensor],
) -> None:
    for row, mask, got in zip(*panel, zscore(*panel), strict=True):
        valid = mask & row.isfinite()
        np.testing.assert_allclose(got[valid], stats.zscore(row[valid].numpy()), atol=1e-12)
        assert got[~valid].isnan().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stocks_that_do_not_count_change_no_bit_of_a_zscore(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, 37, generator=generator).to(dtype)
    expected = zscore(x)
    for more in (1, 3, 8, 100):
        wide = torch.full((50, 37 + more), torch.nan, dtype=dtype)
        place = torch.randperm(37 + more, generator=generator)[:37].sort().values
        wide[:, place] = x
        assert torch.equal(zscore(wide)[:, place], expected), more


def test_zscore_of_half_precision_is_added_up_in_float32() -> None:
    x = torch.linspace(0, 1, 4001).to(torch.bfloat16)
    got = zscore(x)
    assert got.dtype == torch.float32
    np.testing.assert_allclose(got, stats.zscore(x.double().numpy()), atol=1e-5)


@pytest.mark.parametrize("value", [0.1, 0.0, 1e9])
def test_zscore_of_a_constant_is_zero(value: float) -> None:
    assert (zscore(torch.full((1001,), value)) == 0).all()


def test_zscore_of_nothing_is_missing() -> None:
    assert zscore(torch.full((2, 3), torch.nan)).isnan().all()


def test_median_and_mad_are_numpys_and_scipys(panel: tuple[torch.Tensor, torch.Tensor]) -> None:
    medians, mads = median_and_mad(*panel)
    sizes = set()
    for row, mask, median, mad in zip(*panel, medians, mads, strict=True):
        kept = row[mask & row.isfinite()].numpy()
        sizes.add(len(kept) % 2)
        np.testing.assert_allclose(median, np.median(kept), atol=1e-12)
        np.testing.assert_allclose(mad, stats.median_abs_deviation(kept), atol=1e-12)
    assert sizes == {0, 1}  # the middle of an even count is the delicate case


def test_median_of_nothing_is_missing() -> None:
    median, mad = median_and_mad(torch.ones(2, 3), torch.zeros(2, 3, dtype=torch.bool))
    assert median.isnan().all()
    assert mad.isnan().all()


def test_winsorise_is_the_plain_loop(panel: tuple[torch.Tensor, torch.Tensor]) -> None:
    for row, mask, got in zip(*panel, winsorise(panel[0], 3, panel[1]), strict=True):
        valid = mask & row.isfinite()
        kept = row[valid].numpy()
        reach = 3 * stats.median_abs_deviation(kept)
        middle = np.median(kept)
        expected = [min(max(value, middle - reach), middle + reach) for value in kept]
        np.testing.assert_allclose(got[valid], expected, atol=1e-12)
        assert got[~valid].isnan().all()


def test_winsorise_moves_nothing_where_most_values_are_equal() -> None:
    x = torch.tensor([0.0, 0.0, 0.0, 5.0])
    assert torch.equal(winsorise(x, 3), x)


def test_winsorise_needs_a_width() -> None:
    with pytest.raises(ValueError, match="n_mads is 0"):
        winsorise(torch.ones(3), 0)
