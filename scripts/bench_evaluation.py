"""How fast a score is evaluated, against alphalens-reloaded and pandas.

    python scripts/bench_evaluation.py --stocks 4500 --days 1300

One score of a made-up market, with daily signals, is measured at the six evaluation horizons, turn
and turn about in three ways:

* ours: from the score, the adjusted closes and the traded mask in memory to six RankIC series with
  their means, Newey-West errors and block bootstraps;
* pandas: ranks by row of the pairs that both have, then corrwith by row, of six returns that are
  worked out beforehand; no summaries;
* alphalens-reloaded: factor_information_coefficient of a frame that is made beforehand, of the
  pairs that have all six returns, as its own cleaning leaves them; no summaries. It is installed
  for the benchmark alone, into a temporary folder; its keys are null where that fails.

The market has suspensions, late listings, prices in whole cents, missing scores and tied scores.
Prints a JSON object.

Keys: ``seconds``, ``pandas_seconds`` and ``alphalens_seconds`` medians over the rounds of the wall
clock, ``seconds_range`` of the quickest and the slowest round; ``speedup_over_pandas`` and
``speedup_over_alphalens`` medians of the ratio within a round; ``max_difference`` the largest of
any date's RankIC to either peer's, ``max_difference_pandas`` and ``max_difference_alphalens``;
``ranks_seconds``, ``newey_west_seconds`` and ``bootstrap_seconds`` parts of ours;
``one_thread_seconds`` ours with one thread, which must find the same bits; ``load`` processes that
wanted a core before the benchmark began. With --alphalens_days fewer than all, alphalens is timed
on so many and its seconds are scaled to all.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.evaluation.rank_ic import RankIC, rank_ics, summarise_rank_ic
from alpha_lightning.evaluation.standard_errors import block_bootstrap, newey_west_error
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon

HORIZONS = tuple(Horizon(*pair) for pair in EVALUATION_RETURNS)
Matrix = NDArray[Any]
Peer = Callable[[Any], Any]


@dataclass(frozen=True)
class Market:
    """What is in memory before the clock starts, ``(T, N)`` each; a signal a day."""

    score: Matrix
    close: Matrix
    traded: Matrix
    mask: Matrix

    def first(self, days: int) -> "Market":
        """The first days."""
        return Market(*(getattr(self, field.name)[:days] for field in fields(self)))

    def returns(self, horizon: Horizon) -> Matrix:
        """Forward return ``(T, N)``, NaN where a price is missing."""
        close = np.where(self.traded, self.close, np.nan)
        known = max(len(close) - horizon.span, 0)
        result = np.full(close.shape, np.nan)
        bought, sold = close[horizon.gap :][:known], close[horizon.span :]
        result[:known] = sold / bought - 1
        return result


def make_market(days: int, stocks: int, seed: int = 0) -> Market:
    """Prices in cents times an adjustment, suspensions of a week, listings in the first half."""
    generator = np.random.default_rng(seed)
    shape = (days, stocks)
    steps = 0.02 * generator.standard_normal(shape)
    level = generator.lognormal(np.log(12), 0.6, stocks)
    price = np.maximum((level * np.exp(steps.cumsum(axis=0))).round(2), 0.5)
    dividends = 1 + 0.02 * (generator.random(shape) < 1 / 250)
    traded = generator.random(shape) > 0.002
    for _ in range(5):
        traded[1:] &= traded[:-1] | (generator.random((days - 1, stocks)) < 0.2)
    listed = np.where(generator.random(stocks) < 0.3, generator.integers(days // 2 + 1), 0)
    traded &= np.arange(days)[:, None] >= listed
    score = generator.standard_normal(shape) + 5 * np.roll(steps, -5, axis=0)
    score[:, : stocks // 20] = score[:, : stocks // 20].round(2)
    score[generator.random(shape) < 0.03] = np.nan
    return Market(score, price * dividends.cumprod(axis=0), traded, traded.copy())


def our_series(market: Market, threads: int | None = None) -> Matrix:
    """Six RankIC series, ``(6, T)``."""
    close = np.where(market.traded, market.close, np.nan)
    rows = np.arange(len(close))
    found: Matrix = rank_ics([market.score], [market.mask], close, rows, HORIZONS, threads)[0]
    return found


def our_summaries(series: Matrix) -> list[RankIC]:
    """Means and errors of the six."""
    rows = np.arange(series.shape[1])
    return [
        summarise_rank_ic(each, rows + horizon.span < len(rows), horizon, step=1)
        for horizon, each in zip(HORIZONS, series, strict=True)
    ]


def our_way(market: Market, threads: int | None = None) -> list[RankIC]:
    """All that is timed of ours."""
    return our_summaries(our_series(market, threads))


def pandas_input(market: Market) -> tuple[Any, list[Any]]:
    """The score, missing outside the mask, and the six returns."""
    score = pd.DataFrame(np.where(market.mask, market.score, np.nan))
    return score, [pd.DataFrame(market.returns(horizon)) for horizon in HORIZONS]


def pandas_way(given: tuple[Any, list[Any]]) -> Matrix:
    """Six RankIC series, ``(6, T)``."""
    score, returns = given
    # Ranking both frames by row and correlating the ranks takes a third longer.
    found = [score.corrwith(each, axis=1, method="spearman") for each in returns]
    return np.array([each.to_numpy() for each in found])


def complete_pairs(market: Market) -> Matrix:
    """Where a score and all six returns are there, ``(T, N)``."""
    known = [np.isfinite(market.returns(horizon)) for horizon in HORIZONS]
    both: Matrix = np.logical_and.reduce([market.mask & np.isfinite(market.score), *known])
    return both


def alphalens_input(market: Market) -> Any:
    """Its factor_data, as ``get_clean_factor_and_forward_returns`` would leave it."""
    kept = complete_pairs(market)
    day, stock = np.nonzero(kept)
    dates = pd.bdate_range("2015-01-01", periods=len(kept))
    levels = [dates, [f"{number:06d}" for number in range(kept.shape[1])]]
    index = pd.MultiIndex(levels, [day, stock], names=["date", "asset"])
    columns = {f"{h.span}D": market.returns(h)[kept] for h in HORIZONS}
    return pd.DataFrame(columns | {"factor": market.score[kept], "factor_quantile": 1}, index=index)


def install_alphalens(folder: str) -> Peer | None:
    """Its function, from a folder of its own; None, and a line, where it cannot be had."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    command += ["--target", folder, "alphalens-reloaded"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Behind our own environment: numpy and pandas are the same for all.
    sys.path.append(folder)
    try:
        found: Peer = importlib.import_module(
            "alphalens.performance"
        ).factor_information_coefficient
    except ImportError as error:
        reason = (done.stderr.strip().splitlines() or [str(error)])[-1]
        print(f"alphalens-reloaded cannot be installed: {reason}", file=sys.stderr)
        return None
    return found


def alphalens_difference(market: Market, table: Any) -> float:
    """Largest difference of any date's RankIC to that of its table."""
    pairs = complete_pairs(market)
    ours = our_series(Market(market.score, market.close, market.traded, pairs))
    ours = ours[:, pairs.any(axis=1)]
    return largest(ours, table[[f"{h.span}D" for h in HORIZONS]].to_numpy().T)


def largest(ours: Matrix, theirs: Matrix) -> float:
    """Largest difference; infinite where only one of the two is missing."""
    if not np.array_equal(np.isnan(ours), np.isnan(theirs)):
        return float("inf")
    return float(np.nanmax(np.abs(ours - theirs)))


def clock(work: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """Seconds, and what came out."""
    begin = time.perf_counter()
    found = work(*given)
    return time.perf_counter() - begin, found


def parts(market: Market) -> dict[str, float]:
    """Seconds of the parts of ours."""
    ranks, series = clock(our_series, market)
    lags = [horizon.days - 1 for horizon in HORIZONS]
    jobs = [(each[np.isfinite(each)], lag) for each, lag in zip(series, lags, strict=True)]
    found = {"ranks_seconds": ranks}
    for name, work in (("newey_west", newey_west_error), ("bootstrap", block_bootstrap)):
        found[f"{name}_seconds"] = sum(clock(work, *job)[0] for job in jobs)
    single, alone = clock(our_way, market, 1)
    same = all(
        np.array_equal(a, b.series, equal_nan=True) for a, b in zip(series, alone, strict=True)
    )
    if not same:
        msg = "one thread finds other numbers than several"
        raise AssertionError(msg)
    return found | {"one_thread_seconds": single}


def measure(market: Market, alphalens: Peer | None, rounds: int, days: int) -> dict[str, Any]:
    """Time the three turn and turn about, and compare what they find."""
    frames = pandas_input(market)
    part = market.first(days)
    data = alphalens_input(part) if alphalens else None
    # Days whose longest return is known are all that alphalens works on.
    scale = max(len(market.score) - HORIZONS[-1].span, 1) / max(days - HORIZONS[-1].span, 1)
    seen: list[dict[str, float]] = []
    summary: dict[str, Any] = {}
    for _ in range(rounds):
        row = dict.fromkeys(("alphalens_seconds", "speedup_over_alphalens"), float("nan"))
        row["seconds"], found = clock(our_way, market)
        row["pandas_seconds"], theirs = clock(pandas_way, frames)
        row["speedup_over_pandas"] = row["pandas_seconds"] / row["seconds"]
        series = np.array([each.series for each in found])
        summary["max_difference_pandas"] = largest(series, theirs)
        if alphalens:
            seconds, table = clock(alphalens, data)
            row["alphalens_seconds"] = seconds * scale
            row["speedup_over_alphalens"] = seconds * scale / row["seconds"]
            summary["max_difference_alphalens"] = alphalens_difference(part, table)
        seen.append(row | parts(market))
    summary["max_difference"] = max(summary.values())
    summary |= {key: statistics.median(row[key] for row in seen) for key in seen[0]}
    ours = [row["seconds"] for row in seen]
    return summary | {"seconds_range": [min(ours), max(ours)]}


def rounded(value: Any) -> Any:
    """Four digits; null for what was not measured."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    return value


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stocks", type=int, default=4500)
    parser.add_argument("--days", type=int, default=1300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alphalens_days", type=int, help="time alphalens on fewer, and scale")
    parser.add_argument("--no_alphalens", action="store_true", help="install nothing")
    options = parser.parse_args()
    if options.stocks < 40 or options.days < 60:
        parser.error("give --stocks 40 and --days 60 or more")
    warnings.filterwarnings("ignore")
    about: dict[str, Any] = {"stocks": options.stocks, "days": options.days}
    about |= {"rounds": options.rounds, "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    about["alphalens_days"] = min(options.alphalens_days or options.days, options.days)
    with tempfile.TemporaryDirectory() as room:
        alphalens = None if options.no_alphalens else install_alphalens(room)
        market = make_market(options.days, options.stocks)
        found = measure(market, alphalens, options.rounds, about["alphalens_days"])
    print(json.dumps({key: rounded(value) for key, value in (found | about).items()}))


if __name__ == "__main__":
    main()
