"""Tables of the risk model: factor returns, and forecasts against what came, as text."""

import math
from collections.abc import Sequence
from typing import Any

from alpha_lightning.reports.tables import number

Table = Any
"""A pandas DataFrame written by the portfolios."""
FACTOR_HEADER = ("factor", "% a year", "volatility, %", "t", "days")
BIAS_HEADER = (
    *("portfolio", "bias statistic", "draws, 5 to 95 %", "by chance"),
    *("ex ante, %", "ex post, %", "periods"),
)


def factor_rows(table: Table, kinds: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Annual return, volatility, t and days of the factors of some kinds.

    Args:
        table: ``risk_factor_returns``.
        kinds: ``style``, ``industry`` or ``market``.
    """
    columns = (("annual_return_pct", 2), ("volatility_pct", 2), ("t", 1), ("days", 0))
    return [
        (
            str(row["factor"]).replace("_", " "),
            [(number(float(row[name]), digits), "") for name, digits in columns],
        )
        for _, row in table[table["kind"].isin(kinds)].iterrows()
    ]


def bias_rows(table: Table) -> list[list[str]]:
    """Bias statistic, its spread among draws and by chance, both volatilities, periods.

    Args:
        table: ``risk_bias``.
    """
    rows = []
    for _, row in table.iterrows():
        told = [str(row["what"]).replace("_", " "), number(float(row["bias"]), 2)]
        told.append(_range(float(row["low"]), float(row["high"])))
        told.append(chance_text(float(row["periods"])))
        told += [number(float(row[name]), 1) for name in ("forecast_pct", "realised_pct")]
        rows.append([*told, number(float(row["periods"]), 0)])
    return rows


def chance_text(periods: float) -> str:
    """What the bias statistic of a perfect forecast stays within in 95 of 100 cases.

    Reference:
        1 ± √(2 / periods), the usual approximation for normal returns.

    Example:
        >>> chance_text(50), chance_text(1)
        ('0.80 to 1.20', '–')
    """
    if not periods > 1:
        return "–"
    half = math.sqrt(2 / periods)
    return _range(max(1 - half, 0.0), 1 + half)


def year_rows(table: Table | None) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """Ex-ante and ex-post volatility by portfolio and year.

    Args:
        table: ``risk_volatility``, or None.

    Returns:
        Years, and rows whose cells are ``ex ante / ex post``; both empty where there is no table.
    """
    if table is None:
        return [], []
    years = sorted({int(year) for year in table["year"]})
    rows = []
    for name in dict.fromkeys(table["what"]):
        own = {int(row["year"]): row for _, row in table[table["what"] == name].iterrows()}
        cells = [(_both(own[year]) if year in own else "–", "") for year in years]
        rows.append((str(name).replace("_", " "), cells))
    return [str(year) for year in years], rows


def _both(row: Any) -> str:
    ante, post = (number(float(row[name])) for name in ("forecast_pct", "realised_pct"))
    return "–" if ante == post == "–" else f"{ante} / {post}"


def _range(low: float, high: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return "–"
    return f"{number(low, 2)} to {number(high, 2)}"
