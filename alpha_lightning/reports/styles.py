"""How a score is drawn, the same in every figure, and what figures of several scores share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from alpha_lightning.reports.svg import SERIES, theme

_SOLID, _DASHED, _DOTTED = "-", (0, (4, 1.5)), (0, (1.5, 1.2))
_DASHES = (_SOLID, _DASHED, _DOTTED)
TWO_SIDED_95 = 1.96
ERROR_BARS = {"ecolor": theme("ink"), "elinewidth": 0.9, "capsize": 0}


@dataclass(frozen=True)
class ScoreStyle:
    """How a score is drawn in every figure.

    Args:
        name: of the score.
        colour: of its bars and lines.
        dash: of its lines, in matplotlib's notation.
        width: of its lines.
        hatch: of its bars.
    """

    name: str
    colour: str
    dash: Any = _SOLID
    width: float = 1.5
    hatch: str = ""


def score_styles(
    names: Sequence[str], baselines: Sequence[str], integrations: Sequence[str] = ()
) -> tuple[ScoreStyle, ...]:
    """Colours for models, thick lines and hatched bars for integrations, greys for baselines.

    Integrations of a group share a colour, which no model of eight at most has; v0 is dashed.

    Args:
        names: of the scores, in the order of the styles.
        baselines: which of them are yardsticks.
        integrations: which of them are made of several models.

    Example:
        >>> [style.dash for style in score_styles(["gru", "reversal"], ["reversal"])]
        ['-', (0, (4, 1.5))]
    """
    groups = list(dict.fromkeys(_group(name) for name in names if name in integrations))
    styles, models, plain = [], 0, 0
    for name in names:
        if name in baselines:
            styles.append(ScoreStyle(name, theme("muted"), _DASHES[1 + plain % 2]))
            plain += 1
        elif name in integrations:
            colour = theme(f"series-{SERIES - 1 - groups.index(_group(name)) % SERIES}")
            dash = _DASHED if name.endswith("v0") else _DOTTED if name.endswith("opt") else _SOLID
            styles.append(ScoreStyle(name, colour, dash, 2.2, _hatch(name)))
        else:
            dash = _DASHES[models // SERIES % len(_DASHES)]
            styles.append(ScoreStyle(name, theme(f"series-{models % SERIES}"), dash))
            models += 1
    return tuple(styles)


def of_names(styles: Sequence[ScoreStyle], names: Sequence[str]) -> tuple[ScoreStyle, ...]:
    """Styles of some scores, in the order of ``styles``."""
    return tuple(style for style in styles if style.name in set(names))


def panels(figure: Any, count: int, columns: int, **shared: Any) -> list[Any]:
    """Axes of small panels, row by row; those of the grid that are not needed are hidden."""
    rows = -(-count // columns)
    grid = list(figure.subplots(rows, columns, squeeze=False, **shared).flat)
    for place, axes in enumerate(grid[count:], count):
        # The lowest panel of each column carries the labels that its column shares.
        above = grid[place - columns] if place >= columns else None
        if above is not None and shared.get("sharex"):
            above.tick_params(labelbottom=True)
        axes.set_visible(False)
    return grid[:count]


def days_of(part: Any) -> Any:
    """Column ``date`` of a table as days."""
    return part["date"].to_numpy(dtype="datetime64[D]")


def date_axis(axes: Any) -> None:
    """A few dates below the axes."""
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.margins(x=0.01)


def legend(figure: Any, axes: Any, columns: int = 4) -> None:
    """Names of the lines below the figure."""
    handles, labels = axes.get_legend_handles_labels()
    ncols = min(len(labels), columns)
    figure.legend(handles, labels, loc="outside lower left", ncols=ncols, handlelength=2.4)


def legend_height(count: int, columns: int = 4) -> int:
    """Room in CSS pixels for the names of so many lines."""
    return 18 * -(-count // columns)


def short(name: str, length: int = 14) -> str:
    """A name cut to a length."""
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


def legend_name(name: str) -> str:
    """A score's name in a legend: cut, and never one that matplotlib takes for hidden."""
    text = short(name, 18)
    return f" {text}" if text.startswith("_") else text


def horizon_title(horizon: str) -> str:
    """A horizon in words.

    Example:
        >>> horizon_title("10g"), horizon_title("5")
        ('10 days, gap', '5 days')
    """
    days, gap, _ = horizon.partition("g")
    return f"{days} days, gap" if gap else f"{days} days"


def finite(values: Any) -> Any:
    """Numbers with those that are not known as 0, for lengths of error bars."""
    return np.nan_to_num(np.asarray(values, dtype=float), posinf=0.0, neginf=0.0)


def _group(name: str) -> str:
    for ending in ("v0", "v1", "opt"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _hatch(name: str) -> str:
    return "////" if name.endswith("v0") else "...." if name.endswith("opt") else ""
