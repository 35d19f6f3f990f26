"""Figures of RankIC, each an SVG string made from the evaluation's tables."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from alpha_lightning.reports.styles import (
    ERROR_BARS,
    TWO_SIDED_95,
    ScoreStyle,
    date_axis,
    days_of,
    finite,
    horizon_title,
    legend,
    legend_height,
    legend_name,
    of_names,
    panels,
    short,
)
from alpha_lightning.reports.svg import draw, theme

Table = Any
"""A pandas DataFrame written by the evaluation."""


def horizons_of(table: Table, measure: str) -> list[str]:
    """Horizons of a table whose columns are ``<measure>_<horizon>[_se][_pct]``."""
    names = [name.removeprefix(f"{measure}_") for name in table.columns if name != "score"]
    return [h for h in (n.removesuffix("_pct") for n in names) if not h.endswith("_se")]


def measure_bars(
    name: str, table: Table, styles: Sequence[ScoreStyle], measure: str, paper: Table | None = None
) -> str:
    """A measure at the six horizons, a small panel each, with 95 % intervals.

    Args:
        name: id of the drawing.
        table: ``fig06_rank_ic`` or one like it.
        styles: of the scores.
        measure: ``rank_ic`` or ``ic_ir``.
        paper: the paper's numbers in the same layout, drawn as diamonds.
    """
    horizons, unit = horizons_of(table, measure), "_pct" if measure == "rank_ic" else ""
    shown = of_names(styles, list(table["score"]))
    own, columns = table.set_index("score").loc[[style.name for style in shown]], 3
    rows = -(-len(horizons) // columns)
    twin = None if paper is None else paper.set_index("score")

    def paint(figure: Any) -> None:
        places = np.arange(len(shown))[::-1]
        for axes, horizon in zip(
            panels(figure, len(horizons), columns, sharex=True, sharey=True), horizons, strict=True
        ):
            column = f"{measure}_{horizon}"
            axes.barh(
                places,
                own[f"{column}{unit}"],
                xerr=TWO_SIDED_95 * finite(own[f"{column}_se{unit}"]),
                color=[style.colour for style in shown],
                hatch=[style.hatch for style in shown],
                edgecolor=theme("paper"),
                linewidth=0,
                height=0.66,
                error_kw=ERROR_BARS,
            )
            if twin is not None:
                known = [
                    (p, s.name) for p, s in zip(places, shown, strict=True) if s.name in twin.index
                ]
                x = [float(twin.loc[score, f"{column}{unit}"]) for _, score in known]
                line = {"color": theme("ink"), "markerfacecolor": theme("paper"), "markersize": 4}
                axes.plot(x, [place for place, _ in known], "D", markeredgewidth=0.9, **line)
            axes.set_yticks(places, [short(style.name) for style in shown])
            axes.tick_params(axis="y", length=0, labelcolor=theme("ink"))
            axes.grid(visible=False, axis="y")
            axes.axvline(0, color=theme("muted"), linewidth=0.8)
            axes.set_title(horizon_title(horizon))

    return draw(name, 60 + rows * (34 + 20 * len(shown)), paint)


def cumulative_rank_ic(by_date: Table, parts: Sequence[Sequence[ScoreStyle]], horizon: str) -> str:
    """Running sum of RankIC over the signal dates, a panel for each part of the scores.

    Args:
        by_date: table ``rank_ic_by_date``.
        parts: scores that share a panel.
        horizon: the one drawn.
    """
    table = by_date[by_date["horizon"] == horizon]

    def paint(figure: Any) -> None:
        for axes, styles in zip(
            panels(figure, len(parts), 1, sharex=True, sharey=True), parts, strict=True
        ):
            for style in styles:
                own = table[table["score"] == style.name]
                total = own["rank_ic_pct"].cumsum() / 100
                line = {"color": style.colour, "linestyle": style.dash, "linewidth": style.width}
                axes.plot(days_of(own), total, label=legend_name(style.name), **line)
            axes.axhline(0, color=theme("muted"), linewidth=0.8)
            axes.legend(loc="upper left", ncols=2 if len(styles) > 4 else 1, handlelength=2.4)
            date_axis(axes)
        figure.supylabel("sum of RankIC", fontsize=11, color=theme("muted"))

    return draw("cumulative-rank-ic", 40 + 230 * len(parts), paint)


def rank_ic_by_year(by_year: Table, styles: Sequence[ScoreStyle], horizon: str) -> str:
    """Mean RankIC of each calendar year with 95 % intervals, a small panel for each score.

    Args:
        by_year: table ``rank_ic_by_year``.
        styles: the scores.
        horizon: the one drawn.
    """
    part = by_year[by_year["horizon"] == horizon]
    years = sorted(set(part["year"]))
    columns = min(len(styles), 3)

    def paint(figure: Any) -> None:
        for axes, style in zip(
            panels(figure, len(styles), columns, sharex=True, sharey=True), styles, strict=True
        ):
            own = part[part["score"] == style.name]
            axes.bar(
                own["year"].map(years.index),
                own["mean_pct"],
                yerr=TWO_SIDED_95 * finite(own["se_plain_pct"]),
                color=style.colour,
                hatch=style.hatch,
                edgecolor=theme("paper"),
                linewidth=0,
                width=0.7,
                error_kw=ERROR_BARS,
            )
            axes.set_xticks(range(len(years)), [_year(year, len(years)) for year in years])
            axes.grid(visible=False, axis="x")
            axes.axhline(0, color=theme("muted"), linewidth=0.8)
            axes.set_title(short(style.name, 36 // columns))
        figure.supylabel("mean RankIC, %", fontsize=11, color=theme("muted"))

    return draw("rank-ic-by-year", 40 + 105 * -(-len(styles) // columns), paint)


def dataset_value_bars(value: Table, score: str, horizon: str) -> str:
    """Mean RankIC of a score on each subset of its data sets, with 95 % intervals.

    Args:
        value: table ``dataset_value``.
        score: the one drawn.
        horizon: the one drawn.
    """
    part = value[(value["score"] == score) & (value["horizon"] == horizon)]
    part = part.drop_duplicates("datasets")
    part = part.loc[part["datasets"].str.count(r"\+").sort_values(kind="stable").index]
    depth = part["datasets"].str.count(r"\+")

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        places = np.arange(len(part))[::-1]
        axes.barh(
            places,
            part["rank_ic_pct"],
            xerr=TWO_SIDED_95 * part["rank_ic_se_pct"],
            color=[theme("series-0" if count == depth.max() else "muted") for count in depth],
            height=0.66,
            error_kw=ERROR_BARS,
        )
        axes.set_yticks(places, [name.replace("+", " + ") for name in part["datasets"]])
        axes.tick_params(axis="y", length=0, labelcolor=theme("ink"))
        axes.grid(visible=False, axis="y")
        axes.axvline(0, color=theme("muted"), linewidth=0.8)

    return draw("dataset-value", 40 + 24 * len(part), paint)


def decay_lines(decay: Table, styles: Sequence[ScoreStyle]) -> str:
    """RankIC of the 10-day return that starts so many days after the signal, with 95 % bands.

    Args:
        decay: table ``decay``.
        styles: the scores.
    """
    return _lines("decay", decay, styles, ("lag", "rank_ic_pct", "rank_ic_se_pct"), "RankIC, %")


def autocorrelation_lines(table: Table, styles: Sequence[ScoreStyle]) -> str:
    """Correlation of a score with itself some days earlier.

    Args:
        table: ``autocorrelation``.
        styles: the scores.
    """
    names = ("days", "correlation_pct", None)
    return _lines("autocorrelation", table, styles, names, "correlation, %")


def _lines(
    name: str,
    table: Table,
    styles: Sequence[ScoreStyle],
    columns: tuple[str, str, str | None],
    label: str,
) -> str:
    x, y, error = columns
    shown = of_names(styles, list(table["score"]))

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for style in shown:
            own = table[table["score"] == style.name].sort_values(x)
            line = {"color": style.colour, "linestyle": style.dash, "linewidth": style.width}
            axes.plot(own[x], own[y], label=legend_name(style.name), **line)
            if error and len(shown) < 4:
                half = TWO_SIDED_95 * own[error]
                axes.fill_between(
                    own[x], own[y] - half, own[y] + half, color=style.colour, alpha=0.12
                )
        axes.axhline(0, color=theme("muted"), linewidth=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trading days")
        axes.set_ylabel(label)
        axes.margins(x=0.01)
        legend(figure, axes)

    return draw(name, 260 + legend_height(len(shown)), paint)


def _year(year: str, count: int) -> str:
    return str(year) if count < 4 else f"’{str(year)[-2:]}"
