"""Figures of the portfolios, each an SVG string made from their tables."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from alpha_lightning.reports.portfolio_tables import portfolio_name
from alpha_lightning.reports.styles import (
    ScoreStyle,
    date_axis,
    days_of,
    legend,
    legend_height,
    legend_name,
)
from alpha_lightning.reports.svg import SERIES, draw, theme

Table = Any
"""A pandas DataFrame written by the portfolios."""
Styles = Mapping[tuple[str, int], ScoreStyle]
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
_STEP = 5
_DECADE = 10


def portfolio_styles(table: Table) -> dict[tuple[str, int], ScoreStyle]:
    """How each portfolio is drawn: colours for the number of stocks, dashes for the scores.

    Args:
        table: with ``score`` and ``names``.

    Returns:
        By score and number of stocks.
    """
    scores, sizes = (list(dict.fromkeys(table[name])) for name in ("score", "names"))
    return {
        (str(score), int(size)): ScoreStyle(
            portfolio_name(size, score, scores),
            theme(f"series-{sizes.index(size) % SERIES}"),
            _DASHES[scores.index(score) % len(_DASHES)],
        )
        for score in scores
        for size in sizes
    }


def absolute_value(name: str, nav: Table, style: ScoreStyle) -> str:
    """Value of a portfolio and of its benchmark, log scale, over its falls.

    Args:
        name: id of the drawing.
        nav: rows of ``portfolio_nav`` of one portfolio, daily.
        style: of the portfolio.
    """
    other = ScoreStyle("benchmark", theme("muted"), _DASHES[1], 1.3)
    return _value(name, nav, {"benchmark_nav": other, "nav": style}, "nav")


def relative_value(name: str, nav: Table, style: ScoreStyle) -> str:
    """Value of the portfolio's daily returns less the benchmark's, log scale, over its falls.

    Args:
        name: id of the drawing.
        nav: rows of ``portfolio_nav`` of one portfolio, daily.
        style: of the portfolio.
    """
    return _value(name, nav, {"relative_nav": style}, "relative_nav")


def _value(name: str, nav: Table, lines: Mapping[str, ScoreStyle], fallen: str) -> str:
    weekly, days = weekly_rows(nav), days_of(nav)

    def paint(figure: Any) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
        for column, style in lines.items():
            line = {"color": style.colour, "linestyle": style.dash, "linewidth": style.width}
            own = nav[column].to_numpy(dtype=float)[weekly]
            above.plot(days[weekly], own, label=legend_name(style.name), **line)
        above.axhline(1, color=theme("muted"), linewidth=0.8)
        _value_axis(above, nav[list(lines)].to_numpy(dtype=float))
        if len(lines) > 1:
            above.legend(loc="upper left", handlelength=2.4)
        below.fill_between(
            days[weekly],
            100 * weekly_falls(nav[fallen], weekly),
            color=theme("bad"),
            alpha=0.6,
            linewidth=0,
        )
        below.yaxis.set_major_locator(MaxNLocator(3))
        below.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
        below.set_ylim(top=0)
        below.set_ylabel("fall, %")
        above.set_ylabel("value of 1, log scale")
        date_axis(below)
        figure.align_ylabels()

    return draw(name, 310, paint)


def weekly_rows(nav: Table) -> Any:
    """Every fifth row of a daily table, the last one among them, and the first."""
    return np.union1d([0], np.arange(len(nav))[::-_STEP])


def weekly_falls(value: Table, rows: Any) -> Any:
    """Deepest fall below an earlier peak since the row before; 1 counts as a peak.

    Args:
        value: ``(D,)`` daily, 1 before the first day.
        rows: ``(n,)`` ascending, beginning with 0.
    """
    own = value.to_numpy(dtype=float)
    fall = own / np.maximum(np.maximum.accumulate(own), 1.0) - 1
    # A week that is drawn as one point must not hide its worst day.
    return np.minimum.reduceat(fall, np.r_[0, rows[:-1] + 1])


def _value_axis(axes: Any, values: Any) -> None:
    # A value that never moved has a scale too.
    low, high = float(np.nanmin(values)) / 1.001, float(np.nanmax(values)) * 1.001
    axes.set_yscale("log")
    if high > _DECADE * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    else:
        # Few powers of ten, or none, lie within: plain steps at their places on the log scale.
        axes.yaxis.set_major_locator(FixedLocator(MaxNLocator(6).tick_values(low, high)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(low / (high / low) ** 0.05, high * (high / low) ** 0.08)


def turnover_lines(
    figures: Mapping[tuple[str, int], Table],
    styles: Styles,
    paper: Mapping[tuple[str, int], Table],
    words: str = "weekly one-way turnover",
) -> str:
    """Relative return after cost against turnover, a line through the deltas of each portfolio.

    Args:
        figures: ``fig16_top100`` and those like it, by score and number of stocks.
        styles: by score and number of stocks.
        paper: the paper's numbers where they are given, drawn as diamonds.
        words: what the turnover is of.
    """

    def relative(table: Table) -> Table:
        return table[table["side"] == "relative"].sort_values("avgto")

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for key, table in figures.items():
            _line(axes, relative(table), "avgto", "return_annual_pct", styles[key])
            if key in paper:
                own, colour = relative(paper[key]), styles[key].colour
                mark = {"markerfacecolor": theme("paper"), "markersize": 4, "color": colour}
                axes.plot(own["avgto"], own["return_annual_pct"], "D", **mark)
        axes.set_xlabel(words)
        _finish(figure, axes)

    return draw(
        "portfolio-turnover", 250 + legend_height(len(figures), _columns(len(figures))), paint
    )


def cost_lines(table: Table, styles: Styles) -> str:
    """Relative return against the cost rates.

    Args:
        table: ``cost_curve``.
        styles: by score and number of stocks.
    """
    return _curve("portfolio-cost", table, styles, "cost_multiple", "times the cost")


def delay_lines(table: Table, styles: Styles) -> str:
    """Relative return against the days from the signal to the trade.

    Args:
        table: ``delay_curve``.
        styles: by score and number of stocks.
    """

    def whole(axes: Any) -> None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    words = "trading days from the signal to the trade"
    return _curve("portfolio-delay", table, styles, "delay", words, whole)


def _curve(
    name: str,
    table: Table,
    styles: Styles,
    x: str,
    words: str,
    adjust: Callable[[Any], None] | None = None,
) -> str:
    parts = _parts(table)

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for key, own in parts.items():
            _line(axes, own.sort_values(x), x, "relative_annual_pct", styles[key])
        axes.set_xlabel(words)
        if adjust is not None:
            adjust(axes)
        _finish(figure, axes)

    return draw(name, 250 + legend_height(len(parts), _columns(len(parts))), paint)


def capacity_lines(table: Table, styles: Styles) -> str:
    """Relative return and share of the wanted value that was traded, against capital.

    Args:
        table: ``capacity_curve``.
        styles: by score and number of stocks.
    """
    parts = _parts(table)

    def paint(figure: Any) -> None:
        panels = figure.subplots(1, 2, sharex=True)
        shown = {"relative_annual_pct": "relative, % a year", "filled_pct": "traded, % of wanted"}
        for axes, (column, title) in zip(panels, shown.items(), strict=True):
            for key, own in parts.items():
                _line(axes, own.sort_values("capital"), "capital", column, styles[key])
            axes.set_title(title)
            axes.set_xlabel("capital")
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: capital_text(value))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_locator(MaxNLocator(5))
            axes.margins(x=0.06)
        _zero(panels[0])
        legend(figure, panels[0], _columns(len(parts)))

    return draw("portfolio-capacity", 250 + legend_height(len(parts), _columns(len(parts))), paint)


def capital_text(value: float) -> str:
    """A sum of money, short.

    Example:
        >>> capital_text(1e8), capital_text(2.5e9), capital_text(5e4)
        ('100m', '2.5bn', '50k')
    """
    for size, name in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{name}"
    return f"{value:g}"


def _parts(table: Table) -> dict[tuple[str, int], Table]:
    keys = dict.fromkeys(zip(table["score"].astype(str), table["names"].astype(int), strict=True))
    return {
        (score, size): table[(table["score"] == score) & (table["names"] == size)]
        for score, size in keys
    }


def _line(axes: Any, own: Table, x: str, y: str, style: ScoreStyle) -> None:
    line = {"color": style.colour, "linestyle": style.dash, "linewidth": style.width}
    axes.plot(own[x], own[y], marker="o", markersize=3.4, label=legend_name(style.name), **line)


def _columns(count: int) -> int:
    return 3 if count <= 3 else 2


def _zero(axes: Any) -> None:
    # A curve far above zero keeps its scale; one near it shows where it turns into a loss.
    low, high = axes.get_ylim()
    if low - 0.35 * (high - low) < 0 < high + 0.35 * (high - low):
        axes.axhline(0, color=theme("muted"), linewidth=0.8)


def _finish(figure: Any, axes: Any) -> None:
    _zero(axes)
    axes.set_ylabel("relative, % a year")
    axes.margins(x=0.04)
    legend(figure, axes, _columns(len(axes.get_legend_handles_labels()[1])))
