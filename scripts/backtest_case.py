"""The made-up market of bench_backtest.py, as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.signal_dates import signal_rows

Matrix = NDArray[Any]
BARS = ("open", "high", "low", "close", "vwap")


def make_market(days: int, stocks: int, seed: int = 0, gaps: bool = True) -> dict[str, Matrix]:
    """Raw bars, flags, limits and weekly scores; without gaps everything always trades.

    Suspensions of a week in the mean, locked limits, a sixth of the stocks listed late, splits of
    1.3 and dividends of 2 %, scores that last for weeks.
    """
    draw = np.random.default_rng(seed)
    shape = (days, stocks)
    moves = np.clip(0.012 * draw.standard_t(3, shape), -0.1, 0.1)
    adjusted = 10 * np.exp(np.cumsum(np.log1p(moves), axis=0))
    factor = np.where(draw.random(shape) < 0.004, draw.choice([1.02, 1.3], shape), 1.0)
    close = adjusted / factor.cumprod(axis=0)
    locked = (np.abs(moves) >= 0.1) & gaps
    found = {"close": close}
    for name in ("open", "vwap"):
        found[name] = close * np.where(locked, 1, np.exp(0.004 * draw.standard_normal(shape)))
    found["high"] = np.maximum.reduce([found[n] for n in ("open", "close", "vwap")])
    found["low"] = np.minimum.reduce([found[n] for n in ("open", "close", "vwap")])
    before = adjusted / (1 + moves) / factor.cumprod(axis=0)
    found |= {"limit_up": before * 1.1, "limit_down": before * 0.9}
    listed = np.arange(days)[:, None] >= np.where(
        draw.random(stocks) < 0.15, draw.integers(0, days // 2 + 1, stocks), 0
    )
    idle = draw.random(shape) < 0.002
    for _ in range(5):
        idle[1:] |= idle[:-1] & (draw.random((days - 1, stocks)) < 0.8)
    traded = (listed & ~idle) | (not gaps)
    for name in BARS:
        found[name][~traded] = np.nan
    found["volume"] = np.where(traded, 1e6, 0.0)
    found |= {"adj_factor": factor.cumprod(axis=0), "traded": traded, "listed": listed | (not gaps)}
    dates = np.arange("2015-01-01", "2045-01-01", dtype="datetime64[D]")
    found["dates"] = dates[np.is_busday(dates)][:days]
    found["signals"] = signal_rows(found["dates"])
    found["scores"] = draw.standard_normal((len(found["signals"]), stocks)).astype(np.float32)
    # Scores that last for weeks, so that the holdings do.
    for k in range(1, len(found["scores"])):
        found["scores"][k] = 0.9 * found["scores"][k - 1] + 0.44 * found["scores"][k]
    return found
