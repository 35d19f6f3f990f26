"""Single runs of the models, on the stocks that all of them have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_metadata
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.scores import MIN_STOCKS, Score, level_of, read_scores
from alpha_lightning.weighting.variants import model_of, run_name

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Runs:
    """Single runs, z-scored by date over the stocks that every one of them has.

    Args:
        scores: R runs as they were read, on the weekly signal dates.
        values: ``(R, S, N)`` float32 z-scores, NaN outside the mask.
        mask: ``(S, N)`` stocks that are compared.
        rows: ``(S,)`` weekly signal dates, as rows of the panel.
        constant: names of runs that were left out because they tell stocks apart on no date.
    """

    scores: tuple[Score, ...]
    values: NDArray[np.float32]
    mask: NDArray[np.bool_]
    rows: NDArray[np.intp]
    constant: tuple[str, ...] = ()

    @property
    def by_model(self) -> dict[str, list[int]]:
        """Places of each model's runs, in the order in which the models come."""
        places: dict[str, list[int]] = {}
        for place, score in enumerate(self.scores):
            places.setdefault(model_of(score.name), []).append(place)
        return places

    @cached_property
    def correlation(self) -> Floats:
        """Pearson correlation of each two runs, mean over dates, ``(R, R)``."""
        total = np.zeros((len(self.scores), len(self.scores)))
        dates = np.flatnonzero(self.mask.any(axis=1))
        for date in dates:
            inside = self.mask[date]
            z = self.values[:, date, inside].astype(np.float64)
            # A correlation is the mean product of z-scores.
            total += z @ z.T / inside.sum()
        return total / len(dates)


def read_runs(
    paths: Sequence[str | Path], sample: Sample, compared: Sequence[Score]
) -> Runs | None:
    """Read the runs of an evaluation's scores; a model of one seed is its own run.

    Args:
        paths: score files called ``gru/s0``; those of scores that are not shown are not read.
        sample: the shown scores.
        compared: all scores, which tell the levels.

    Returns:
        None when there is neither a file nor a model of one seed, or when nobody named a file and
        models of one seed share no week.

    Raises:
        UserError: see `read_scores`; or a score that is no run, or runs without a common date.
    """
    rows = sample.rows[sample.weekly]
    shown = {score.name for score in sample.scores}
    own = [path for name, path in _named(paths) if model_of(name) in shown]
    read = list(read_scores(own, sample.panel, rows)) if own else []
    known = {model_of(score.name) for score in read}
    for score in sample.scores:
        seeds = score.metadata.get("seeds", ())
        if level_of(score, compared) == "model" and score.name not in known and len(seeds) == 1:
            name, values = run_name(score.name, seeds[0]), score.values[sample.weekly]
            read.append(Score(name, values, score.metadata, score.fingerprint))
    found = _standardised(read, sample, rows)
    if found is None and own:
        names = ", ".join(score.name for score in read)
        msg = f"no week has {MIN_STOCKS} stocks with all of the runs {names}: name fewer of them"
        raise UserError(msg)
    return found


def run_metadata(paths: Sequence[str | Path]) -> dict[str, list[dict[str, Any]]]:
    """Provenance of runs by model, which tells of fits what an average does not.

    Args:
        paths: score files called ``gru/s0``.

    Raises:
        UserError: a score that is no run, or not one of our files.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name, path in _named(paths):
        found.setdefault(model_of(name), []).append(read_metadata(path))
    return found


def _named(paths: Sequence[str | Path]) -> Iterator[tuple[str, str | Path]]:
    for path in paths:
        name = str(read_metadata(path).get("name", Path(path).stem))
        if model_of(name) == name:
            msg = f"{path}: {name!r} is no single run: name it like {run_name('gru', 0)!r}"
            raise UserError(msg)
        yield name, path


def _standardised(given: list[Score], sample: Sample, rows: NDArray[np.intp]) -> Runs | None:
    judged = np.logical_and.reduce(sample.masks) if sample.rule.same_stocks else sample.members
    mask = judged[sample.weekly]
    # A run whose trees never grew would take every date away from all the others.
    dead = [not varying(score.values, np.isfinite(score.values)).any() for score in given]
    constant = tuple(score.name for score, out in zip(given, dead, strict=True) if out)
    read = [score for score in given if score.name not in constant]
    for score in read:
        mask &= np.isfinite(score.values)
    mask &= (mask.sum(axis=1) >= MIN_STOCKS)[:, None]
    for score in read:
        mask &= varying(score.values, mask)[:, None]
    if not read or not mask.any():
        return None
    values = np.empty((len(read), *mask.shape), dtype=np.float32)
    for place, score in enumerate(read):
        values[place] = standardise(score.values, mask)
    return Runs(tuple(read), values, mask, rows, constant)


def varying(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a score tells the counted stocks of a date apart, ``(S,)``."""
    highest = np.where(mask, values, -np.inf).max(axis=1)
    return np.asarray(np.where(mask, values, np.inf).min(axis=1) < highest)


def standardise(values: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """Mean 0 and variance 1 over the counted stocks of each date, NaN for the others.

    Args:
        values: ``(S, N)``; known and not constant where the mask is set.
        mask: ``(S, N)``.
    """
    x = np.where(mask, values, 0.0)
    size = np.maximum(mask.sum(axis=1, keepdims=True), 1)
    x -= x.sum(axis=1, keepdims=True) / size
    x[~mask] = 0
    deviation = np.sqrt((x * x).sum(axis=1, keepdims=True) / size)
    return np.where(mask, x / np.where(deviation > 0, deviation, 1), np.nan)
