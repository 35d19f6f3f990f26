"""Tables of index-enhanced portfolios: the paper's figures, a row each, what gave way when."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.backtest.enhanced_points import PAPER, PAPER_LIMITS, EnhancedPoint
from alpha_lightning.backtest.grid_points import delta_name
from alpha_lightning.backtest.ledger import Floats, Index
from alpha_lightning.backtest.paper_tables import paper_table
from alpha_lightning.backtest.results import Results
from alpha_lightning.backtest.summary import annualised_volatility
from alpha_lightning.portfolio.program import RELAXED_FIRST

Table = Any
"""A pandas DataFrame."""
Facts = Mapping[str, Any]
TRAILING = 60
"""Days of the tracking error that is told beside each forecast."""
KEPT = "solved"
_FRONT_PAGE = re.compile(r"hedged_(annual|volatility|max_drawdown|\d{4})_pct")


@dataclass(frozen=True)
class Enhanced:
    """A portfolio that was run.

    Args:
        point: which.
        results: what it came to.
        decided: ``(S,)`` panel rows of its signals.
        facts: of each decision, as the policy told them; a signal without a trade has its reason.
        rows: ``(D,)`` panel rows from the first trade on.
        relative: ``(D,)`` daily relative returns.
    """

    point: EnhancedPoint
    results: Results
    decided: Index
    facts: Sequence[Facts]
    rows: Index
    relative: Floats

    @property
    def statuses(self) -> list[str]:
        """``solved``, ``relaxed``, ``failed`` or ``held`` (nothing was asked) by signal."""
        return [str(fact.get("status", "held")) for fact in self.facts]

    def series(self, name: str) -> Floats:
        """A number of each decision, ``(S,)``; NaN where it has none."""
        found = [fact.get(name) for fact in self.facts]
        return np.array([np.nan if value is None else value for value in found], dtype=np.float64)

    def mean(self, name: str) -> float:
        """Mean of a number over the decisions that have it; NaN where none has."""
        known = self.series(name)
        known = known[np.isfinite(known)]
        return float(known.mean()) if len(known) else float("nan")


def figure_table(portfolios: Mapping[float, Enhanced]) -> Table:
    """Portfolios that differ in their turnover limit, in the layout of figures 18 to 21.

    Args:
        portfolios: by delta, of one index, floor and score.

    Returns:
        A row a delta: ``delta``, ``avgto`` (a share), ``hedged_annual_pct``,
        ``hedged_<year>_pct`` and ``absolute_<year>_pct`` (not annualised), volatility and greatest
        drawdown of both, ``absolute_annual_pct``, the hedged ones by year; a year outside a
        portfolio's time is NaN.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), figures 18 to 21.
    """
    every = [own.results for own in portfolios.values()]
    years = sorted({year for own in every for year in own.absolute.years})
    return pd.DataFrame(
        [
            {
                "delta": delta_name(delta),
                "avgto": own.results.avgto,
                "hedged_annual_pct": 100 * own.results.relative.annual_return,
                **_by_year(own.results, "relative", "hedged", years),
                **_by_year(own.results, "absolute", "absolute", years),
                **_by_year(own.results, "relative", "hedged_volatility", years, "volatility"),
                **_by_year(own.results, "relative", "hedged_max_drawdown", years, "max_drawdown"),
                "hedged_volatility_pct": 100 * own.results.relative.volatility,
                "hedged_max_drawdown_pct": 100 * own.results.relative.max_drawdown,
                "absolute_annual_pct": 100 * own.results.absolute.annual_return,
                "absolute_volatility_pct": 100 * own.results.absolute.volatility,
                "absolute_max_drawdown_pct": 100 * own.results.absolute.max_drawdown,
            }
            for delta, own in portfolios.items()
        ]
    )


def _by_year(
    results: Results, side: str, name: str, years: Sequence[int], what: str = "total_return"
) -> dict[str, float]:
    known = getattr(results, side).years
    return {
        f"{name}_{year}_pct": 100 * getattr(known[year], what) if year in known else np.nan
        for year in years
    }


def paper_figure(index: str, floor: float, limit: float, ours: Table) -> Table | None:
    """The paper's rows of the turnover limits in a table of ours, with what we solved for.

    Args:
        index: of the panel.
        floor: least weight of constituents.
        limit: of tracking error.
        ours: by `figure_table`.

    Returns:
        None where the paper has no such portfolio: another index, floor, limit or deltas.
    """
    if (index, floor) not in PAPER or limit != PAPER_LIMITS[index]:
        return None
    theirs = paper_table(PAPER[index, floor])
    shown = ours[["delta"]].merge(theirs, on="delta", how="inner")
    return shown if len(shown) else None


def summary_table(portfolios: Iterable[Enhanced]) -> Table:
    """One row a portfolio; shares of dates and names as they are, all else in per cent."""
    return pd.DataFrame([{**own.point.columns, **_measures(own)} for own in portfolios])


def _measures(own: Enhanced) -> dict[str, Any]:
    results, told = own.results, own.statuses
    measures: dict[str, Any] = {"avgto": results.avgto}
    for side in ("absolute", "relative"):
        found = getattr(results, side)
        measures[f"{side}_annual_pct"] = 100 * found.annual_return
        measures[f"{side}_volatility_pct"] = 100 * found.volatility
        measures[f"{side}_max_drawdown_pct"] = 100 * found.max_drawdown
    trading = results.trading
    return measures | {
        "information_ratio": results.information_ratio,
        "cost_pct_a_year": 100 * results.cost_a_year,
        "gross_relative_annual_pct": 100 * results.gross_relative_annual_return,
        "te_limit_pct": 100 * own.point.tracking_error,
        "ex_ante_te_pct": 100 * own.mean("ex_ante_te"),
        "ex_post_te_pct": 100 * results.relative.volatility,
        "mean_names": results.mean_names,
        "cash_pct": 100 * results.cash_share,
        "constituents_pct": 100 * own.mean("constituents"),
        "signals": len(told),
        "relaxed_dates": told.count("relaxed"),
        "failed_dates": told.count("failed"),
        "held_signals": len(trading.held),
        "covered_benchmark_pct": 100 * own.mean("covered_benchmark"),
        "blocked_buys": sum(trading.blocked_buys.values()),
        "blocked_sells": sum(trading.blocked_sells.values()),
        "largest_violation": _largest(own.series("violation")),
        "largest_residual": results.residual,
    }


def relaxation_table(portfolios: Iterable[Enhanced], dates: NDArray[Any]) -> Table:
    """Every signal on which a limit gave way, no answer was found, or none was asked for.

    Args:
        portfolios: that were run.
        dates: ``(T,)`` of the panel.

    Returns:
        ``score``, ``index``, ``floor``, ``delta``, ``date``, ``status``, ``reason`` and
        ``slack_<limit>`` (in the limit's own unit, 0 where it was kept); no row when every limit
        was kept on all dates.
    """
    slacks = [f"slack_{limit}" for limit in RELAXED_FIRST]
    rows = [
        {
            **own.point.columns,
            "date": str(dates[row]),
            "status": status,
            "reason": str(fact.get("reason", "")),
            **{name: fact.get(name, 0.0) if status == "relaxed" else np.nan for name in slacks},
        }
        for own in portfolios
        for row, status, fact in zip(own.decided, own.statuses, own.facts, strict=True)
        if status != KEPT
    ]
    columns = ["score", "index", "floor", "delta", "date", "status", "reason", *slacks]
    return pd.DataFrame(rows, columns=columns)


def tracking_error_table(portfolios: Iterable[Enhanced], dates: NDArray[Any], year: int) -> Table:
    """Forecast and trailing tracking error by signal date, in per cent a year.

    Args:
        portfolios: that were run.
        dates: ``(T,)`` of the panel.
        year: trading days of a year.

    Returns:
        ``ex_ante_te_pct`` of the decision, and ``ex_post_te_pct`` of the `TRAILING` days up to its
        date; NaN before there are so many.
    """
    rows = []
    for own in portfolios:
        forecast = 100 * own.series("ex_ante_te")
        ends = np.searchsorted(own.rows, own.decided, side="right")
        for row, ante, end in zip(own.decided, forecast, ends, strict=True):
            past = own.relative[max(int(end) - TRAILING, 0) : int(end)]
            post = annualised_volatility(past, year) if len(past) == TRAILING else np.nan
            told = {"ex_ante_te_pct": ante, "ex_post_te_pct": 100 * float(post)}
            rows.append({**own.point.columns, "date": str(dates[row]), **told})
    return pd.DataFrame(rows)


def exposure_table(portfolios: Iterable[Enhanced], dates: NDArray[Any]) -> Table:
    """Exposures of portfolio and benchmark by signal date and factor."""
    rows: list[dict[str, Any]] = []
    for own in portfolios:
        for row, fact in zip(own.decided, own.facts, strict=True):
            held, index = fact.get("exposure"), fact.get("benchmark_exposure")
            if not held or not index:
                continue
            place = {**own.point.columns, "date": str(dates[row])}
            rows += [
                {**place, "factor": name, "portfolio": value, "benchmark": index[name]}
                for name, value in held.items()
            ]
    columns = ["score", "index", "floor", "delta", "date", "factor", "portfolio", "benchmark"]
    return pd.DataFrame(rows, columns=columns)


def front_page_table(portfolios: Iterable[Enhanced], *, paper: bool) -> Table:
    """Hedged returns by year at the shown turnover limit, ours and, if asked for, the paper's.

    Returns:
        ``source`` (``measured`` or ``paper``), ``score`` (empty in the paper's rows), ``index``,
        ``floor``, ``delta``, ``hedged_annual_pct``, ``hedged_<year>_pct``,
        ``hedged_volatility_pct``, ``hedged_max_drawdown_pct``, ``information_ratio`` (the paper's
        is its annual return over its volatility) and ``solved``, the paper's cells that its source
        lacks. The paper stands beside its own limits of tracking error only.
    """
    shown = list(portfolios)
    years = sorted({year for own in shown for year in own.results.relative.years})
    rows: list[dict[str, Any]] = []
    for own in shown:
        relative = own.results.relative
        rows.append(
            {
                "source": "measured",
                **own.point.columns,
                "hedged_annual_pct": 100 * relative.annual_return,
                **_by_year(own.results, "relative", "hedged", years),
                "hedged_volatility_pct": 100 * relative.volatility,
                "hedged_max_drawdown_pct": 100 * relative.max_drawdown,
                "information_ratio": own.results.information_ratio,
            }
        )
    asked = dict.fromkeys(replace(own.point, score="") for own in shown)
    for point in asked if paper else ():
        rows += _front_page_of_paper(point)
    first = ["source", "score", "index", "floor", "delta", "hedged_annual_pct"]
    last = ["hedged_volatility_pct", "hedged_max_drawdown_pct", "information_ratio", "solved"]
    between = sorted({name for row in rows for name in row} - {*first, *last})
    return pd.DataFrame(rows, columns=[*first, *between, *last])


def _front_page_of_paper(point: EnhancedPoint) -> list[dict[str, Any]]:
    key = point.index, point.floor
    if key not in PAPER or point.tracking_error != PAPER_LIMITS[point.index]:
        return []
    theirs = paper_table(PAPER[key])
    own = theirs[theirs["delta"] == delta_name(point.delta)]
    kept = [name for name in theirs.columns if _FRONT_PAGE.fullmatch(name)]
    return [
        {
            "source": "paper",
            **point.columns,
            **{name: row[name] for name in kept},
            "information_ratio": row["hedged_annual_pct"] / row["hedged_volatility_pct"],
            "solved": " ".join(n for n in str(row["solved"]).split() if n.startswith("hedged")),
        }
        for _, row in own.iterrows()
    ]


def _largest(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")
