import numpy as np
import pytest
import torch
from torch import Tensor

from alpha_lightning.cross_section.neutralise import neutralise


def market(dates: int = 6, assets: int = 60) -> tuple[Tensor, Tensor, Tensor]:
    """A signal, exposures (capitalisation in yuan and all dummies of four industries), a mask."""
    rng = np.random.default_rng(0)
    capitalisation = np.exp(rng.normal(23, 1, (dates, assets, 1)))
    industry = np.eye(4)[rng.integers(0, 4, (dates, assets))]
    y = industry @ np.arange(4.0) + rng.normal(size=(dates, assets))
    y[rng.random(y.shape) < 0.1] = np.nan
    capitalisation[rng.random(y.shape) < 0.05] = np.nan
    exposures = np.concatenate([capitalisation, industry], axis=-1)
    return (
        torch.from_numpy(y),
        torch.from_numpy(exposures),
        torch.from_numpy(rng.random(y.shape) < 0.9),
    )


@pytest.mark.parametrize("intercept", [True, False])
def test_every_date_is_numpys_least_squares(intercept: bool) -> None:
    y, exposures, mask = market()
    got = neutralise(y, exposures, mask, intercept=intercept)
    for row, design, row_mask, row_got in zip(y, exposures, mask, got, strict=True):
        valid = row_mask & row.isfinite() & design.isfinite().all(dim=-1)
        x = design[valid].numpy()
        x[:, 0] /= 1e10
        # The dummies span the intercept: the residual is the same with and without it.
        expected = row[valid].numpy() - x @ np.linalg.lstsq(x, row[valid].numpy())[0]
        np.testing.assert_allclose(row_got[valid], expected, atol=1e-9)
        assert row_got[~valid].isnan().all()


def test_the_unit_of_an_exposure_does_not_matter() -> None:
    y, exposures, mask = market()
    unit = torch.tensor([1e8, 1, 1, 1, 1])
    torch.testing.assert_close(
        neutralise(y, exposures * unit, mask),
        neutralise(y, exposures / unit, mask),
        atol=1e-9,
        rtol=0,
        equal_nan=True,
    )


def test_without_dummies_the_intercept_matters() -> None:
    y, exposures, mask = market()
    size = exposures[..., :1]
    centred, raw = (neutralise(y, size, mask, intercept=on) for on in (True, False))
    torch.testing.assert_close(centred.nanmean(dim=-1), torch.zeros(6, dtype=torch.float64))
    assert (raw.nanmean(dim=-1).abs() > 0.01).all()
    slope = (raw * size[..., 0] / 1e10).nansum()
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-9, rtol=0)


def test_one_date_in_float32_matches_the_stack() -> None:
    y, exposures, mask = market()
    one = neutralise(y[2].float(), exposures[2].float(), mask[2])
    assert one.dtype == torch.float32
    torch.testing.assert_close(
        one, neutralise(y, exposures, mask)[2].float(), atol=1e-5, rtol=0, equal_nan=True
    )


def test_a_date_without_spare_assets_is_missing() -> None:
    y, exposures, mask = market(dates=2)
    mask[0] = False
    mask[1] = torch.cumsum(y[1].isfinite() & exposures[1].isfinite().all(dim=-1), 0) <= 2
    assert neutralise(y, exposures, mask).isnan().all()


def test_exposures_of_other_assets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"y \(5,\) and exposures \(4, 2\)"):
        neutralise(torch.ones(5), torch.ones(4, 2))
