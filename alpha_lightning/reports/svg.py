"""Matplotlib figures as SVG for a web page: text stays text, colours follow the page's theme."""

import io
import re
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

WIDTH = 420
"""Width in CSS pixels that type sizes are chosen for."""
SERIES = 8
_THEME = ("paper", "ink", "muted", "rule", "good", "bad", *(f"series-{k}" for k in range(SERIES)))
# Matplotlib knows no CSS variables: each is drawn in a colour of its own and replaced in the text.
_STAND_IN = {name: f"#01{place:02x}fe" for place, name in enumerate(_THEME)}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "alpha_lightning",
    "text.parse_math": False,
    "font.size": 12,
    "axes.edgecolor": _STAND_IN["rule"],
    "axes.labelcolor": _STAND_IN["muted"],
    "axes.titlesize": 12,
    "axes.titlecolor": _STAND_IN["ink"],
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": _STAND_IN["rule"],
    "grid.linewidth": 0.6,
    "xtick.color": _STAND_IN["rule"],
    "ytick.color": _STAND_IN["rule"],
    "xtick.labelcolor": _STAND_IN["muted"],
    "ytick.labelcolor": _STAND_IN["muted"],
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "legend.labelcolor": _STAND_IN["ink"],
    "text.color": _STAND_IN["ink"],
    "lines.linewidth": 1.5,
}


def theme(name: str) -> str:
    """Colour that the page's style sheet defines as ``--name``."""
    return _STAND_IN[name]


def draw(name: str, height: int, paint: Callable[[Any], None]) -> str:
    """Draw a figure and return it as an ``<svg>`` element to put into HTML.

    The same input gives the same bytes: no date, no random ids.

    Args:
        name: letters and dashes; prefixes every id, so that figures can share a page.
        height: in CSS pixels, for a width of `WIDTH`.
        paint: fills a matplotlib figure.
    """
    with (
        mpl.rc_context(mpl.rcParamsDefault),
        mpl.rc_context(_STYLE),
        warnings.catch_warnings(),
    ):
        # The browser has the letters that the font here lacks: text stays text.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
        figure.patch.set_alpha(0)
        paint(figure)
        for axes in figure.axes:
            axes.patch.set_alpha(0)
        canvas, text = FigureCanvasSVG(figure), io.StringIO()
        canvas.print_svg(text, metadata={"Date": None})
    return _for_page(text.getvalue(), name)


def _for_page(svg: str, name: str) -> str:
    svg = svg[svg.index("<svg") :]
    # The style is matplotlib's default line join for every element of a document: the page's now.
    svg = re.sub(r"<(metadata|style)\b.*?</\1>\s*", "", svg, flags=re.DOTALL)
    head, rest = svg.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    head = f'<svg class="chart" {box[0] if box else ""} role="img" aria-labelledby="{name}-caption"'
    rest = rest.replace("xlink:href", "href")
    rest = re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", rest)
    # The page's own font and its width, not those of the machine that drew the figure.
    rest = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", rest)
    for variable, colour in _STAND_IN.items():
        rest = rest.replace(colour, f"var(--{variable})")
    return f"{head}>{rest.rstrip()}"
