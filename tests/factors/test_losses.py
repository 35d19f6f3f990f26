import math
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.stats import rankdata
from torch import Tensor

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.losses import (
    CCCLoss,
    CompositeLoss,
    CorrelationPenalty,
    ICLoss,
    MSELoss,
    Penalty,
    WeightedICLoss,
    composite,
)

Array = npt.NDArray[np.float64]
LOSSES = [ICLoss, WeightedICLoss, MSELoss, CCCLoss]
PENALTIES: list[Penalty] = ["pairs", "fro", "none"]


def one_date(assets: int = 60, n_factors: int = 4, holes: int = 7) -> tuple[Tensor, Tensor]:
    """Correlated factors and a label with ties and holes, in float64."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(assets, n_factors)) + rng.normal(size=(assets, 1))
    y = np.round(z[:, 0] + rng.normal(size=assets), 1)
    y[rng.choice(assets, holes, replace=False)] = np.nan
    return torch.from_numpy(z), torch.from_numpy(y)


def numpy_misfit(loss: type[CompositeLoss], c: Array, y: Array) -> float:
    if loss is ICLoss:
        return -float(np.corrcoef(c, y)[0, 1])
    if loss is MSELoss:
        return float(np.mean((c - y) ** 2))
    if loss is CCCLoss:
        spread = np.var(c) + np.var(y) + (np.mean(c) - np.mean(y)) ** 2
        return -2 * float(np.cov(c, y, ddof=0)[0, 1] / spread)
    weights = 1 + 2 * np.abs(2 * (rankdata(y) - 0.5) / len(y) - 1)
    covariance = np.cov(c, y, aweights=weights, ddof=0)
    return -float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def numpy_penalty(penalty: Penalty, z: Array) -> float:
    matrix: Array = np.asarray(np.corrcoef(z.T))
    if penalty == "fro":
        return 0.1 * float(np.linalg.norm(matrix))
    pairs = [matrix[j, k] ** 2 for k in range(len(matrix)) for j in range(k)]
    return float(np.mean(pairs)) if penalty == "pairs" else 0.0


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_is_numpys_closed_form_on_labelled_assets(
    loss: type[CompositeLoss], penalty: Penalty
) -> None:
    z, y = one_date()
    kept = y.isfinite()
    z_kept, y_kept = z[kept].numpy(), y[kept].numpy()
    expected = numpy_misfit(loss, z_kept.mean(axis=1), y_kept) + numpy_penalty(penalty, z_kept)
    assert loss(penalty)(z, y).item() == pytest.approx(expected, abs=1e-7)


def test_the_penalty_weight_is_a_factor() -> None:
    z, y = one_date()
    plain, heavy = (ICLoss("fro", weight)(z, y) for weight in (0.0, 0.7))
    assert plain.item() == pytest.approx(ICLoss("none")(z, y).item(), abs=1e-12)
    assert (heavy - plain).item() == pytest.approx(
        7 * numpy_penalty("fro", z[y.isfinite()].numpy()), abs=1e-7
    )


def test_a_tail_of_one_is_the_plain_ic() -> None:
    z, y = one_date()
    weighted, plain = WeightedICLoss(tail=1.0)(z, y), ICLoss()(z, y)
    assert weighted.item() == pytest.approx(plain.item(), abs=1e-12)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_a_single_factor_pays_no_penalty(penalty: Penalty) -> None:
    z, y = one_date(n_factors=1)
    assert ICLoss(penalty)(z, y).item() == pytest.approx(ICLoss("none")(z, y).item(), abs=1e-12)


@pytest.mark.parametrize("loss", [ICLoss, WeightedICLoss])
def test_correlations_do_not_see_a_positive_scale(loss: type[CompositeLoss]) -> None:
    z, y = one_date()
    reference = loss()(z, y).item()
    assert loss()(37.0 * z + 5, 11.0 * y - 3).item() == pytest.approx(reference, abs=1e-6)
    assert loss("none")(-z, y).item() == pytest.approx(-loss("none")(z, y).item(), abs=1e-12)


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(
    loss: type[CompositeLoss], penalty: Penalty
) -> None:
    z, y = one_date(assets=13, holes=2)
    assert torch.autograd.gradcheck(lambda z: loss(penalty)(z, y), (z.requires_grad_(),))


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("fault", ["constant factor", "all constant", "constant label", "no label"])
def test_degenerate_dates_give_finite_gradients(
    loss: type[CompositeLoss], penalty: Penalty, fault: str
) -> None:
    z, y = (tensor.float() for tensor in one_date())
    if fault == "constant factor":
        z[:, 1] = 3.7
    elif fault == "all constant":
        z[:] = 3.7
    else:
        y[:] = 0.1 if fault == "constant label" else math.nan
    value = loss(penalty)(z.requires_grad_(), y)
    value.backward()
    assert value.isfinite()
    assert z.grad is not None
    assert z.grad.isfinite().all()
    assert fault != "no label" or (value == 0 and not z.grad.any())


def test_a_network_that_breaks_is_not_hidden() -> None:
    z, y = one_date()
    z[y.isnan().nonzero()[0], 0] = math.nan
    assert ICLoss()(z, y).isnan()


@pytest.mark.parametrize(
    ("factors", "label"), [((8, 3), (8, 1)), ((8, 3), (7,)), ((8,), (8,)), ((2, 8, 3), (2, 8))]
)
def test_shapes_that_would_broadcast_are_refused(
    factors: tuple[int, ...], label: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"factors \(.*\) and label \(.*\) are not one date"):
        ICLoss()(torch.ones(factors), torch.ones(label))


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_descent_fits_a_linear_target(loss: type[CompositeLoss]) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(200, 5, generator=generator)
    y = features @ torch.tensor([0.5, -0.5, 0.5, 0.5, 0.0])
    weight = torch.randn(5, 3, generator=generator).requires_grad_()
    criterion = loss("pairs", 0.1)
    for _ in range(150):
        (slope,) = torch.autograd.grad(criterion(features @ weight, y), weight)
        weight.data -= 0.5 * slope
    fitted = composite(features @ weight).detach()
    assert np.corrcoef(fitted, y)[0, 1] > 0.99


def test_the_pair_penalty_pulls_factors_apart() -> None:
    z = one_date()[0].requires_grad_()
    weights = torch.full((60,), 1 / 60, dtype=torch.float64)
    penalty = CorrelationPenalty("pairs")
    before = penalty(z, weights).item()
    for _ in range(50):
        (slope,) = torch.autograd.grad(penalty(z, weights), z)
        z.data -= 50.0 * slope
    assert penalty(z, weights).item() < 0.01 * before


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_bfloat16_is_worked_on_in_float32(loss: type[CompositeLoss], penalty: Penalty) -> None:
    z, y = (tensor.to(torch.bfloat16) for tensor in one_date(assets=3_000))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(penalty)(z.requires_grad_(), y)
    value.backward()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(penalty)(z.double(), y.double()).item(), abs=1e-5)
    assert cast(Tensor, z.grad).isfinite().all()


def test_the_composite_is_the_mean_factor() -> None:
    z, _ = one_date()
    np.testing.assert_allclose(composite(z), z.numpy().mean(axis=1), atol=1e-14)
    assert composite(z.to(torch.bfloat16)).dtype == torch.float32


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(UserError, match="'l2' is unknown: choose one of pairs, fro, none"):
        ICLoss(cast(Penalty, "l2"))
    with pytest.raises(UserError, match=r"penalty weight -1\.0"):
        ICLoss(weight=-1.0)
    with pytest.raises(UserError, match=r"tail 0\.0"):
        WeightedICLoss(tail=0.0)
    with pytest.raises(NotImplementedError):
        CompositeLoss()(*one_date())
