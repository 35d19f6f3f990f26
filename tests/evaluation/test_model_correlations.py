from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.evaluation.model_correlations import (
    averaged_table,
    averages_by_date,
    averaging_table,
    single_run_correlation,
    single_run_table,
)
from alpha_lightning.evaluation.run_scores import Runs, read_runs
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample

DATES, STOCKS = 60, 40
Write = Callable[..., str]


@pytest.fixture
def models_and_runs(
    market: Callable[..., Any], write_score: Write, tmp_path: Path
) -> tuple[Sample, Runs]:
    panel = market(DATES, STOCKS, seed=3).write(tmp_path / "market")
    generator = np.random.default_rng(0)
    shared = generator.normal(size=(DATES, STOCKS))
    shown, files = [], []
    for unit, runs in (("gru", 3), ("lstm", 1), ("agru", 0)):
        values = shared + generator.normal(size=shared.shape)
        shown.append(write_score(panel, values, unit, units=[unit]))
        for k in range(runs):
            run = values + generator.normal(size=shared.shape)
            run[:, 30 + k] = np.nan
            files.append(write_score(panel, run, f"{unit}/s{k}"))
    sample = draw_sample(panel.path, shown, EvaluationRule())
    runs_read = read_runs(files, sample, sample.scores)
    assert runs_read is not None
    return sample, runs_read


def test_single_runs_by_loops(models_and_runs: tuple[Sample, Runs]) -> None:
    models, runs = models_and_runs
    table = single_run_table(models, runs)
    assert table.columns.tolist() == ["score", "gru_pct", "lstm_pct", "agru_pct"]
    found = table.set_index("score").to_numpy() / 100

    def mean(i: int, j: int) -> float:
        a, b = (runs.scores[k].values for k in (i, j))
        rows = [
            np.corrcoef(a[row, inside], b[row, inside])[0, 1]
            for row, inside in enumerate(runs.mask)
            if inside.any()
        ]
        return float(np.mean(rows))

    assert found[0, 0] == pytest.approx(np.mean([mean(0, 1), mean(0, 2), mean(1, 2)]), abs=1e-6)
    cross = np.mean([mean(k, 3) for k in range(3)])
    assert found[[0, 1], [1, 0]] == pytest.approx(cross, abs=1e-6)
    # One run has no other to be compared with, and a model without runs has nothing.
    assert np.isnan(found[1, 1])
    assert np.isnan(found[2]).all()


def test_averages_are_compared_on_the_stocks_of_the_runs(
    models_and_runs: tuple[Sample, Runs],
) -> None:
    models, runs = models_and_runs
    with_runs, without = (averaged_table(models, some) for some in (runs, None))
    assert not with_runs.equals(without)
    found = with_runs.set_index("score").to_numpy()
    a, b = (models.scores[k].values[models.weekly] for k in (0, 2))
    rows = [
        np.corrcoef(a[row, inside], b[row, inside])[0, 1]
        for row, inside in enumerate(runs.mask)
        if inside.any()
    ]
    assert found[0, 2] == pytest.approx(100 * np.mean(rows), abs=1e-6)
    np.testing.assert_allclose(np.diag(found), 100, atol=1e-9)
    by_date = averages_by_date(models, runs)
    assert by_date.shape == (int(models.weekly.sum()), 3, 3)


def test_averages_are_predicted_from_single_runs(
    market: Callable[..., Any], write_score: Write, tmp_path: Path
) -> None:
    panel = market(DATES, STOCKS, seed=3, suspended=0.01).write(tmp_path / "market")
    generator = np.random.default_rng(1)
    shared = generator.normal(size=(DATES, STOCKS))
    shown, files = [], []
    for unit, count in (("gru", 4), ("agru", 4), ("lstm", 2), ("restcn", 1)):
        core = shared + 0.5 * generator.normal(size=shared.shape)
        runs = [core + generator.normal(size=shared.shape) for _ in range(count)]
        shown.append(write_score(panel, np.mean(runs, axis=0), unit, units=[unit]))
        files += [write_score(panel, run, f"{unit}/s{k}") for k, run in enumerate(runs)]
    sample = draw_sample(panel.path, shown, EvaluationRule())
    read = read_runs(files, sample, sample.scores)
    assert read is not None
    table = averaging_table(sample, read)
    assert table[["model", "other", "runs"]].to_numpy().tolist() == [["gru", "agru", 4]]
    row = table.iloc[0]
    single = single_run_table(sample, read).set_index("score").to_numpy() / 100
    v = [(1 - own) / 4 + own for own in (single[0, 0], single[1, 1])]
    predicted = 100 * single[0, 1] / np.sqrt(v[0] * v[1])
    assert row["predicted_pct"] == pytest.approx(predicted, abs=1e-9)
    measured = averaged_table(sample, read).set_index("score").loc["gru", "agru_pct"]
    assert row["measured_pct"] == measured
    assert row["difference_pct"] == pytest.approx(measured - predicted, abs=1e-9)
    # Averaging lifts the correlation by a quarter, and the identity knows of nearly all of it.
    assert row["measured_pct"] - row["single_pct"] > 15
    assert abs(row["difference_pct"]) < 1.5


def test_single_runs_leave_out_a_run_with_itself() -> None:
    generator = np.random.default_rng(3)
    matrix: Any = np.corrcoef(generator.normal(size=(5, 30)))
    found = single_run_correlation(matrix, {"a": [0, 2, 4], "b": [1, 3], "c": [0]})
    a, b = [0, 2, 4], [1, 3]
    own = [matrix[i, j] for i in a for j in a if i < j]
    cross = [matrix[i, j] for i in a for j in b]
    assert found[0, 0] == pytest.approx(np.mean(own), abs=1e-15)
    assert found[[0, 1], [1, 0]] == pytest.approx(np.mean(cross), abs=1e-15)
    assert found[1, 1] == matrix[1, 3]
    assert np.isnan(found[2, 2])
    assert found[0, 2] == pytest.approx(np.mean(matrix[a, 0]), abs=1e-15)
    assert (len(own), len(cross)) == (3, 6)
