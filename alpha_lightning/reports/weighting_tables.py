"""Tables of the weighting: models compared, the gap of stacking in sample, importance, claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.reports.tables import Cell, HeatCell, number, pair

Table = Any
"""A pandas DataFrame written by the evaluation."""
VERDICTS = {"holds": "✓", "does not hold": "✗", "undecided": "≈"}
NOT_MEASURED = "not measured"
_NOTHING = Cell("–")
_FACTORS_SHOWN = 20


@dataclass(frozen=True)
class Importance:
    """What a score rests on.

    Args:
        score: its name.
        datasets: columns.
        gain: share of the gain in per cent by unit and data set, with the unit's sum at the end.
        shap: the same of the mean absolute SHAP values.
        factors: the foremost factors: unit, data set, factor, and three numbers.
        months: refits that they are means of.
    """

    score: str
    datasets: list[str]
    gain: list[tuple[str, list[HeatCell]]]
    shap: list[tuple[str, list[HeatCell]]]
    factors: list[list[str]]
    months: str


def weighting_blocks(value: Table, horizon: str) -> list[tuple[str, list[tuple[str, list[Cell]]]]]:
    """RankIC, IC_IR and difference to LightGBM at a horizon, by score and kind of weighting.

    Args:
        value: table ``weighting_value``.
        horizon: the one shown.
    """
    part = value[value["horizon"] == horizon]
    blocks = []
    for score in dict.fromkeys(part["score"]):
        rows = [
            (
                str(row["weighting"]),
                [
                    pair(row, "rank_ic_pct", "rank_ic_se_pct", 2),
                    pair(row, "ic_ir", None, 2),
                    # The first is what the others are held against.
                    pair(row, "difference_pct", "difference_se_pct", 2) if place else _NOTHING,
                ],
            )
            for place, (_, row) in enumerate(part[part["score"] == score].iterrows())
        ]
        blocks.append((score, rows))
    return blocks


def gap_rows(gap: Table, horizon: str) -> list[tuple[str, list[Cell]]]:
    """What a fit promised, what it kept, and what stacking in sample did instead, by score.

    Args:
        gap: table ``stacking_gap``.
        horizon: the one shown.
    """
    columns = ("oos_lagged", "in_sample", "difference", "oos_promised", "in_sample_promised")
    errors = {"difference": "difference_se_pct"}
    return [
        (
            str(row["score"]),
            [pair(row, f"{name}_pct", errors.get(name), 2) for name in columns],
        )
        for _, row in gap[gap["horizon"] == horizon].iterrows()
    ]


def importances(table: Table, factors: Table | None, scores: Sequence[str]) -> list[Importance]:
    """Gain and SHAP values by unit and data set, a table for each score.

    Args:
        table: ``importance``.
        factors: ``importance_factors``, if it is there.
        scores: in the order of the page; others follow.
    """
    known = list(dict.fromkeys(table["score"]))
    order = [s for s in scores if s in known] + [s for s in known if s not in scores]
    found = []
    for score in order:
        own = table[table["score"] == score]
        datasets = list(dict.fromkeys(own["dataset"]))
        gain, shap = (_shares(own, datasets, name) for name in ("gain_pct", "shap_pct"))
        rows, months = _factors(factors, score)
        found.append(Importance(score, datasets, gain, shap, rows, months))
    return found


def claim_rows(claims: Table) -> list[tuple[str, str, str, Cell, str]]:
    """Claim, verdict, measure, value and unit of the claims that were measured."""
    rows = []
    for _, row in claims[claims["verdict"] != NOT_MEASURED].iterrows():
        verdict = str(row["verdict"])
        value = pair(row, "value", "se", 2)
        unit = "" if row["unit"] != row["unit"] else str(row["unit"])
        measure = "" if row["measure"] != row["measure"] else str(row["measure"])
        rows.append((str(row["claim"]), verdict, measure, value, unit))
    return rows


def unmeasured_claims(claims: Table) -> list[str]:
    """Claims that this study could not check."""
    return [str(claim) for claim in claims["claim"][claims["verdict"] == NOT_MEASURED]]


def _shares(own: Table, datasets: Sequence[str], name: str) -> list[tuple[str, list[HeatCell]]]:
    sums = own.groupby(["unit", "dataset"])[name].sum()
    # Shares of the whole, whatever the column was scaled to.
    total = float(sums.sum()) or 1.0
    rows = []
    for unit in dict.fromkeys(own["unit"]):
        values = [100 * float(sums.get((unit, dataset), 0.0)) / total for dataset in datasets]
        values = values if len(values) == 1 else [*values, sum(values)]
        cells = [HeatCell(number(value), round(min(value / 100, 1.0), 3)) for value in values]
        rows.append((str(unit), cells))
    return rows


def _factors(factors: Table | None, score: str) -> tuple[list[list[str]], str]:
    if factors is None or not len(own := factors[factors["score"] == score]):
        return [], ""
    best = own.sort_values("gain_pct", ascending=False, kind="stable").head(_FACTORS_SHOWN)
    rows = [
        [
            *(str(row[name]) for name in ("unit", "dataset", "factor")),
            number(float(row["gain_pct"]), 2),
            number(float(row["shap"]), 4),
        ]
        for _, row in best.iterrows()
    ]
    return rows, f"{float(own['months'].max()):g}"
