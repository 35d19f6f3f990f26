"""Figures of the risk model, each an SVG string made from its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alpha_lightning.reports.enhanced_figures import thinned
from alpha_lightning.reports.styles import date_axis, days_of, legend, legend_height, short
from alpha_lightning.reports.svg import SERIES, draw, theme

Table = Any
"""A pandas DataFrame written by the portfolios."""
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)))


def r_squared_lines(days: Any, shares: Mapping[str, Any], reference: float) -> str:
    """Share of the cross-section's variance that the factors explain, by month.

    Args:
        days: ``(M,)`` datetime64[D].
        shares: ``(M,)`` in per cent, by name of the line.
        reference: of the model's source, in per cent.
    """

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for place, (name, values) in enumerate(shares.items()):
            line = {"color": theme(f"series-{place}"), "linestyle": _DASHES[place % 2]}
            axes.plot(days, values, label=name, **line)
        line = {"color": theme("muted"), "linewidth": 1.0, "linestyle": (0, (1.5, 1.2))}
        axes.axhline(reference, label=f"source, {reference:g} %", **line)
        axes.set_ylim(bottom=min(0.0, *(float(np.nanmin(v)) for v in shares.values())))
        axes.set_ylabel("% of variance")
        date_axis(axes)
        legend(figure, axes, 3)

    return draw("risk-r-squared", 250 + legend_height(len(shares) + 1, 3), paint)


def factor_lines(table: Table, factors: Sequence[str], column: str) -> str:
    """Sum of the returns of factors over time.

    Args:
        table: with ``date`` and ``factor``.
        factors: lines, in the order of their colours.
        column: of the sums, in per cent.
    """

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for place, factor in enumerate(factors):
            own = thinned(table[table["factor"] == factor])
            line = {"color": theme(f"series-{place % SERIES}")}
            line["linestyle"] = _DASHES[place // SERIES % 2]
            name = short(factor.replace("_", " "), 18)
            axes.plot(days_of(own), own[column].to_numpy(dtype=float), label=name, **line)
        axes.axhline(0, color=theme("muted"), linewidth=0.8)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        axes.set_ylabel("%")
        date_axis(axes)
        legend(figure, axes)

    return draw("risk-factor-returns", 270 + legend_height(len(factors)), paint)


def volatility_marks(rows: Sequence[tuple[str, float, float]]) -> str:
    """Forecast and realised volatility side by side.

    Args:
        rows: name, ex-ante and ex-post volatility in per cent a year.
    """
    places = np.arange(len(rows))[::-1]
    ante, post = (np.array([row[k] for row in rows], dtype=float) for k in (1, 2))

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.hlines(places, ante, post, color=theme("ink"), linewidth=1.0)
        mark = {"linestyle": "", "markersize": 4.8, "markeredgewidth": 1.0}
        rim = {"color": theme("muted"), "markerfacecolor": theme("paper"), "label": "ex ante"}
        axes.plot(ante, places, "o", **rim, **mark)
        axes.plot(post, places, "o", color=theme("series-0"), label="ex post", **mark)
        axes.set_yticks(places, [short(name, 28) for name, *_ in rows])
        axes.tick_params(axis="y", length=0, labelcolor=theme("ink"))
        axes.grid(visible=False, axis="y")
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_xlim(left=0)
        axes.set_xlabel("volatility, % a year")
        legend(figure, axes)

    return draw("risk-volatility", 60 + 17 * len(rows) + legend_height(2), paint)
