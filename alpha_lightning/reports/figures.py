"""The figures of the report, each an SVG string made from the evaluation's tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import LogLocator, NullLocator

from alpha_lightning.reports.svg import SERIES, draw, theme

Table = Any
"""A pandas DataFrame written by the evaluation."""
_DASHES = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)))
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class ScoreStyle:
    """How a score is drawn in every figure.

    Args:
        name: of the score.
        colour: of its bars and lines.
        dash: of its lines, in matplotlib's notation.
    """

    name: str
    colour: str
    dash: Any


def score_styles(names: Sequence[str], baselines: Sequence[str]) -> tuple[ScoreStyle, ...]:
    """Colours for models, greys for baselines, in the order of ``names``.

    Example:
        >>> [style.dash for style in score_styles(["gru", "reversal"], ["reversal"])]
        ['-', (0, (4, 1.5))]
    """
    styles, models, plain = [], 0, 0
    for name in names:
        if name in baselines:
            styles.append(ScoreStyle(name, theme("muted"), _DASHES[1 + plain % 2]))
            plain += 1
        else:
            dash = _DASHES[models // SERIES % len(_DASHES)]
            styles.append(ScoreStyle(name, theme(f"series-{models % SERIES}"), dash))
            models += 1
    return tuple(styles)


def rank_ic_bars(summary: Table, styles: Sequence[ScoreStyle]) -> str:
    """Mean RankIC at the six horizons, a small panel each, with 95 % intervals.

    Args:
        summary: table ``rank_ic_summary``.
        styles: the scores, from top to bottom.
    """
    horizons = list(dict.fromkeys(summary["horizon"]))
    columns = 3
    rows = -(-len(horizons) // columns)

    def paint(figure: Any) -> None:
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        places = np.arange(len(styles))[::-1]
        for axes, horizon in zip(grid.flat, horizons, strict=False):
            part = summary[summary["horizon"] == horizon].set_index("score")
            part = part.loc[[style.name for style in styles]]
            axes.barh(
                places,
                part["mean_pct"],
                xerr=_TWO_SIDED_95 * part["se_newey_west_pct"],
                color=[style.colour for style in styles],
                height=0.66,
                error_kw={"ecolor": theme("ink"), "elinewidth": 0.9, "capsize": 0},
            )
            axes.set_yticks(places, [_short(style.name) for style in styles])
            axes.tick_params(axis="y", length=0, labelcolor=theme("ink"))
            axes.grid(visible=False, axis="y")
            axes.axvline(0, color=theme("muted"), linewidth=0.8)
            axes.set_title(_horizon_title(horizon))

    return draw("rank-ic", 60 + rows * (34 + 20 * len(styles)), paint)


def cumulative_rank_ic(by_date: Table, styles: Sequence[ScoreStyle], horizon: str) -> str:
    """Running sum of RankIC over the signal dates.

    Args:
        by_date: table ``rank_ic_by_date``.
        styles: the scores.
        horizon: the one drawn.
    """
    part = by_date[by_date["horizon"] == horizon]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for style in styles:
            own = part[part["score"] == style.name]
            total = own["rank_ic_pct"].cumsum() / 100
            axes.plot(_days(own), total, color=style.colour, linestyle=style.dash, label=style.name)
        axes.axhline(0, color=theme("muted"), linewidth=0.8)
        axes.set_ylabel("sum of RankIC")
        _date_axis(axes)
        _legend(figure, axes, styles)

    return draw("cumulative-rank-ic", 260 + _legend_height(styles), paint)


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
            xerr=_TWO_SIDED_95 * part["rank_ic_se_pct"],
            color=[theme("series-0" if count == depth.max() else "muted") for count in depth],
            height=0.66,
            error_kw={"ecolor": theme("ink"), "elinewidth": 0.9, "capsize": 0},
        )
        axes.set_yticks(places, [name.replace("+", " + ") for name in part["datasets"]])
        axes.tick_params(axis="y", length=0, labelcolor=theme("ink"))
        axes.grid(visible=False, axis="y")
        axes.axvline(0, color=theme("muted"), linewidth=0.8)

    return draw("dataset-value", 40 + 24 * len(part), paint)


def group_bars(groups: Table, styles: Sequence[ScoreStyle]) -> str:
    """Annualised hedged return of the groups, a small panel for each score.

    Args:
        groups: table ``fig08_groups``; its first period is drawn.
        styles: the scores.
    """
    part = groups[groups["since"] == groups["since"].iloc[0]].set_index("score")
    names = [name for name in part.columns if name.startswith("g") and name.endswith("_pct")]
    columns = min(2 if len(styles) < 5 else 3, len(styles))
    rows = -(-len(styles) // columns)

    def paint(figure: Any) -> None:
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        places = np.arange(1, len(names) + 1)
        for axes, style in zip(grid.flat, styles, strict=False):
            values = part.loc[style.name, names].to_numpy(dtype=float)
            colours = [theme("good" if value >= 0 else "bad") for value in values]
            axes.bar(places, values, color=colours, width=0.78)
            axes.axhline(0, color=theme("muted"), linewidth=0.8)
            axes.grid(visible=False, axis="x")
            axes.set_xticks([1, len(names) // 2, len(names)], ["top", "", "bottom"])
            axes.set_title(_short(style.name, 40 // columns))
        for axes in grid.flat[len(styles) :]:
            axes.set_visible(False)
        figure.supylabel("% a year", fontsize=11, color=theme("muted"))

    return draw("groups", 40 + 130 * rows, paint)


def group_values(nav: Table, styles: Sequence[ScoreStyle]) -> str:
    """Hedged value of the top group (upper lines) and the bottom group (lower lines), log scale.

    Args:
        nav: table ``group_nav``.
        styles: the scores.
    """
    last = [name for name in nav.columns if name.startswith("g")][-1]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for style in styles:
            own = nav[nav["score"] == style.name]
            weekly = own.iloc[::-5].iloc[::-1]
            for name in ("g01", last):
                label = style.name if name == "g01" else None
                line = {"color": style.colour, "linestyle": style.dash, "label": label}
                axes.plot(_days(weekly), weekly[name], **line)
        axes.axhline(1, color=theme("muted"), linewidth=0.8)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_ylabel("value of 1, log scale")
        _date_axis(axes)
        _legend(figure, axes, styles)

    return draw("group-values", 260 + _legend_height(styles), paint)


def rank_ic_by_year(by_year: Table, styles: Sequence[ScoreStyle], horizon: str) -> str:
    """Mean RankIC of each calendar year with 95 % intervals, scores side by side.

    Args:
        by_year: table ``rank_ic_by_year``.
        styles: the scores, from left to right.
        horizon: the one drawn.
    """
    part = by_year[by_year["horizon"] == horizon]
    years = sorted(set(part["year"]))

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        width = 0.8 / len(styles)
        for place, style in enumerate(styles):
            own = part[part["score"] == style.name]
            x = own["year"].map(years.index) + (place + 0.5) * width - 0.4
            axes.bar(
                x,
                own["mean_pct"],
                yerr=_TWO_SIDED_95 * own["se_plain_pct"],
                color=style.colour,
                width=0.86 * width,
                label=style.name,
                error_kw={"ecolor": theme("ink"), "elinewidth": 0.9, "capsize": 0},
            )
        axes.set_xticks(range(len(years)), [str(year) for year in years])
        axes.grid(visible=False, axis="x")
        axes.axhline(0, color=theme("muted"), linewidth=0.8)
        axes.set_ylabel("mean RankIC, %")
        _legend(figure, axes, styles)

    return draw("rank-ic-by-year", 240 + _legend_height(styles), paint)


def _days(part: Table) -> Any:
    return part["date"].to_numpy(dtype="datetime64[D]")


def _date_axis(axes: Any) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.margins(x=0.01)


def _legend(figure: Any, axes: Any, styles: Sequence[ScoreStyle]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    columns = min(len(styles), 4)
    labels = [_short(label, 18) for label in labels]
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, handlelength=1.8)


def _legend_height(styles: Sequence[ScoreStyle]) -> int:
    return 18 * -(-len(styles) // 4)


def _horizon_title(horizon: str) -> str:
    days, gap, _ = horizon.partition("g")
    return f"{days} days, gap" if gap else f"{days} days"


def _short(name: str, length: int = 14) -> str:
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"
