"""What is compared with what: the dates, the stocks and the scores of one evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.evaluation.scores import Score, cross_sections, read_scores, shared_rows
from alpha_lightning.panel.periods import row_since, row_until
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon, forward_return
from alpha_lightning.panel.signal_dates import Frequency, signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe


@dataclass(frozen=True)
class EvaluationRule:
    """How an evaluation chooses dates and stocks."""

    universe: str = "all"
    """An index whose members are in the panel, or all."""
    frequency: Frequency = "weekly"
    """Signal dates of RankIC; groups are weekly always."""
    start: str | None = None
    """First date looked at; by default the first on which every score has a value."""
    end: str | None = None
    """Last date of which anything is used, prices included; by default the panel's last."""
    same_stocks: bool = True
    """Compare all scores on the stocks that every one of them has."""


@dataclass(frozen=True)
class Sample:
    """Scores on their common signal dates.

    Args:
        panel: the panel.
        rule: how the sample was chosen.
        rows: ``(S,)`` signal dates, as rows of the panel.
        weekly: ``(S,)``, whether the date is the last trading day of its week.
        last: last panel row of which anything is used.
        scores: on the ``S`` dates.
        members: ``(S, N)`` universe.
        masks: for each score, the stocks ``(S, N)`` it is judged on.
    """

    panel: Panel
    rule: EvaluationRule
    rows: NDArray[np.intp]
    weekly: NDArray[np.bool_]
    last: int
    scores: tuple[Score, ...]
    members: NDArray[np.bool_]
    masks: tuple[NDArray[np.bool_], ...]

    @property
    def dates(self) -> NDArray[Any]:
        """Signal dates ``(S,)``."""
        return np.asarray(self.panel.dates[self.rows])

    @property
    def held_until(self) -> int:
        """Last row of the groups: the week-end after the last weekly signal that has a score."""
        weeks = signal_rows(self.panel.dates)
        later = weeks[weeks > self.rows[self.weekly][-1]]
        return int(min(later[0], self.last)) if len(later) else self.last

    def of_scores(self, chosen: slice | Sequence[int]) -> "Sample":
        """The same dates and stocks with some of the scores only."""
        places = range(len(self.scores))[chosen] if isinstance(chosen, slice) else chosen
        scores = tuple(self.scores[place] for place in places)
        return replace(self, scores=scores, masks=tuple(self.masks[place] for place in places))

    def close(self) -> NDArray[np.float64]:
        """Adjusted prices ``(T, N)`` up to the last date that may be used, NaN without a trade."""
        used = slice(self.last + 1)
        return np.where(self.panel.traded[used], self.panel.adjusted("close", used), np.nan)

    def known(self) -> dict[Horizon, NDArray[np.bool_]]:
        """Each evaluation horizon and the signal dates ``(S,)`` whose return is known.

        Raises:
            UserError: no signal date has a known return at some horizon.
        """
        found = {}
        for horizon in (Horizon(*pair) for pair in EVALUATION_RETURNS):
            found[horizon] = self.rows + horizon.span <= self.last
            if not found[horizon].any():
                msg = (
                    f"no signal date from {self.dates[0]} to {self.dates[-1]} has a return over"
                    f" {horizon.days} days after a gap of {horizon.gap} by"
                    f" {self.panel.dates[self.last]}: use earlier scores or a longer panel"
                )
                raise UserError(msg)
        return found

    def returns(self) -> Iterator[tuple[Horizon, NDArray[np.bool_], NDArray[np.float64]]]:
        """Each evaluation horizon, the signal dates ``(S,)`` whose return is known, and it.

        The return is ``(S, N)``, NaN on the other dates.

        Raises:
            UserError: no signal date has a known return at some horizon.
        """
        for horizon, known in self.known().items():
            returns = forward_return(self.panel, horizon.days, horizon.gap)[self.rows]
            yield horizon, known, np.where(known[:, None], returns, np.nan)


def draw_sample(panel: str | Path, scores: Sequence[str | Path], rule: EvaluationRule) -> Sample:
    """Read the scores and find the dates and stocks they are compared on.

    Args:
        panel: folder of the panel.
        scores: score files.
        rule: universe, frequency and period.

    Raises:
        UserError: see `read_scores`; or an unknown universe, a date that cannot be read, a period
            without a signal date or without a week-end.
    """
    opened = Panel.open(panel)
    dates = opened.dates
    first = row_since(dates, rule.start, "start") if rule.start else 0
    last = row_until(dates, rule.end) if rule.end else len(dates) - 1
    rows = signal_rows(dates, rule.frequency)
    rows = rows[(rows >= first) & (rows <= last)]
    if not len(rows):
        period = f"from {dates[first]} to {dates[last]}"
        msg = f"no {rule.frequency} signal date {period}: widen the period"
        raise UserError(msg)
    member = universe(opened, rule.universe)
    read = read_scores(scores, opened, rows)
    kept = shared_rows(read, rows, opened)
    rows = rows[kept]
    read = tuple(Score(s.name, s.values[kept], s.metadata, s.fingerprint) for s in read)
    weekly = np.isin(rows, signal_rows(dates))
    if not weekly.any():
        msg = f"no week ends from {dates[rows[0]]} to {dates[rows[-1]]}: the groups need one"
        raise UserError(msg)
    members = member[rows]
    masks = cross_sections(read, members, same_stocks=rule.same_stocks)
    return Sample(opened, rule, rows, weekly, last, read, members, masks)
