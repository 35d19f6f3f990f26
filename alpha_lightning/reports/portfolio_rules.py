"""How the portfolios of a study trade, pay and are judged, in sentences."""

from collections.abc import Mapping
from typing import Any

from alpha_lightning.backtest.settings import (
    BenchmarkSettings,
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.reports.portfolio_figures import capital_text
from alpha_lightning.reports.portfolio_folder import PortfolioFolder

_TRADED_AT = {"vwap": "the VWAP", "open": "the open", "close": "the close", "twap": "the TWAP"}
_LIMITS = {
    "locked": "a stock that is locked at its price limit all day",
    "open": "a stock that opens at its price limit",
    "close": "a stock that closes at its price limit",
}
_REWEIGHT = {
    "always": "equal weights are restored",
    "never": "weights drift, only what is exchanged is traded",
    "band": "weights that left their band around 1/N are set back",
}

_MUCH_CASH = 5.0


def is_universe(settings: Mapping[str, Any]) -> bool:
    """Whether the benchmark is the universe in equal weights."""
    return BenchmarkSettings(**(settings.get("benchmark") or {})).index == "universe"


def benchmark_name(folder: PortfolioFolder) -> str:
    """Name of the benchmark, in words."""
    told = folder.about.get("benchmark")
    name = told.get("name") if isinstance(told, Mapping) else told
    if is_universe(folder.settings) and name in (None, "", "universe"):
        return "equal-weighted universe"
    return str(name or BenchmarkSettings(**folder.settings["benchmark"]).index)


def relative_words(settings: Mapping[str, Any]) -> str:
    """A day's relative return, in words."""
    if Conventions(**(settings.get("conventions") or {})).relative == "ratio":
        return "(1 + portfolio return) / (1 + benchmark return) − 1"
    return "portfolio return − benchmark return"


def capacity_words(table: Any, shown: str = "") -> str:
    """How trades are held back and move prices along the capacity curve.

    Args:
        table: ``capacity_curve``.
        shown: what is the same all along, in words.
    """
    row = table.iloc[-1]
    cap, impact = (float(row[name]) for name in ("participation", "impact"))
    told = [f"at most {100 * cap:g} % of a stock's volume of the day is traded"] if cap > 0 else []
    if impact > 0:
        times = "" if impact == 1 else f"{impact:g} × "
        told.append(f"trading costs {times}daily volatility × √(value / mean daily amount) on top")
    words = f"Relative return by capital{shown}" + "".join(f"; {text}" for text in told)
    words = f"{words}. What finds no volume stays cash or stays held"
    most = float(table["cash_pct"].max()) if "cash_pct" in table else 0.0
    if most < _MUCH_CASH:
        return f"{words}."
    return f"{words}: cash is up to {most:.0f} % of the value, on average over the days."


def delay_words(table: Any, shown: str = "") -> str:
    """What is varied along the delay curve, and on how many signals nothing was traded.

    Args:
        table: ``delay_curve``.
        shown: what is the same all along, in words.
    """
    words = f"Relative return when a signal is traded so many trading days later{shown}."
    if "held_signals" not in table or not table["held_signals"].max():
        return words
    most = table.groupby("delay")["held_signals"].max()
    told = ", ".join(f"{count} with {delay}" for delay, count in most.items() if count)
    return (
        f"{words} Signals without a trade: {told}; one that falls before the trade of the one"
        " before is passed over."
    )


def turnover_words(settings: Mapping[str, Any]) -> str:
    """What the mean turnover is the mean of.

    Args:
        settings: of the grid.

    Example:
        >>> turnover_words({}), turnover_words({"signals": {"every": 2}})
        ('weekly one-way turnover', 'one-way turnover of a trade day')
    """
    signals = SignalSettings(**(settings.get("signals") or {}))
    if signals.every > 1:
        return "one-way turnover of a trade day"
    return f"{signals.frequency} one-way turnover"


def ratio_words(settings: Mapping[str, Any]) -> str:
    """What the information ratio is, in words."""
    rule = Conventions(**(settings.get("conventions") or {}))
    if rule.information_ratio == "annualised":
        return "relative return / its volatility"
    return f"{rule.year} × mean daily relative return / its volatility"


def year_words(settings: Mapping[str, Any], falls: bool = True) -> str:
    """What a calendar year's return and fall are, in words.

    Args:
        settings: of the grid.
        falls: whether falls by year are shown.

    Example:
        >>> year_words({}, falls=False)
        "A calendar year's return is not annualised."
    """
    rule = Conventions(**(settings.get("conventions") or {}))
    annual = "is annualised" if rule.annualise_years else "is not annualised"
    if not falls:
        return f"A calendar year's return {annual}."
    begin = "1 January" if rule.yearly_drawdown == "restarts" else "the highest value ever"
    return f"A calendar year's return {annual} and its fall is measured from {begin}."


def cost_words(costs: CostSettings) -> str:
    """Cost rates in words.

    Example:
        >>> cost_words(CostSettings())
        '0.1 % for buying, 0.2 % for selling'
    """
    told = [f"{100 * costs.buy:g} % for buying", f"{100 * costs.sell:g} % for selling"]
    if costs.stamp_duty:
        told.append("stamp duty")
    if costs.minimum:
        told.append(f"{costs.minimum:g} at least")
    if costs.impact:
        told.append(f"impact {costs.impact:g}")
    return ", ".join(told)


def rules(settings: Mapping[str, Any], traded_at: str | None = None) -> list[str]:
    """How the portfolios trade and are judged, as sentences.

    Args:
        settings: of the grid, in their JSON form; what is lacking is as by default.
        traded_at: the price that trades were done at, where the wanted one was not to be had.
    """
    signals = SignalSettings(**(settings.get("signals") or {}))
    reweight = (settings.get("replacement") or {}).get("reweight", "always")
    every = "" if signals.every == 1 else f", one signal in {signals.every}"
    return [
        "The N stocks with the highest scores, in equal weights. Signals at the close"
        f" ({signals.frequency}{every}) exchange at most a share δ of the N names, worst for best;"
        f" then {_REWEIGHT.get(reweight, reweight)}.",
        *trading_rules(settings, traded_at, "gives its place to the next best"),
    ]


def trading_rules(settings: Mapping[str, Any], traded_at: str | None, blocked: str) -> list[str]:
    """When trades are done, at what price and cost, and what is not traded, as sentences.

    Args:
        settings: of a grid, in their JSON form; what is lacking is as by default.
        traded_at: the price that trades were done at, where the wanted one was not to be had.
        blocked: what becomes of a purchase that cannot be done.
    """
    execution = ExecutionSettings(**(settings.get("execution") or {}))
    costs = CostSettings(**(settings.get("costs") or {}))
    days = (
        "the next trading day" if execution.delay == 1 else f"{execution.delay} trading days later"
    )
    return [
        f"Traded {days} at {_TRADED_AT[traded_at or execution.price]}; cost: {cost_words(costs)}.",
        f"Suspended stocks are not traded{_limit(execution)}; what cannot be sold stays, what"
        f" cannot be bought {blocked}.",
        *_constraints(execution),
    ]


def _limit(execution: ExecutionSettings) -> str:
    if execution.limit == "off":
        return ", price limits are ignored"
    return f", {_LIMITS[execution.limit]} is not bought at the upper nor sold at the lower one"


def _constraints(execution: ExecutionSettings) -> list[str]:
    told = [f"Capital {capital_text(execution.capital)}"]
    told.append(f"lots of {execution.lot}" if execution.lot else "fractions of shares are allowed")
    if execution.participation:
        told.append(f"at most {100 * execution.participation:g} % of a day's volume")
    if execution.dividend_tax:
        told.append(f"dividends taxed at {100 * execution.dividend_tax:g} %")
    if execution.delist_value < 1:
        told.append(
            f"a delisted share is worth {100 * execution.delist_value:g} % of its last price"
        )
    return [", ".join(told) + "."]
