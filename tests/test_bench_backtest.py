"""The script that times the backtest: what it compares, not how fast it is."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from alpha_lightning.backtest.ledger import Reason

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    # The scripts find each other beside them, as they do when one is run.
    sys.path.insert(0, str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("bench_backtest", SCRIPTS / "bench_backtest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPTS))


@pytest.fixture(scope="module")
def data(script: ModuleType) -> Any:
    return importlib.import_module("backtest_case").make_market(160, 120)


def peer_by_plain_loops(given: Any) -> Any:
    """What the order function of vectorbt does, without vectorbt."""
    peers = importlib.import_module("backtest_peers")
    stocks = given.mark.shape[1]
    cash, position = peers.CAPITAL, np.zeros(stocks)
    value = np.empty(len(given.mark))
    found = np.empty(2 * stocks, dtype=np.int64), np.empty(2 * stocks)
    for row, due in enumerate(given.due):
        if due >= 0:
            day = [given.mark[row - 1], given.price[row], given.can_buy[row], given.can_sell[row]]
            target = (given.wanted[due], given.weights[due], given.names, *given.costs)
            count = peers.plan(cash, position, day, target, found)
            for column, size in zip(found[0][:count], found[1][:count], strict=True):
                traded = size * given.price[row, column]
                cash -= traded + abs(traded) * given.costs[0 if size > 0 else 1]
                position[column] += size
        value[row] = cash + position @ given.mark[row]
    return value


def test_the_market_has_all_that_blocks_a_trade(script: ModuleType, data: Any) -> None:
    traded, listed = data["traded"], data["listed"]
    assert 0 < (~listed).mean() < 0.15
    assert 0 < (listed & ~traded).mean() < 0.05
    assert (data["adj_factor"][-1] > 1.25).any()
    policy = replace(script.TIMED, names=20)
    (ours,) = script.our_way(data, policy)
    reasons = {Reason(reason) for reason in ours.ledger.trades.reason.tolist()}
    assert {Reason.DONE, Reason.SUSPENDED} <= reasons
    assert ours.ledger.residual.max() < 1e-9
    free = importlib.import_module("backtest_case").make_market(80, 60, gaps=False)
    assert free["traded"].all()
    assert free["listed"].all()


def test_the_peer_s_rules_are_ours(script: ModuleType, data: Any) -> None:
    for names in (5, 20):
        (ours,) = script.our_way(data, replace(script.TIMED, names=names))
        given = script.given_to_peers(data, ours, script.RATES)
        value = peer_by_plain_loops(given)
        assert script.difference(ours.ledger, value) < 1e-12
        assert (ours.ledger.trades.reason > 0).any()
        # A peer that is wrong on a single day is seen.
        value[ours.ledger.rows[40]] *= 1.001
        assert script.difference(ours.ledger, value) == pytest.approx(1e-3, rel=1e-2)


def test_a_market_without_costs_and_gaps(script: ModuleType) -> None:
    assert script.same_as_bt(peer_by_plain_loops_at_the_close, 90, 60) < 1e-12


def peer_by_plain_loops_at_the_close(given: Any) -> Any:
    every = np.ones_like(given.can_buy)
    assert given.costs == (0.0, 0.0)
    return peer_by_plain_loops(replace(given, price=given.mark, can_buy=every, can_sell=every))


def test_rounds_and_ratios(script: ModuleType, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    peers = importlib.import_module("backtest_peers")
    monkeypatch.setattr(peers, "vectorbt_orders", lambda given: given)
    monkeypatch.setattr(script, "TIMED", replace(script.TIMED, names=10))
    ways = {"vectorbt": peer_by_plain_loops, "bt": peer_by_plain_loops}
    found = script.measure(data, ways, rounds=1)
    for name, key in (("vectorbt", "speedup_over_vectorbt_warm"), ("bt", "speedup_over_bt")):
        ratio = found[f"{name}_seconds"] / found["seconds"]
        assert found[key] == pytest.approx(ratio)
        assert found[f"{name}_seconds_range"] == [found[f"{name}_seconds"]] * 2
    first = found["vectorbt_first_seconds"] / found["first_seconds"]
    assert found["speedup_over_vectorbt"] == pytest.approx(first)
    assert 0 <= found["max_difference_vectorbt"] < 1e-12
    assert found["grid_over_one"] == pytest.approx(
        14 * found["grid_seconds"] / found["alone_seconds"]
    )


def test_peers_that_cannot_be_had_are_null(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = subprocess.run

    def offline(command: list[str], **options: Any) -> Any:
        if "pip" in command:
            return subprocess.CompletedProcess(command, 1, "", "no network\n")
        return real(command, **options)

    monkeypatch.setattr(script.subprocess, "run", offline)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["bench", "--stocks", "60", "--days", "70", "--rounds", "1"])
    script.main()
    out, err = capsys.readouterr()
    assert err.splitlines() == [f"{n} cannot be installed: no network" for n in script.PACKAGES]
    (line,) = out.splitlines()
    found = json.loads(line)
    for name in script.PACKAGES:
        for key in (f"{name}_seconds", f"speedup_over_{name}", f"max_difference_{name}"):
            assert found[key] is None
    assert found["seconds"] > 0
    assert 0 < found["peak_over_inputs"] <= found["grid_peak_over_inputs"] * 1.5
    assert (found["stocks"], found["days"]) == (60, 70)


def test_too_small_a_market_is_refused(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--days", "20"])
    with pytest.raises(SystemExit):
        script.main()
    assert "--days 60 or more" in capsys.readouterr().err
