"""The day's market: its return, its turnover, and what small and cheap stocks earn beyond it."""

import numpy as np

from alpha_lightning.risk.factor_risk import Floats
from alpha_lightning.risk.stock_days import StockDays

SERIES = ("market", "smb", "hml", "log_turnover")
TAIL = 0.3
"""Share of the stocks at either end of a sort, as Fama and French have it."""


def market_day(days: StockDays, row: int) -> Floats:
    """Numbers of a day ``(4,)``, by `SERIES`; NaN where one cannot be told.

    The market's return is weighted by the market value of the day before; ``smb`` is the weighted
    return of the smallest `TAIL` of the stocks less that of the largest, ``hml`` of those of the
    highest book value per market value less those of the lowest, sorted on the day before. The
    market's turnover is the sum of money traded over the sum of floats.
    """
    made = np.full(len(SERIES), np.nan)
    if days.float_field is not None:
        money, shares = days.traded_value(row), days.float_cap(row)
        both = np.isfinite(money) & np.isfinite(shares)
        if both.any():
            made[3] = np.log(money[both].sum() / shares[both].sum())
    if row == 0:
        return made
    earned, cap = days.simple_return(row), days.cap(row - 1)
    both = np.isfinite(earned) & np.isfinite(cap)
    if not both.any():
        return made
    made[0] = (cap[both] * earned[both]).sum() / cap[both].sum()
    if days.cap_field is not None:
        made[1] = -_spread(cap[both], cap[both], earned[both])
        if "book_equity" in days.published:
            cheap = days.number("book_equity", row - 1) / cap
            both &= np.isfinite(cheap)
            made[2] = _spread(cheap[both], cap[both], earned[both])
    return made


def _spread(key: Floats, cap: Floats, earned: Floats) -> float:
    tail = int(TAIL * len(key))
    if not tail:
        return float("nan")
    order = np.argsort(key, kind="stable")
    low, high = order[:tail], order[-tail:]
    above = (cap[high] * earned[high]).sum() / cap[high].sum()
    return float(above - (cap[low] * earned[low]).sum() / cap[low].sum())
