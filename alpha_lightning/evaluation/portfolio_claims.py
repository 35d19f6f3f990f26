"""The paper's claims about portfolios, held against the daily results of a study's portfolios."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.backtest.enhanced_points import file_name
from alpha_lightning.backtest.grid_points import delta_name
from alpha_lightning.backtest.summary import YEAR
from alpha_lightning.evaluation.claims import (
    MEANINGFUL,
    OF_PORTFOLIOS,
    Evidence,
    Rule,
    Verdict,
    is_above,
    is_not_below,
)
from alpha_lightning.evaluation.standard_errors import newey_west_error

Series = NDArray[np.float64]
Table = Any
"""A pandas DataFrame."""
_WEEK = 5
"""Lags of the errors, in trading days: holdings change once a week."""
_CSI300, _CSI500 = "000300", "000905"
_RETURN, _RATIO = "points of annual return", "of information ratio"
_FLOOR = 0.8
_FEWEST = 20
"""Days below which nothing is said."""
Finding = tuple[Evidence, Rule]


@dataclass(frozen=True)
class Portfolios:
    """Daily relative returns of a study's portfolios that the claims are about.

    Args:
        folder: of the first score's results.
        shown: turnover limit whose portfolios are compared.
        deltas: all of them, ascending.
    """

    folder: Path
    shown: float
    deltas: tuple[float, ...]

    def daily(self, name: str, delta: float | None = None) -> Series | None:
        """Of a portfolio, in its dates' order; None where the study has no such one."""
        made = delta_name(self.shown if delta is None else delta)
        file = self.folder / f"{name}_d{made}" / "nav.parquet"
        if not file.exists():
            return None
        try:
            table = pd.read_parquet(file, columns=["relative_return"])
        except (OSError, ValueError) as error:
            msg = f"{file} is damaged ({error}): run the study again"
            raise ArtefactError(msg) from error
        return np.asarray(table["relative_return"].to_numpy(dtype=float))


def with_portfolios(claims: Table, portfolios: Path | None, enhanced: Path | None) -> Table:
    """The table of claims with those about portfolios, as far as they have been run.

    Returns are compared day by day, a year's worth, with Newey-West errors; the error of a
    difference of information ratios is Memmel's; a difference of drawdowns has none, and its
    verdict is its sign.

    Args:
        claims: by `claims_table`, where they stand as not measured.
        portfolios: folder of TOP-N portfolios, if there is one.
        enhanced: folder of index-enhanced portfolios, likewise.

    Raises:
        ArtefactError: a result is damaged.

    Reference:
        C. Memmel, "Performance Hypothesis Testing with the Sharpe Ratio", Finance Letters 1 (2003).
    """
    sizes = _opened(portfolios, "delta")
    indices = _opened(enhanced, "deltas")
    measured_of = (_sizes(sizes), _turnover(indices), _floors(indices))
    found = dict(zip(OF_PORTFOLIOS, measured_of, strict=True))
    rows: list[dict[str, Any]] = []
    for row in claims.to_dict("records"):
        measured = found.get(str(row["claim"]))
        rows += [_row(str(row["claim"]), *one) for one in measured] if measured else [row]
    return pd.DataFrame(rows, columns=list(claims.columns))


def _row(claim: str, one: Evidence, rule: Rule) -> dict[str, Any]:
    told = {"measure": one.measure, "value": one.value, "se": one.error, "unit": one.unit}
    return {"claim": claim, **told, "verdict": rule(one)}


def _opened(folder: Path | None, deltas: str) -> Portfolios | None:
    if folder is None:
        return None
    file = folder / f"{folder.name}.json"
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        settings = about["settings"]
        return Portfolios(
            folder / about["figures"][0]["score"],
            float(settings["shown"]),
            tuple(sorted(float(delta) for delta in settings[deltas])),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        msg = f"{file} is damaged ({error!r}): run the study again"
        raise ArtefactError(msg) from error


def _sizes(own: Portfolios | None) -> list[Finding]:
    if own is None:
        return []
    less, more = own.daily("top100"), own.daily("top300")
    if less is None or more is None or min(len(less), len(more)) < _FEWEST:
        return []
    about = f"at delta {own.shown:g}, relative to the benchmark"
    falls = 100 * (_fall(more) - _fall(less))
    drawdown = Evidence(
        f"deepest fall of TOP-300 less that of TOP-100 {about} (above 0: it falls less)",
        falls,
        math.nan,
        unit="points of drawdown",
    )
    return [
        (_returns(f"return of TOP-100 less TOP-300 {about}", less, more), is_above),
        (drawdown, _by_sign),
    ]


def _turnover(own: Portfolios | None) -> list[Finding]:
    if own is None or len(own.deltas) < 2:
        return []
    low, high = own.deltas[0], own.deltas[-1]
    return [
        (_returns(f"hedged return of {words} at delta {low:g} less {high:g}", *pair), is_not_below)
        for words, name in (
            ("CSI300 free", file_name(_CSI300, 0)),
            ("CSI300 80 %", file_name(_CSI300, _FLOOR)),
        )
        for pair in _both(own.daily(name, low), own.daily(name, high))
    ]


def _floors(own: Portfolios | None) -> list[Finding]:
    if own is None:
        return []

    def pairs(index: str) -> Iterator[tuple[Series, Series]]:
        return _both(own.daily(file_name(index, _FLOOR)), own.daily(file_name(index, 0)))

    at = f"at delta {own.shown:g}"
    found: list[Finding] = []
    for floored, free in pairs(_CSI300):
        told = f"hedged return of CSI300 80 % less CSI300 free {at}"
        found.append((_returns(told, floored, free), is_above))
    for floored, free in pairs(_CSI500):
        told = f"hedged return of CSI500 free less CSI500 80 % {at}"
        found.append((_returns(told, free, floored), is_above))
        found.append((_ratios(f"CSI500 80 % less CSI500 free {at}", floored, free), is_above))
    return found


def _both(one: Series | None, other: Series | None) -> Iterator[tuple[Series, Series]]:
    days = 0 if one is None or other is None else min(len(one), len(other))
    if one is not None and other is not None and days >= _FEWEST:
        # They end on the same day; one may have begun earlier.
        yield one[len(one) - days :], other[len(other) - days :]


def _returns(measure: str, better: Series, worse: Series) -> Evidence:
    days = min(len(better), len(worse))
    ours, theirs = (100 * YEAR * np.log1p(part[len(part) - days :]) for part in (better, worse))
    difference = ours - theirs
    error = newey_west_error(difference, _WEEK)
    margin = MEANINGFUL * abs(float(theirs.mean()))
    return Evidence(measure, float(difference.mean()), error, margin, _RETURN)


def _ratios(pair: str, better: Series, worse: Series) -> Evidence:
    spreads = [float(part.std(ddof=1)) for part in (better, worse)]
    if min(spreads) == 0:
        return Evidence(f"information ratio of {pair}", math.nan, math.nan, unit=_RATIO)
    daily = [float(part.mean()) / own for part, own in zip((better, worse), spreads, strict=True)]
    alike = float(np.corrcoef(better, worse)[0, 1])
    spread = 2 - 2 * alike + 0.5 * (daily[0] ** 2 + daily[1] ** 2)
    spread -= daily[0] * daily[1] * alike**2
    error = math.sqrt(max(spread, 0.0) / len(better))
    year = math.sqrt(YEAR)
    measure = f"information ratio of {pair}"
    return Evidence(measure, year * (daily[0] - daily[1]), year * error, unit=_RATIO)


def _fall(returns: Series) -> float:
    value = np.r_[1.0, np.cumprod(1 + returns)]
    return float((value / np.maximum.accumulate(value) - 1).min())


def _by_sign(found: Evidence) -> Verdict:
    return "holds" if found.value > 0 else "does not hold"
