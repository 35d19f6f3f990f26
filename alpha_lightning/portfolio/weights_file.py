"""Target weights on disk: Parquet or CSV with date, symbol, weight."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.dated_table import METADATA_KEY
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.fixed_weights import FixedWeights
from alpha_lightning.portfolio.policy import TOLERANCE, Hold, Index, Target
from alpha_lightning.portfolio.weight_rows import WeightRows, read_weight_rows

KIND = "target_weights"
Decisions = Sequence[tuple[int, Target | Hold]]


def write_weights(
    path: str | Path,
    dates: NDArray[Any],
    symbols: NDArray[np.str_],
    decisions: Decisions,
    metadata: dict[str, Any],
) -> Path:
    """Write what a policy decided, such that `read_weights` gives the same decisions.

    Beside date, symbol and weight the table has ``rank``, the order of purchases, ``keep``, whether
    the shares are left as they are, and ``reserve``, for stocks of weight 0 that stand in for
    blocked purchases. Signals without a trade are in the metadata, with their reasons, and so are
    the facts of each decision: which limit gave way by how much, among others.

    Args:
        path: the file; it appears only when complete.
        dates: ``(T,)`` of the panel.
        symbols: ``(N,)`` of the panel.
        decisions: panel rows of the signals, ascending, and the answers.
        metadata: provenance.

    Returns:
        The written file.
    """
    targets = [(row, answer) for row, answer in decisions if isinstance(answer, Target)]
    parts = [_rows_of(row, target) for row, target in targets]
    row, column, *values = (np.concatenate(column) for column in zip(_NOTHING, *parts, strict=True))
    order = np.lexsort((column, row))
    names = ("weight", "rank", "keep", "reserve")
    arrays = {
        "date": pa.array(dates[row[order]].astype("datetime64[us]")),
        "symbol": pa.array(symbols[column[order]], pa.string()),
    } | {name: pa.array(value[order]) for name, value in zip(names, values, strict=True)}
    limits = [target.max_names for _, target in targets if target.max_names is not None]
    about = metadata | {
        "kind": KIND,
        "partial": True,
        "max_names": max(limits, default=None),
        "holds": {str(dates[k]): a.reason for k, a in decisions if isinstance(a, Hold)},
        "emptied": [str(dates[k]) for k, target in targets if not len(target.columns)],
    }
    if facts := {str(dates[k]): _stored(a.facts) for k, a in decisions if a.facts}:
        about["decisions"] = facts
    encoded = {METADATA_KEY: json.dumps(about, sort_keys=True).encode()}
    table = pa.table(arrays).replace_schema_metadata(encoded)
    with atomic_file(path) as draft:
        pq.write_table(table, draft, compression="zstd", write_page_checksum=True)
    return Path(path)


def read_weights(
    path: str | Path, panel: Panel, *, partial: bool = False
) -> tuple[Index, FixedWeights, dict[str, Any]]:
    """Read target weights, a user's own or those of `write_weights`.

    Args:
        path: Parquet or CSV file with date, symbol and weight, by date; in the absence of ``rank``
            stocks are bought in the order of the rows.
        panel: its dates and symbols are meant.
        partial: take weights of a sum below 1; the rest is cash.

    Returns:
        Panel rows ``(S,)`` of the signal dates, the policy that plays the weights back, and the
        file's provenance, empty in a user's own file.

    Raises:
        UserError: no such file, damaged, or a column missing; made from another panel; a date out
            of order or no trading day, an unknown symbol, a repeated row; a weight that is no
            number or negative, or weights that do not sum to 1.
    """
    path = Path(path)
    rows = read_weight_rows(path)
    _refuse_strangers(path, rows.metadata, panel)
    date, column = _locate(path, rows, panel)
    _refuse_bad_weights(path, rows)
    _refuse_sums(path, rows, partial=partial or bool(rows.metadata.get("partial")))
    answers = _targets(rows, date, column) | _without_rows(path, rows.metadata, panel)
    if not answers:
        msg = f"{path} has no weights: write at least one date"
        raise UserError(msg)
    found = np.array(sorted(answers), dtype=np.intp)
    facts = rows.metadata.get("decisions", {})
    told = {
        panel.dates[k]: replace(answers[int(k)], facts=_told(facts.get(str(panel.dates[k]), {})))
        for k in found
    }
    return found, FixedWeights(told), rows.metadata


_NOTHING = tuple(
    np.empty(0, dtype=kind) for kind in (np.intp, np.intp, np.float64, np.int32, np.bool_, np.bool_)
)


def _stored(facts: Mapping[str, Any]) -> dict[str, Any]:
    # The keys of what is written are sorted; those of a table keep their order as pairs.
    return {
        name: list(value.items()) if isinstance(value, Mapping) else value
        for name, value in facts.items()
    }


def _told(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value, list) else value for name, value in stored.items()
    }


def _rows_of(row: int, target: Target) -> tuple[NDArray[Any], ...]:
    first, second = len(target.columns), len(target.reserves)
    total = first + second
    return (
        np.full(total, row, dtype=np.intp),
        np.concatenate([target.columns, target.reserves]),
        np.concatenate([target.weights, np.zeros(second)]),
        np.arange(total, dtype=np.int32),
        np.concatenate([target.keep, np.zeros(second, dtype=np.bool_)]),
        np.arange(total) >= first,
    )


def _targets(rows: WeightRows, date: Index, column: Index) -> dict[int, Target | Hold]:
    limit = rows.metadata.get("max_names")
    starts = np.flatnonzero(date[1:] != date[:-1]) + 1
    found: dict[int, Target | Hold] = {}
    for part in np.split(np.arange(len(date)), starts) if len(date) else []:
        ranked = part[np.argsort(rows.rank[part], kind="stable")]
        inside, second = ranked[~rows.reserve[ranked]], ranked[rows.reserve[ranked]]
        weights, keep = rows.weights[inside], rows.keep[inside]
        found[int(date[part[0]])] = Target(column[inside], weights, keep, column[second], limit)
    return found


def _without_rows(path: Path, about: dict[str, Any], panel: Panel) -> dict[int, Target | Hold]:
    # Signals on which nothing is traded, and those on which everything is sold.
    none = np.empty(0, dtype=np.intp)
    empty = Target(none, np.empty(0), np.empty(0, np.bool_), none, about.get("max_names"))
    found: dict[int, Target | Hold] = {}
    for day in about.get("emptied", []):
        found[_row(path, panel, day)] = empty
    for day, reason in about.get("holds", {}).items():
        found[_row(path, panel, day)] = Hold(str(reason))
    return found


def _refuse_strangers(path: Path, about: dict[str, Any], panel: Panel) -> None:
    if about and about.get("kind") != KIND:
        kind = str(about.get("kind", "table")).replace("_", " ")
        msg = f"{path} is a {kind}, not target weights: name a file that `construct` wrote"
        raise UserError(msg)
    origin = about.get("panel_fingerprint")
    if origin is not None and origin != panel.fingerprint:
        msg = (
            f"{path} was made from panel {origin}, {panel.path} is panel {panel.fingerprint}:"
            " name the panel it was made from"
        )
        raise UserError(msg)


def _locate(path: Path, rows: WeightRows, panel: Panel) -> tuple[Index, Index]:
    back = np.flatnonzero(rows.dates[1:] < rows.dates[:-1])
    if len(back):
        early, late = rows.dates[back[0] + 1], rows.dates[back[0]]
        msg = f"{path}: {early} comes after {late} (row {back[0] + 2}): sort the rows by date"
        raise UserError(msg)
    strange = np.flatnonzero(~np.isin(rows.dates, panel.dates))
    if len(strange):
        msg = (
            f"{path}: {rows.dates[strange[0]]} is no trading day of {panel.path}: give weights for"
            " dates of the panel"
        )
        raise UserError(msg)
    strange = np.flatnonzero(~np.isin(rows.symbols, panel.symbols))
    if len(strange):
        first = strange[0]
        msg = (
            f"{path}: symbol {rows.symbols[first]} on {rows.dates[first]} is not in {panel.path}"
            f" ({len(strange)} such rows): spell symbols as the panel does, as {panel.symbols[0]}"
        )
        raise UserError(msg)
    date, column = panel.locate(rows.dates, rows.symbols)
    _, places, counts = np.unique(
        date * len(panel.symbols) + column, return_index=True, return_counts=True
    )
    twice = places[counts > 1]
    if len(twice):
        first = int(twice.min())
        msg = (
            f"{path} has {rows.symbols[first]} on {rows.dates[first]} more than once"
            f" ({len(twice)} such pairs): give each stock one weight a date"
        )
        raise UserError(msg)
    return date, column


def _refuse_bad_weights(path: Path, rows: WeightRows) -> None:
    wrong = np.flatnonzero(~((rows.weights >= 0) & np.isfinite(rows.weights)))
    why = "weights are numbers from 0 to 1; leave out what is not to be held"
    if not len(wrong):
        wrong = np.flatnonzero(rows.reserve & (rows.weights != 0))
        why = "a reserve has the weight 0"
    if len(wrong):
        first = wrong[0]
        msg = (
            f"{path}: the weight of {rows.symbols[first]} on {rows.dates[first]} is"
            f" {rows.weights[first]:g} ({len(wrong)} such rows): {why}"
        )
        raise UserError(msg)


def _refuse_sums(path: Path, rows: WeightRows, *, partial: bool) -> None:
    days, place = np.unique(rows.dates, return_inverse=True)
    sums = np.bincount(place, rows.weights * ~rows.keep, len(days))
    # The weights of stocks that are left as they are stand for themselves.
    whole = np.bincount(place, rows.keep, len(days)) == 0
    high, low = sums > 1 + TOLERANCE, whole & (sums < 1 - TOLERANCE)
    wrong = np.flatnonzero(high if partial else high | low)
    if len(wrong):
        first = wrong[0]
        remedy = "scale them"
        if not high[first]:
            remedy += ", or pass --partial true if the rest is to stay in cash"
        msg = (
            f"{path}: the weights of {days[first]} sum to {sums[first]:.8g}, not to 1"
            f" ({len(wrong)} such dates): {remedy}"
        )
        raise UserError(msg)


def _row(path: Path, panel: Panel, day: str) -> int:
    row = int(np.searchsorted(panel.dates, np.datetime64(day)))
    if row == len(panel.dates) or str(panel.dates[row]) != day:
        msg = f"{path}: {day} is no trading day of {panel.path}: name the panel it was made from"
        raise UserError(msg)
    return row
