"""What averaging gives: the identity of the ensemble against what was measured."""

from collections.abc import Sequence
from typing import Any

from alpha_lightning.reports.styles import (
    TWO_SIDED_95,
    ScoreStyle,
    finite,
    of_names,
    panels,
    short,
)
from alpha_lightning.reports.svg import draw, theme
from alpha_lightning.reports.tables import Cell, pair

Table = Any
"""A pandas DataFrame written by the evaluation."""
_ERROR = "difference_se_pct"


def runs_at(ensemble: Table, horizon: str) -> Table:
    """Rows of means over 1..M runs at a horizon; empty where there are none."""
    return ensemble[(ensemble["what"] == "runs") & (ensemble["horizon"] == horizon)]


def ensemble_lines(runs: Table, styles: Sequence[ScoreStyle]) -> str:
    """Measured and predicted RankIC of the mean of M runs, a small panel for each score.

    Args:
        runs: rows of table ``ensemble`` at one horizon, of means over runs.
        styles: of the scores.
    """
    shown = of_names(styles, list(runs["score"]))
    columns = min(3, len(shown))

    def paint(figure: Any) -> None:
        grid = panels(figure, len(shown), columns, sharex=True, sharey=True)
        for axes, style in zip(grid, shown, strict=True):
            own = runs[runs["score"] == style.name].sort_values("count")
            axes.plot(own["count"], own["predicted_pct"], color=theme("ink"), label="identity")
            axes.errorbar(
                own["count"],
                own["measured_pct"],
                yerr=TWO_SIDED_95 * finite(own["measured_se_pct"]),
                fmt="o",
                markersize=4,
                color=style.colour,
                ecolor=style.colour,
                elinewidth=0.9,
                label="measured",
            )
            axes.set_title(short(style.name, 36 // columns))
            counts = sorted(set(own["count"]))
            axes.set_xticks(counts if len(counts) < 6 else counts[:: -(-len(counts) // 5)])
            axes.margins(x=0.15)
        figure.supxlabel("runs averaged", fontsize=11, color=theme("muted"))
        figure.supylabel("RankIC, %", fontsize=11, color=theme("muted"))

    return draw("ensemble-runs", 60 + 130 * -(-len(shown) // columns), paint)


def ensemble_rows(ensemble: Table, what: str, horizon: str) -> list[tuple[str, list[Cell]]]:
    """Members, single IC, correlation, predicted, measured and difference, by score.

    Args:
        ensemble: table ``ensemble``.
        what: ``runs``: the mean of all runs; ``models``: the mean of models.
        horizon: the one shown.
    """
    part = ensemble[(ensemble["what"] == what) & (ensemble["horizon"] == horizon)]
    # Of a model only the mean of all its runs, which is the score that is shown everywhere.
    part = part.sort_values("count", kind="stable").drop_duplicates("score", keep="last")
    order = list(dict.fromkeys(ensemble["score"]))
    part = part.loc[part["score"].map(order.index).sort_values(kind="stable").index]
    return [
        (
            str(row["score"]),
            [
                Cell(f"{int(row['count'])}"),
                pair(row, "single_pct", None, 2),
                pair(row, "correlation_pct", None, 1),
                pair(row, "predicted_pct", None, 2),
                pair(row, "measured_pct", "measured_se_pct", 2),
                pair(row, "difference_pct", _ERROR if _ERROR in row else None, 2),
            ],
        )
        for _, row in part.iterrows()
    ]


def optimal_rows(weights: Table) -> list[tuple[str, list[tuple[str, list[Cell]]]]]:
    """Weight and IC of each member by integration; its title holds the two predictions.

    Args:
        weights: table ``optimal_weights``.
    """
    blocks = []
    for group in dict.fromkeys(weights["score"]):
        part = weights[weights["score"] == group]
        first = part.iloc[0]
        equal = pair(first, "predicted_equal_pct", None, 2).value
        best = pair(first, "predicted_optimal_pct", None, 2).value
        rows = [
            (str(row["member"]), [pair(row, "weight", None, 3), pair(row, "ic_pct", None, 2)])
            for _, row in part.iterrows()
        ]
        blocks.append((f"{group}: predicted {equal} at equal weights, {best} at these", rows))
    return blocks
