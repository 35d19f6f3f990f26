import json
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports.cards import (
    card_facts,
    layer_rows,
    other_diagrams,
    paper_diagrams,
    read_cards,
)


def test_cards_are_read_by_unit(paper_study: Path) -> None:
    cards = read_cards(paper_study)
    assert sorted(cards) == ["agru", "gru", "lstm", "restcn", "transformer"]
    assert read_cards(paper_study / "nothing") == {}


def test_the_paper_s_figures_come_from_the_units_that_have_them(paper_study: Path) -> None:
    cards = read_cards(paper_study)
    drawn = paper_diagrams(cards)
    assert [figure.name for figure in drawn] == ["fig-2", "fig-3", "fig-4", "fig-5"]
    assert [figure.unit for figure in drawn] == ["restcn", "restcn", "transformer", "transformer"]
    assert all(figure.svg.startswith("<svg") for figure in drawn)
    assert [figure.unit for figure in other_diagrams(cards)] == ["agru", "gru", "lstm"]


def test_figures_that_the_study_lacks_say_what_they_need(paper_study: Path) -> None:
    cards = {"gru": read_cards(paper_study)["gru"]}
    drawn = paper_diagrams(cards)
    assert [figure.lacking for figure in drawn] == [
        "RESTCN",
        "RESTCN",
        "Transformer",
        "Transformer",
    ]
    assert not any(figure.svg for figure in drawn)
    assert len(paper_diagrams({})) == 4


def test_a_card_in_words(paper_study: Path) -> None:
    facts = dict(card_facts(read_cards(paper_study)["restcn"]))
    assert facts["reach"].startswith("30 of 30 days move the output; ")
    assert facts["reach"].endswith("reads 61")
    assert facts["parameters"] == "rawbar 165,116"
    assert "only the last time step" in facts["the paper fixes"]
    assert "levels 4" in facts["settings"]
    assert "61" not in dict(card_facts(read_cards(paper_study)["gru"]))["reach"]


def test_layers_as_rows(paper_study: Path) -> None:
    card = dict(read_cards(paper_study)["restcn"])
    header, rows = layer_rows(card)
    assert header == ["layer", "kind", "output", "settings", "parameters"]
    by_name = {cells[0]: (depth, cells) for depth, cells in rows}
    assert by_name["network"][0] == 0
    assert by_name["tcn"][1][2] == "–"
    assert by_name["head.0"] == (1, ["head.0", "Linear", "B × 30", "in 64, out 30", "1,920"])
    card["datasets"] = [{"name": "rawbar"}, {"name": "mschars"}]
    for layer in card["layers"]:
        layer["parameters"]["mschars"] = 7
    header, rows = layer_rows(card)
    assert header[-2:] == ["parameters, rawbar", "parameters, mschars"]
    assert rows[0][1][-1] == "7"


@pytest.mark.parametrize(
    ("text", "words"), [("{", "card.json is damaged"), ("[]", "no card"), ("{}", "no card")]
)
def test_damaged_cards_are_named(paper_study: Path, text: str, words: str) -> None:
    (paper_study / "units" / "gru" / "card.json").write_text(text)
    with pytest.raises(ArtefactError, match=words):
        read_cards(paper_study)


def test_a_card_holds_what_the_page_needs(paper_study: Path) -> None:
    text = (paper_study / "units" / "lstm" / "card.json").read_text()
    assert json.loads(text)["kind"] == "card"
