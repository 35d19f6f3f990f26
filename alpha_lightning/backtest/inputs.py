"""Signal dates, universe and scores of portfolios, read from files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.corporate_events import read_events
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.settings import ExecutionSettings, SignalSettings
from alpha_lightning.panel.periods import row_since, row_until
from alpha_lightning.panel.signal_dates import signal_rows
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.portfolio.fixed_weights import FixedWeights
from alpha_lightning.portfolio.policy import Flags, Index
from alpha_lightning.portfolio.weights_file import read_weights
from alpha_lightning.weighting.score_grid import ScoreGrid, read_score_grid


@dataclass(frozen=True)
class Inputs:
    """What portfolios are decided from.

    Args:
        panel: the panel.
        signals: ``(S,)`` panel rows of the signal dates, ascending.
        universe: ``(S, N)`` members on them.
        scores: each on the signal dates ``(S, N)``; NaN is missing.
        last: last panel row of the run: the signal date after the last one with a score.
        settings: as they were applied.
    """

    panel: Panel
    signals: Index
    universe: Flags
    scores: tuple[ScoreGrid, ...]
    last: int
    settings: SignalSettings

    @property
    def first(self) -> int:
        """Panel row of the first signal."""
        return int(self.signals[0])


def open_inputs(
    panel: str | Path, scores: Sequence[str | Path], settings: SignalSettings
) -> Inputs:
    """Read scores on the signal dates that they share.

    Signals begin on the first date on which every score has a value, and end on the last on which
    any has one; on dates between, a portfolio without a score is held. What is bought last is held
    until the next signal date of the calendar.

    Args:
        panel: folder of the panel.
        scores: score files.
        settings: calendar, period and universe.

    Raises:
        UserError: a score that does not belong to the panel; an unknown universe; a date that
            cannot be read; a period without a signal date, or without a score on any.
    """
    if not scores:
        msg = "no score to make a portfolio from: name a score file (--scores)"
        raise UserError(msg)
    opened = Panel.open(panel)
    calendar = signal_rows(opened.dates, settings.frequency, settings.every)
    start, end = _period(opened, settings)
    rows = calendar[(calendar >= start) & (calendar <= end)]
    if not len(rows):
        period = f"from {opened.dates[start]} to {opened.dates[end]}"
        msg = f"no {settings.frequency} signal date {period}: widen the period"
        raise UserError(msg)
    members = universe(opened, settings.universe)
    grids = [read_score_grid(path, opened, rows) for path in scores]
    kept = _scored(grids, scores, opened.dates[rows])
    grids = [ScoreGrid(g.name, g.values[kept], g.metadata, g.fingerprint) for g in grids]
    rows = rows[kept]
    later = calendar[calendar > rows[-1]]
    last = min(int(later[0]) if len(later) else end, end)
    return Inputs(opened, rows, np.asarray(members[rows]), tuple(grids), last, settings)


def open_weights(
    panel: str | Path, weights: str | Path, settings: SignalSettings, *, partial: bool = False
) -> tuple[Inputs, FixedWeights, dict[str, Any]]:
    """Read target weights; their own dates are the signal dates.

    Args:
        panel: folder of the panel.
        weights: the file.
        settings: period and universe. A file that says of what universe it is, and until when its
            last weights are held, is asked where the settings do not tell.
        partial: take weights of a sum below 1; the rest is cash.

    Returns:
        Inputs without scores, the policy that plays the weights back, and the file's provenance.

    Raises:
        UserError: see `read_weights`; or an unknown universe, a date that cannot be read, a period
            without weights.
    """
    opened = Panel.open(panel)
    rows, policy, about = read_weights(weights, opened, partial=partial)
    start, end = _period(opened, settings)
    rows = rows[(rows >= start) & (rows <= end)]
    if not len(rows):
        period = f"from {opened.dates[start]} to {opened.dates[end]}"
        msg = f"{weights} has no weights {period}: widen the period"
        raise UserError(msg)
    if "last_date" in about and settings.end is None:
        end = row_until(opened.dates, about["last_date"], "last_date")
    if settings.universe == "all":
        settings = replace(settings, universe=str(about.get("universe", "all")))
    members = universe(opened, settings.universe)[rows]
    return Inputs(opened, rows, np.asarray(members), (), end, settings), policy, about


def open_market(inputs: Inputs, execution: ExecutionSettings, actions: str | None) -> Market:
    """The market that portfolios of these inputs trade in.

    Args:
        inputs: panel, first and last row.
        execution: where price limits are from.
        actions: table of corporate actions; None books changes of the adjustment factor.

    Raises:
        UserError: limits that the panel does not have, or a table that cannot be read.
    """
    events = read_events(actions, inputs.panel) if actions else None
    return Market.of_panel(inputs.panel, inputs.first, inputs.last, execution.limits, events)


def _period(panel: Panel, settings: SignalSettings) -> tuple[int, int]:
    dates = panel.dates
    start = row_since(dates, settings.start, "signals.start") if settings.start else 0
    end = row_until(dates, settings.end, "signals.end") if settings.end else len(dates) - 1
    if start > end:
        msg = (
            f"--signals.start {settings.start} is after --signals.end {settings.end}:"
            " exchange them, or leave one out"
        )
        raise UserError(msg)
    return start, end


def _scored(grids: Sequence[ScoreGrid], paths: Sequence[str | Path], dates: NDArray[Any]) -> slice:
    present = np.array([np.isfinite(grid.values).any(axis=1) for grid in grids])
    for path, row in zip(paths, present, strict=True):
        if not row.any():
            msg = (
                f"{path} has no score on any of the {len(dates)} signal dates from {dates[0]} to"
                f" {dates[-1]}: choose another period or calendar"
            )
            raise UserError(msg)
    first = int(present.argmax(axis=1).max())
    return slice(first, int(np.flatnonzero(present.any(axis=0))[-1]) + 1)
