import warnings
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from alpha_lightning.reports.svg import SERIES, WIDTH, draw, theme


def paint(figure: Any) -> None:
    axes = figure.subplots()
    axes.plot([1, 2], [3, 4], color=theme("series-0"), label="$a_b$ <i>")
    axes.fill_between([1, 2], [0, 1], color=theme("bad"), clip_on=True)
    axes.set_title("$a_b$ <i> & more")


def test_text_stays_text_and_is_escaped() -> None:
    svg = draw("chart", 200, paint)
    assert "$a_b$ &lt;i&gt; &amp; more" in svg
    assert "<i>" not in svg


def test_letters_that_only_the_browser_has_are_no_warning() -> None:
    def title(figure: Any) -> None:
        figure.subplots().set_title("\u6c34")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "\u6c34" in draw("chart", 200, title)


def test_colours_follow_the_theme_of_the_page() -> None:
    svg = draw("chart", 200, paint)
    assert "var(--series-0)" in svg
    assert "var(--bad)" in svg
    assert "#01" not in svg
    assert len({theme(f"series-{k}") for k in range(SERIES)}) == SERIES


def test_nothing_points_outside_and_ids_are_the_figure_s_own() -> None:
    svg = draw("chart", 200, paint)
    assert "http" not in svg
    assert "<metadata" not in svg
    assert "<style" not in svg
    root = ET.fromstring(svg)  # noqa: S314
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} 200"
    assert root.attrib["aria-labelledby"] == "chart-caption"
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert ids
    assert all(name.startswith("chart-") for name in ids)
    uses = [e.attrib["href"] for e in root.iter() if "href" in e.attrib]
    uses += [e.attrib["clip-path"][4:-1] for e in root.iter() if "clip-path" in e.attrib]
    assert uses
    assert {use.removeprefix("#") for use in uses} <= set(ids)


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert draw("chart", 200, paint) == draw("chart", 200, paint)


def test_other_settings_of_matplotlib_do_not_leak_in(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    before = draw("chart", 200, paint)
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 9.0)
    monkeypatch.setitem(mpl.rcParams, "xtick.major.size", 20.0)
    assert draw("chart", 200, paint) == before
