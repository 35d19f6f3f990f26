"""How good a risk model is: fit of its regressions, factor returns, forecasts against what came."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.bias import bias_statistic, of_period
from alpha_lightning.risk.factor_covariance import YEAR
from alpha_lightning.risk.factor_risk import FactorRisk, Floats
from alpha_lightning.risk.layout import FIT_COLUMNS
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.stock_days import StockDays

Columns = dict[str, NDArray[Any]]
"""A table: columns of one length by name."""
RANDOM = ("random long-only", "random active", "random long-short")
"""Portfolios that are drawn: weights that sum to 1, those less the market's, and of sum 0."""
MARKET_PORTFOLIO = "market portfolio"
"""All stocks by market value, alike where the panel has none."""
_LEAST_PERIODS = 2


def r_squared_by_date(model: RiskModel) -> Columns:
    """Weighted R2 of each day's regression: date, r_squared, adjusted_r_squared, stocks."""
    told = np.flatnonzero(np.isfinite(model.fits("r_squared")))
    return {"date": model.dates[told]} | {name: model.fits(name)[told] for name in FIT_COLUMNS}


def r_squared_by_month(model: RiskModel) -> Columns:
    """Means over the days of each month, dated by its last: columns as `r_squared_by_date`."""
    daily = r_squared_by_date(model)
    ends, place = _months(daily["date"])
    counts = np.maximum(np.bincount(place), 1)
    means = {name: np.bincount(place, daily[name]) / counts for name in FIT_COLUMNS}
    return {"date": daily["date"][ends], **means}


def factor_return_summary(model: RiskModel) -> Columns:
    """Of all days, a row a factor: factor, kind, days, annual_return, volatility, t.

    Annual return is 243 times the mean, t that of the mean; NaN where a factor never had a return.
    """
    returns = model.factor_returns
    days = np.isfinite(returns).sum(axis=0)
    total = np.nansum(returns, axis=0)
    mean = np.divide(total, days, out=np.full(len(days), np.nan), where=days > 0)
    squares = np.nansum((returns - np.nan_to_num(mean)) ** 2, axis=0)
    free = np.where(days > 1, days - 1, 1)
    deviation = np.where(days > 1, np.sqrt(squares / free), np.nan)
    error = deviation / np.sqrt(np.maximum(days, 1))
    return {
        "factor": np.array(model.factors),
        "kind": np.array(model.kinds),
        "days": days,
        "annual_return": mean * YEAR,
        "volatility": deviation * np.sqrt(YEAR),
        "t": np.divide(mean, error, out=np.full(len(days), np.nan), where=error > 0),
    }


def factor_returns_by_month(model: RiskModel) -> Columns:
    """Returns summed from the first day on, a row a factor and month: date, factor, cumulative."""
    ends, _ = _months(model.dates)
    sums = np.nancumsum(model.factor_returns, axis=0)[ends]
    return {
        "date": np.repeat(model.dates[ends], len(model.factors)),
        "factor": np.tile(np.array(model.factors), len(ends)),
        "cumulative": sums.ravel(),
    }


@dataclass(frozen=True)
class RiskChecks:
    """Forecasts, and what came, over periods that do not overlap.

    Args:
        what: ``(P,)`` portfolios; those of one name are draws of it.
        kinds: ``(P,)`` ``random``, ``portfolio``, ``market`` or ``style``.
        dates: ``(D,)`` of the forecasts.
        forecast: ``(D, P)`` volatility, a year's worth.
        returns: ``(D, H, P)`` of the days that follow, weights held as they were.
    """

    what: tuple[str, ...]
    kinds: tuple[str, ...]
    dates: NDArray[np.datetime64]
    forecast: Floats
    returns: Floats


def risk_checks(
    model: RiskModel,
    panel: Panel,
    *,
    horizon: int | None = None,
    portfolios: int = 100,
    seed: int = 0,
) -> RiskChecks:
    """Forecasts against what came: of random portfolios, the market and the model's own factors.

    Portfolios are of stocks that are covered and traded on the date; a stock without a price keeps
    its last one. A style's forecast is that of its pure factor.

    Args:
        model: the risk model.
        panel: what it was estimated on.
        horizon: days of a period; those of the model when None.
        portfolios: draws of each kind of `RANDOM`.
        seed: of the draws.

    Raises:
        ArtefactError: the panel is not the model's.
    """
    model.refuse_strangers(panel)
    days = int(model.meta["settings"]["horizon"]) if horizon is None else horizon
    stock_days = StockDays(panel)
    own = [k for k, kind in enumerate(model.kinds) if kind != "industry"]
    dates, forecasts, returns = [], [], []
    first = int(model.rows[0]) if len(model.rows) else len(model.dates)
    for row in range(first, len(model.dates) - days, days):
        risk = model.at(row)
        stocks = np.array([], dtype=np.intp)
        if risk is not None:
            stocks = np.flatnonzero(risk.covered & panel.traded[row])
        if risk is None or not len(stocks):
            continue
        weights = _drawn(stock_days.cap(row)[stocks], portfolios, (seed, row))
        factors = np.sqrt(np.diag(risk.covariance)[own])
        dates.append(model.dates[row])
        forecasts.append(np.concatenate([_volatilities(risk, stocks, weights), factors]))
        pure = np.nan_to_num(model.factor_returns[row + 1 : row + 1 + days][:, own])
        earned = _stock_returns(panel, row, days, stocks) @ weights.T
        returns.append(np.column_stack([earned, pure]))
    drawn = [name for name in RANDOM for _ in range(portfolios)]
    what = (*drawn, MARKET_PORTFOLIO, *(model.factors[k] for k in own))
    kinds = (*["random"] * len(drawn), "portfolio", *(model.kinds[k] for k in own))
    shape = (len(dates), len(what))
    return RiskChecks(
        what,
        kinds,
        np.array(dates, dtype="datetime64[D]"),
        np.reshape(forecasts, shape),
        np.reshape(returns, (len(dates), days, len(what))),
    )


def bias_table(checks: RiskChecks) -> Columns:
    """Bias statistics, a row a portfolio or kind of random one.

    The bias statistic is the standard deviation of returns over their forecast one: 1 for a good
    model, above 1 where risk is told too low. Of random portfolios it is the mean of the draws,
    and ``low`` and ``high`` leave out a twentieth of them at each end.

    Returns:
        what, kind, periods, bias, low, high, forecast (mean volatility a year), realised (of the
        returns of the periods, a year's worth); NaN with fewer than two periods.
    """
    periods, days = checks.returns.shape[:2]
    sums = checks.returns.sum(axis=1)
    table: dict[str, list[Any]] = {name: [] for name in _BIAS_COLUMNS}
    for name in dict.fromkeys(checks.what):
        own = np.flatnonzero([what == name for what in checks.what])
        told = [name, checks.kinds[own[0]], periods, *[np.nan] * 5]
        if periods >= _LEAST_PERIODS:
            forecast = checks.forecast[:, own]
            pairs = zip(sums[:, own].T, of_period(forecast, days).T, strict=True)
            bias = np.array([bias_statistic(*pair) for pair in pairs])
            ends = np.quantile(bias, [0.05, 0.95]) if len(own) > 1 else [np.nan, np.nan]
            realised = sums[:, own].std(axis=0, ddof=1).mean() * np.sqrt(YEAR / days)
            told[3:] = [bias.mean(), *ends, forecast.mean(), realised]
        for column, value in zip(table.values(), told, strict=True):
            column.append(value)
    return {name: np.array(values) for name, values in table.items()}


_BIAS_COLUMNS = ("what", "kind", "periods", "bias", "low", "high", "forecast", "realised")


def volatility_by_year(checks: RiskChecks) -> Columns:
    """Ex-ante beside ex-post volatility: what, year, days, forecast, realised.

    Forecast is the root of the mean variance told for the periods that begin in the year, realised
    the standard deviation of their days, both a year's worth; of random portfolios the mean.
    """
    years = checks.dates.astype("datetime64[Y]").astype(int) + 1970
    table: dict[str, list[Any]] = {
        name: [] for name in ("what", "year", "days", "forecast", "realised")
    }
    for name in dict.fromkeys(checks.what):
        own = np.flatnonzero([what == name for what in checks.what])
        for year in np.unique(years):
            rows = np.flatnonzero(years == year)
            daily = checks.returns[rows][:, :, own].reshape(-1, len(own))
            forecast = np.sqrt((checks.forecast[rows][:, own] ** 2).mean(axis=0)).mean()
            realised = daily.std(axis=0, ddof=1).mean() * np.sqrt(YEAR) if len(daily) > 1 else None
            for column, value in zip(
                table.values(),
                (name, int(year), len(daily), forecast, np.nan if realised is None else realised),
                strict=True,
            ):
                column.append(value)
    return {name: np.array(values) for name, values in table.items()}


def _months(dates: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    # The last place of each month, and the month's number at each place.
    months = dates.astype("datetime64[M]")
    ends = np.flatnonzero(np.append(months[1:] != months[:-1], True))[: len(months)]
    return ends, np.searchsorted(months[ends], months)


def _drawn(cap: Floats, portfolios: int, seed: tuple[int, int]) -> Floats:
    """Weights ``(P, n)``: those of `RANDOM` one kind after another, the market's last."""
    generator = np.random.default_rng(seed)
    stocks = len(cap)
    market = cap / cap.sum()
    held = min(stocks, max(10, stocks // 10))
    long = np.zeros((portfolios, stocks))
    for weights in long:
        own = generator.choice(stocks, held, replace=False)
        weights[own] = generator.exponential(size=held)
    long /= np.maximum(long.sum(axis=1, keepdims=True), 1e-300)
    # Half a unit long, half a unit short.
    short = generator.normal(size=(portfolios, stocks))
    short -= short.mean(axis=1, keepdims=True)
    short /= np.maximum(np.abs(short).sum(axis=1, keepdims=True), 1e-300)
    return np.concatenate([long, long - market, short, market[None]])


def _volatilities(risk: FactorRisk, stocks: NDArray[np.intp], weights: Floats) -> Floats:
    shared = weights @ risk.exposures[stocks] @ risk.root
    own = weights**2 @ risk.specific[stocks]
    return np.asarray(np.sqrt((shared**2).sum(axis=1) + own))


def _stock_returns(panel: Panel, row: int, days: int, stocks: NDArray[np.intp]) -> Floats:
    """Simple returns of the days after a row, ``(days, n)``."""
    rows = slice(row, row + days + 1)
    close = np.where(panel.traded[rows], panel.adjusted("close", rows), np.nan)[:, stocks]
    for day in range(1, len(close)):
        close[day] = np.where(np.isfinite(close[day]), close[day], close[day - 1])
    return np.asarray(close[1:] / close[:-1] - 1)
