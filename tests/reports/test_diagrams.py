import re
import xml.etree.ElementTree as ET

from alpha_lightning.reports.diagrams import Box, Flow, draw_flow
from alpha_lightning.reports.svg import WIDTH

NUMBER = r"(-?[\d.]+)"


def boxes(svg: str) -> list[tuple[float, ...]]:
    pattern = rf'class="box \w+" x="{NUMBER}" y="{NUMBER}" width="{NUMBER}" height="{NUMBER}"'
    return [tuple(map(float, found)) for found in re.findall(pattern, svg)]


def test_rows_stand_below_each_other_and_inside_the_page() -> None:
    flow = Flow([[Box("a"), Box("b"), Box("c")], [Box("d", "word " * 30)], [Box("e"), Box("f")]])
    svg = draw_flow("fig-9", flow)
    root = ET.fromstring(svg)  # noqa: S314
    height = float(root.attrib["viewBox"].split()[-1])
    assert root.attrib["aria-labelledby"] == "fig-9-caption"
    found = boxes(svg)
    assert len(found) == 6
    for x, y, w, h in found:
        assert x >= 0
        assert x + w <= WIDTH
        assert y + h <= height
    tops = [y for _, y, _, _ in found]
    assert tops[0] == tops[1] == tops[2] < tops[3] < tops[4] == tops[5]
    assert found[2][0] > found[1][0] + found[1][2]
    assert found[3][1] + found[3][3] < found[4][1]


def test_each_box_that_is_led_to_has_an_arrow_tip() -> None:
    def tips(rows: list[int]) -> int:
        svg = draw_flow("d", Flow([[Box(str(k)) for k in range(count)] for count in rows]))
        return svg.count('class="tip"')

    assert tips([1, 1]) == 1
    assert tips([3, 1]) == 3
    assert tips([1, 3]) == 3
    assert tips([3, 3]) == 3
    # A bus: one tip for each box below.
    assert tips([2, 3]) == 3


def test_text_is_escaped_broken_and_cut() -> None:
    svg = draw_flow("d", Flow([[Box("<b> & co", "one two three four five " * 4)]]))
    assert "&lt;b&gt; &amp; co" in svg
    assert svg.count('class="d"') > 1
    narrow = draw_flow("d", Flow([[Box("transformer"), *(Box("x" * 40) for _ in range(4))]]))
    assert ">transformer<" in narrow
    assert "xxx…<" in narrow


def test_frames_and_lines_around_hold_what_they_are_about() -> None:
    rows = [[Box("in")], [Box("a")], [Box("b")], [Box("out")]]
    svg = draw_flow("d", Flow(rows, [(1, 2)], [(1, 2, "× 3 <blocks>")]))
    frame = re.findall(rf'class="frame" x="2" y="{NUMBER}" width="\d+" height="{NUMBER}"', svg)[0]
    top, bottom = float(frame[0]), float(frame[0]) + float(frame[1])
    found = boxes(svg)
    assert found[0][1] + found[0][3] < top < found[1][1]
    assert found[2][1] + found[2][3] < bottom < found[3][1]
    assert "× 3 &lt;blocks&gt;" in svg
    assert svg.count('class="sum"') == 1
    first = draw_flow("d", Flow(rows, frames=[(0, 3, "all")]))
    assert float(re.findall(rf'class="frame" x="2" y="{NUMBER}"', first)[0]) >= 0
    height = float(ET.fromstring(first).attrib["viewBox"].split()[-1])  # noqa: S314
    frame = re.findall(rf'class="frame" x="2" y="{NUMBER}" width="\d+" height="{NUMBER}"', first)[0]
    assert float(frame[0]) + float(frame[1]) <= height
