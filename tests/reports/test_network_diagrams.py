from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.reports import network_diagrams as diagrams
from alpha_lightning.reports.cards import Card
from alpha_lightning.reports.diagrams import Flow
from alpha_lightning.reports.study_folder import read_study


@pytest.fixture
def cards(paper_study: Path) -> dict[str, Card]:
    return read_study(paper_study).cards


def words(flow: Flow | None) -> str:
    assert flow is not None
    lines = [f"{box.title}: {box.detail}" for row in flow.rows for box in row]
    return "\n".join([*lines, *(label for _, _, label in flow.frames)])


def test_the_tcn_block_is_that_of_the_unit(cards: dict[str, Card]) -> None:
    text = words(diagrams.tcn_block(cards["restcn"]))
    assert text.count("kernel 3, dilation d, weight norm, 64 channels") == 2
    assert text.count("share 0.2 dropped") == 2
    assert "× 4 blocks, d = 1, 2, 4, 8" in text


def test_the_restcn_is_that_of_the_unit(cards: dict[str, Card]) -> None:
    flow = diagrams.restcn(cards["restcn"])
    text = words(flow)
    for told in (
        "windows: B × 30 × 6",
        "2 causal convolutions: kernels 3, 3",
        "× 3 residual blocks",
        "dilation 1, 2, 4, 8: reads 61 days back",
        "head: linear 64 → 30",
        "factors: B × 30",
    ):
        assert told in text
    assert flow is not None
    assert list(flow.around) == [(1, 1)]


def test_the_transformer_and_its_attention_are_those_of_the_unit(cards: dict[str, Card]) -> None:
    text = words(diagrams.transformer(cards["transformer"]))
    for told in (
        "Time2Vec: line and sine, learnable: 30 × 2",
        "8 → 64 a day",
        "feed-forward: 64 → 128 → 64",
        "concatenate: B × 128",
        "× 2 blocks",
    ):
        assert told in text
    text = words(diagrams.attention(cards["transformer"]))
    assert "d = 16" in text
    assert text.count("4 heads of 16") == 3
    alone: Any = dict(cards["transformer"])
    alone["layers"] = [dict(layer) for layer in alone["layers"]]
    for layer in alone["layers"]:
        if layer["name"] == "time2vec":
            layer["output"] = "30 × 1"
    assert "Time2Vec: sine, learnable: 30 × 1" in words(diagrams.transformer(alone))


def test_a_network_without_the_part_has_no_such_figure(cards: dict[str, Card]) -> None:
    for flow_of in (diagrams.tcn_block, diagrams.restcn, diagrams.transformer, diagrams.attention):
        assert flow_of(cards["gru"]) is None


def test_any_network_is_drawn_as_what_it_is_made_of(cards: dict[str, Card]) -> None:
    text = words(diagrams.network(cards["agru"]))
    assert "recurrence: GRU: B × 30 × 64; hidden 64, layers 1" in text
    assert "description of the window: B × 128" in text
    layer = {"name": "network", "depth": 0, "type": "Own", "output": "B × 4", "settings": {}}
    own = {"type": "Own", "window": 8, "n_factors": 4, "datasets": [{"features": 6}]}
    text = words(diagrams.network(own | {"layers": [layer]}))
    assert text == "windows: B × 8 × 6\nOwn: B × 4\nfactors: B × 4"
