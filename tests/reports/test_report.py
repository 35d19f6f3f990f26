import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.reports.report import headline, report

FIGURES = (
    "fig-1",
    "fig-6",
    "fig-7",
    "fig-8",
    "cumulative-rank-ic",
    "rank-ic-by-year",
    "score-correlation",
    "group-values",
    "top-group",
)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Checks nesting and gathers ids, links and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_the_page_holds_every_figure_and_needs_nothing_else(study: Path) -> None:
    path = report(str(study))
    assert path == study / "report" / "index.html"
    text = path.read_text()
    page = Page(text)
    assert set(FIGURES) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", text)
    assert not page.tags & {"script", "link", "img", "iframe"}
    for link in page.links:
        if not link.startswith("#"):
            assert (path.parent / link).exists(), link


def test_names_are_escaped_wherever_they_stand(study: Path) -> None:
    text = report(str(study)).read_text()
    assert "<b>gru" not in text
    assert "&lt;b&gt;gru&lt;/b&gt; $x_1$ &amp; co" in text
    assert "<title>Small &lt;study&gt;" in text
    assert "fit &lt;gru&gt;" in text


def test_two_reports_are_equal_byte_by_byte(study: Path) -> None:
    first = report(str(study)).read_bytes()
    assert report(str(study)).read_bytes() == first


def test_the_numbers_of_the_page_are_those_of_the_tables(study: Path) -> None:
    words = " ".join(Page(report(str(study)).read_text()).words)
    table = pd.read_csv(study / "report" / "tables" / "rank_ic_summary.csv")
    row = table[table["score"] == "reversal"].iloc[0]
    expected = rf"reversal\s+{row['mean_pct']:.1f}\s+±{row['se_newey_west_pct']:.1f}"
    assert re.search(expected.replace("-", "−"), words)


def test_warnings_come_before_the_numbers(study: Path) -> None:
    file = study / "study.yaml"
    file.write_text(file.read_text() + "source: {market: demo.yaml}\n")
    text = report(str(study)).read_text()
    assert text.index("Simulated market") < text.index("special-treatment") < text.index("<table")


def test_a_study_without_panel_timings_and_warnings_still_has_a_page(study: Path) -> None:
    (study / "timings.csv").unlink()
    file = study / "evaluation" / "evaluation.json"
    file.write_text(re.sub(r'"panel": ".*"', '"panel": "/nowhere"', file.read_text()))
    text = report(str(study)).read_text()
    assert "is no longer there" in text
    assert "Time spent" not in text
    assert "panel holds" not in text


def test_headline_is_a_table_of_text(study: Path) -> None:
    lines = headline(str(study)).splitlines()
    assert lines[0].startswith("Small <study>: ")
    assert "weekly cross-sections, 2021-06-11 to " in lines[0]
    assert [line.split("  ")[0].strip() for line in lines[3:5]] == [
        "<b>gru</b> $x_1$ & co",
        "reversal",
    ]


def test_a_page_of_data_sets_holds_their_value_and_the_share_of_the_attainable(
    study_of_data_sets: Path,
) -> None:
    path = report(str(study_of_data_sets))
    page = Page(path.read_text())
    words = re.sub(r"\s+", " ", " ".join(page.words))
    assert {"datasets", "attainable", "dataset-value", "dataset-value-table"} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all((path.parent / link).exists() for link in page.links if not link.startswith("#"))
    value = pd.read_csv(study_of_data_sets / "evaluation" / "tables" / "dataset_value.csv")
    row = value[(value["score"] == "v1") & (value["horizon"] == "10g")].iloc[0]
    shown = rf"rawbar {row['rank_ic_pct']:.2f} ±{row['rank_ic_se_pct']:.2f} {row['ic_ir']:.2f}"
    assert re.search(shown.replace("-", "−"), words)
    for text in ("one left out", "The same by model", "unit: mean of its factors"):
        assert text in words
    for name in ("attainable_10g", "expected_10g_trades", "gru on rawbar, mean of factors"):
        assert name in words
    assert "l2chars (proxy)" in words


def test_proxies_and_a_simulated_market_are_said_first(study_of_data_sets: Path) -> None:
    text = report(str(study_of_data_sets)).read_text()
    first = text.index("Simulated market")
    assert first < text.index("l2chars is a proxy made from minute bars") < text.index("<table")


def test_headline_goes_on_with_data_sets_and_shares(study_of_data_sets: Path) -> None:
    parts = headline(str(study_of_data_sets)).split("\n\n")
    parts = [part for part in parts if not part.startswith("claims of the paper")]
    assert parts[1].startswith("top group: hedged % a year")
    assert parts[2].startswith("data sets of v1 at 10g: RankIC %, IC_IR, difference to all")
    assert parts[3].startswith("attainable at 10g (oracle RankIC ")
    assert parts[4] == "l2chars is a proxy made from minute bars, not Level-2 data."


def test_headline_holds_eleven_scores_and_the_claims(paper_study: Path) -> None:
    text = headline(str(paper_study))
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[3:14]] == [
        *("gru", "agru", "lstm", "restcn", "transformer"),
        *("RNNv0", "RNNv1", "RCTv0", "RCTv1", "reversal", "summary"),
    ]
    assert "since 2020-01-01" in text
    assert "  does not hold  AGRU is not better than GRU" in lines
    assert max(map(len, lines)) <= 130


def test_a_pdf_stands_beside_the_page(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def written(page: Path, pdf: Path) -> Path:
        assert page.is_file()
        pdf.write_bytes(b"%PDF")
        return pdf

    monkeypatch.setattr("alpha_lightning.reports.report.print_pdf", written)
    path = report(str(study), pdf=True)
    assert (path.parent / "report.pdf").read_bytes() == b"%PDF"
    # A page that was written again is no longer what was printed.
    report(str(study))
    assert not (path.parent / "report.pdf").exists()


def test_a_browser_that_fails_leaves_the_page(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("BROWSER", raising=False)
    with pytest.raises(UserError, match="no browser is at hand"):
        report(str(study), pdf=True)
    assert [file.name for file in sorted((study / "report").iterdir())] == ["index.html", "tables"]


def test_a_folder_without_a_study_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="does not exist"):
        report(str(tmp_path / "nothing"))
    assert list(tmp_path.iterdir()) == []


def test_portfolios_and_their_warnings_are_in_the_headline_and_their_tables_in_the_report(
    paper_study: Path,
) -> None:
    told = headline(str(paper_study))
    assert "portfolios at delta 0.20 after cost" in told
    assert told.index("TOP-300") < told.index("price limits follow the board's rule")
    text = report(str(paper_study)).read_text()
    copied = paper_study / "report" / "tables"
    assert {"fig16_top100.csv", "paper_fig17_top300.csv", "capacity_curve.csv"} <= {
        file.name for file in copied.iterdir()
    }
    for link in re.findall(r'href="(tables/[^"]+\.csv)"', text):
        assert (copied.parent / link).exists(), link


def test_portfolios_that_failed_leave_a_report_that_says_so(paper_study: Path) -> None:
    task = paper_study / "tasks" / "portfolios"
    task.mkdir(parents=True)
    failure = "the factor of <600000> changes by 2 on 2022-03-01"
    (task / "failed.json").write_text(json.dumps({"failure": failure, "seconds": 1}))
    text = report(str(paper_study)).read_text(encoding="utf-8")
    assert "The portfolios are missing: the factor of &lt;600000&gt; changes by 2" in text
    assert 'id="portfolios"' not in text
    assert not (paper_study / "report" / "tables" / "portfolio_summary.csv").exists()
    told = headline(str(paper_study))
    assert f"The portfolios are missing: {failure}." in told
    assert "portfolios at delta" not in told


def test_enhanced_portfolios_are_in_the_headline_and_their_tables_in_the_report(
    paper_study: Path,
) -> None:
    told = headline(str(paper_study))
    assert "index-enhanced at delta 0.20 after cost" in told
    assert told.index("CSI500 80 %") < told.index("0.6 % of the index's weight")
    assert "a limit gave way on 32" in told
    report(str(paper_study))
    copied = {file.name for file in (paper_study / "report" / "tables").iterdir()}
    assert {"fig18_csi300.csv", "paper_fig21_csi500_80.csv", "risk_bias.csv"} <= copied


def test_a_risk_model_that_failed_leaves_a_report_that_says_so(paper_study: Path) -> None:
    folder = paper_study / "tasks" / "risk"
    folder.mkdir(parents=True)
    failure = "the index <000300> has no weights on 2022-03-01"
    (folder / "failed.json").write_text(json.dumps({"failure": failure, "seconds": 1}))
    file = paper_study / "study.yaml"
    file.write_text(file.read_text() + "enhanced: {indices: {'000300': 0.04}}\n")
    text = report(str(paper_study)).read_text(encoding="utf-8")
    assert "The index-enhanced portfolios are missing" in text
    assert "the index &lt;000300&gt; has no weights on 2022-03-01." in text
    assert 'id="enhanced"' not in text
    assert not (paper_study / "report" / "tables" / "enhanced_summary.csv").exists()
    told = headline(str(paper_study))
    assert "index-enhanced at" not in told
    assert f"{failure}." in told
