"""The value of data sets against plain differences of RankIC series."""

from typing import Any

import numpy as np
import pytest

from alpha_lightning.evaluation.dataset_value import dataset_value_table
from alpha_lightning.evaluation.rank_ic import RankIC, summarise_rank_ic
from alpha_lightning.evaluation.scores import Score
from alpha_lightning.evaluation.standard_errors import newey_west_error
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.weighting.subsets import proper_subsets, subset_name

WHOLE = ("rawbar", "mschars", "l2chars")
HORIZONS = (Horizon(5, 0), Horizon(10, 1))
DATES = 60


def score(name: str, units: tuple[str, ...], datasets: tuple[str, ...], **about: Any) -> Score:
    metadata = {"units": list(units), "datasets": sorted(datasets)} | about
    return Score(name, np.zeros((1, 1), dtype=np.float32), metadata, "")


def measured(scores: list[Score]) -> dict[str, list[RankIC]]:
    """Series in which each data set adds a point, around a luck that all scores share."""
    luck = np.random.default_rng(0).normal(0, 0.1, DATES)
    luck[7] = np.nan
    results: dict[str, list[RankIC]] = {}
    for place, one in enumerate(scores):
        own = np.random.default_rng(place + 1).normal(0.02 * len(one.datasets), 0.01, DATES)
        series = luck + own
        for horizon in HORIZONS:
            known = np.arange(DATES) + horizon.span // 5 < DATES
            cut = np.where(known, series, np.nan)
            summary = summarise_rank_ic(cut, known, horizon, step=5)
            results.setdefault(one.name, []).append(summary)
    return results


@pytest.fixture
def scores() -> list[Score]:
    made = []
    for name, units in (("gru", ("gru",)), ("v1", ("gru", "lstm"))):
        made.append(score(name, units, WHOLE))
        made += [score(subset_name(name, part), units, part) for part in proper_subsets(WHOLE)]
    made.append(score("gru on rawbar, mean of factors", ("gru",), ("rawbar",), weighting="mean"))
    made.append(score("summary", ("summary",), (), scheme="baseline"))
    return made


def test_differences_are_paired_by_date(scores: list[Score]) -> None:
    results = measured(scores)
    table = dataset_value_table(results, scores).set_index(["score", "role", "change", "horizon"])
    for name in ("gru", "v1"):
        for k, horizon in enumerate(HORIZONS):
            full = results[name][k]
            pair = results[f"{name} on rawbar+l2chars"][k]
            row = table.loc[name, "drop-one", "−mschars", str(horizon)]
            difference = (pair.series - full.series)[: DATES - full.unknown]
            assert row["rank_ic_pct"] == pytest.approx(100 * pair.mean, abs=1e-12)
            assert row["ic_ir"] == pair.ic_ir
            assert row["difference_pct"] == pytest.approx(100 * np.nanmean(difference), abs=1e-12)
            error = 100 * newey_west_error(difference, full.lag)
            assert row["difference_se_pct"] == pytest.approx(error, abs=1e-12)
            assert row["dates"] == np.isfinite(difference).sum() == DATES - 1 - full.unknown
            # The shared luck is gone from the difference.
            assert row["difference_se_pct"] < 0.3 * row["rank_ic_se_pct"]


def test_every_role_is_there_and_all_of_them_differ_by_nothing(scores: list[Score]) -> None:
    table = dataset_value_table(measured(scores), scores)
    assert list(dict.fromkeys(table["score"])) == ["v1", "gru"], "ensembles first"
    one = table[(table["score"] == "v1") & (table["horizon"] == "10g")]
    assert one["role"].tolist() == ["single"] * 3 + ["cumulative"] * 3 + ["drop-one"] * 3 + ["all"]
    whole = one[one["datasets"] == "rawbar+mschars+l2chars"]
    assert whole["change"].tolist() == ["+l2chars", "all"]
    assert (whole[["difference_pct", "difference_se_pct"]] == 0).all(axis=None)
    steps = one[one["role"] == "cumulative"]["rank_ic_pct"]
    assert steps.is_monotonic_increasing


def test_a_subset_that_was_not_weighed_has_no_row(scores: list[Score]) -> None:
    few = [one for one in scores if one.name in ("gru", "gru on rawbar")]
    table = dataset_value_table(measured(few), few)
    assert table["change"].unique().tolist() == ["rawbar", "+l2chars", "all"]


def test_without_subsets_there_is_no_table(scores: list[Score]) -> None:
    alone = [one for one in scores if one.name in ("v1", "summary")]
    assert dataset_value_table(measured(alone), alone).empty
