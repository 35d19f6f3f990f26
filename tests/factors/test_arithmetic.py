import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors import networks
from alpha_lightning.factors.arithmetic import (
    compile_in_place,
    of_any_length,
    set_matmul_precision,
)

SLOW = pytest.mark.slow  # the compiler takes half a minute for the larger networks
WIDTH: dict[str, Any] = {
    "AGRU": {"hidden": 8, "attention": 4},
    "GRU": {"hidden": 8},
    "LSTM": {"hidden": 8},
    "RESTCN": {"hidden": 4, "dropout": 0.0},
    "Transformer": {"hidden": 8, "heads": 2, "feedforward": 8, "layers": 1, "dropout": 0.0},
}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    precision = torch.get_float32_matmul_precision()
    convolutions = torch.backends.cudnn.allow_tf32
    yield
    torch.set_float32_matmul_precision(precision)
    torch.backends.cudnn.allow_tf32 = convolutions
    torch._dynamo.reset()


@pytest.mark.parametrize(
    ("precision", "tf32"), [("highest", False), ("high", True), ("medium", True)]
)
def test_the_precision_of_products_convolutions_and_recurrences(precision: Any, tf32: bool) -> None:
    set_matmul_precision(precision)
    assert torch.get_float32_matmul_precision() == precision
    assert torch.backends.cuda.matmul.allow_tf32 == tf32
    assert torch.backends.cudnn.allow_tf32 == tf32


def test_an_unknown_precision() -> None:
    with pytest.raises(UserError, match="'tf32' is unknown: choose one of highest, high, medium"):
        set_matmul_precision("tf32")  # type: ignore[arg-type]


def windows(stocks: int) -> Tensor:
    generator = torch.Generator().manual_seed(stocks)
    return torch.randn(30, stocks, 6, generator=generator).transpose(0, 1)


def outcome(network: nn.Module, stocks: int) -> tuple[Tensor, dict[str, Tensor]]:
    network.zero_grad()
    hidden = network(of_any_length(windows(stocks)))
    hidden.square().mean().backward()
    return hidden, {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The .grad attribute")
@pytest.mark.parametrize(
    "name",
    [
        "AGRU",
        "GRU",
        "LSTM",
        *(pytest.param(name, marks=SLOW) for name in ("RESTCN", "Transformer")),
    ],
)
def test_compiled_networks_say_the_same_on_any_number_of_stocks(name: str) -> None:
    torch.manual_seed(0)
    eager: nn.Module = getattr(networks, name)(n_features=6, window=30, **WIDTH[name])
    compiled = copy.deepcopy(eager)
    compile_in_place(compiled)
    assert compiled.state_dict().keys() == eager.state_dict().keys()
    torch._dynamo.utils.counters.clear()
    for stocks in (20, 33, 27, 41):
        ours, theirs = outcome(compiled, stocks), outcome(eager, stocks)
        torch.testing.assert_close(ours[0], theirs[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(ours[1], theirs[1], rtol=1e-4, atol=1e-5)
    for key, value in eager.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[key], value, rtol=1e-5, atol=1e-5)
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    # The attention of the AGRU is compiled a second time when it meets a second number of stocks.
    assert graphs == {"AGRU": 2, "GRU": 0, "LSTM": 0}.get(name, 1)


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    network = networks.GRU(n_features=6)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(UserError, match=r"C\+\+ compiler and there is none: install g\+\+"):
        compile_in_place(network)
    monkeypatch.setenv("CXX", "icpc")
    with pytest.raises(UserError, match="there is no icpc: install"):
        compile_in_place(network)
