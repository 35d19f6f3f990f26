"""Diagrams of boxes and arrows as SVG, in the colours of the page and as wide as a phone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

from alpha_lightning.reports.svg import WIDTH

_MARGIN, _SIDE, _GAP, _BETWEEN = 4.0, 26.0, 22.0, 8.0
_TITLE, _NARROW, _DETAIL, _PAD = 12.5, 10.5, 11.0, 8.0
_MANY = 4
# Room above a frame for what it says, and below it.
_LABEL, _AFTER = 14.0, 8.0
# Mean width of a letter of a sans-serif face, as a share of its size; wide enough for Arial.
_LETTER = 0.54


@dataclass(frozen=True)
class Box:
    """A box of a diagram.

    Args:
        title: what it is.
        detail: a sentence below it, broken where the box is too narrow.
        kind: ``plain``, ``data`` (comes in or goes out) or ``key`` (what the diagram is about).
    """

    title: str
    detail: str = ""
    kind: str = "plain"


@dataclass(frozen=True)
class Flow:
    """Rows of boxes from top to bottom, an arrow from each row to the next.

    Args:
        rows: boxes that stand side by side.
        around: pairs of rows: a line from above the first to below the second, past all between.
        frames: first row, last row and label of a part that is repeated.
    """

    rows: Sequence[Sequence[Box]]
    around: Sequence[tuple[int, int]] = field(default_factory=tuple)
    frames: Sequence[tuple[int, int, str]] = field(default_factory=tuple)


@dataclass(frozen=True)
class _Row:
    top: float
    bottom: float
    svg: str
    middles: tuple[float, ...]


def draw_flow(name: str, flow: Flow) -> str:
    """Draw a diagram as an ``<svg>`` element whose caption has the id ``<name>-caption``.

    Args:
        name: letters, digits and dashes.
        flow: what is drawn.
    """
    side = _SIDE if flow.around or flow.frames else _MARGIN
    left, right = side, WIDTH - side
    rows: list[_Row] = []
    for place, boxes in enumerate(flow.rows):
        above = rows[-1].bottom + _GAP if rows else _MARGIN
        above += _LABEL * sum(first == place for first, _, _ in flow.frames)
        above += _GAP / 2 * (not rows and any(first == 0 for first, _, _ in flow.frames))
        above += _AFTER * sum(last == place - 1 for _, last, _ in flow.frames)
        rows.append(_row(boxes, left, right, above))
    parts = [_frame(rows[first].top, rows[last].bottom) for first, last, _ in flow.frames]
    parts += [row.svg for row in rows]
    parts += [_arrows(above, below) for above, below in pairwise(rows)]
    parts += [_around(rows[a].top, rows[b].bottom, right) for a, b in flow.around]
    parts += [_label(rows[first].top, text) for first, _, text in flow.frames]
    height = rows[-1].bottom + _MARGIN + (_GAP / 2 + 6 if flow.around or flow.frames else 0)
    return (
        f'<svg class="chart diagram" viewBox="0 0 {WIDTH} {height:g}" role="img"'
        f' aria-labelledby="{name}-caption">' + "".join(parts) + "</svg>"
    )


def _row(boxes: Sequence[Box], left: float, right: float, top: float) -> _Row:
    width = (right - left - _BETWEEN * (len(boxes) - 1)) / len(boxes)
    size, kind_of_title = (_NARROW, "n") if len(boxes) > _MANY else (_TITLE, "t")
    texts = [(_broken(b.title, width, size), _broken(b.detail, width, _DETAIL)) for b in boxes]
    height = max(2 * _PAD + 15 * len(title) + 14 * len(detail) - 2 for title, detail in texts)
    svg, middles = [], []
    for place, (box, (title, detail)) in enumerate(zip(boxes, texts, strict=True)):
        x = left + place * (width + _BETWEEN)
        middles.append(x + width / 2)
        svg.append(
            f'<rect class="box {box.kind}" x="{x:g}" y="{top:g}" width="{width:g}"'
            f' height="{height:g}" rx="4"/>'
        )
        y = top + _PAD + 10
        for kind, lines, step in ((kind_of_title, title, 15), ("d", detail, 14)):
            for line in lines:
                svg.append(
                    f'<text class="{kind}" x="{middles[-1]:g}" y="{y:g}">{escape(line)}</text>'
                )
                y += step
    return _Row(top, top + height, "".join(svg), tuple(middles))


def _broken(text: str, width: float, size: float) -> list[str]:
    """Lines that fit into a box, broken at spaces, a longer word cut with an ellipsis."""
    room = max(int((width - _PAD) / (size * _LETTER)), 3)
    lines: list[str] = []
    for word in text.split():
        short = word if len(word) <= room else word[: room - 1] + "…"
        if lines and len(lines[-1]) + 1 + len(short) <= room:
            lines[-1] += f" {short}"
        else:
            lines.append(short)
    return lines


def _arrows(above: _Row, below: _Row) -> str:
    if len(above.middles) == 1 or len(below.middles) == 1:
        pairs = [(a, b) for a in above.middles for b in below.middles]
    elif len(above.middles) == len(below.middles):
        pairs = list(zip(above.middles, below.middles, strict=True))
    else:
        # Each to each would be a web: a bus says the same.
        return _bus(above, below)
    # Several lines of one box leave it and reach it apart from each other.
    return "".join(_arrow(*pair, above.bottom, below.top) for pair in _spread(pairs, above, below))


def _spread(
    pairs: Sequence[tuple[float, float]], above: _Row, below: _Row
) -> list[tuple[float, float]]:
    if len(above.middles) == 1:
        return [(b, b) for _, b in pairs]
    return [(a, a) for a, _ in pairs] if len(below.middles) == 1 else list(pairs)


def _bus(above: _Row, below: _Row) -> str:
    y = (above.bottom + below.top) / 2
    ends = (*above.middles, *below.middles)
    lines = [f'<path class="line" d="M{min(ends):g} {y:g}H{max(ends):g}"/>']
    lines += [f'<path class="line" d="M{x:g} {above.bottom:g}V{y:g}"/>' for x in above.middles]
    return "".join([*lines, *(_arrow(x, x, y, below.top) for x in below.middles)])


def _arrow(x0: float, x1: float, y0: float, y1: float) -> str:
    return (
        f'<path class="line" d="M{x0:g} {y0:g}L{x1:g} {y1 - 4:g}"/>'
        f'<path class="tip" d="M{x1 - 3.5:g} {y1 - 6:g}h7l-3.5 6z"/>'
    )


def _around(top: float, bottom: float, right: float) -> str:
    """A residual line: it leaves above the first box and ends in a plus below the last."""
    x, start, end = right + 12, top - _GAP / 2 - 1, bottom + _GAP / 2 - 2
    middle = WIDTH / 2
    return (
        f'<path class="line" d="M{middle:g} {start:g}H{x:g}V{end:g}H{middle + 6:g}"/>'
        f'<circle class="sum" cx="{middle:g}" cy="{end:g}" r="5.5"/>'
        f'<path class="line" d="M{middle - 3:g} {end:g}h6M{middle:g} {end - 3:g}v6"/>'
    )


def _frame(top: float, bottom: float) -> str:
    y = top - _GAP / 2 - _LABEL
    height = bottom + _GAP / 2 + 6 - y
    return f'<rect class="frame" x="2" y="{y:g}" width="{WIDTH - 4}" height="{height:g}" rx="6"/>'


def _label(top: float, text: str) -> str:
    # After the arrows: its halo parts those that it crosses.
    return f'<text class="f" x="10" y="{top - _GAP / 2 - 1:g}">{escape(text)}</text>'
