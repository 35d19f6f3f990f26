"""How fast a portfolio is run through a market, against vectorbt and bt.

    python scripts/bench_backtest.py --stocks 4500 --days 1300

A weekly TOP-100 of a made-up market with suspensions, locked price limits, late listings, splits
and dividends is run, turn and turn about in one process, in three ways:

* ours: from scores and market in memory to the ledger: policy, raw prices, corporate actions, every
  trade and every blocked one with its reason, every holding of every day;
* vectorbt: an order function with the same rules, of target weights that are there beforehand, to
  the value of every day;
* bt: rebalancing to the same target weights at the close, with costs, nothing blocked.

The peers are installed for the benchmark alone, into a temporary folder; their keys are null where
that fails. Prints a JSON object.

Keys: ``seconds``, ``vectorbt_seconds``, ``bt_seconds`` medians over the rounds of the wall clock,
with ``..._range`` of the quickest and the slowest; ``vectorbt_first_seconds`` its first call in the
process, compilation included (ours: ``first_seconds``), ``vectorbt_orders_seconds`` a warm call
without the values of the days; ``speedup_over_bt`` and ``speedup_over_vectorbt_warm`` medians of
the ratio within a round, everything compiled; ``speedup_over_vectorbt`` the ratio of the first
calls, which is what a command pays: vectorbt compiles the rules in every process anew;
``max_difference_vectorbt`` and ``max_difference_bt`` largest relative differences of any day's
value where the rules are the same: for vectorbt those of the timed run, for bt a market without
costs and gaps. ``grid_seconds`` TOP-100 and TOP-300 times seven deltas in one pass;
``alone_seconds`` the sum of the fourteen one by one; ``grid_over_one`` the pass over their mean,
medians over the rounds.
``peak_over_inputs`` memory of a fresh process at its peak, less what it had before the inputs were
loaded, over the bytes of the inputs (1 is the inputs alone), ``grid_peak_over_inputs`` of the grid.
"""

import argparse
import gc
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
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.backtest.ledger import Ledger
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.price_limits import LimitColumns
from alpha_lightning.backtest.run import Outcome, Setting, run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.characteristics.rawbar import carry_forward
from alpha_lightning.portfolio.policy import Target
from alpha_lightning.portfolio.top_n import TopN

Matrix = NDArray[Any]
DELTAS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
RATES = (0.001, 0.002)
TIMED = TopN(reserves=0)
"""Without stand-ins for blocked purchases, which the peers would have to be taught."""
PACKAGES = {"vectorbt": ("vectorbt", "numba"), "bt": ("bt",)}


def market_of(data: dict[str, Matrix]) -> Market:
    """Views of the arrays as a market."""
    bars = ("open", "high", "low", "close", "vwap")
    symbols = np.array([f"S{k:05d}" for k in range(data["close"].shape[1])])
    return Market(
        dates=data["dates"],
        symbols=symbols,
        prices={name: data[name] for name in bars},
        volume=data["volume"],
        factor=data["adj_factor"],
        traded=data["traded"],
        listed=data["listed"],
        limits=LimitColumns(data["limit_up"], data["limit_down"]),
    )


def our_way(data: dict[str, Matrix], *policies: TopN, **execution: Any) -> list[Outcome]:
    """All that is timed of ours; costs of 0.1 and 0.2 %."""
    costs = execution.pop("costs", CostSettings(*RATES))
    given = data["scores"], ExecutionSettings(**execution), costs
    settings = [Setting(f"{policy.names}", policy, *given) for policy in policies]
    universe = data["traded"][data["signals"]] & data["listed"][data["signals"]]
    last = len(data["dates"]) - 1
    return run_backtests(market_of(data), data["signals"], universe, settings, last)


def given_to_peers(data: dict[str, Matrix], outcome: Outcome, costs: tuple[float, float]) -> Any:
    """The market as the peers want it, with the target weights of our run."""
    peers = importlib.import_module("backtest_peers")
    factor, traded = data["adj_factor"], data["traded"]
    targets = [(row, found) for row, found in outcome.decisions if isinstance(found, Target)]
    width = max(len(found.columns) for _, found in targets)
    due = np.full(len(factor), -1)
    wanted, weights = np.full((len(targets), width), -1), np.zeros((len(targets), width))
    for k, (row, found) in enumerate(targets):
        due[row + 1 : row + 2] = k
        wanted[k, : len(found.columns)] = found.columns
        weights[k, : len(found.columns)] = found.weights
    can_buy = data["listed"] & traded & ~(data["low"] >= data["limit_up"] - 0.005)
    return peers.Given(
        dates=data["dates"],
        mark=np.nan_to_num(carry_forward(data["close"] * factor), nan=1.0),
        price=data["vwap"] * factor,
        can_buy=can_buy,
        can_sell=traded & ~(data["high"] <= data["limit_down"] + 0.005),
        due=due,
        wanted=wanted,
        weights=weights,
        names=max(len(found.columns) for _, found in targets),
        costs=costs,
    )


def install(folder: str) -> dict[str, Any]:
    """The peers that can be had, from a folder of their own, behind our own environment."""
    peers = importlib.import_module("backtest_peers")
    ways = {"vectorbt": peers.vectorbt_way, "bt": peers.bt_way}
    sys.path.append(folder)
    found = {}
    for name, modules in PACKAGES.items():
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        done = subprocess.run(
            [*command, "--target", folder, name], capture_output=True, text=True, check=False
        )
        try:
            for module in modules:
                importlib.import_module(module)
            found[name] = ways[name]
        except ImportError as error:
            reason = (done.stderr.strip().splitlines() or [str(error)])[-1]
            print(f"{name} cannot be installed: {reason}", file=sys.stderr)
    return found


def difference(ledger: Ledger, value: Matrix) -> float:
    """Largest relative difference of the values of any day."""
    return float(np.max(np.abs(ledger.value / value[ledger.rows] - 1)))


def clock(work: Callable[..., Any], *given: Any) -> tuple[float, Any]:
    """Seconds, and what came out."""
    begin = time.perf_counter()
    found = work(*given)
    return time.perf_counter() - begin, found


def timed_round(data: dict[str, Matrix], ways: dict[str, Any]) -> dict[str, Any]:
    """One round of all ways; a ratio of two times of the same minutes."""
    row: dict[str, Any] = {}
    row["seconds"], (ours,) = clock(our_way, data, TIMED)
    given = given_to_peers(data, ours, RATES)
    for name, way in ways.items():
        row[f"{name}_seconds"], value = clock(way, given)
        row[f"speedup_over_{name}"] = row[f"{name}_seconds"] / row["seconds"]
        if name == "vectorbt":
            row["max_difference_vectorbt"] = difference(ours.ledger, value)
            orders = importlib.import_module("backtest_peers").vectorbt_orders
            row["vectorbt_orders_seconds"], _ = clock(orders, given)
    return row


def same_as_bt(way: Any, days: int, stocks: int) -> float:
    """Largest difference to bt on a market in which the rules are the same."""
    data = importlib.import_module("backtest_case").make_market(days, stocks, gaps=False)
    free = CostSettings(buy=0.0, sell=0.0)
    policy = replace(TIMED, names=min(TIMED.names, stocks // 4))
    (ours,) = our_way(data, policy, price="close", limit="off", costs=free)
    return difference(ours.ledger, way(given_to_peers(data, ours, (0.0, 0.0))))


def grid(data: dict[str, Matrix], rounds: int) -> dict[str, Any]:
    """The paper's grid in one pass, and its settings one by one, turn and turn about."""
    policies = [TopN(names, delta) for names in (100, 300) for delta in DELTAS]
    # The objects that the peers have left are not the grid's to look through.
    gc.collect()
    gc.freeze()
    seen = []
    for _ in range(rounds):
        together, _ = clock(our_way, data, *policies)
        alone = sum(clock(our_way, data, policy)[0] for policy in policies)
        over_one = together / (alone / len(policies))
        seen.append({"grid_seconds": together, "alone_seconds": alone, "grid_over_one": over_one})
    return {key: statistics.median(row[key] for row in seen) for key in seen[0]}


def memory(data: dict[str, Matrix], folder: Path) -> dict[str, Any]:
    """What fresh processes need for one setting and for the grid."""
    for name, values in data.items():
        np.save(folder / f"{name}.npy", values)
    found = {}
    for key, what in (("peak_over_inputs", "one"), ("grid_peak_over_inputs", "grid")):
        command = [sys.executable, __file__, "--memory_of", str(folder), "--run", what]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[key] = float(done.stdout)
    return found


def memory_of(folder: Path, what: str) -> float:
    """Peak of this process over its inputs, which are loaded here."""
    before = resident()
    data = {file.stem: np.load(file) for file in sorted(folder.glob("*.npy"))}
    inputs = sum(int(values.nbytes) for values in data.values())
    policies = [TIMED]
    if what == "grid":
        policies = [TopN(names, delta) for names in (100, 300) for delta in DELTAS]
    our_way(data, *policies)
    return float(resident("VmHWM") - before) / inputs


def resident(what: str = "VmRSS") -> int:
    """Bytes in memory now, or at the peak; getrusage would tell a parent's peak as one's own."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def measure(data: dict[str, Matrix], ways: dict[str, Any], rounds: int) -> dict[str, Any]:
    """First calls, then rounds of all ways, then the grid."""
    first = timed_round(data, {name: way for name, way in ways.items() if name == "vectorbt"})
    summary = {"first_seconds": first["seconds"]}
    if "vectorbt" in ways:
        summary["vectorbt_first_seconds"] = first["vectorbt_seconds"]
    # vectorbt compiles the rest in its second call.
    timed_round(data, {name: way for name, way in ways.items() if name == "vectorbt"})
    seen = [timed_round(data, ways) for _ in range(rounds)]
    for key in seen[0]:
        values = [row[key] for row in seen]
        summary[key] = max(values) if key.startswith("max") else statistics.median(values)
        if key.endswith("seconds"):
            summary[f"{key}_range"] = [min(values), max(values)]
    if "vectorbt" in ways:
        summary["speedup_over_vectorbt_warm"] = summary["speedup_over_vectorbt"]
        summary["speedup_over_vectorbt"] = first["speedup_over_vectorbt"]
    return summary | grid(data, rounds)


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
    parser.add_argument("--no_peers", action="store_true", help="install nothing")
    parser.add_argument("--memory_of", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--run", default="one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print(memory_of(options.memory_of, options.run))
        return
    if options.stocks < 40 or options.days < 60:
        parser.error("give --stocks 40 and --days 60 or more")
    warnings.filterwarnings("ignore")
    about = {"stocks": options.stocks, "days": options.days, "rounds": options.rounds}
    about |= {"cores": os.cpu_count(), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as room:
        ways = {} if options.no_peers else install(room)
        data = importlib.import_module("backtest_case").make_market(options.days, options.stocks)
        keys = [f"{name}_{what}" for name in PACKAGES for what in ("seconds",)]
        keys += [
            f"{what}_{name}" for name in PACKAGES for what in ("speedup_over", "max_difference")
        ]
        found = dict.fromkeys(keys, float("nan")) | measure(data, ways, options.rounds)
        if "bt" in ways:
            days, stocks = min(options.days, 260), min(options.stocks, 400)
            found["max_difference_bt"] = same_as_bt(ways["bt"], days, stocks)
        inputs = Path(room) / "inputs"
        inputs.mkdir()
        found |= memory(data, inputs)
    print(json.dumps({key: rounded(value) for key, value in (found | about).items()}))


if __name__ == "__main__":
    main()
