"""The accounting of averages: what runs and models are worth together, predicted and measured."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from alpha_lightning.evaluation.ensemble import mean_of_equals, mean_pairwise
from alpha_lightning.evaluation.rank_ic import RankIC, rank_ics
from alpha_lightning.evaluation.run_scores import Runs
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.score_correlations import weekly_correlation
from alpha_lightning.evaluation.scores import Score
from alpha_lightning.evaluation.standard_errors import newey_west_error, overlap
from alpha_lightning.panel.returns import EVALUATION_RETURNS, LABEL, Horizon
from alpha_lightning.panel.signal_dates import typical_step
from alpha_lightning.weighting.optimal_weights import mean_ic, optimal_weights

RankICs = Mapping[str, Sequence[RankIC]]
Series = NDArray[np.float64]
Table = Any
"""A pandas DataFrame."""
_HORIZONS = tuple(Horizon(*pair) for pair in EVALUATION_RETURNS)


def ensemble_table(runs: Runs | None, sample: Sample, results: RankICs) -> Table:
    """RankIC of averages as the identities predict it and as it is.

    Runs: the mean of ``m`` runs of a model on weekly signal dates, for ``m`` from 1 to all of them;
    measured is the mean over the cyclic sets of ``m`` consecutive runs (for all of them one).
    Models: an equal mean of models, predicted from the members' own RankICs and correlations.

    Args:
        runs: single runs, if there are any.
        sample: the shown scores.
        results: RankIC by score name, of the shown scores at least.

    Returns:
        ``difference_pct`` is measured less predicted, with the Newey-West error of what is left
        when the prediction is made date by date with the mean correlation; ``limit_pct`` is
        predicted of infinitely many members like these.
    """
    rows = [] if runs is None else list(_of_runs(runs, sample))
    return pd.DataFrame([*rows, *_of_models(sample, results)])


def optimal_weights_table(sample: Sample, results: RankICs) -> Table:
    """Weights ``R^-1 IC`` of each equal mean of models, at the label's horizon.

    Descriptive: they are fitted on the very dates that they are told of.
    """
    rows = []
    place = EVALUATION_RETURNS.index(LABEL)
    for score, members in _equal_means(sample, results):
        ic = np.array([results[name][place].mean for name in members])
        correlation = _correlation(sample, members)
        best, equal = optimal_weights(ic, correlation), np.full(len(ic), 1 / len(ic))
        predicted = {
            "predicted_equal_pct": 100 * mean_ic(equal, ic, correlation),
            "predicted_optimal_pct": 100 * mean_ic(best, ic, correlation),
        }
        for name, weight, own in zip(members, best, ic, strict=True):
            row = {"score": score.name, "member": name, "weight": weight, "ic_pct": 100 * own}
            rows.append(row | predicted)
    return pd.DataFrame(rows)


def cyclic_sums(values: NDArray[Any]) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """Sums of 1, 2, ... and all of M runs, over the cyclic sets of neighbours.

    Args:
        values: ``(M, S, N)``.

    Yields:
        How many, and the sums ``(S, N)``: M of them, but one for all of the runs.
    """
    size = len(values)
    sums = list(values)
    for count in range(1, size + 1):
        if count > 1:
            sums = [part + values[(k + count - 1) % size] for k, part in enumerate(sums)]
        yield count, sums[:1] if count == size else sums


def _of_runs(runs: Runs, sample: Sample) -> Iterator[dict[str, Any]]:
    close, step = sample.close(), typical_step(runs.rows)
    for model, places in runs.by_model.items():
        if len(places) < 2:
            continue
        names = "+".join(runs.scores[place].name for place in places)
        rho = mean_pairwise(runs.correlation[np.ix_(places, places)])
        single = np.empty(0)
        for count, sums in cyclic_sums(runs.values[places]):
            masks = [runs.mask] * len(sums)
            series = rank_ics(sums, masks, close, runs.rows, _HORIZONS).mean(axis=0)
            single = series if count == 1 else single
            factor = mean_of_equals(1.0, rho, count)
            for k, horizon in enumerate(_HORIZONS):
                known = runs.rows + horizon.span <= sample.last
                lag = overlap(horizon.days, step)
                row = _row(series[k][known], single[k][known], (factor, rho), lag)
                about = {"score": model, "members": names, "what": "runs", "count": count}
                yield about | {"horizon": str(horizon), "correlation_pct": 100 * rho} | row


def _of_models(sample: Sample, results: RankICs) -> Iterator[dict[str, Any]]:
    for score, members in _equal_means(sample, results):
        correlation = _correlation(sample, members)
        equal = np.full(len(members), 1 / len(members))
        factor = mean_ic(equal, np.ones(len(members)), correlation)
        for k, ic in enumerate(results[score.name]):
            known = slice(0, len(ic.series) - ic.unknown)
            single = np.mean([results[name][k].series[known] for name in members], axis=0)
            about: dict[str, Any] = {"score": score.name, "members": "+".join(members)}
            about |= {"what": "models", "count": len(members), "horizon": str(ic.horizon)}
            rho = mean_pairwise(correlation)
            about["correlation_pct"] = 100 * rho
            yield about | _row(ic.series[known], single, (factor, rho), ic.lag)


def _row(
    measured: Series, single: Series, identity: tuple[float, float], lag: int
) -> dict[str, Any]:
    """Equal weights make every identity ``factor x mean of the members' ICs``."""
    factor, rho = identity
    left = measured - factor * single
    both = np.isfinite(left)
    # At least one date: every horizon has a known return.
    means = [float(x[both].mean()) if both.any() else np.nan for x in (single, measured)]
    return {
        "single_pct": 100 * means[0],
        "predicted_pct": 100 * factor * means[0],
        "limit_pct": 100 * mean_of_equals(means[0], rho, math.inf) if rho > 0 else np.nan,
        "measured_pct": 100 * means[1],
        "measured_se_pct": 100 * newey_west_error(np.where(both, measured, np.nan), lag),
        "difference_pct": 100 * (means[1] - factor * means[0]),
        "difference_se_pct": 100 * newey_west_error(left, lag),
        "dates": int(both.sum()),
    }


def _equal_means(sample: Sample, results: RankICs) -> Iterator[tuple[Score, list[str]]]:
    shown = {score.name for score in sample.scores}
    for score in sample.scores:
        members = [str(part.get("name", "")) for part in score.metadata.get("parts", ())]
        equal = score.metadata.get("weights", "equal") == "equal"
        if equal and len(members) > 1 and shown.issuperset(members) and score.name in results:
            yield score, members


def _correlation(sample: Sample, members: Sequence[str]) -> Series:
    places = [[score.name for score in sample.scores].index(name) for name in members]
    members_only = sample.of_scores(places)
    return weekly_correlation(members_only.scores, members_only.masks, sample.weekly)
