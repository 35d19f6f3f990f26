"""Cards of networks on the page: which are there, what they say, and in which figure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports import network_diagrams as diagrams
from alpha_lightning.reports.diagrams import draw_flow

Card = Mapping[str, Any]
_FIGURES = (
    ("fig-2", diagrams.tcn_block, "TCN block", "RESTCN"),
    ("fig-3", diagrams.restcn, "RESTCN", "RESTCN"),
    ("fig-4", diagrams.transformer, "Transformer", "Transformer"),
    ("fig-5", diagrams.attention, "Multi-head attention", "Transformer"),
)


@dataclass(frozen=True)
class Drawn:
    """A network, or a part of one, on the page.

    Args:
        name: id of the figure.
        title: of the figure.
        unit: whose card it is drawn from; empty where the study has no such unit.
        svg: the drawing.
        lacking: the network that would be needed; empty where it is there.
    """

    name: str
    title: str
    unit: str = ""
    svg: str = ""
    lacking: str = ""


def read_cards(folder: Path) -> dict[str, Card]:
    """Cards in ``units/<unit>/card.json``, by unit.

    Raises:
        ArtefactError: one of them is damaged.
    """
    found: dict[str, Card] = {}
    for file in sorted(folder.glob("units/*/card.json")):
        try:
            card = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            msg = f"{file} is damaged ({error}): run the study again, or remove it"
            raise ArtefactError(msg) from error
        if not isinstance(card, dict) or card.get("kind") != "card":
            msg = f"{file} is no card of a network: run the study again, or remove it"
            raise ArtefactError(msg)
        found[file.parent.name] = card
    return found


def paper_diagrams(cards: Mapping[str, Card]) -> list[Drawn]:
    """Figures 2 to 5, each from the first unit that has what it shows."""
    drawn = []
    for name, flow_of, title, network in _FIGURES:
        flows = ((unit, flow_of(card)) for unit, card in cards.items())
        found = next(((unit, flow) for unit, flow in flows if flow is not None), None)
        if found is None:
            drawn.append(Drawn(name, title, lacking=network))
        else:
            drawn.append(Drawn(name, title, found[0], draw_flow(name, found[1])))
    return drawn


def other_diagrams(cards: Mapping[str, Card]) -> list[Drawn]:
    """Networks that no figure of the paper shows, each as the layers it is made of."""
    shown = {drawn.unit for drawn in paper_diagrams(cards)}
    return [
        Drawn(f"network-{place}", unit, unit, draw_flow(f"network-{place}", diagrams.network(card)))
        for place, (unit, card) in enumerate(cards.items())
        if unit not in shown
    ]


def card_facts(card: Card) -> list[tuple[str, str]]:
    """What a card says in words: parameters, reach, reference."""
    counts = ", ".join(f"{a['name']} {a['parameters']:,}" for a in card["datasets"])
    reach, told = card["receptive_field"], ""
    if reach["theoretical"]:
        told = f"; by its formula the TCN alone reads {reach['theoretical']}"
    settings = ", ".join(f"{name} {value}" for name, value in card["settings"].items())
    facts = [
        ("network", card["network"]),
        ("settings", settings),
        ("parameters", counts),
        ("factors", f"{card['n_factors']} for each stock and date"),
        ("reach", f"{reach['steps']} of {reach['window']} days move the output{told}"),
        ("the paper fixes", card["paper"]["fixed"]),
        ("after", card["reference"].replace("``", "")),
    ]
    return [(name, text) for name, text in facts if text]


def layer_rows(card: Card) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The layers as a table: columns, and for each layer its depth and cells."""
    names = [about["name"] for about in card["datasets"]]
    counts = ["parameters"] if len(names) == 1 else [f"parameters, {name}" for name in names]
    rows = [
        (
            layer["depth"],
            [
                layer["name"],
                layer["type"],
                layer["output"] or "–",
                ", ".join(f"{key} {value}" for key, value in layer["settings"].items()) or "–",
                *(f"{layer['parameters'][name]:,}" for name in names),
            ],
        )
        for layer in card["layers"]
    ]
    return ["layer", "kind", "output", "settings", *counts], rows
