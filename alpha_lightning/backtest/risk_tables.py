"""What the report tells of a risk model: fit, factor returns, and forecasts against what came."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.backtest.enhanced_tables import Enhanced
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk import diagnostics
from alpha_lightning.risk.bias import bias_statistic
from alpha_lightning.risk.model import RiskModel

Table = Any
"""A pandas DataFrame."""
_PER_CENT = (
    *("r_squared", "adjusted_r_squared", "annual_return", "volatility", "cumulative"),
    *("forecast", "realised"),
)


def risk_tables(
    model: RiskModel, panel: Panel, portfolios: Sequence[Enhanced], *, delay: int, year: int
) -> dict[str, Table]:
    """Tables of a risk model and of what it said of portfolios, by name.

    Args:
        model: the risk model.
        panel: what it was estimated on.
        portfolios: that were held within its limits.
        delay: trading days from a signal to its trade.
        year: trading days of a year.

    Returns:
        ``risk_r_squared`` and ``risk_factor_paths`` (returns summed) by month,
        ``risk_factor_returns`` by factor, ``risk_bias`` by portfolio and ``risk_volatility`` by
        portfolio and year. What ends in ``_pct`` is in per cent, a year's worth but for sums.
    """
    checks = diagnostics.risk_checks(model, panel)
    names = _names(portfolios)
    told = [periods_of(own, delay=delay, year=year, end=int(own.rows[-1])) for own in portfolios]
    bias = [_bias(name, own, year) for name, own in zip(names, told, strict=True)]
    by_year = [
        row
        for name, own in zip(names, portfolios, strict=True)
        for row in _by_year(name, own, panel.dates, year)
    ]
    return {
        "risk_r_squared": _table(diagnostics.r_squared_by_month(model)),
        "risk_factor_returns": _table(diagnostics.factor_return_summary(model)),
        "risk_factor_paths": _table(diagnostics.factor_returns_by_month(model)),
        "risk_bias": _joined(_table(diagnostics.bias_table(checks)), bias),
        "risk_volatility": _joined(_table(diagnostics.volatility_by_year(checks)), by_year),
    }


def periods_of(own: Enhanced, *, delay: int, year: int, end: int) -> dict[str, NDArray[Any]]:
    """Relative returns between trades, and what was forecast of them.

    A period begins on the day after a trade and ends with the next: on that day the old holdings
    are held until they are traded.

    Args:
        own: the portfolio.
        delay: trading days from a signal to its trade.
        year: trading days of a year.
        end: last panel row.

    Returns:
        ``days``, ``realised`` (sum of daily relative returns) and ``forecast`` (volatility of the
        period) of each period of a day or more.
    """
    forecast = own.series("ex_ante_te")
    made = np.isfinite(forecast) & (own.decided + delay < end)
    begins = own.decided[made] + delay + 1
    ends = np.r_[begins[1:], end + 1]
    first = int(own.rows[0])
    sums = np.r_[0.0, np.cumsum(own.relative)]
    days = ends - begins
    return {
        "days": days,
        "realised": sums[ends - first] - sums[begins - first],
        "forecast": forecast[made] * np.sqrt(days / year),
    }


def _names(portfolios: Sequence[Enhanced]) -> list[str]:
    several = len({own.point.score for own in portfolios}) > 1
    return [
        f"{own.point.words} relative" + f" by {own.point.score}" * several for own in portfolios
    ]


def _bias(name: str, periods: Mapping[str, NDArray[Any]], year: int) -> dict[str, Any]:
    days = np.maximum(periods["days"], 1)
    known = len(days) > 1
    scale = np.sqrt(year / days)
    return {
        "what": name,
        "kind": "enhanced",
        "periods": len(days),
        "bias": bias_statistic(periods["realised"], periods["forecast"]),
        "forecast_pct": 100 * float((periods["forecast"] * scale).mean()) if known else np.nan,
        "realised_pct": 100 * float((periods["realised"] * scale).std(ddof=1)) if known else np.nan,
    }


def _by_year(name: str, own: Enhanced, dates: NDArray[Any], year: int) -> list[dict[str, Any]]:
    forecast = own.series("ex_ante_te")
    told, came = (_years(dates[rows]) for rows in (own.decided, own.rows))
    made = []
    for one in np.unique(came):
        known = forecast[(told == one) & np.isfinite(forecast)]
        daily = own.relative[came == one]
        ante = np.sqrt((known**2).mean()) if len(known) else np.nan
        post = daily.std(ddof=1) * np.sqrt(year) if len(daily) > 1 else np.nan
        pair = {"forecast_pct": 100 * float(ante), "realised_pct": 100 * float(post)}
        made.append({"what": name, "year": int(one), "days": len(daily), **pair})
    return made


def _years(dates: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(dates.astype("datetime64[Y]").astype(np.int64) + 1970)


def _table(columns: Mapping[str, NDArray[Any]]) -> Table:
    made = {}
    for name, values in columns.items():
        if name == "date":
            made[name] = values.astype("datetime64[D]").astype(str)
        elif name in _PER_CENT:
            made[f"{name}_pct"] = 100 * values
        else:
            made[name] = values
    return pd.DataFrame(made)


def _joined(table: Table, rows: Sequence[Mapping[str, Any]]) -> Table:
    # A column that the rows lack is empty; what they have and the table has not is left out.
    more = [{name: row.get(name, np.nan) for name in table.columns} for row in rows]
    whole = [*table.to_dict("records"), *more]
    return pd.DataFrame(whole, columns=list(table.columns))
