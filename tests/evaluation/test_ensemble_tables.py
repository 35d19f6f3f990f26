"""The accounting of averages against averages made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from alpha_lightning.evaluation.ensemble_tables import (
    cyclic_sums,
    ensemble_table,
    optimal_weights_table,
)
from alpha_lightning.evaluation.evaluate import measure_rank_ics
from alpha_lightning.evaluation.run_scores import read_runs
from alpha_lightning.evaluation.sample import EvaluationRule, draw_sample
from alpha_lightning.evaluation.standard_errors import newey_west_error
from alpha_lightning.panel.returns import forward_return
from alpha_lightning.weighting.optimal_weights import optimal_weights

DATES, STOCKS, RUNS = 130, 60, 3
Write = Callable[..., str]


def zscored(values: Any) -> Any:
    return stats.zscore(values, axis=1, nan_policy="omit")


@pytest.fixture
def made(market: Callable[..., Any], write_score: Write, tmp_path: Path) -> tuple[Any, Any, Any]:
    """Two models of three runs, their equal mean, and a v0 whose parts are runs."""
    panel = market(DATES, STOCKS, seed=6, suspended=0.01).write(tmp_path / "market")
    generator = np.random.default_rng(0)
    truth = zscored(np.nan_to_num(forward_return(panel, 10, 1)))
    models, runs, shown = {}, {}, []
    for unit in ("gru", "lstm"):
        shared = generator.normal(size=truth.shape)
        for seed in range(RUNS):
            own = generator.normal(size=truth.shape)
            runs[f"{unit}/s{seed}"] = zscored(0.4 * truth + 0.8 * shared + own)
        models[unit] = zscored(np.mean([runs[f"{unit}/s{k}"] for k in range(RUNS)], axis=0))
        shown.append(write_score(panel, models[unit], unit, units=[unit]))
    mean = (models["gru"] + models["lstm"]) / 2
    both = ["gru", "lstm"]
    parts = [{"name": name} for name in both]
    shown.append(write_score(panel, mean, "RNNv1", units=both, parts=parts))
    shown.append(write_score(panel, mean, "RNNopt", units=both, parts=parts, weights="optimal"))
    runs_of_v0 = [{"name": f"RNNv0/s{k}"} for k in range(2)]
    shown.append(write_score(panel, truth, "RNNv0", units=both, parts=runs_of_v0))
    files = [write_score(panel, values, name) for name, values in runs.items()]
    files.append(write_score(panel, truth, "RNNv0/s0"))
    sample = draw_sample(panel.path, shown, EvaluationRule())
    return sample, read_runs(files, sample, sample.scores), (models, runs)


def rank_ic_of(sample: Any, values: Any, days: int, gap: int) -> Any:
    """By scipy, on the weeks whose return is known."""
    returns, series = forward_return(sample.panel, days, gap), []
    for row, mask in zip(sample.rows, sample.masks[0], strict=True):
        both = mask & np.isfinite(returns[row])
        if row + days + gap <= sample.last:
            series.append(stats.spearmanr(values[row, both], returns[row, both]).statistic)
    return np.array(series)


def rescored(sample: Any, values: Any) -> Any:
    """Runs count as z-scores over the compared stocks."""
    result = np.full(values.shape, np.nan)
    for row, mask in zip(sample.rows, sample.masks[0], strict=True):
        result[row, mask] = stats.zscore(values[row, mask])
    return result


def test_every_cyclic_set_once() -> None:
    values = np.array([1.0, 10.0, 100.0, 1000.0]).reshape(4, 1, 1)
    sums = {count: [float(x[0, 0]) for x in parts] for count, parts in cyclic_sums(values)}
    assert sums == {
        1: [1, 10, 100, 1000],
        2: [11, 110, 1100, 1001],
        3: [111, 1110, 1101, 1011],
        4: [1111],
    }


def test_runs_averaged_are_measured_and_predicted(made: tuple[Any, Any, Any]) -> None:
    sample, runs, (_, values) = made
    table = ensemble_table(runs, sample, measure_rank_ics(sample))
    own = table[table["what"] == "runs"].set_index(["score", "count", "horizon"])
    assert len(own) == 2 * RUNS * 6, "a single run has nothing to be averaged with"
    for unit in ("gru", "lstm"):
        z = [rescored(sample, values[f"{unit}/s{k}"]) for k in range(RUNS)]
        pairs = [
            np.corrcoef(z[i][row, mask], z[j][row, mask])[0, 1]
            for i, j in ((0, 1), (0, 2), (1, 2))
            for row, mask in zip(sample.rows, sample.masks[0], strict=True)
        ]
        rho = float(np.mean(pairs))
        for count, sets in (
            (1, [(0,), (1,), (2,)]),
            (2, [(0, 1), (1, 2), (0, 2)]),
            (3, [(0, 1, 2)]),
        ):
            series = [rank_ic_of(sample, sum(z[k] for k in members), 10, 1) for members in sets]
            row = own.loc[unit, count, "10g"]
            assert row["measured_pct"] == pytest.approx(100 * np.mean(series), abs=1e-3)
            assert row["correlation_pct"] == pytest.approx(100 * rho, abs=1e-3)
            singles = [rank_ic_of(sample, one, 10, 1) for one in z]
            single = 100 * float(np.mean(singles))
            assert row["single_pct"] == pytest.approx(single, abs=1e-6)
            predicted = single / np.sqrt((1 - rho) / count + rho)
            assert row["predicted_pct"] == pytest.approx(predicted, abs=1e-3)
            assert row["limit_pct"] == pytest.approx(single / np.sqrt(rho), abs=1e-3)
            assert row["difference_pct"] == pytest.approx(
                row["measured_pct"] - row["predicted_pct"], abs=1e-9
            )
            assert row["dates"] == len(series[0])
            error = newey_west_error(np.mean(series, axis=0), 1)
            assert row["measured_se_pct"] == pytest.approx(100 * error, abs=1e-3)
            # Both sides share their luck; what is left is far surer than either.
            assert row["difference_se_pct"] < 0.4 * row["measured_se_pct"]
        assert own.loc[unit, 1, "10g"]["difference_pct"] == pytest.approx(0, abs=1e-12)
        grown = own.loc[unit, 3, "10g"]
        assert grown["predicted_pct"] > 1.15 * grown["single_pct"]
        assert abs(grown["difference_pct"]) < 0.05 * grown["predicted_pct"]
    assert set(own.loc["gru"]["members"]) == {"gru/s0+gru/s1+gru/s2"}


def test_models_averaged_are_predicted_from_their_own_figures(made: tuple[Any, Any, Any]) -> None:
    sample, _, (models, _) = made
    results = measure_rank_ics(sample)
    table = ensemble_table(None, sample, results)
    assert set(table["score"]) == {"RNNv1"}, "neither v0 nor optimal weights are equal means"
    assert set(table["what"]) == {"models"}
    row = table.set_index("horizon").loc["20"]
    ics = [rank_ic_of(sample, models[name], 20, 0).mean() for name in ("gru", "lstm")]
    pairs = [
        np.corrcoef(models["gru"][row, mask], models["lstm"][row, mask])[0, 1]
        for row, mask in zip(sample.rows, sample.masks[0], strict=True)
    ]
    factor = 1 / np.sqrt((1 + np.mean(pairs)) / 2)
    assert row["single_pct"] == pytest.approx(100 * np.mean(ics), abs=1e-6)
    assert row["predicted_pct"] == pytest.approx(100 * factor * np.mean(ics), abs=1e-6)
    shown = results["RNNv1"][2]
    assert (row["measured_pct"], row["measured_se_pct"]) == pytest.approx(
        (100 * shown.mean, 100 * shown.errors["newey_west"]), abs=1e-9
    )
    assert (row["members"], row["count"]) == ("gru+lstm", 2)


def test_optimal_weights_are_told_of_equal_means(made: tuple[Any, Any, Any]) -> None:
    sample, _, (models, _) = made
    table = optimal_weights_table(sample, measure_rank_ics(sample))
    ic = np.array([rank_ic_of(sample, models[name], 10, 1).mean() for name in ("gru", "lstm")])
    rho = ensemble_table(None, sample, measure_rank_ics(sample))["correlation_pct"][0] / 100
    matrix = np.array([[1, rho], [rho, 1]])
    best = optimal_weights(ic, matrix)
    assert table["member"].tolist() == ["gru", "lstm"]
    np.testing.assert_allclose(table["weight"], best, atol=1e-9)
    np.testing.assert_allclose(table["ic_pct"], 100 * ic, atol=1e-9)
    predicted = best @ ic / np.sqrt(best @ matrix @ best)
    np.testing.assert_allclose(table["predicted_optimal_pct"], 100 * predicted, atol=1e-9)
    assert (table["predicted_optimal_pct"] >= table["predicted_equal_pct"]).all()


def test_without_averages_there_is_no_table(made: tuple[Any, Any, Any]) -> None:
    sample, _, _ = made
    alone = sample.of_scores(slice(2))
    results = measure_rank_ics(alone)
    assert ensemble_table(None, alone, results).empty
    assert optimal_weights_table(alone, results).empty
    # A v1 whose members are not all shown cannot be predicted.
    without = sample.of_scores([0, 2])
    table = ensemble_table(None, without, measure_rank_ics(without))
    assert isinstance(table, pd.DataFrame)
    assert table.empty
