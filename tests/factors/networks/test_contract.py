"""What every network must do, on the widths of the three data sets."""

import pytest
import torch
from torch import Tensor, nn

from alpha_lightning.factors.networks import AGRU, GRU, LSTM, RESTCN, Head, Transformer

NETWORKS = [GRU, LSTM, AGRU, RESTCN, Transformer]
OUT_FEATURES = {"GRU": 64, "LSTM": 64, "AGRU": 128, "RESTCN": 64, "Transformer": 128}
PARAMETERS = {
    ("GRU", 6): 13_824,
    ("GRU", 118): 35_328,
    ("LSTM", 6): 18_432,
    ("LSTM", 118): 47_104,
    ("AGRU", 6): 15_904,
    ("AGRU", 118): 37_408,
    ("RESTCN", 6): 163_136,
    ("RESTCN", 118): 191_808,
    ("Transformer", 6): 67_555,
    ("Transformer", 118): 74_723,
}

every_network = pytest.mark.parametrize("kind", NETWORKS)
every_width = pytest.mark.parametrize("n_features", [6, 95, 118])


def build(kind: type[nn.Module], n_features: int, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return kind(n_features=n_features)


def windows(n_features: int, n_stocks: int = 12, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_stocks, 30, n_features, generator=generator)


def train(
    kind: type[nn.Module], x: Tensor, y: Tensor, *, steps: int, bfloat16: bool = False
) -> tuple[list[float], nn.Module]:
    network = build(kind, x.shape[-1])
    unit = nn.Sequential(network, Head(OUT_FEATURES[kind.__name__], 4))
    optimizer = torch.optim.Adam(unit.parameters(), lr=3e-3)
    losses = []
    for _ in range(steps):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            z = unit(x).float().mean(dim=1)
        loss = 1 - torch.corrcoef(torch.stack([z, y]))[0, 1]
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    return losses, unit


@every_width
@every_network
def test_maps_windows_to_hidden_features(kind: type[nn.Module], n_features: int) -> None:
    network = build(kind, n_features)
    assert network.out_features == OUT_FEATURES[kind.__name__]
    assert network.window == 30
    assert network(windows(n_features)).shape == (12, OUT_FEATURES[kind.__name__])


@pytest.mark.parametrize(("name", "n_features"), PARAMETERS)
def test_number_of_parameters(name: str, n_features: int) -> None:
    kind = {kind.__name__: kind for kind in NETWORKS}[name]
    counted = sum(p.numel() for p in build(kind, n_features).parameters())
    assert counted == PARAMETERS[name, n_features]


@every_network
def test_options_go_by_name(kind: type[nn.Module]) -> None:
    assert kind(6, 30, hidden=32).out_features == OUT_FEATURES[kind.__name__] // 2
    with pytest.raises(TypeError, match="positional"):
        kind(6, 30, 32)


@every_width
@every_network
def test_a_date_major_view_gives_what_its_copy_gives(
    kind: type[nn.Module], n_features: int
) -> None:
    copy = windows(n_features).double()
    view = copy.transpose(0, 1).contiguous().transpose(0, 1)
    assert not view.is_contiguous()
    network = build(kind, n_features).double().eval()
    torch.testing.assert_close(network(view), network(copy), rtol=0, atol=1e-12)


@every_width
@every_network
def test_order_of_stocks_does_not_matter(kind: type[nn.Module], n_features: int) -> None:
    x = windows(n_features).double()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))
    network = build(kind, n_features).double().eval()
    torch.testing.assert_close(network(x[order]), network(x)[order], rtol=0, atol=1e-12)


@every_width
@every_network
def test_a_stock_is_read_without_its_neighbours(kind: type[nn.Module], n_features: int) -> None:
    x = windows(n_features).double()
    network = build(kind, n_features).double().eval()
    torch.testing.assert_close(network(x[:3]), network(x)[:3], rtol=0, atol=1e-12)


@every_width
@every_network
def test_the_first_day_reaches_the_output(kind: type[nn.Module], n_features: int) -> None:
    x = windows(n_features).requires_grad_()
    (gradient,) = torch.autograd.grad(build(kind, n_features).eval()(x).sum(), x)
    assert (gradient[:, 0].abs().sum(dim=-1) > 0).all()


@every_network
def test_the_seed_fixes_weights_and_training_to_the_bit(kind: type[nn.Module]) -> None:
    x = windows(6)
    first, second = (train(kind, x, x[:, -1, 0], steps=3) for _ in range(2))
    assert first[0] == second[0]
    for one, other in zip(first[1].parameters(), second[1].parameters(), strict=True):
        assert torch.equal(one, other)


@every_network
def test_another_seed_starts_elsewhere(kind: type[nn.Module]) -> None:
    x = windows(6)
    assert not torch.allclose(build(kind, 6, seed=0)(x), build(kind, 6, seed=1)(x))


@every_network
def test_weights_travel_in_the_state_dict(kind: type[nn.Module]) -> None:
    x = windows(6)
    network, copy = build(kind, 6, seed=0).eval(), build(kind, 6, seed=1).eval()
    copy.load_state_dict(network.state_dict())
    assert torch.equal(copy(x), network(x))


@pytest.mark.parametrize("bfloat16", [False, True], ids=["float32", "bfloat16"])
@every_width
@every_network
def test_learns(kind: type[nn.Module], n_features: int, *, bfloat16: bool) -> None:
    x = windows(n_features, n_stocks=32)
    y = x[:, -1, 0] + x[:, -5, 1]
    losses, _ = train(kind, x, y, steps=8, bfloat16=bfloat16)
    assert losses[-1] < 0.8 * losses[0]
