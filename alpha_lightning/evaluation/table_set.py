"""Every table of an evaluation, by the name of its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.evaluation import tables
from alpha_lightning.evaluation.attainable import Oracle, oracle_by_date_table, share_table
from alpha_lightning.evaluation.claims import claims_table
from alpha_lightning.evaluation.dataset_value import dataset_value_table
from alpha_lightning.evaluation.ensemble_tables import ensemble_table, optimal_weights_table
from alpha_lightning.evaluation.groups import GroupReturns
from alpha_lightning.evaluation.importance_tables import importance_factors_table, importance_table
from alpha_lightning.evaluation.model_correlations import (
    averaged_table,
    averaging_table,
    single_run_table,
)
from alpha_lightning.evaluation.paper_figures import MEASURES, measure_tables, names_of_level
from alpha_lightning.evaluation.persistence import autocorrelation_table, decay_table
from alpha_lightning.evaluation.rank_ic import RankIC
from alpha_lightning.evaluation.run_scores import Runs
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.score_correlations import score_correlation_table
from alpha_lightning.evaluation.variant_tables import stacking_gap_table, weighting_value_table

Table = Any
"""A pandas DataFrame."""


@dataclass(frozen=True)
class Measured:
    """What an evaluation read and measured, before it is put into tables.

    Args:
        whole: all scores that are compared, the shown ones first.
        shown: how many are shown.
        rank_ics: of all of them, by name.
        groups: of the shown ones, by name.
        since: panel row of each first date of the groups, by its text; the whole period first.
        runs: single runs of the shown scores.
        run_metadata: provenance of runs, also of scores that are not shown, by score.
        importance: of the factors, as `read_importances` gives it.
        oracle: of the simulated market.
    """

    whole: Sample
    shown: int
    rank_ics: dict[str, list[RankIC]]
    groups: dict[str, GroupReturns]
    since: dict[str, int]
    runs: Runs | None
    run_metadata: dict[str, list[dict[str, Any]]]
    importance: Table
    oracle: Oracle | None

    @property
    def sample(self) -> Sample:
        """The shown scores."""
        return self.whole.of_scores(slice(self.shown))

    @property
    def later(self) -> int | None:
        """Panel row of the groups' first further date, where there is one."""
        return list(self.since.values())[1] if len(self.since) > 1 else None

    def names(self, level: Any) -> list[str]:
        """Of the shown scores of a level."""
        return names_of_level(level, self.sample.scores, self.whole.scores)


def all_tables(measured: Measured) -> dict[str, Table]:
    """Tables by name; those without a row are left out."""
    found = _figures(measured)
    found |= _of_shown_scores(measured)
    found |= _of_averages(measured)
    found |= _of_parts(measured)
    found |= _of_oracle(measured)
    kept = {name: table for name, table in found.items() if len(table)}
    claims = claims_table(measured.sample, measured.rank_ics, kept.get("ensemble"), measured.later)
    return kept | ({"claims": claims} if len(claims) else {})


def _figures(measured: Measured) -> dict[str, Table]:
    names = {level: measured.names(level) for level, _ in MEASURES}
    found = measure_tables(names, measured.rank_ics, measured.groups, measured.since)
    models = _chosen(measured.sample, names["model"])
    if models.scores:
        found["fig11_correlation_average"] = averaged_table(models, measured.runs)
        if measured.runs is not None:
            found["fig10_correlation_single_run"] = single_run_table(models, measured.runs)
            found["correlation_of_averages"] = averaging_table(models, measured.runs)
    return found


def _of_shown_scores(measured: Measured) -> dict[str, Table]:
    sample, groups = measured.sample, measured.groups
    rank_ics = {score.name: measured.rank_ics[score.name] for score in sample.scores}
    return {
        "groups": tables.groups_table(groups, measured.since),
        "rank_ic_summary": tables.rank_ic_summary_table(rank_ics),
        "rank_ic_by_date": tables.rank_ic_by_date_table(rank_ics, sample),
        "rank_ic_by_year": tables.rank_ic_by_year_table(rank_ics, sample),
        "group_nav": tables.group_nav_table(groups, sample),
        "top_group": tables.top_group_table(groups, sample),
        "score_correlation": score_correlation_table(sample),
        "coverage": tables.coverage_table(sample),
        "decay": decay_table(sample),
        "autocorrelation": autocorrelation_table(sample),
    }


def _of_averages(measured: Measured) -> dict[str, Table]:
    sample, rank_ics = measured.sample, measured.rank_ics
    return {
        "ensemble": ensemble_table(measured.runs, sample, rank_ics),
        "optimal_weights": optimal_weights_table(sample, rank_ics),
    }


def _of_parts(measured: Measured) -> dict[str, Table]:
    whole, rank_ics = measured.whole, measured.rank_ics
    runs = measured.run_metadata
    until = whole.panel.dates[whole.last]
    found = {
        "dataset_value": dataset_value_table(rank_ics, whole.scores),
        "weighting_value": weighting_value_table(rank_ics, whole.scores),
        "stacking_gap": stacking_gap_table(rank_ics, whole.scores, runs, until),
        "importance": importance_table(measured.importance),
        "importance_factors": importance_factors_table(measured.importance),
    }
    also = {score.name: rank_ics[score.name] for score in whole.scores[measured.shown :]}
    if also:
        found["rank_ic_summary_also"] = tables.rank_ic_summary_table(also)
        found["rank_ic_by_date_also"] = tables.rank_ic_by_date_table(also, whole)
    return found


def _of_oracle(measured: Measured) -> dict[str, Table]:
    if measured.oracle is None:
        return {}
    return {
        "share_of_attainable": share_table(measured.whole, measured.oracle),
        "oracle_by_date": oracle_by_date_table(measured.whole, measured.oracle),
    }


def _chosen(sample: Sample, names: Sequence[str]) -> Sample:
    places = [place for place, score in enumerate(sample.scores) if score.name in names]
    return sample.of_scores(places)
