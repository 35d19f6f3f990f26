"""Figures of the twenty groups, each an SVG string made from the evaluation's tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from alpha_lightning.reports.styles import (
    ScoreStyle,
    date_axis,
    days_of,
    legend_name,
    of_names,
    panels,
    short,
)
from alpha_lightning.reports.svg import draw, theme

Table = Any
"""A pandas DataFrame written by the evaluation."""


def group_bars(
    name: str, groups: Table, styles: Sequence[ScoreStyle], paper: Table | None = None
) -> str:
    """Annualised hedged return of the groups, a small panel for each score.

    Args:
        name: id of the drawing.
        groups: a table of groups; its first period is drawn.
        styles: of the scores.
        paper: the paper's numbers in the same layout, drawn as a line of small diamonds.
    """
    part = groups[groups["since"] == groups["since"].iloc[0]].set_index("score")
    shown = of_names(styles, list(part.index))
    names = [name for name in part.columns if name.startswith("g") and name.endswith("_pct")]
    twin = None if paper is None else paper.set_index("score")
    columns = min(2, len(shown))

    def paint(figure: Any) -> None:
        places = np.arange(1, len(names) + 1)
        for axes, style in zip(
            panels(figure, len(shown), columns, sharex=True, sharey=True), shown, strict=True
        ):
            values = part.loc[style.name, names].to_numpy(dtype=float)
            colours = [theme("good" if value >= 0 else "bad") for value in values]
            axes.bar(places, values, color=colours, width=0.78)
            if twin is not None and style.name in twin.index:
                line = {"color": theme("ink"), "markerfacecolor": theme("paper"), "markersize": 2.6}
                own = twin.loc[style.name, names].to_numpy(dtype=float)
                axes.plot(places, own, "D", markeredgewidth=0.7, **line)
            axes.axhline(0, color=theme("muted"), linewidth=0.8)
            axes.grid(visible=False, axis="x")
            axes.set_xticks([1, len(names) // 2, len(names)], ["top", "", "bottom"])
            axes.set_title(short(style.name, 40 // columns))
        figure.supylabel("% a year", fontsize=11, color=theme("muted"))

    return draw(name, 40 + 125 * -(-len(shown) // columns), paint)


def group_values(nav: Table, parts: Sequence[Sequence[ScoreStyle]]) -> str:
    """Hedged value of the top group (upper lines) and the bottom group (lower lines), log scale.

    Args:
        nav: table ``group_nav``.
        parts: scores that share a panel.
    """
    last = [name for name in nav.columns if name.startswith("g")][-1]

    def paint(figure: Any) -> None:
        grid = panels(figure, len(parts), 1, sharex=True, sharey=True)
        for axes, styles in zip(grid, parts, strict=True):
            for style in styles:
                own = nav[nav["score"] == style.name]
                weekly = own.iloc[::-5].iloc[::-1]
                line = {"color": style.colour, "linestyle": style.dash, "linewidth": style.width}
                axes.plot(days_of(weekly), weekly["g01"], label=legend_name(style.name), **line)
                axes.plot(days_of(weekly), weekly[last], **line)
            axes.axhline(1, color=theme("muted"), linewidth=0.8)
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_minor_locator(NullLocator())
            date_axis(axes)
        for axes in grid:
            axes.legend(loc="lower left", ncols=2, handlelength=2.4)
        figure.supylabel("value of 1, log scale", fontsize=11, color=theme("muted"))

    return draw("group-values", 40 + 250 * len(parts), paint)
