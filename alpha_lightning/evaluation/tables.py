"""Results as tables: a column whose name ends in ``_pct`` is in per cent, all others are plain."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.backtest.summary import (
    YEAR,
    annualised_return,
    annualised_volatility,
    benchmark_from_hedged,
    by_year,
    hedged_from_absolute,
    max_drawdown,
    total_return,
    yearly_cost,
)
from alpha_lightning.evaluation.groups import GroupReturns
from alpha_lightning.evaluation.rank_ic import RankIC
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.standard_errors import newey_west_error, plain_error

RankICs = Mapping[str, Sequence[RankIC]]
Groups = Mapping[str, GroupReturns]
Table = Any
"""A pandas DataFrame."""


def rank_ic_table(results: RankICs) -> Table:
    """Mean RankIC by horizon with Newey-West errors, a row for each score."""
    rows = []
    for score, horizons in results.items():
        means = {f"rank_ic_{ic.horizon}_pct": 100 * ic.mean for ic in horizons}
        errors = {f"rank_ic_{ic.horizon}_se_pct": 100 * ic.errors["newey_west"] for ic in horizons}
        rows.append({"score": score, **means, **errors})
    return pd.DataFrame(rows)


def ic_ir_table(results: RankICs) -> Table:
    """Mean / std of RankIC by horizon, not annualised, with bootstrap errors."""
    rows = []
    for score, horizons in results.items():
        ratios = {f"ic_ir_{ic.horizon}": ic.ic_ir for ic in horizons}
        errors = {f"ic_ir_{ic.horizon}_se": ic.errors["ic_ir"] for ic in horizons}
        rows.append({"score": score, **ratios, **errors})
    return pd.DataFrame(rows)


def rank_ic_summary_table(results: RankICs) -> Table:
    """Everything known of each RankIC series: counts, lags and the three standard errors."""
    rows = [
        {
            "score": score,
            "horizon": str(ic.horizon),
            "days": ic.horizon.days,
            "gap": ic.horizon.gap,
            "mean_pct": 100 * ic.mean,
            "std_pct": 100 * ic.std,
            "ic_ir": ic.ic_ir,
            "se_plain_pct": 100 * ic.errors["plain"],
            "se_newey_west_pct": 100 * ic.errors["newey_west"],
            "se_bootstrap_pct": 100 * ic.errors["bootstrap"],
            "ic_ir_se": ic.errors["ic_ir"],
            "dates": ic.dates,
            "skipped": ic.skipped,
            "return_unknown": ic.unknown,
            "newey_west_lag": ic.lag,
            "bootstrap_block": ic.block,
        }
        for score, horizons in results.items()
        for ic in horizons
    ]
    return pd.DataFrame(rows)


def rank_ic_by_date_table(results: RankICs, sample: Sample) -> Table:
    """RankIC of each signal date that counts, in date order."""
    rows = [
        {"date": date, "score": score, "horizon": str(ic.horizon), "rank_ic_pct": 100 * value}
        for score, horizons in results.items()
        for ic in horizons
        for date, value in zip(sample.dates.astype(str), ic.series, strict=True)
        if np.isfinite(value)
    ]
    return pd.DataFrame(rows).sort_values("date", kind="stable")


def rank_ic_by_year_table(results: RankICs, sample: Sample) -> Table:
    """Mean and IC_IR of RankIC within each calendar year that has at least two dates."""
    rows = []
    for score, horizons in results.items():
        for ic in horizons:
            for year, series in by_year(sample.dates, ic.series).items():
                seen = series[np.isfinite(series)]
                if len(seen) > 1:
                    mean, std = float(seen.mean()), float(seen.std(ddof=1))
                    row = {"score": score, "horizon": str(ic.horizon), "year": year}
                    row |= {"mean_pct": 100 * mean, "se_plain_pct": 100 * plain_error(seen)}
                    row["se_newey_west_pct"] = 100 * newey_west_error(series, ic.lag)
                    row |= {"ic_ir": mean / std if std else np.nan, "dates": len(seen)}
                    rows.append(row)
    return pd.DataFrame(rows)


def groups_table(results: Groups, since: Mapping[str, int]) -> Table:
    """Annualised hedged return of each group and the top group's turnover.

    Args:
        results: by score.
        since: panel row of each first date, by its text.
    """
    rows = []
    for date, row in since.items():
        for score, groups in results.items():
            returns = {
                f"g{place:02d}_pct": 100 * value
                for place, value in enumerate(groups.annualised(row), 1)
            }
            turnover = float(groups.mean_turnover(row)[0])
            rows.append({"score": score, "since": date, "turnover": turnover, **returns})
    return pd.DataFrame(rows)


def top_group_table(results: Groups, sample: Sample) -> Table:
    """Hedged top group by calendar year and in all; a year's figures are not annualised.

    The drawdown of a year starts on its first day, that of ``all`` does not restart. The group's
    and the benchmark's own returns stand beside, with the hedged return that follows from them
    (``linked_pct``) and the benchmark that follows from the other two (``implied_benchmark_pct``):
    what the simulation says must agree with both. ``cost_pct`` is what trading would have cost.
    """
    rows = []
    for score, groups in results.items():
        books = np.stack([groups.hedged[:, 0], groups.returns[:, 0], groups.benchmark], axis=1)
        traded = by_year(sample.panel.dates[groups.turnover_rows], groups.turnover[:, 0])
        years: dict[Any, Any] = by_year(sample.panel.dates[groups.rows], books)
        for year, returns in {**years, "all": books}.items():
            turnover = groups.turnover[:, 0] if year == "all" else traded.get(year, np.empty(0))
            row = {"score": score, "year": year}
            rows.append(row | _top_group(returns, turnover, annual=year == "all"))
    return pd.DataFrame(rows)


def _top_group(returns: NDArray[Any], turnover: NDArray[Any], *, annual: bool) -> dict[str, Any]:
    days = len(returns)
    years = days / YEAR if annual else 1.0
    hedged, absolute, benchmark = (annualised_return if annual else total_return)(returns)
    volatility = annualised_volatility(returns)
    # Variances of as much time as the returns are of.
    error, own, market = volatility * np.sqrt(1 if annual else days / YEAR)
    others = own, market, error
    mean = turnover.mean() if len(turnover) else 0.0
    return {
        "return_pct": 100 * hedged,
        "volatility_pct": 100 * volatility[0],
        "max_drawdown_pct": 100 * max_drawdown(returns[:, 0]),
        "absolute_pct": 100 * absolute,
        "benchmark_pct": 100 * benchmark,
        "linked_pct": 100 * hedged_from_absolute(absolute, benchmark, *others),
        "implied_benchmark_pct": 100 * benchmark_from_hedged(absolute, hedged, *others),
        "cost_pct": 100 * yearly_cost(mean, len(turnover) / years),
        "days": days,
    }


def group_nav_table(results: Groups, sample: Sample) -> Table:
    """Value of each hedged group and of the benchmark after each day; 1 before the first."""
    parts = []
    for score, groups in results.items():
        value = groups.hedged_value()
        names = [f"g{place:02d}" for place in range(1, value.shape[1] + 1)]
        part = pd.DataFrame(value, columns=names)
        part.insert(0, "date", sample.panel.dates[groups.rows].astype(str))
        part.insert(1, "score", score)
        part["benchmark"] = np.cumprod(1 + groups.benchmark)
        parts.append(part)
    return pd.concat(parts).sort_values("date", kind="stable")


def coverage_table(sample: Sample) -> Table:
    """How much of the universe each score has, and how much of it is compared."""
    size = sample.members.sum(axis=1)
    rows = []
    for score, mask in zip(sample.scores, sample.masks, strict=True):
        own = (np.isfinite(score.values) & sample.members).sum(axis=1)
        rows.append(
            {
                "score": score.name,
                "first_signal": sample.dates[0].astype(str),
                "last_signal": sample.dates[-1].astype(str),
                "signals": len(size),
                "universe_stocks": size.mean(),
                "scored_stocks": own.mean(),
                "compared_stocks": mask.sum(axis=1).mean(),
                "scored_pct": 100 * own.sum() / max(size.sum(), 1),
                "compared_pct": 100 * mask.sum() / max(size.sum(), 1),
            }
        )
    return pd.DataFrame(rows)
