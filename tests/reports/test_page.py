import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alpha_lightning.reports.page import context, render, sample_sentence
from alpha_lightning.reports.study_folder import read_study
from tests.reports.enhanced_folder_numbers import Enhanced, write_enhanced

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Headings, ids, header cells and figures of a page, and whether its tags are nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.heads: list[dict[str, str | None]] = []
        self.figures: list[list[str]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "th":
            self.heads.append(given)
        if tag == "figure":
            self.figures.append([])
        if tag == "figcaption":
            self.figures[-1].append(tag)
        self.ids += [given["id"]] if given.get("id") else []  # type: ignore[list-item]
        self.labels += str(given.get("aria-labelledby") or "").split()
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()


def drop(study: Path, *names: str) -> None:
    for name in names:
        for file in study.glob(f"*/tables/{name}.csv"):
            file.unlink()


def test_who_knows_the_paper_finds_every_figure_by_its_number(whole: str) -> None:
    text, page = whole, Outline(whole)
    assert {f"fig-{number}" for number in range(1, 22)} <= set(page.ids)
    for number in range(1, 22):
        assert f'<a href="#fig-{number}">{number}</a>' in text
        assert f"Figure {number}</span>" in text
    assert "not in this study" not in text


def test_the_page_is_an_outline_that_can_be_read_aloud(whole: str) -> None:
    page = Outline(whole)
    assert page.levels[0] == 1
    assert page.levels.count(1) == 1
    assert all(
        after - before <= 1 for before, after in zip(page.levels, page.levels[1:], strict=False)
    )
    assert all(head.get("scope") in ("col", "row", "colgroup", "rowgroup") for head in page.heads)
    assert all(captions == ["figcaption"] for captions in page.figures)
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)


def test_the_first_screen_is_the_answer(whole: str, paper_study: Path) -> None:
    study = read_study(paper_study)
    first = whole[: whole.index('<nav class="contents"')]
    assert first.index("l2chars is a proxy") < first.index("<table")
    for told in ("Stacking in sample is shown", "rawbar, mschars, l2chars (proxy)", "10 of each"):
        assert told in first
    for told in (
        "2017 to 2022",
        "out of sample, a vintage behind",
        "top group",
        sample_sentence(study),
    ):
        assert told in first
    for name in study.scores:
        assert f'title="{name}">{name}</th>' in first


def test_the_paper_stands_small_beside_our_numbers(whole: str, paper_study: Path) -> None:
    assert '<small class="paper"><span class="word">paper </span>14.5</small>' in whole
    assert 'href="tables/paper_fig06_rank_ic.csv"' in whole
    drop(paper_study, "paper_*")
    text = render(read_study(paper_study))
    assert "paper_fig" not in text
    assert 'class="word"' not in text


@pytest.fixture(scope="module")
def whole(finished_paper_study: Path) -> str:
    """The page of a study that has everything."""
    return render(read_study(finished_paper_study))


@pytest.mark.parametrize(
    ("tables", "ids", "words"),
    [
        (
            ("weighting_value", "stacking_gap", "importance*", "claims", "fig1[2-5]*", "decay"),
            ["weighting", "claims", "integrations", "fig-12", "fig-15", "decay"],
            ["SHAP", "What of the paper holds", "Figure 14"],
        ),
        (
            ("stacking_gap", "importance_factors", "ensemble", "optimal_weights", "autocorr*"),
            ["stacking-gap", "averaging", "ensemble-runs", "optimal-weights", "autocorrelation"],
            ["foremost factors", "The identity", "R⁻¹"],
        ),
        (
            ("weighting_value", "optimal_weights", "fig0*", "fig1[01]*"),
            ["weighting-value", "optimal-weights", "models", "fig-6", "fig-10"],
            ["Figure 8"],
        ),
    ],
)
def test_what_is_absent_leaves_no_trace(
    whole: str, paper_study: Path, tables: tuple[str, ...], ids: list[str], words: list[str]
) -> None:
    assert set(ids) <= set(Outline(whole).ids)
    assert all(word in whole for word in words)
    drop(paper_study, *tables)
    text = render(read_study(paper_study))
    there = set(Outline(text).ids)
    assert not set(ids) & there
    assert not any(word in text for word in words)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= there


def test_a_study_without_cards_says_which_figures_it_lacks(study: Path) -> None:
    text = render(read_study(study))
    page = Outline(text)
    assert "fig-1" in page.ids
    assert "fig-2" not in page.ids
    assert "this study has no card of a unit with RESTCN" in text
    assert '<span class="absent" title="not in this study">4</span>' in text


def test_runs_alone_are_enough_for_the_accounting_of_averages(paper_study: Path) -> None:
    file = paper_study / "evaluation" / "tables" / "ensemble.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], *(line for line in lines if ",models," in line)]) + "\n")
    text = render(read_study(paper_study))
    assert 'id="ensemble-runs"' not in text
    assert "Mean of models" in text
    assert "Mean of all runs" not in text


def test_things_that_the_data_lacked_are_folded_when_many(whole: str, paper_study: Path) -> None:
    study = read_study(paper_study)
    assert study.panel is not None
    assert "things are switched off" not in whole
    study.panel.meta["switched_off"] = [f"Thing {k} is off." for k in range(4)]
    text = render(study)
    assert "4 things are switched off or lacking" in text
    assert "Thing 3 is off." in text[: text.index("<table")]


def test_years_that_do_not_follow_are_listed(paper_study: Path) -> None:
    file = paper_study / "evaluation" / "evaluation.json"
    about = json.loads(file.read_text())
    for score in about["scores"]:
        if score["metadata"].get("vintages"):
            score["metadata"]["vintages"] = [2017, 2019]
    file.write_text(json.dumps(about))
    assert ("vintages", "2017, 2019") in context(read_study(paper_study))["facts"]


def test_the_same_study_gives_the_same_page(whole: str, paper_study: Path) -> None:
    # Where a study lies is not on its page.
    assert render(read_study(paper_study)) == whole


def test_a_study_without_portfolios_has_no_trace_of_them(whole: str, paper_study: Path) -> None:
    assert {"portfolios", "fig-16", "fig-17-nav", "portfolio-cost"} <= set(Outline(whole).ids)
    assert '<a href="#portfolios">portfolios</a>' in whole
    shutil.rmtree(paper_study / "portfolios")
    text = render(read_study(paper_study))
    there = Outline(text).ids
    assert not [name for name in there if name.startswith(("portfolio", "fig-16", "fig-17"))]
    assert 'href="#portfolios"' not in text
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(there)


def test_a_study_without_enhanced_portfolios_has_no_trace_of_them(
    whole: str, paper_study: Path
) -> None:
    kinds = ("enhanced", "risk", "fig-18", "fig-19", "fig-20", "fig-21", "relaxations", "tracking")
    assert {*kinds[:6], "relaxations", "tracking-error", "risk-bias", "fig-21-styles"} <= set(
        Outline(whole).ids
    )
    assert '<a href="#enhanced">index-enhanced portfolios</a>' in whole
    first = whole[: whole.index('<nav class="contents"')]
    assert "hedged with the index, after cost, %" in first
    assert '<small class="paper"><span class="word">paper </span>[12.5]</small>' in first
    shutil.rmtree(paper_study / "enhanced")
    text = render(read_study(paper_study))
    there = Outline(text).ids
    assert not [name for name in there if name.startswith(kinds)]
    assert "hedged with the index" not in text
    assert '<span class="absent" title="not in this study">18</span>' in text
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(there)


def test_one_index_and_one_delta_make_a_page(paper_study: Path) -> None:
    shutil.rmtree(paper_study / "enhanced")
    made = Enhanced(indices=("000905",), floors=(0.0,), deltas=(0.3,), relaxed=0)
    write_enhanced(paper_study, made, paper=False)
    text = render(read_study(paper_study))
    page = Outline(text)
    assert '<a href="#fig-20">20</a>' in text
    assert '<span class="absent" title="not in this study">18</span>' in text
    assert "Every limit was kept on all" in text
    assert len(page.ids) == len(set(page.ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(page.ids)


def test_a_model_whose_portfolios_failed_is_still_told(paper_study: Path) -> None:
    shutil.rmtree(paper_study / "enhanced")
    (paper_study / "risk").mkdir()
    told = {"factors": ["size"], "kinds": ["style"], "warnings": ["No <industries>."]}
    (paper_study / "risk" / "risk.json").write_text(json.dumps(told))
    text = render(read_study(paper_study))
    assert "No &lt;industries&gt;." in text
    assert "1 style (size), 0 industries" in text
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(Outline(text).ids)


def test_claims_that_nobody_measured_are_named_without_a_table(paper_study: Path) -> None:
    file = paper_study / "evaluation" / "tables" / "claims.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[-1]]) + "\n")
    text = render(read_study(paper_study))
    assert "Not measured by this study: RCTv1 is better since 2020." in text
    assert "claim of the paper</th>" not in text
    assert '<a href="#claims">claims</a>' in text
