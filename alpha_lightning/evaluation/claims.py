"""What the paper claims, held against what this study measured."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.evaluation.model_correlations import averages_by_date
from alpha_lightning.evaluation.rank_ic import RankIC
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.scores import level_of
from alpha_lightning.evaluation.standard_errors import newey_west_error, paired_difference
from alpha_lightning.panel.returns import EVALUATION_RETURNS, LABEL, Horizon
from alpha_lightning.weighting.variants import integrated_name

RankICs = Mapping[str, Sequence[RankIC]]
Verdict = Literal["holds", "does not hold", "undecided", "not measured"]
Series = NDArray[np.float64]
Table = Any
"""A pandas DataFrame."""
MEANINGFUL = 0.05
"""Share of the RankIC compared with, below which a difference would change nobody's choice."""
RECURRENT = ("gru", "agru", "lstm")
OTHERS = ("restcn", "transformer")
OF_PORTFOLIOS = (
    "TOP300 is slightly below TOP100, with a smaller relative drawdown",
    "low turnover costs CSI300 enhancement nothing after cost",
    "the 80 % rule helps CSI300, and lowers CSI500's return but raises its information ratio",
)
"""Claims about portfolios, which an evaluation of scores cannot check."""
_PLACE = EVALUATION_RETURNS.index(LABEL)
_LABEL = Horizon(*LABEL)
_POINTS = "points of RankIC"


@dataclass(frozen=True)
class Evidence:
    """A difference and how sure it is, in per cent.

    Args:
        measure: what was subtracted from what.
        value: the difference.
        error: its standard error.
        margin: below which it means nothing.
        unit: of the three.
    """

    measure: str
    value: float
    error: float
    margin: float = 0.0
    unit: str = _POINTS


Rule = Callable[[Evidence], Verdict]


def is_above(found: Evidence) -> Verdict:
    """Verdict on "more than": the difference lies two errors above zero, or two below."""
    if found.value - 2 * found.error > 0:
        return "holds"
    return "does not hold" if found.value + 2 * found.error < 0 else "undecided"


def is_not_below(found: Evidence) -> Verdict:
    """Verdict on "not weaker than".

    Holds when two errors below the difference are still above minus the margin: it is not weaker by
    anything that matters. Does not hold when, beyond that, two errors above it are below zero. A
    range from a meaningful weakness to none is undecided, and so is a thin sample.
    """
    if found.value - 2 * found.error > -found.margin:
        return "holds"
    return "does not hold" if found.value + 2 * found.error < 0 else "undecided"


def is_nothing(found: Evidence) -> Verdict:
    """Verdict on "follows": two errors either side of the difference lie within the margin.

    Does not hold when they do not and zero is outside them; undecided otherwise.
    """
    if abs(found.value) + 2 * found.error < found.margin:
        return "holds"
    return "does not hold" if abs(found.value) > 2 * found.error else "undecided"


def claims_table(sample: Sample, results: RankICs, ensemble: Table, later: int | None) -> Table:
    """Each claim with its evidence at the label's horizon.

    Differences are paired by date with Newey-West errors. "Not better" is "not weaker" seen from
    the other side, with the sign turned.

    Args:
        sample: the shown scores.
        results: RankIC by score.
        ensemble: from `ensemble_table`, if there is one.
        later: panel row since which the five models' integration should lead.

    Returns:
        Empty when nothing of what the claims are about was measured.
    """
    units = {
        score.units[0]: score.name
        for score in sample.scores
        if level_of(score, sample.scores) == "model" and len(score.units) == 1
    }
    found: list[tuple[str, Rule, list[Evidence]]] = [
        (
            "RESTCN and Transformer are not weaker than recurrent networks",
            is_not_below,
            _against_recurrent(units, results),
        ),
        ("AGRU is not better than GRU", is_not_below, _without_attention(units, results)),
        (
            "recurrent networks are more alike than networks of two families",
            is_above,
            _alike(sample, units),
        ),
        ("runs averaged follow the identity", is_nothing, _followed(ensemble, "runs")),
        ("models averaged follow the identity", is_nothing, _followed(ensemble, "models")),
        ("v1 is better than v0", is_above, _v1_over_v0(sample, results)),
        ("RCTv1 is better than RNNv1", is_above, _led(results)),
        (
            "RCTv1 leads RNNv1 chiefly since the later date",
            is_above,
            _led_since(sample, results, later),
        ),
    ]
    if not any(evidence for _, _, evidence in found):
        return pd.DataFrame()
    found += [(claim, is_above, []) for claim in OF_PORTFOLIOS]
    return pd.DataFrame([row for claim in found for row in _rows(*claim)])


def _rows(claim: str, rule: Rule, evidence: list[Evidence]) -> Iterator[dict[str, Any]]:
    for one in evidence:
        measured = {"measure": one.measure, "value": one.value, "se": one.error, "unit": one.unit}
        yield {"claim": claim, **measured, "verdict": rule(one)}
    if not evidence:
        nothing = {"measure": "", "value": np.nan, "se": np.nan, "unit": ""}
        yield {"claim": claim, **nothing, "verdict": "not measured"}


def _label_series(results: RankICs, names: Sequence[str]) -> Series:
    """Mean RankIC of some scores by date, in per cent, without the dates not known yet."""
    ics = [results[name][_PLACE] for name in names]
    known = len(ics[0].series) - ics[0].unknown
    return np.asarray(100 * np.mean([ic.series[:known] for ic in ics], axis=0))


def _compare(results: RankICs, better: Sequence[str], worse: Sequence[str]) -> Evidence:
    ours, theirs = _label_series(results, better), _label_series(results, worse)
    value, error = paired_difference(ours, theirs, results[better[0]][_PLACE].lag)
    level = float(np.mean(theirs[np.isfinite(ours - theirs)])) if len(theirs) else math.nan
    measure = f"RankIC {_LABEL}: {'+'.join(better)} less {'+'.join(worse)}"
    return Evidence(measure, value, error, MEANINGFUL * abs(level))


def _against_recurrent(units: Mapping[str, str], results: RankICs) -> list[Evidence]:
    recurrent = [units[unit] for unit in RECURRENT if unit in units]
    others = [units[unit] for unit in OTHERS if unit in units]
    return [_compare(results, [name], recurrent) for name in others if recurrent]


def _without_attention(units: Mapping[str, str], results: RankICs) -> list[Evidence]:
    if not {"gru", "agru"} <= units.keys():
        return []
    return [_compare(results, [units["gru"]], [units["agru"]])]


def _alike(sample: Sample, units: Mapping[str, str]) -> list[Evidence]:
    families = {units[unit]: unit in RECURRENT for unit in RECURRENT + OTHERS if unit in units}
    places = [k for k, score in enumerate(sample.scores) if score.name in families]
    kinds = [families[sample.scores[place].name] for place in places]
    pairs = list(itertools.combinations(range(len(places)), 2))
    within = [pair for pair in pairs if kinds[pair[0]] and kinds[pair[1]]]
    across = [pair for pair in pairs if kinds[pair[0]] != kinds[pair[1]]]
    if not within or not across:
        return []
    by_date = averages_by_date(sample.of_scores(places), None)
    sides = [np.mean([by_date[:, i, j] for i, j in some], axis=0) for some in (within, across)]
    # Scores move slowly, so that neighbouring dates tell nearly the same.
    lag = math.ceil(len(by_date) ** (1 / 3))
    value, error = paired_difference(100 * sides[0], 100 * sides[1], lag)
    measure = "correlation of scores: pairs of recurrent networks less pairs across families"
    return [Evidence(measure, value, error, unit="points of correlation")]


def _followed(ensemble: Table, what: str) -> list[Evidence]:
    if ensemble is None:
        return []
    own = ensemble[(ensemble["what"] == what) & (ensemble["horizon"] == str(_LABEL))]
    last = own.groupby("score", sort=False).tail(1)
    return [
        Evidence(
            f"RankIC {_LABEL} of {row.score}: mean of {row.count_} {what} less the predicted",
            row.difference_pct,
            row.difference_se_pct,
            MEANINGFUL * abs(row.predicted_pct),
        )
        for row in last.rename(columns={"count": "count_"}).itertuples()
    ]


def _v1_over_v0(sample: Sample, results: RankICs) -> list[Evidence]:
    # A network may be the first version of another, and no integration.
    made = [s.name for s in sample.scores if level_of(s, sample.scores) == "ensemble"]
    groups = [name.removesuffix("v1") for name in made if name.endswith("v1")]
    pairs = [(integrated_name(group, "v1"), integrated_name(group, "v0")) for group in groups]
    return [_compare(results, [one], [other]) for one, other in pairs if other in made]


def _led(results: RankICs) -> list[Evidence]:
    both = {"RCTv1", "RNNv1"} <= results.keys()
    return [_compare(results, ["RCTv1"], ["RNNv1"])] if both else []


def _led_since(sample: Sample, results: RankICs, later: int | None) -> list[Evidence]:
    if later is None or not _led(results):
        return []
    lead = _label_series(results, ["RCTv1"]) - _label_series(results, ["RNNv1"])
    new = sample.rows[: len(lead)] >= later
    if not np.isfinite(lead[new]).any() or not np.isfinite(lead[~new]).any():
        return []
    lag = results["RCTv1"][_PLACE].lag
    errors = [newey_west_error(lead[part], lag) for part in (new, ~new)]
    value = float(np.nanmean(lead[new]) - np.nanmean(lead[~new]))
    date = sample.panel.dates[later]
    measure = f"RankIC {_LABEL}: lead of RCTv1 over RNNv1 since {date} less the lead before"
    # Two stretches that hardly overlap are taken as independent.
    return [Evidence(measure, value, math.hypot(*errors))]
