"""Figures 2 to 5 and the like: networks drawn from their cards."""

from collections.abc import Mapping
from typing import Any

from alpha_lightning.reports.diagrams import Box, Flow

Card = Mapping[str, Any]
"""What ``factors/card.py`` wrote of a unit's network."""


def tcn_block(card: Card) -> Flow | None:
    """Figure 2: a block of the temporal convolutional network; none where there is no such."""
    layers = _by_name(card)
    first = layers.get("tcn.blocks.0.first")
    if first is None:
        return None
    settings = first["settings"]
    dropout = layers.get("tcn.blocks.0.dropout", {}).get("settings", {}).get("dropout", 0)
    levels = _levels(card)
    dilations = ", ".join(str(layer["settings"]["dilation"]) for layer in levels)
    channels = settings["out"]
    convolution = Box(
        "causal convolution",
        f"kernel {settings['kernel']}, dilation d, weight norm, {channels} channels",
        "key",
    )
    after = Box("ReLU, dropout", f"share {dropout:g} dropped in training")
    rows = [
        [Box("input", f"B × L × {channels}", "data")],
        [convolution],
        [after],
        [convolution],
        [after],
        [Box("ReLU", "of the sum")],
        [Box("output", f"B × L × {channels}", "data")],
    ]
    return Flow(rows, [(1, 4)], [(1, 5, f"× {len(levels)} blocks, d = {dilations}")])


def restcn(card: Card) -> Flow | None:
    """Figure 3: residual convolutions below the TCN."""
    layers, levels = _by_name(card), _levels(card)
    if not levels or "residual" not in layers:
        return None
    blocks = sum(name.startswith("residual.") and name.count(".") == 1 for name in layers)
    convolutions = [
        layer["settings"]["kernel"]
        for name, layer in layers.items()
        if name.startswith("residual.0.layers.") and "kernel" in layer["settings"]
    ]
    kernels = ", ".join(str(kernel) for kernel in convolutions)
    stated = card["receptive_field"]["theoretical"]
    dilations = ", ".join(str(layer["settings"]["dilation"]) for layer in levels)
    rows = [
        [_windows(card)],
        [
            Box(
                f"{len(convolutions)} causal convolutions",
                f"kernels {kernels}; batch norm, ReLU between",
                "key",
            )
        ],
        [Box("ReLU", f"of the sum: {layers['residual']['output']}")],
        [
            Box(
                f"TCN, {len(levels)} blocks",
                f"dilation {dilations}: reads {stated} days back, figure 2",
                "key",
            )
        ],
        [Box("last day only", layers["network"]["output"] or "")],
        *_head(card),
    ]
    return Flow(rows, [(1, 1)], [(1, 2, f"× {blocks} residual block{'s' * (blocks > 1)}")])


def transformer(card: Card) -> Flow | None:
    """Figure 4: the encoder between Time2Vec and the readout over time."""
    layers = _by_name(card)
    if "time2vec" not in layers or "encoder" not in layers:
        return None
    blocks = sum(layer["type"] == "EncoderBlock" for layer in layers.values())
    embedding = layers["embedding"]["settings"]
    inner = layers["encoder.0.feed_forward.0"]["settings"]["out"]
    time = layers["time2vec"]
    heads = layers["encoder.0.attention"]["settings"]["heads"]
    shape = "line and sine" if str(time["output"]).endswith("2") else "sine"
    way = card["settings"].get("time2vec", "learnable")
    rows = [
        [_windows(card), Box("Time2Vec", f"{shape}, {way}: {time['output']}", "key")],
        [Box("concatenate, linear", f"{embedding['in']} → {embedding['out']} a day")],
        [Box("multi-head attention", f"{heads} heads, figure 5", "key")],
        [Box("layer norm", "of the sum")],
        [Box("feed-forward", f"{embedding['out']} → {inner} → {embedding['out']}, ReLU")],
        [Box("layer norm", f"of the sum: {layers['encoder']['output']}")],
        [Box("linear over time", "u = w′H + b", "key"), Box("last day", "H of day t")],
        [Box("concatenate", layers["network"]["output"] or "")],
        *_head(card),
    ]
    return Flow(rows, [(2, 2), (4, 4)], [(2, 5, f"× {blocks} blocks")])


def attention(card: Card) -> Flow | None:
    """Figure 5: multi-head attention of the Transformer's encoder."""
    layers = _by_name(card)
    own = layers.get("encoder.0.attention")
    if own is None:
        return None
    heads, width = own["settings"]["heads"], layers["encoder.0.attention.out"]["settings"]["in"]
    each = width // heads
    rows = [
        [Box("days", own["output"] or "", "data")],
        [Box(f"{letter}, linear", f"{heads} heads of {each}") for letter in ("Q", "K", "V")],
        [Box("softmax(Q K′ / √d) V", f"d = {each}; every day sees every day, no mask", "key")],
        [Box("concatenate the heads, linear", f"{width} → {width}")],
        [Box("days", own["output"] or "", "data")],
    ]
    return Flow(rows, frames=[(2, 2, f"× {heads} heads, side by side")])


def network(card: Card) -> Flow:
    """Any network: the layers that it is directly made of, in their order."""
    inside = [
        layer for layer in card["layers"] if layer["depth"] == 1 and "head" not in layer["name"]
    ]
    boxes = [[Box(f"{layer['name']}: {layer['type']}", _told(layer), "key")] for layer in inside]
    whole = _by_name(card)["network"]
    boxes = boxes or [[Box(card["type"], _told(whole), "key")]]
    summary = [Box("description of the window", whole["output"] or "")]
    head = _head(card)
    return Flow([[_windows(card)], *boxes, *([summary, *head] if len(head) > 1 else head)])


def _by_name(card: Card) -> dict[str, Any]:
    return {layer["name"]: layer for layer in card["layers"]}


def _levels(card: Card) -> list[Any]:
    names = _by_name(card)
    found = [names.get(f"tcn.blocks.{level}.first") for level in range(len(names))]
    return [layer for layer in found if layer is not None]


def _windows(card: Card) -> Box:
    widths = " or ".join(str(about["features"]) for about in card["datasets"])
    return Box("windows", f"B × {card['window']} × {widths}", "data")


def _head(card: Card) -> list[list[Box]]:
    linear = _by_name(card).get("head.0")
    out = [Box("factors", f"B × {card['n_factors']}", "data")]
    if linear is None:
        return [out]
    settings = linear["settings"]
    told = f"linear {settings['in']} → {settings['out']}, batch norm over stocks"
    return [[Box("head", told)], out]


def _told(layer: Any) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in layer["settings"].items())
    return "; ".join(text for text in (layer["output"], settings) if text)
