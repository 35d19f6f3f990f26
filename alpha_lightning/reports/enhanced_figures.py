"""Figures of the index-enhanced portfolios, each an SVG string made from their tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from alpha_lightning.reports.enhanced_folder import EnhancedFolder
from alpha_lightning.reports.styles import (
    ScoreStyle,
    date_axis,
    days_of,
    legend,
    legend_height,
    panels,
    short,
)
from alpha_lightning.reports.svg import SERIES, draw, theme

Table = Any
"""A pandas DataFrame written by the portfolios."""
_SOLID, _DASHED = "-", (0, (4, 1.5))
_POINTS = 120
ANTE, POST = "ex_ante_te_pct", "ex_post_te_pct"


def enhanced_styles(folder: EnhancedFolder) -> dict[tuple[str, str, float], ScoreStyle]:
    """How each portfolio is drawn: a colour for each index and floor, dashes for the scores.

    Returns:
        By score, index and floor.
    """
    kinds = list(dict.fromkeys(figure.key[1:] for figure in folder.figures))
    dashes = (_SOLID, _DASHED, (0, (1.5, 1.2)))
    return {
        figure.key: ScoreStyle(
            folder.name(figure),
            theme(f"series-{kinds.index(figure.key[1:]) % SERIES}"),
            dashes[folder.scores.index(figure.score) % len(dashes)],
        )
        for figure in folder.figures
    }


def tracking_lines(parts: Mapping[str, Table], limits: Mapping[str, float]) -> str:
    """Ex-ante and ex-post tracking error over time, a small panel for each portfolio.

    Args:
        parts: rows of ``tracking_error`` by name of the portfolio.
        limits: in per cent, by name.
    """
    columns = min(2, len(parts))

    def paint(figure: Any) -> None:
        grid = panels(figure, len(parts), columns, sharex=True, sharey=True)
        for axes, (name, own) in zip(grid, parts.items(), strict=True):
            part = thinned(own)
            ante = {"color": theme("series-0"), "label": "ex ante"}
            post = {"color": theme("series-1"), "linestyle": _DASHED, "label": "ex post"}
            axes.plot(days_of(part), part[ANTE].to_numpy(dtype=float), **ante)
            axes.plot(days_of(part), part[POST].to_numpy(dtype=float), **post)
            if np.isfinite(limits.get(name, np.nan)):
                axes.axhline(limits[name], color=theme("bad"), linewidth=0.9, label="limit")
            axes.set_title(short(name, 44 // columns))
            date_axis(axes)
        # Once all are drawn: a limit that is set by hand ends the scaling of the shared axes.
        grid[0].set_ylim(bottom=0)
        figure.supylabel("% a year", fontsize=11, color=theme("muted"))
        legend(figure, grid[0])

    rows = -(-len(parts) // columns)
    return draw("enhanced-tracking", 60 + 140 * rows + legend_height(3), paint)


def style_lines(name: str, table: Table, styles: Sequence[str], limit: float | None) -> str:
    """Exposure of portfolio and index to each style over time, a small panel each.

    Args:
        name: id of the drawing.
        table: rows of ``active_exposures`` of one portfolio.
        styles: factors, in the order of the panels.
        limit: of the distance between the two, shaded around the index.
    """
    columns = min(2, len(styles))

    def paint(figure: Any) -> None:
        grid = panels(figure, len(styles), columns, sharex=True, sharey=True)
        for axes, factor in zip(grid, styles, strict=True):
            part = thinned(table[table["factor"] == factor])
            days = days_of(part)
            held, index = (part[side].to_numpy(dtype=float) for side in ("portfolio", "benchmark"))
            if limit is not None:
                shade = {"color": theme("muted"), "alpha": 0.16, "linewidth": 0}
                axes.fill_between(days, index - limit, index + limit, **shade)
            line = {"color": theme("muted"), "linestyle": _DASHED, "label": "index"}
            axes.plot(days, index, linewidth=1.2, **line)
            axes.plot(days, held, linewidth=1.3, color=theme("series-0"), label="portfolio")
            axes.axhline(0, color=theme("rule"), linewidth=0.8)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
            axes.set_title(short(factor.replace("_", " "), 40 // columns))
            date_axis(axes)
        legend(figure, grid[0])

    rows = -(-len(styles) // columns)
    return draw(name, 40 + 105 * rows + legend_height(2), paint)


def industry_bars(name: str, table: Table, industries: Sequence[str], limit: float | None) -> str:
    """Weights of the industries on the last date: the index's, the portfolio's, and the band.

    Args:
        name: id of the drawing.
        table: rows of ``active_exposures`` of one portfolio and date.
        industries: from the largest weight of the index on.
        limit: of the distance between the two.
    """
    own = table.set_index("factor").loc[list(industries)]
    index, held = (100 * own[side].to_numpy(dtype=float) for side in ("benchmark", "portfolio"))
    places = np.arange(len(own))[::-1]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        if limit is not None:
            shade = {"color": theme("muted"), "alpha": 0.18, "height": 0.7}
            low = np.maximum(index - 100 * limit, 0)
            axes.barh(places, index + 100 * limit - low, left=low, **shade)
        axes.hlines(places, index, held, color=theme("ink"), linewidth=1.0)
        mark = {"linestyle": "", "markersize": 4.6, "markeredgewidth": 1.0}
        rim = {"color": theme("muted"), "markerfacecolor": theme("paper"), "label": "index"}
        axes.plot(index, places, "o", **rim, **mark)
        axes.plot(held, places, "o", color=theme("series-0"), label="portfolio", **mark)
        axes.set_yticks(places, [short(str(factor), 26) for factor in own.index])
        axes.tick_params(axis="y", length=0, labelcolor=theme("ink"))
        axes.grid(visible=False, axis="y")
        axes.set_ylim(-0.7, len(own) - 0.3)
        axes.set_xlim(left=min(0.0, float(held.min())))
        axes.set_xlabel("weight, %")
        legend(figure, axes)

    return draw(name, 60 + 16 * len(own) + legend_height(2), paint)


def thinned(table: Table) -> Table:
    """At most `_POINTS` rows of a table by date, evenly spaced; the first and last are kept."""
    count = len(table)
    if count <= _POINTS:
        return table
    return table.iloc[np.unique(np.linspace(0, count - 1, _POINTS).round().astype(int))]
