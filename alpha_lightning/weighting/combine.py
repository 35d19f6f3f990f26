"""Averages of scores: ten runs of a model, or several models (the paper's v1)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.score_file import read_score, standardised, write_score
from alpha_lightning.weighting.trailing_weights import (
    MonthWeights,
    TrailingRule,
    describe_weights,
    trailing_weights,
)

Grid = NDArray[np.float64]


def combine(
    scores: list[str],
    out: str,
    name: str = "",
    *,
    weights: Literal["equal", "optimal"] = "equal",
    panel: str | None = None,
    universe: str | None = None,
    label: Horizon | None = None,
    shrink: float | None = None,
    min_dates: int | None = None,
) -> Path:
    """Average z-scored scores date by date, and z-score the average.

    With equal weights a stock is averaged over the scores that have it on the date. Optimal weights
    ``R^-1 IC`` are estimated anew for each month from the 243 dates before it whose label is known;
    a score that lacks a stock then counts as the date's mean. Months without enough such dates have
    equal weights, and the metadata say which.

    Args:
        scores: score files made from one panel.
        out: score file to write (Parquet).
        name: of the average; the parts' names joined by ``+`` when empty.
        weights: ``equal`` or ``optimal``; the options below are for ``optimal`` only.
        panel: folder of the panel that the scores were made from.
        universe: ``all`` (as when not given), or an index; on whom scores are measured.
        label: forward return that they are measured against; that of weighing when not given.
        shrink: 0 takes measured correlations and ICs as they are, 1 gives equal weights; 0.5 when
            not given.
        min_dates: dates with a known label that optimal weights need; 60 when not given.

    Returns:
        The written file.

    Raises:
        UserError: no score, one named twice, one from another panel, or not a score; an option of
            ``optimal`` without it, or a value outside its range.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), integration of models.
    """
    options = {"universe": universe, "label": label, "shrink": shrink, "min_dates": min_dates}
    given = {key: value for key, value in options.items() if value is not None}
    rule = _trailing_rule(weights, panel, given)
    tables = {Path(path): read_score(path) for path in scores}
    _refuse_strangers(scores, tables)
    dates = np.unique(np.concatenate([table.dates for table in tables.values()]))
    symbols = np.unique(np.concatenate([table.symbols for table in tables.values()]))
    parts = (standardised(_dense(table, dates, symbols)) for table in tables.values())
    about = _describe(list(tables.values()), name)
    if rule is None or panel is None:
        return write_score(out, dates, symbols, _equal_mean(parts), about)
    source = Panel.open(panel)
    _refuse_other_panel(next(iter(tables)), about, source)
    stack = np.stack(list(parts))
    months = trailing_weights(stack, dates, symbols, source, rule)
    about |= describe_weights(months, dates, rule)
    return write_score(out, dates, symbols, _weighted_mean(stack, months), about)


def _trailing_rule(weights: str, panel: str | None, given: dict[str, Any]) -> TrailingRule | None:
    named = [*(["panel"] if panel is not None else []), *given]
    if weights not in ("equal", "optimal"):
        msg = f"weights is {weights}: choose equal or optimal"
        raise UserError(msg)
    if weights == "equal" and named:
        msg = f"{', '.join(named)}: of no use with equal weights; ask for --weights optimal"
        raise UserError(msg)
    if weights == "optimal" and panel is None:
        msg = "optimal weights are estimated from returns: name the panel of the scores (--panel)"
        raise UserError(msg)
    return TrailingRule(**given) if weights == "optimal" else None


def _equal_mean(parts: Iterable[Grid]) -> Grid:
    total, count = np.zeros(()), np.zeros((), dtype=np.int32)
    for part in parts:
        total = total + np.nan_to_num(part)
        count = count + ~np.isnan(part)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _weighted_mean(stack: Grid, months: list[MonthWeights]) -> Grid:
    mean = _equal_mean(stack)
    for month in months:
        if not month.reason:
            part = stack[:, month.rows]
            total = (month.weights[:, None, None] * np.nan_to_num(part)).sum(axis=0)
            mean[month.rows] = np.where(np.isnan(part).all(axis=0), np.nan, total)
    return mean


def _dense(table: DatedTable, dates: NDArray[Any], symbols: NDArray[Any]) -> NDArray[np.float64]:
    dense = np.full((len(dates), len(symbols)), np.nan)
    row, column = np.searchsorted(dates, table.dates), np.searchsorted(symbols, table.symbols)
    dense[row, column] = table.values[:, 0]
    return dense


def _refuse_strangers(paths: list[str], tables: dict[Path, DatedTable]) -> None:
    if not paths:
        msg = "no score to combine: name at least one score file"
        raise UserError(msg)
    if len(tables) < len(paths):
        msg = f"a score is named twice among {', '.join(paths)}: name each once"
        raise UserError(msg)
    prints = {path: table.metadata.get("panel_fingerprint") for path, table in tables.items()}
    first = next(iter(prints))
    for path, fingerprint in prints.items():
        if fingerprint != prints[first]:
            msg = (
                f"{path} was made from panel {fingerprint}, {first} from {prints[first]}:"
                " combine scores of one panel"
            )
            raise UserError(msg)


def _refuse_other_panel(path: Path, about: dict[str, Any], panel: Panel) -> None:
    if about["panel_fingerprint"] != panel.fingerprint:
        msg = (
            f"{path} was made from panel {about['panel_fingerprint']}, {panel.path} is panel"
            f" {panel.fingerprint}: name the panel it was made from"
        )
        raise UserError(msg)


def _describe(tables: list[DatedTable], name: str) -> dict[str, Any]:
    parts = [table.metadata for table in tables]
    about: dict[str, Any] = {
        key: sorted({item for part in parts for item in part.get(key, [])})
        for key in ("units", "datasets", "proxies", "seeds", "vintages")
    }
    weightings = {part.get("weighting") for part in parts}
    if len(weightings) == 1 and None not in weightings:
        about["weighting"] = weightings.pop()
    names = list(dict.fromkeys(str(part.get("name", "")) for part in parts))
    about["name"] = name or "+".join(names)
    about["scheme"] = "+".join(sorted({str(part.get("scheme", "")) for part in parts}))
    about["panel_fingerprint"] = parts[0].get("panel_fingerprint")
    about["weights"] = "equal"
    about["parts"] = [
        {key: part.get(key) for key in ("name", "units", "datasets", "seeds", "vintages", "scheme")}
        for part in parts
    ]
    return about
