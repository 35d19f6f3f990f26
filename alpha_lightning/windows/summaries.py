"""Hand-made summaries of the 30-day window: the features a network on raw bars has to beat."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from alpha_lightning.characteristics.rawbar import carry_forward
from alpha_lightning.panel.store import Panel

WINDOW = 30
_BLOCK = 1 << 13
Array = NDArray[Any]


@dataclass(frozen=True)
class WindowBars:
    """Adjusted daily bars of windows, each ``(..., L)`` with the last day last.

    A suspended day is a flat bar at the last price with volume 0; a day before the listing is NaN.
    """

    open: Array
    high: Array
    low: Array
    close: Array
    vwap: Array
    volume: Array


@dataclass(frozen=True)
class Summaries:
    """Features of every date and stock.

    Args:
        values: ``(T, N, S)`` float32; NaN where a feature reaches back before the first trade, and
            on the first 29 dates.
        names: ``S`` names.
    """

    values: Array
    names: tuple[str, ...]


def window_summaries(panel: Panel) -> Summaries:
    """Summaries of the 30 days that end at each date, from adjusted daily bars.

    Row t uses the days t-29 .. t and nothing later.
    """
    bars = _carried_bars(panel)
    n_dates, n_assets = len(panel.dates), len(panel.symbols)
    names = tuple(summarise(WindowBars(*[np.ones(WINDOW)] * len(bars))))
    values = np.full((n_dates, n_assets, len(names)), np.nan, dtype=np.float32)
    step = max(1, _BLOCK // max(n_assets, 1))
    for first in range(WINDOW - 1, n_dates, step):
        stop = min(first + step, n_dates)
        days = slice(first - WINDOW + 1, stop)
        block = WindowBars(*(sliding_window_view(field[days], WINDOW, axis=0) for field in bars))
        for k, feature in enumerate(summarise(block).values()):
            values[first:stop, :, k] = feature
    return Summaries(values, names)


def summarise(bars: WindowBars) -> dict[str, Array]:
    """Every summary of windows, by name.

    Args:
        bars: windows ``(..., L)`` with ``L >= 30``.

    Returns:
        ``(...)`` arrays; NaN where a day that the summary needs is NaN, or where it is 0 / 0.

    Example:
        >>> flat = np.ones((1, 30))
        >>> summarise(WindowBars(flat, flat, flat, 1.01 ** np.arange(30)[None], flat, flat))[
        ...     "return_5"
        ... ].round(4)
        array([0.051])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        returns = bars.close[..., 1:] / bars.close[..., :-1] - 1
        return _momentum(bars.close, returns) | _shape_of_days(bars) | _volume(bars, returns)


def _momentum(close: Array, returns: Array) -> dict[str, Array]:
    last = close[..., -1]
    features = {f"return_{k}": last / close[..., -1 - k] - 1 for k in (1, 3, 5, 10, 20, 29)}
    features |= {f"volatility_{k}": returns[..., -k:].std(-1) for k in (5, 10, 20, 29)}
    features["max_return"] = returns.max(-1)
    features["min_return"] = returns.min(-1)
    centred = returns - returns.mean(-1, keepdims=True)
    squared = centred * centred
    features["skewness"] = (squared * centred).mean(-1) / squared.mean(-1) ** 1.5
    return features


def _shape_of_days(bars: WindowBars) -> dict[str, Array]:
    spread = (bars.high - bars.low) / bars.close
    place = (bars.close - bars.low) / (bars.high - bars.low)
    # A day without a range says nothing about where in it the close lies.
    place = np.where(bars.high == bars.low, 0.5, place)
    to_vwap = bars.close / bars.vwap - 1
    overnight = bars.open[..., 1:] / bars.close[..., :-1] - 1
    features = {}
    for k in (1, 5, 29):
        features[f"range_{k}"] = spread[..., -k:].mean(-1)
        features[f"close_in_range_{k}"] = place[..., -k:].mean(-1)
        features[f"close_to_vwap_{k}"] = to_vwap[..., -k:].mean(-1)
        features[f"overnight_{k}"] = overnight[..., -k:].mean(-1)
    for k in (10, 30):
        features[f"below_high_{k}"] = bars.close[..., -1] / bars.high[..., -k:].max(-1) - 1
        features[f"above_low_{k}"] = bars.close[..., -1] / bars.low[..., -k:].min(-1) - 1
    return features


def _volume(bars: WindowBars, returns: Array) -> dict[str, Array]:
    volume = bars.volume / bars.volume[..., -WINDOW:].mean(-1, keepdims=True)
    features = {f"volume_{k}": volume[..., -k:].mean(-1) for k in (1, 5, 10)}
    features["volume_variation"] = volume[..., -WINDOW:].std(-1)
    later = volume[..., 1:]
    features["volume_return_correlation"] = _correlation(later, returns)
    features["volume_move_correlation"] = _correlation(later, np.abs(returns))
    for k in (5, 29):
        features[f"return_on_volume_{k}"] = (later * returns)[..., -k:].mean(-1)
    return features


def _correlation(x: Array, y: Array) -> Array:
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    result: Array = (x * y).mean(-1) / np.sqrt((x**2).mean(-1) * (y**2).mean(-1))
    return result


def _carried_bars(panel: Panel) -> tuple[Array, ...]:
    close = carry_forward(panel.adjusted("close"))
    open_, high, low = (_or_close(panel.adjusted(name), close) for name in ("open", "high", "low"))
    vwap = _or_close(panel.adjusted("vwap"), close) if panel.has("vwap") else close
    # A split multiplies the shares traded by what it divides the price by.
    shares = panel.market("volume") / panel.market("adj_factor")
    volume = np.where(np.isnan(close), np.nan, np.nan_to_num(shares))
    return open_, high, low, close, vwap, volume


def _or_close(price: Array, close: Array) -> Array:
    return np.where(np.isnan(price), close, price)
