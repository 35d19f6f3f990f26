"""Verdicts by rule, and the evidence against differences made by hand."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.evaluation.claims import (
    MEANINGFUL,
    OF_PORTFOLIOS,
    Evidence,
    claims_table,
    is_above,
    is_not_below,
    is_nothing,
)
from alpha_lightning.evaluation.evaluate import measure_rank_ics
from alpha_lightning.evaluation.rank_ic import summarise_rank_ic
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample
from alpha_lightning.evaluation.standard_errors import newey_west_error
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon

DATES, STOCKS, LATER = 200, 40, 100
UNITS = ("gru", "agru", "lstm", "restcn", "transformer")
NOT_WEAKER = "RESTCN and Transformer are not weaker than recurrent networks"
NOT_BETTER = "AGRU is not better than GRU"
ALIKE = "recurrent networks are more alike than networks of two families"
SINCE = "RCTv1 leads RNNv1 chiefly since the later date"


def found(value: float, error: float, margin: float = 1.0) -> Evidence:
    return Evidence("a less b", value, error, margin)


@pytest.mark.parametrize(
    ("value", "error", "above", "not_below", "nothing"),
    [
        (3.0, 1.0, "holds", "holds", "does not hold"),
        (1.5, 1.0, "undecided", "holds", "undecided"),
        (0.3, 0.1, "holds", "holds", "holds"),
        (0.0, 0.4, "undecided", "holds", "holds"),
        # From a meaningful weakness to none: nothing is known.
        (-0.5, 0.6, "undecided", "undecided", "undecided"),
        # Weaker for sure, but by nothing that matters.
        (-0.5, 0.1, "does not hold", "holds", "holds"),
        (-1.5, 0.5, "does not hold", "does not hold", "does not hold"),
        (-3.0, 1.0, "does not hold", "does not hold", "does not hold"),
        (1.0, math.nan, "undecided", "undecided", "undecided"),
        (math.nan, math.nan, "undecided", "undecided", "undecided"),
    ],
)
def test_verdicts(value: float, error: float, above: str, not_below: str, nothing: str) -> None:
    evidence = found(value, error)
    assert is_above(evidence) == above
    assert is_not_below(evidence) == not_below
    assert is_nothing(evidence) == nothing


@pytest.fixture
def sample(market: Callable[..., Any], write_score: Callable[..., str], tmp_path: Path) -> Sample:
    panel = market(DATES, STOCKS, seed=4).write(tmp_path / "market")
    generator = np.random.default_rng(0)
    shared, family, own = (generator.normal(size=(DATES, STOCKS)) for _ in range(3))
    files = []
    for place, unit in enumerate(UNITS):
        noise = generator.normal(size=shared.shape)
        values = shared + (family if place < 3 else own) + 0.3 * noise
        files.append(write_score(panel, values, f"my {unit}", units=[unit]))
    for name in ("RNNv0", "RNNv1", "RCTv0", "RCTv1", "soloV1"):
        noise = generator.normal(size=shared.shape)
        files.append(write_score(panel, shared + noise, name, units=["gru", "lstm"]))
    # Two versions of a user's network are no integrations.
    files += [write_score(panel, shared, name, units=[name]) for name in ("netv0", "netv1")]
    return draw_sample(panel.path, files, EvaluationRule())


def results_of(sample: Sample, lifts: dict[str, Any]) -> dict[str, Any]:
    """RankIC series of a common luck, of own noise, and of lifts that are given."""
    luck = np.random.default_rng(1).normal(0.1, 0.1, len(sample.rows))
    luck[5] = np.nan
    results: dict[str, Any] = {}
    for place, score in enumerate(sample.scores):
        noise = np.random.default_rng(place + 2).normal(0, 0.002, len(luck))
        series = luck + noise + lifts.get(score.name, 0.0)
        for horizon in (Horizon(*pair) for pair in EVALUATION_RETURNS):
            known = sample.rows + horizon.span <= sample.last
            cut = np.where(known, series, np.nan)
            results.setdefault(score.name, []).append(summarise_rank_ic(cut, known, horizon, 5))
    return results


def by_hand(results: Any, better: list[str], worse: list[str]) -> tuple[float, float]:
    sides = [
        np.mean([results[name][4].series for name in side], axis=0) for side in (better, worse)
    ]
    ic = results[better[0]][4]
    difference = 100 * (sides[0] - sides[1])[: len(ic.series) - ic.unknown]
    return float(np.nanmean(difference)), newey_west_error(difference, ic.lag)


def test_differences_of_models(sample: Sample) -> None:
    lifts = {"my restcn": 0.02, "my transformer": -0.03, "my agru": 0.01}
    results = results_of(sample, lifts)
    table = claims_table(sample, results, None, None)
    rows = table[table["claim"] == NOT_WEAKER]
    assert rows["verdict"].tolist() == ["holds", "does not hold"]
    recurrent = ["my gru", "my agru", "my lstm"]
    for name, (_, row) in zip(("my restcn", "my transformer"), rows.iterrows(), strict=True):
        assert (row["value"], row["se"]) == pytest.approx(by_hand(results, [name], recurrent))
        assert row["measure"] == f"RankIC 10g: {name} less my gru+my agru+my lstm"
        assert row["unit"] == "points of RankIC"
    attention = table.set_index("claim").loc[NOT_BETTER]
    assert (attention["value"], attention["se"]) == pytest.approx(
        by_hand(results, ["my gru"], ["my agru"])
    )
    assert attention["verdict"] == "does not hold"
    equal = claims_table(sample, results_of(sample, {"my agru": 0.001}), None, None)
    assert equal.set_index("claim").loc[NOT_BETTER, "verdict"] == "holds"


def test_differences_of_integrations(sample: Sample) -> None:
    later = int(sample.rows[len(sample.rows) // 2])
    lead = np.where(sample.rows >= later, 0.02, 0.0)
    results = results_of(sample, {"RCTv1": lead, "RNNv1": -0.01})
    table = claims_table(sample, results, None, later).set_index("claim")
    better = table.loc["v1 is better than v0"]
    assert better["verdict"].tolist() == ["does not hold", "holds"], "RNN and RCT"
    whole = table.loc["RCTv1 is better than RNNv1"]
    assert whole["verdict"] == "holds"
    assert (whole["value"], whole["se"]) == pytest.approx(by_hand(results, ["RCTv1"], ["RNNv1"]))
    since = table.loc[SINCE]
    pair = [results[name][4].series for name in ("RCTv1", "RNNv1")]
    difference = 100 * (pair[0] - pair[1])[: len(pair[0]) - results["RCTv1"][4].unknown]
    new = sample.rows[: len(difference)] >= later
    value = np.nanmean(difference[new]) - np.nanmean(difference[~new])
    errors = [newey_west_error(difference[part], 1) for part in (new, ~new)]
    assert since["value"] == pytest.approx(value)
    assert since["se"] == pytest.approx(math.hypot(*errors))
    assert since["verdict"] == "holds"
    assert str(sample.panel.dates[later]) in since["measure"]
    for row in (None, 0, sample.last):
        other = claims_table(sample, results, None, row).set_index("claim")
        assert other.loc[SINCE, "verdict"] == "not measured", "one of the stretches is empty"


def test_families_are_told_apart_by_their_scores(sample: Sample) -> None:
    row = claims_table(sample, results_of(sample, {}), None, None).set_index("claim").loc[ALIKE]
    weeks = sample.weekly
    series = {True: [], False: []}  # type: dict[bool, list[Any]]
    for i, j in itertools.combinations(range(5), 2):
        if i < 3:
            by_date = [
                np.corrcoef(
                    sample.scores[i].values[k, sample.masks[0][k]],
                    sample.scores[j].values[k, sample.masks[0][k]],
                )[0, 1]
                for k in np.flatnonzero(weeks)
            ]
            series[j < 3].append(by_date)
    difference = 100 * (np.mean(series[True], axis=0) - np.mean(series[False], axis=0))
    assert row["value"] == pytest.approx(difference.mean(), abs=1e-6)
    lag = math.ceil(weeks.sum() ** (1 / 3))
    assert row["se"] == pytest.approx(newey_west_error(difference, lag), abs=1e-6)
    assert (row["verdict"], row["unit"]) == ("holds", "points of correlation")


def test_averages_follow_when_what_is_left_means_nothing(sample: Sample) -> None:
    columns = ("score", "what", "count", "horizon", "predicted_pct", "difference_pct")
    ensemble = pd.DataFrame(
        [
            ("gru", "runs", 1, "10g", 10.0, 0.0, 0.0),
            ("gru", "runs", 2, "10g", 11.0, 0.2, 0.1),
            ("gru", "runs", 2, "20g", 11.0, 9.0, 0.1),
            ("lstm", "runs", 2, "10g", -11.0, 1.2, 0.1),
            ("RNNv1", "models", 3, "10g", 11.0, 0.2, 1.0),
        ],
        columns=[*columns, "difference_se_pct"],
    )
    table = claims_table(sample, results_of(sample, {}), ensemble, None).set_index("claim")
    runs = table.loc["runs averaged follow the identity"]
    assert runs["verdict"].tolist() == ["holds", "does not hold"]
    assert runs["value"].tolist() == [0.2, 1.2]
    assert "mean of 2 runs" in runs["measure"].iloc[0]
    assert table.loc["models averaged follow the identity", "verdict"] == "undecided"
    assert MEANINGFUL * 11 > 0.2 + 2 * 0.1


def test_what_is_not_there_is_not_measured(sample: Sample) -> None:
    some = sample.of_scores([0, 3])
    table = claims_table(some, measure_rank_ics(some), None, None).set_index("claim")
    assert table.loc[NOT_BETTER, "verdict"] == table.loc[ALIKE, "verdict"] == "not measured"
    assert (table.loc[list(OF_PORTFOLIOS), "verdict"] == "not measured").all()
    assert table.loc[NOT_WEAKER, "verdict"] != "not measured"
    nothing = sample.of_scores([0])
    assert claims_table(nothing, measure_rank_ics(nothing), None, None).empty
