"""Weightings and stacking schemes against plain differences of RankIC series."""

import math
from typing import Any

import numpy as np
import pytest

from alpha_lightning.evaluation.rank_ic import RankIC, summarise_rank_ic
from alpha_lightning.evaluation.scores import Score
from alpha_lightning.evaluation.standard_errors import newey_west_error
from alpha_lightning.evaluation.variant_tables import (
    promised,
    stacking_gap_table,
    weighting_value_table,
)
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.weighting.variants import EQUAL, IN_SAMPLE, LINEAR, variant_name

HORIZONS = (Horizon(5, 0), Horizon(10, 1))
DATES = 60
UNTIL = np.datetime64("2021-12-31")


def score(name: str, **about: Any) -> Score:
    metadata = {"units": ["gru"], "datasets": ["rawbar"], "scheme": "oos_lagged"} | about
    return Score(name, np.zeros((1, 1), dtype=np.float32), metadata, "")


def measured(means: dict[str, float]) -> dict[str, list[RankIC]]:
    luck = np.random.default_rng(0).normal(0, 0.1, DATES)
    luck[7] = np.nan
    results: dict[str, list[RankIC]] = {}
    for place, (name, mean) in enumerate(means.items()):
        series = luck + np.random.default_rng(place + 1).normal(mean, 0.01, DATES)
        for horizon in HORIZONS:
            known = np.arange(DATES) + horizon.span // 5 < DATES
            cut = np.where(known, series, np.nan)
            results.setdefault(name, []).append(summarise_rank_ic(cut, known, horizon, step=5))
    return results


def test_weightings_are_held_against_the_trees_by_date() -> None:
    linear, equal = variant_name("gru", LINEAR), variant_name("gru", EQUAL)
    results = measured({"gru": 0.05, linear: 0.04, equal: 0.02, "lstm": 0.05})
    scores = [
        score("gru"),
        score("lstm", units=["lstm"]),
        score(equal, weighting="equal"),
        score(linear, weighting="linear"),
    ]
    table = weighting_value_table(results, scores)
    assert set(table["score"]) == {"gru"}
    assert table["weighting"].tolist() == ["lightgbm"] * 2 + ["equal"] * 2 + ["linear"] * 2
    by = table.set_index(["weighting", "horizon"])
    for k, horizon in enumerate(("5", "10g")):
        full, other = results["gru"][k], results[linear][k]
        difference = (other.series - full.series)[: DATES - full.unknown]
        row = by.loc["linear", horizon]
        assert row["difference_pct"] == pytest.approx(100 * np.nanmean(difference), abs=1e-12)
        error = 100 * newey_west_error(difference, full.lag)
        assert row["difference_se_pct"] == pytest.approx(error, abs=1e-12)
        assert row["dates"] == np.isfinite(difference).sum()
        assert (row["rank_ic_pct"], row["ic_ir"]) == (100 * other.mean, other.ic_ir)
        assert by.loc["lightgbm", horizon]["difference_pct"] == 0
    assert weighting_value_table(results, scores[:2]).empty


def test_the_gap_of_stacking_and_what_was_promised() -> None:
    inside = variant_name("gru", IN_SAMPLE)
    results = measured({"gru": 0.05, inside: 0.03})
    refits = [
        {"date": "2021-01-04", "valid_rank_ic": 0.10},
        {"date": "2021-02-01", "valid_rank_ic": 0.20},
        {"date": "2021-03-01"},
        {"date": "2021-04-01", "valid_rank_ic": None},
        {"date": "2022-01-04", "valid_rank_ic": 0.90},
    ]
    scores = [score("gru", refits=refits), score(inside, scheme="in_sample")]
    told = {ic: {"refits": [{"date": "2021-01-04", "valid_rank_ic": ic}]} for ic in (0.5, 0.3, 0.8)}
    runs = {inside: [told[0.5], told[0.3]], "lstm": [told[0.8]], "gru": [told[0.8]]}
    table = stacking_gap_table(results, scores, runs, UNTIL).set_index("horizon")
    assert table["score"].tolist() == ["gru", "gru"]
    for k, horizon in enumerate(("5", "10g")):
        honest, flattered = results["gru"][k], results[inside][k]
        difference = (flattered.series - honest.series)[: DATES - honest.unknown]
        row = table.loc[horizon]
        assert row["oos_lagged_pct"] == 100 * honest.mean
        assert row["in_sample_pct"] == 100 * flattered.mean
        assert row["difference_pct"] == pytest.approx(100 * np.nanmean(difference), abs=1e-12)
        error = 100 * newey_west_error(difference, honest.lag)
        assert row["difference_se_pct"] == pytest.approx(error, abs=1e-12)
    assert table.loc["10g", "oos_promised_pct"] == pytest.approx(15, abs=1e-12)
    assert table.loc["10g", "in_sample_promised_pct"] == pytest.approx(40, abs=1e-12)
    assert table.loc["5"][["oos_promised_pct", "in_sample_promised_pct"]].isna().all()
    assert stacking_gap_table(results, scores[:1], runs, UNTIL).empty


def test_who_promised_nothing_has_no_promise() -> None:
    assert math.isnan(promised(score("gru"), {"lstm": [{}], "gru": [{}]}, UNTIL))
    assert math.isnan(promised(None, {}, UNTIL))
