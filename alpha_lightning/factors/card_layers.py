"""A network run once with hooks: what its layers give out, and which days reach its output."""

import inspect
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.networks.tcn import TCN

# The axis that differs between the two is the stocks, whatever the network does with its axes.
STOCKS = (17, 19)
_SETTINGS = {
    "in_features": "in",
    "out_features": "out",
    "in_channels": "in",
    "out_channels": "out",
    "kernel_size": "kernel",
    "num_features": "channels",
    "normalized_shape": "channels",
    "hidden_size": "hidden",
    "num_layers": "layers",
    "heads": "heads",
    "p": "dropout",
}


@dataclass(frozen=True)
class Call:
    """What a layer gave out: its shape, and the plain arguments it was called with."""

    shape: tuple[int, ...]
    arguments: dict[str, int]


@dataclass(frozen=True)
class Run:
    """Calls of the layers by name, and the size of the gradient at each step of the window."""

    calls: dict[str, Call]
    by_step: list[float]


def run_once(unit: nn.Module, name: str, shape: tuple[int, int, int]) -> Run:
    """Run a unit on random windows ``(B, L, F)``; no hook and no random state is left behind.

    Args:
        unit: maps windows to factors ``(B, K)``.
        name: what to call it in a message.
        shape: of the windows.

    Raises:
        UserError: it fails, gives no ``(B, K)``, or nothing that has a gradient.
    """
    calls: dict[str, Call] = {}
    windows = torch.randn(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    with ExitStack() as hooks, torch.random.fork_rng(devices=[]):
        for layer, module in unit.named_modules():
            keep = _keeper(calls, layer, module)
            hooks.callback(module.register_forward_hook(keep, with_kwargs=True).remove)
        try:
            factors = unit(windows)
        except Exception as error:
            # A user's own network may fail in any way.
            msg = f"the network {name} fails on windows {shape} (B, L, F): {one_line(error)}"
            raise UserError(msg) from error
    if not isinstance(factors, Tensor) or factors.ndim != 2 or len(factors) != shape[0]:
        got = tuple(factors.shape) if isinstance(factors, Tensor) else type(factors).__name__
        msg = f"the network {name} maps windows {shape} to {got}: it must give (B, K)"
        raise UserError(msg)
    if not factors.requires_grad:
        msg = f"the factors of the network {name} do not depend on its windows by a gradient"
        raise UserError(msg)
    mixed = torch.randn(factors.shape, generator=torch.Generator().manual_seed(1))
    (gradient,) = torch.autograd.grad((factors * mixed).sum(), windows, materialize_grads=True)
    return Run(calls, [float(step) for step in gradient.abs().amax(dim=(0, 2))])


def _keeper(calls: dict[str, Call], layer: str, module: nn.Module) -> Any:
    def keep(_: nn.Module, given: Any, named: dict[str, Any], output: Any) -> None:
        first = output
        while isinstance(first, (tuple, list)) and first:
            first = first[0]
        if isinstance(first, Tensor):
            bound = inspect.signature(module.forward).bind(*given, **named).arguments
            plain = {key: value for key, value in bound.items() if isinstance(value, int)}
            calls[layer] = Call(tuple(first.shape), plain)

    return keep


def layers_of(unit: nn.Module, small: Run, large: Run) -> list[dict[str, Any]]:
    """Layers in the order of the network: name, depth, type, output, settings, parameters.

    Args:
        unit: the network with its head.
        small: a run of it.
        large: one on another number of stocks: the axis whose length differs is ``B``.
    """
    days = {
        f"{name}.blocks.{level}.{which}": 2**level
        for name, module in unit.named_modules()
        if isinstance(module, TCN)
        for level in range(len(module.blocks))
        for which in ("first", "second")
    }
    layers = []
    for name, module in unit.named_modules():
        if not name or "parametrizations" in name:
            continue
        told = _settings(module, small.calls.get(name))
        if name in days:
            # It runs on every second day of the level below, which is the same with less to do.
            told |= {"dilation": days[name], "weight_norm": True}
            told.pop("stride", None)
        layers.append(
            {
                "name": name.removeprefix("network."),
                "depth": name.count("."),
                "type": type(module).__name__.removeprefix("Parametrized"),
                "output": _shape(module, small.calls.get(name), large.calls.get(name)),
                "settings": told,
                "parameters": sum(weight.numel() for weight in module.parameters()),
            }
        )
    return layers


def _settings(module: nn.Module, call: Call | None) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for attribute, label in _SETTINGS.items():
        value = getattr(module, attribute, None)
        if isinstance(value, tuple):
            value = max(value, default=None)
        # A parameter p of a user's layer is a tensor, and no share dropped.
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            told.setdefault(label, value)
    if isinstance(module, nn.modules.conv._ConvNd):
        told |= {"dilation": max(module.dilation), "stride": max(module.stride)}
    told |= call.arguments if call else {}
    return {name: value for name, value in told.items() if (name, value) != ("stride", 1)}


def _shape(module: nn.Module, small: Call | None, large: Call | None) -> str | None:
    if small is None or large is None or len(small.shape) != len(large.shape):
        return None
    sizes = list(zip(small.shape, large.shape, strict=True))
    channels_first = len(sizes) == 4 or isinstance(module, (nn.Conv1d, nn.MaxPool1d, nn.AvgPool1d))
    if channels_first and len(sizes) > 2:
        sizes.append(sizes.pop(1))
    stocks = any(a != b for a, b in sizes)
    if len(sizes) == 4 and stocks:
        # A cross-section as an image has a batch axis of its own.
        sizes = [(a, b) for place, (a, b) in enumerate(sizes) if a != b or place != 0 or a != 1]
    fixed = [str(a) for a, b in sizes if a == b]
    return " × ".join(["B", *fixed] if stocks else fixed)


def one_line(error: BaseException) -> str:
    """What went wrong, as a line."""
    return " ".join(f"{type(error).__name__}: {error}".split())
