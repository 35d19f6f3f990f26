"""The script that times the evaluation: what it compares, not how fast it is."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

SCRIPT = Path(__file__).parents[1] / "scripts" / "bench_evaluation.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_evaluation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def spearman_of_frame(data: Any) -> Any:
    """What alphalens works out, date by date."""
    columns = [name for name in data.columns if name.endswith("D")]
    rows = {
        date: [stats.spearmanr(part["factor"], part[name]).statistic for name in columns]
        for date, part in data.groupby(level="date")
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def test_the_market_has_gaps_late_listings_and_ties(script: ModuleType) -> None:
    market = script.make_market(120, 60)
    score, traded = market.score, market.traded
    assert 0.01 < np.isnan(score).mean() < 0.06
    assert 0 < (~traded[70:]).mean() < 0.1
    assert (~traded[0]).mean() > 0.2
    assert any(len(np.unique(day[np.isfinite(day)])) < np.isfinite(day).sum() for day in score)
    held = market.returns(script.Horizon(5, 1))
    both = traded[31] & traded[36]
    expected = market.close[36] / market.close[31] - 1
    np.testing.assert_array_equal(held[30], np.where(both, expected, np.nan))
    assert np.isnan(held[-6:]).all()
    np.testing.assert_array_equal(market.first(50).returns(script.Horizon(5, 0))[-5:], np.nan)


def test_all_ways_find_the_same(script: ModuleType) -> None:
    found = script.measure(script.make_market(90, 60), spearman_of_frame, rounds=1, days=70)
    assert 0 <= found["max_difference_pandas"] < 1e-12
    assert 0 <= found["max_difference_alphalens"] < 1e-12
    assert found["max_difference"] == max(
        found["max_difference_pandas"], found["max_difference_alphalens"]
    )
    for key in ("speedup_over_pandas", "speedup_over_alphalens"):
        peer = f"{key.removeprefix('speedup_over_')}_seconds"
        assert found[key] == pytest.approx(found[peer] / found["seconds"])


def test_a_difference_is_found(script: ModuleType) -> None:
    market = script.make_market(70, 60)
    table = spearman_of_frame(script.alphalens_input(market))
    assert script.alphalens_difference(market, table) < 1e-12
    table.iloc[7, 2] += 0.25
    assert script.alphalens_difference(market, table) == pytest.approx(0.25)
    table.iloc[7, 2] = np.nan
    assert script.alphalens_difference(market, table) == np.inf


def test_a_peer_that_cannot_be_had_is_null(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        script.subprocess,
        "run",
        lambda command, **_: subprocess.CompletedProcess(command, 1, "", "no network\n"),
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["bench", "--stocks", "60", "--days", "70", "--rounds", "1"])
    script.main()
    out, err = capsys.readouterr()
    assert err == "alphalens-reloaded cannot be installed: no network\n"
    (line,) = out.splitlines()
    found = json.loads(line)
    assert found["speedup_over_alphalens"] is None
    assert found["speedup_over_pandas"] > 0
    assert found["max_difference"] < 1e-12
    assert (found["stocks"], found["days"]) == (60, 70)


def test_too_small_a_market_is_refused(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--days", "20"])
    with pytest.raises(SystemExit):
        script.main()
    assert "--days 60 or more" in capsys.readouterr().err
