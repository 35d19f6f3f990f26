"""How fast an index-enhanced portfolio is found, against cvxpy with the same solver.

    python scripts/bench_optimiser.py --stocks 4500 --weeks 20

A made-up market of 4,500 stocks with 10 styles, 30 industries and the market: each week the scores
move, the holdings drift and some stocks cannot be bought or sold. Both ways solve the same program
on one thread, turn and turn about in one process, ours first in odd weeks; the next week begins
from our weights, drifted.

* ours: `optimise`, from the program's arrays to audited weights;
* cvxpy: the same program written in its language, built anew each week, by Clarabel with the
  tolerances it has by default.

Each is timed by the processor's time of the process, the best of three runs. Before the first
week both have solved a small program, so that no import is timed. Prints a JSON object.

Keys: ``median_speedup`` and ``worst_speedup`` of cvxpy's seconds over ours, by week;
``seconds`` and ``cvxpy_seconds`` medians, with ``..._range``; ``max_objective_gap`` the largest
difference of the objectives in standard deviations of the score, over the objective where that is
above 1; ``max_violation`` by how far any of our weights are beyond a limit, ``cvxpy_violation`` the
same of cvxpy's; ``solved`` weeks in which both have found weights that keep all limits; ``columns``
and ``rounds`` the medians of stocks that our solver was shown and of programs that it solved;
``names`` stocks held. Weeks that are not solved count as a speedup of 0.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.optimise import optimise
from alpha_lightning.portfolio.program import Limits, Problem

RUNS = 3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
PACKAGES = ("clarabel", "cvxpy", "numpy", "scipy")


def quickest(work: Callable[[Problem], Any], problem: Problem) -> tuple[float, Any]:
    """Seconds of the best of some runs, and what came out."""
    seconds = []
    for _ in range(RUNS):
        begin = time.process_time()
        found = work(problem)
        seconds.append(time.process_time() - begin)
    return min(seconds), found


def one_week(problem: Problem, *, ours_first: bool) -> dict[str, Any]:
    """Both ways on one program, and how they compare."""
    case = importlib.import_module("optimiser_case")
    ways: dict[str, Callable[[Problem], Any]] = {"ours": optimise, "cvxpy": case.cvxpy_way}
    order = ("ours", "cvxpy") if ours_first else ("cvxpy", "ours")
    told = {name: quickest(ways[name], problem) for name in order}
    (seconds, ours), (cvxpy_seconds, (status, weights)) = told["ours"], told["cvxpy"]
    row = {"seconds": seconds, "cvxpy_seconds": cvxpy_seconds, "weights": ours.weights}
    row |= {"solved": False, "speedup": 0.0, "reason": f"{ours.status} {ours.reason}, {status}"}
    if ours.status == "solved" and status == "optimal":
        reference = float(problem.score @ weights)
        gap = abs(ours.objective - reference) / max(1.0, abs(reference))
        row |= {"solved": True, "speedup": cvxpy_seconds / seconds, "gap": gap}
        row["violation"] = max(case.broken(problem, ours.weights).values())
        row["cvxpy_violation"] = max(case.broken(problem, weights).values())
        row |= {"columns": ours.columns, "rounds": ours.rounds}
        row["names"] = int((ours.weights > 0).sum())
    return row


def measure(stocks: int, index_size: int, weeks: int, limits: Limits) -> list[dict[str, Any]]:
    """Week by week from the benchmark."""
    module = importlib.import_module("optimiser_case")
    small = module.make_case(200, 60)
    one_week(small.problem(small.scores(1)[0], small.benchmark, limits), ours_first=True)
    case = module.make_case(stocks, index_size)
    scores, held, rows = case.scores(weeks), case.benchmark, []
    for week in range(weeks):
        problem = case.problem(scores[week], held, limits)
        row = one_week(problem, ours_first=week % 2 == 0)
        weights = row.pop("weights")
        held = case.drifted(held if weights is None else weights)
        rows.append(row)
    return rows


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The keys that are described above."""
    solved = [row for row in rows if row["solved"]]
    found: dict[str, Any] = {
        "median_speedup": statistics.median(row["speedup"] for row in rows),
        "worst_speedup": min(row["speedup"] for row in rows),
        "solved": len(solved),
    }
    for key, name in (
        ("max_objective_gap", "gap"),
        ("max_violation", "violation"),
        ("cvxpy_violation", "cvxpy_violation"),
    ):
        found[key] = max((row[name] for row in solved), default=None)
    for key in ("seconds", "cvxpy_seconds"):
        values = [row[key] for row in rows]
        found[key] = statistics.median(values)
        found[f"{key}_range"] = [rounded(min(values)), rounded(max(values))]
    for key in ("columns", "rounds", "names"):
        found[key] = statistics.median(row[key] for row in solved) if solved else None
    found["not_solved"] = [row["reason"] for row in rows if not row["solved"]]
    return {key: rounded(value) for key, value in found.items()}


def rounded(value: Any) -> Any:
    """Four digits."""
    return float(f"{value:.4g}") if isinstance(value, float) and np.isfinite(value) else value


def options_of(given: list[str] | None = None) -> argparse.Namespace:
    """The command line, or what is given in its place."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stocks", type=int, default=4500)
    parser.add_argument("--weeks", type=int, default=20)
    parser.add_argument("--index_size", "--index-size", type=int, default=300)
    parser.add_argument("--delta", type=float, default=0.1, help="one-way turnover")
    parser.add_argument("--te", type=float, default=0.04, help="annualised tracking error")
    parser.add_argument("--floor", type=float, default=0.8, help="of constituents; 0 for none")
    parser.add_argument("--style", type=float, default=0.5)
    parser.add_argument("--industry", type=float, default=0.02)
    options = parser.parse_args(given)
    if options.weeks < 1 or not 20 <= options.index_size <= options.stocks:
        parser.error("give --weeks 1 or more, and --index_size from 20 to --stocks")
    try:
        options.limits = Limits(
            tracking_error=options.te,
            turnover=options.delta,
            style=options.style,
            industry=options.industry,
            floor=options.floor or None,
        )
    except UserError as error:
        parser.error(str(error))
    return options


def main(given: list[str] | None = None) -> None:
    """Parse, measure, print."""
    options = options_of(given)
    warnings.filterwarnings("ignore")
    load = os.getloadavg()[0]
    rows = measure(options.stocks, options.index_size, options.weeks, options.limits)
    about = {key: getattr(options, key) for key in ("stocks", "index_size", "weeks")}
    about |= {"delta": options.delta, "te": options.te, "floor": options.floor, "load": load}
    about["versions"] = {name: importlib.metadata.version(name) for name in PACKAGES}
    about["versions"]["python"] = platform.python_version()
    print(json.dumps(summary(rows) | about))


if __name__ == "__main__":
    if any(os.environ.get(name) != "1" for name in THREADS):
        # The libraries read how many threads they may use when they are loaded.
        one = os.environ | dict.fromkeys(THREADS, "1")
        raise SystemExit(
            subprocess.run([sys.executable, *sys.argv], check=False, env=one).returncode
        )
    main()
