"""What a reader must be told before the numbers."""

from collections.abc import Mapping
from typing import Any

from alpha_lightning.backtest.summary import YEAR
from alpha_lightning.evaluation.attainable import remarks_on
from alpha_lightning.evaluation.execution import Prices
from alpha_lightning.evaluation.groups import GroupReturns
from alpha_lightning.evaluation.run_scores import Runs
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.scores import IN_SAMPLE
from alpha_lightning.evaluation.table_set import Measured
from alpha_lightning.weighting.subsets import in_order

Table = Any
"""A pandas DataFrame."""


def remarks(measured: Measured, prices: Prices, written: Mapping[str, Table]) -> list[str]:
    """Sentences on prices, thin samples, kept books, runs, proxies, stacking and the oracle."""
    share = written.get("share_of_attainable")
    return [
        *prices.warnings,
        *_thin_sample(measured.sample),
        *_held_on(measured.groups),
        *_short_periods(measured),
        *_constant_runs(measured.runs),
        *_proxies(measured.whole),
        *_in_sample(measured.sample),
        *([] if share is None else remarks_on(share)),
    ]


def _held_on(groups: Mapping[str, GroupReturns]) -> list[str]:
    missed = {name: result.missed for name, result in groups.items() if result.missed}
    if not missed:
        return []
    weeks = ", ".join(f"{name} {count}" for name, count in missed.items())
    return [f"Weeks without enough scores, in which the groups kept their old books: {weeks}."]


def _short_periods(measured: Measured) -> list[str]:
    last = max(int(result.rows[-1]) for result in measured.groups.values())
    days = {text: last - row + 1 for text, row in list(measured.since.items())[1:]}
    return [
        f"Groups since {text} are held for {held} trading days only: a return of so short a time,"
        " annualised, says nothing."
        for text, held in days.items()
        if held < YEAR // 2
    ]


def _constant_runs(runs: Runs | None) -> list[str]:
    if runs is None or not runs.constant:
        return []
    return [
        f"Runs that give all stocks the same score on every date, left out of what is said of runs:"
        f" {', '.join(runs.constant)}."
    ]


def _thin_sample(sample: Sample) -> list[str]:
    sentences = []
    share = min(int(mask.sum()) for mask in sample.masks) / max(int(sample.members.sum()), 1)
    if share < 0.8:
        sentences.append(f"Only {share:.0%} of the universe is compared: the rest lacks a score.")
    if sample.weekly.sum() < 26:
        weeks = int(sample.weekly.sum())
        sentences.append(f"Only {weeks} weekly signal dates: too few to trust a standard error.")
    return sentences


def _proxies(sample: Sample) -> list[str]:
    named = {name for score in sample.scores for name in score.metadata.get("proxies", ())}
    return [
        f"{name} is a proxy made from minute bars, not Level-2 data." for name in in_order(named)
    ]


def _in_sample(sample: Sample) -> list[str]:
    # An average of both schemes says "in_sample+oos_lagged".
    named = [score.name for score in sample.scores if IN_SAMPLE in score.scheme.split("+")]
    if not named:
        return []
    return [
        f"Stacked in sample: {', '.join(named)}. The weighting learnt from factors whose networks"
        " had seen the same dates; what its fits promise is too good."
    ]
