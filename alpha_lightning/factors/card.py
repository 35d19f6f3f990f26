"""The card of a network, read off the network itself: layers, shapes, parameters, reach."""

import importlib
import inspect
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser
from torch import nn

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.card_layers import STOCKS, Run, layers_of, one_line, run_once
from alpha_lightning.factors.networks import Head
from alpha_lightning.panel.store import Panel
from alpha_lightning.windows.sample import SampleRule

_PAPER: dict[str, tuple[tuple[int, ...], str]] = {
    "GRU": ((), "Plain recurrent network."),
    "LSTM": ((), "Plain recurrent network."),
    "AGRU": ((), "GRU with attention over time."),
    "RESTCN": (
        (2, 3),
        "Residual convolutions (3 layers, 64 channels) below a TCN; causal, dilated, residual,"
        " weight-normalised; only the last time step feeds the head.",
    ),
    "Transformer": (
        (4, 5),
        "Encoder only; Time2Vec (k = 1, sine, learnable) concatenated; multi-head attention and"
        " feed-forward residual blocks; time-linear of all steps beside the last step.",
    ),
}


def write_card(panel: str, config: dict[str, Any], datasets: list[str], out: str) -> Path:
    """Describe the network of a unit as JSON, for the width of each data set.

    The network is built with random weights and run on random windows; the random numbers of the
    caller stay where they are.

    Args:
        panel: folder of the panel, which knows how wide its data sets are.
        config: the unit's resolved YAML; ``model.network``, ``model.n_factors`` and
            ``data.sample.window`` are read.
        datasets: that the unit is trained on.
        out: the file to write.

    Returns:
        The file: ``network``, ``type``, ``summary``, ``reference``, ``settings``, ``window``,
        ``n_factors``, ``paper``; ``datasets`` (name, features, parameters, trainable); ``layers``
        (name, depth, type, output such as ``B × 30 × 64``, settings, parameters by data set);
        ``receptive_field`` (window, steps that reach the output, first of them, ``by_step``: size
        of the gradient relative to the largest, theoretical).

    Raises:
        UserError: the panel lacks a data set, or the network cannot be built, fails on windows
            ``(B, L, F)``, or does not map them to ``(B, K)``.
    """
    network, n_factors, window = _asked(config)
    opened, cards = Panel.open(panel), []
    if not datasets:
        msg = "a card needs the width of a data set: name one that the unit is trained on"
        raise UserError(msg)
    for name in datasets:
        width = len(opened.dataset(name).features)
        cards.append((name, width, _examine(network, n_factors, (window, width))))
    about = _about(network, n_factors, window)
    about["datasets"] = [{"name": n, "features": w} | card["totals"] for n, w, card in cards]
    about["layers"] = _joined({name: card["layers"] for name, _, card in cards})
    about["receptive_field"] = cards[0][2]["reach"]
    with atomic_file(out) as file:
        file.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return Path(out)


def _asked(config: Mapping[str, Any]) -> tuple[dict[str, Any], int, int]:
    model = config.get("model") or {}
    network = model.get("network")
    network = {"class_path": network} if isinstance(network, str) else network
    if not isinstance(network, dict) or "class_path" not in network:
        msg = "model.network.class_path is missing in the unit's YAML: name the network's class"
        raise UserError(msg)
    sample = (config.get("data") or {}).get("sample") or {}
    window = sample.get("window", inspect.signature(SampleRule).parameters["window"].default)
    return network, int(model.get("n_factors", 30)), int(window)


def _about(network: Mapping[str, Any], n_factors: int, window: int) -> dict[str, Any]:
    path = str(network["class_path"])
    built = type(_build(network, 1, window))
    text = inspect.getdoc(built) or ""
    reference = re.search(r"^Reference:\n((?:[ \t]+.*\n?)+)", text, re.MULTILINE)
    ours = built.__module__.startswith("alpha_lightning.")
    figures, fixed = _PAPER.get(built.__name__, ((), "")) if ours else ((), "")
    return {
        "kind": "card",
        "network": path if "." in path else f"{built.__module__}.{path}",
        "type": built.__name__,
        # A class without words of its own has those of its parent.
        "summary": text.partition("\n\n")[0].replace("\n", " ") if built.__doc__ else "",
        "reference": " ".join(reference[1].split()) if reference and built.__doc__ else "",
        "settings": dict(network.get("init_args") or {}),
        "window": window,
        "n_factors": n_factors,
        "paper": {"figures": list(figures), "fixed": fixed},
    }


def _build(network: Mapping[str, Any], features: int, window: int) -> nn.Module:
    """The network of a width; what it draws at random is drawn aside."""
    path, settings = str(network["class_path"]), dict(network.get("init_args") or {})
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--network", type=nn.Module)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            known = inspect.signature(_imported(path)).parameters
            # Lightning's command line links only what the class takes, and so does a card.
            shape = {"n_features": features, "window": window}
            linked = {name: value for name, value in shape.items() if name in known}
            given = {"class_path": path, "init_args": settings | linked}
            built: nn.Module = parser.instantiate(parser.parse_object({"network": given})).network
        except UserError:
            raise
        except Exception as error:
            # A user's own network may fail in any way.
            msg = f"the network {path} cannot be built ({one_line(error)}): mend model.network"
            raise UserError(msg) from error
    return built.eval()


def _imported(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module or "builtins"), name)


def _examine(network: Mapping[str, Any], n_factors: int, shape: tuple[int, int]) -> dict[str, Any]:
    built = _build(network, shape[1], shape[0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        # As in the factor unit: what a network says it gives out is what the head takes.
        width = getattr(built, "out_features", None)
        unit = nn.Sequential()
        unit.add_module("network", built)
        if isinstance(width, int):
            unit.add_module("head", Head(width, n_factors))
    unit.eval()
    name = str(network["class_path"])
    small, large = (run_once(unit, name, (stocks, *shape)) for stocks in STOCKS)
    weights = list(unit.parameters())
    totals = {
        "parameters": sum(weight.numel() for weight in weights),
        "trainable": sum(weight.numel() for weight in weights if weight.requires_grad),
    }
    layers = layers_of(unit, small, large)
    return {"layers": layers, "totals": totals, "reach": _reach(small, built, shape[0])}


def _reach(run: Run, network: nn.Module, window: int) -> dict[str, Any]:
    known = [step for step, size in enumerate(run.by_step) if size > 0]
    largest = max(run.by_step) or 1.0
    stated = getattr(network, "receptive_field", None)
    return {
        "window": window,
        "steps": len(known),
        "first_step": known[0] if known else None,
        "theoretical": stated if isinstance(stated, int) else None,
        "by_step": [float(f"{size / largest:.3g}") for size in run.by_step],
    }


def _joined(by_dataset: Mapping[str, Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The layers at the width of the first data set, with the parameters at all widths."""
    first, *_ = by_dataset.values()
    counts = {
        name: {layer["name"]: layer["parameters"] for layer in layers}
        for name, layers in by_dataset.items()
    }
    return [
        layer | {"parameters": {name: counts[name].get(layer["name"], 0) for name in by_dataset}}
        for layer in first
    ]
