"""What a risk model says of itself: its description, its warnings, its tables."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.provenance import software_versions
from alpha_lightning.risk.days import UNKNOWN, Days
from alpha_lightning.risk.draft import Draft
from alpha_lightning.risk.layout import (
    DESCRIPTION,
    DIAGNOSTICS,
    FACTOR_RETURNS,
    FIT_COLUMNS,
    FORMAT_VERSION,
    write_json,
)
from alpha_lightning.risk.settings import RiskSettings

_NAMED = 8
_YEARS_STILL = 3 * 243
"""Days without one move between industries after which they are no history."""
_RESTS_ON = ("alpha_lightning", "numpy", "python")


def write_description(
    draft: Draft, days: Days, settings: RiskSettings, identity: Mapping[str, Any]
) -> None:
    """Write ``risk.json`` into a draft whose arrays are whole.

    It says nothing of how the rows came about: one run or many lead to the same bytes.
    """
    covered, listed = _coverage(draft, days)
    thin = thin_industries(draft, days, settings.thin_industry)
    versions = software_versions()
    about = {
        "kind": "risk",
        "format_version": FORMAT_VERSION,
        **identity,
        "dropped": days.inputs.dropped,
        "notes": list(days.inputs.notes),
        "panel_fingerprint": days.panel.fingerprint,
        "covered": covered,
        "listed": listed,
        "thin_industries": thin,
        "warnings": [
            *_warnings(days, settings, (covered, listed), thin),
            *_looks_ahead(draft, days),
        ],
        "software": {name: versions[name] for name in _RESTS_ON},
        "digests": draft.digests,
    }
    write_json(draft.folder / DESCRIPTION, about)


def write_tables(draft: Draft, days: Days) -> None:
    """Write factor returns and the quality of the regressions as Parquet into a draft."""
    dates = pa.array(days.panel.dates.astype("datetime64[us]"))
    returns, fits = draft.read("factor_returns"), draft.read("fits")
    for name, columns, values in (
        (FACTOR_RETURNS, days.factors, returns),
        (DIAGNOSTICS, FIT_COLUMNS, fits),
    ):
        parts = [np.ascontiguousarray(values[:, k]) for k in range(len(columns))]
        table = pa.table([dates, *parts], names=["date", *columns])
        pq.write_table(table, Path(draft.folder) / name, compression="zstd")


def thin_industries(draft: Draft, days: Days, thin: int) -> dict[str, dict[str, int]]:
    """Industries that were thin, and on how many days.

    Args:
        draft: of the first pass.
        days: of the panel.
        thin: fewer stocks than so many in a day's regression.

    Returns:
        By industry: days with ``few`` stocks, and days with ``none``.
    """
    names = days.industries
    specific, industry = draft.read("specific_returns"), draft.read("industry")
    few, none = np.zeros((2, len(names)), dtype=np.int64)
    if not names:
        return {}
    for row in range(1, len(specific)):
        own = industry[row - 1][np.isfinite(specific[row])]
        if not len(own):
            continue
        counts = np.bincount(own, minlength=len(names))
        few += (counts > 0) & (counts < thin)
        none += counts == 0
    return {
        name: {"few": int(few[k]), "none": int(none[k])}
        for k, name in enumerate(names)
        if few[k] or none[k]
    }


def is_snapshot(industry: NDArray[np.int16], unknown: int) -> bool:
    """Whether industries are known for years and no stock ever moves from one to another.

    Args:
        industry: ``(T, N)`` codes, -1 where not covered.
        unknown: code of those whose industry is not known, -1 without such.
    """
    known = (industry >= 0) & (industry != unknown)
    moved = known[1:] & known[:-1] & (industry[1:] != industry[:-1])
    return bool(known.any(axis=1).sum() >= _YEARS_STILL and not moved.any())


def _looks_ahead(draft: Draft, days: Days) -> Iterator[str]:
    names = days.industries
    unknown = names.index(UNKNOWN) if UNKNOWN in names else -1
    if names and is_snapshot(draft.read("industry"), unknown):
        yield (
            "No stock ever moves from one industry to another: if the industries are one list of"
            " a later day, the risk model looks ahead by them."
        )


def _coverage(draft: Draft, days: Days) -> tuple[int, int]:
    industry: NDArray[np.int16] = draft.read("industry")
    return int((industry >= 0).sum()), int(days.panel.listed.sum())


def _warnings(
    days: Days,
    settings: RiskSettings,
    coverage: tuple[int, int],
    thin: Mapping[str, Mapping[str, int]],
) -> Iterator[str]:
    for text in (*days.inputs.dropped.values(), *days.inputs.notes):
        yield f"{text[:1].upper()}{text[1:].rstrip('.')}."
    if not days.industries:
        yield (
            "No industries: the panel has none, and the market factor is what all stocks earn"
            " beside their styles."
        )
    elif UNKNOWN in days.industries:
        yield (
            "The industry of some stocks is not known on some dates: they make up a factor of"
            f" their own, {UNKNOWN!r}."
        )
    few = {name: of["few"] for name, of in thin.items() if of["few"]}
    if few:
        yield (
            f"Thin industries: {len(few)} of {len(days.industries)} had fewer than"
            f" {settings.thin_industry} stocks on some dates and were drawn to the market then:"
            f" {_some(few)}."
        )
    none = {name: of["none"] for name, of in thin.items() if of["none"]}
    if none:
        yield (
            f"Industries without a stock: {len(none)} of {len(days.industries)} had no return on"
            f" some dates: {_some(none)}."
        )
    covered, listed = coverage
    if covered < listed:
        yield (
            f"Covered: {covered / listed:.1%} of listed stock-dates; the others have no market"
            " value, or no price within a year."
        )


def _some(counts: Mapping[str, int]) -> str:
    order = sorted(counts, key=lambda name: -counts[name])
    text = ", ".join(f"{name} on {counts[name]:,} dates" for name in order[:_NAMED])
    return text + f" and {len(order) - _NAMED} more" * (len(order) > _NAMED)
