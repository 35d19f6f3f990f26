"""Which limits of the index-enhanced portfolios gave way, when and by how much, as text."""

import math
from collections import Counter
from typing import Any

from alpha_lightning.reports.enhanced_folder import EnhancedFolder
from alpha_lightning.reports.tables import number

Table = Any
"""A pandas DataFrame written by the portfolios."""
SLACK = "slack_"
LIMITS = {
    "turnover": ("turnover", 100.0, " %"),
    "tracking_error": ("tracking error", 100.0, " %"),
    "style": ("style exposure", 1.0, " s.d."),
    "industry": ("industry weight", 100.0, " %"),
    "floor": ("constituents' weight", 100.0, " %"),
    "active": ("active weight", 100.0, " %"),
}
"""Name in words, factor and unit of each limit."""
HEADER = ("date", "portfolio", "δ", "status", "which limit gave way, by how much")
GAVE_WAY = ("relaxed", "failed")
_LISTED = 200


def relaxations(folder: EnhancedFolder) -> Table | None:
    """Dates on which a limit gave way or nothing was traded; None where nobody counted."""
    table = folder.tables.get("relaxations")
    return None if table is None else table[table["status"] != "solved"]


def kept_text(folder: EnhancedFolder) -> str:
    """On how many dates every limit was kept, in a sentence; empty where nobody counted."""
    table = relaxations(folder)
    if table is None:
        return ""
    dates = _programs(folder)
    if not len(table):
        return f"Every limit was kept on all {dates}."
    told = Counter(table["status"])
    gave = Counter(limit for _, row in table.iterrows() for limit in _slacks(row))
    parts = []
    if told["relaxed"]:
        which = ", ".join(f"{LIMITS[n][0] if n in LIMITS else n} {c:,}" for n, c in gave.items())
        parts.append(f"a limit gave way on {told['relaxed']:,}" + (which and f" ({which})"))
    if told["failed"]:
        parts.append(f"no solution was found on {told['failed']:,}, holdings kept")
    rest = table[~table["status"].isin(GAVE_WAY)]
    if len(rest):
        reasons = Counter(rest["reason"].dropna().astype(str))
        which = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
        parts.append(
            f"none was asked for on {len(rest):,}" + (which and f" ({which})") + ", holdings kept"
        )
    return f"Of {dates}: {'; '.join(parts)}."


def count_rows(folder: EnhancedFolder) -> tuple[list[str], list[tuple[str, list[tuple[str, str]]]]]:
    """Dates with a limit that gave way and dates without a solution, by portfolio and delta.

    Returns:
        Names of the columns, and rows; a cell is ``relaxed`` or ``relaxed + failed``.
    """
    summary = folder.summary
    if "relaxed_dates" not in summary:
        return [], []
    deltas = sorted(set(summary["delta"].astype(float)))
    rows = []
    for figure in folder.figures:
        own = {float(row["delta"]): row for _, row in figure.rows_of(summary).iterrows()}
        cells = [(_counted(own.get(delta)), "") for delta in deltas]
        rows.append((folder.name(figure), cells))
    return [f"δ {number(delta, 2)}" for delta in deltas], rows


def violation_text(folder: EnhancedFolder) -> str:
    """How far the weights are beyond their limits by our own arithmetic; empty where unknown."""
    if "largest_violation" not in folder.summary:
        return ""
    worst = float(folder.summary["largest_violation"].max())
    if not math.isfinite(worst):
        return ""
    return (
        "Recomputed from the weights, no limit, widened where it gave way, is exceeded by more"
        f" than {worst:.0e}."
    )


def relaxation_rows(folder: EnhancedFolder) -> tuple[list[list[str]], int]:
    """Date, portfolio, delta, status and slacks of each date on which not all limits were kept.

    Returns:
        The first rows, and how many there are in all.
    """
    table = relaxations(folder)
    if table is None:
        return [], 0
    # Dates on which nothing was asked, before the risk model begins, are counted in a sentence.
    table = table[table["status"].isin(GAVE_WAY)]
    names = {figure.key: folder.name(figure) for figure in folder.figures}
    ordered = table.sort_values(["date"], kind="stable")
    rows = [
        [
            str(row["date"]),
            names.get(_key(row), f"{row['index']} of {row['score']}"),
            number(float(row["delta"]), 2),
            str(row["status"]),
            slack_text(row),
        ]
        for _, row in ordered.head(_LISTED).iterrows()
    ]
    return rows, len(table)


def slack_text(row: Any) -> str:
    """What gave way on a date; the reason where nothing was solved.

    Args:
        row: of ``relaxations``.

    Example:
        >>> slack_text({"slack_turnover": 0.113, "slack_style": float("nan")})
        'turnover +11.30 %'
    """
    told = []
    for limit, value in _slacks(row).items():
        name, factor, unit = LIMITS.get(limit, (limit, 1.0, ""))
        told.append(f"{name} +{number(factor * value, 2)}{unit}")
    reason = row.get("reason")
    if told:
        return ", ".join(told)
    return reason if isinstance(reason, str) else "–"


def _slacks(row: Any) -> dict[str, float]:
    found = {}
    for name in row.keys():  # noqa: SIM118 - the keys of a pandas row are its index
        if str(name).startswith(SLACK):
            value = float(row[name])
            if math.isfinite(value) and value > 0:
                found[str(name).removeprefix(SLACK)] = value
    return found


def _key(row: Any) -> tuple[str, str, float]:
    floor = float(row["floor"])
    return str(row["score"]), str(row["index"]), floor if math.isfinite(floor) else 0.0


def _programs(folder: EnhancedFolder) -> str:
    if "signals" not in folder.summary:
        return "signal dates"
    count, portfolios = int(folder.summary["signals"].sum()), len(folder.summary)
    return f"{count:,} signal dates of {portfolios:,} portfolio{'s' if portfolios > 1 else ''}"


def _counted(row: Any) -> str:
    if row is None or not math.isfinite(float(row["relaxed_dates"])):
        return "–"
    failed = float(row.get("failed_dates", 0.0))
    more = f" + {failed:.0f}" if math.isfinite(failed) and failed > 0 else ""
    return f"{float(row['relaxed_dates']):.0f}{more}"
