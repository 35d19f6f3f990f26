"""What several trainings of one process share: one opened panel, and its resident rows."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch

from alpha_lightning.panel.store import DESCRIPTION, Panel
from alpha_lightning.windows.dataset import WindowSource
from alpha_lightning.windows.resident import ResidentRows
from alpha_lightning.windows.sample import SampleRule


class _Kept(NamedTuple):
    key: tuple[object, ...]
    source: WindowSource


# One entry each, for the next network usually wants what the last one had, and two would not fit.
_sources: list[_Kept] = []
_rows: list[tuple[WindowSource, ResidentRows]] = []


def shared_source(
    path: str | Path, name: str, rule: SampleRule, *, cross_section: bool = True
) -> WindowSource:
    """`WindowSource.open`, or the last one when it was the same, with features switched on anew."""
    panel = Panel.open(path)
    description = (panel.path / DESCRIPTION).stat()
    key = (
        str(panel.path.resolve()),
        # An index's members are in no fingerprint, but whoever writes them writes this file too.
        (description.st_ino, description.st_mtime_ns),
        panel.fingerprint,
        name,
        panel.dataset(name).fingerprint,
        rule,
        cross_section,
    )
    if not _sources or _sources[0].key != key:
        forget()
        opened = WindowSource.open(path, name, rule, cross_section=cross_section)
        _sources.append(_Kept(key, opened))
    kept = _sources[0].source
    # Which features are on depends on the vintage.
    return replace(kept, switched_on=torch.ones(len(kept.dataset.features)))


def shared_rows(source: WindowSource, rows: range, device: torch.device) -> ResidentRows:
    """Rows of a panel on a device: the last ones where they are of it and hold these.

    Args:
        source: of `shared_source`; any other is loaded anew.
        rows: consecutive rows of the panel.
        device: where to.
    """
    if not _rows or not _holds(*_rows[0], source, rows, device):
        # Given back first: both would need room for both.
        _rows.clear()
        _rows.append((source, ResidentRows.load(source, rows, device)))
    return _rows[0][1]


def held_bytes(device: torch.device) -> int:
    """Bytes on a device of rows that the next ones would replace."""
    return sum(rows.nbytes for _, rows in _rows if rows.device == device)


def forget() -> None:
    """Give everything back."""
    _sources.clear()
    _rows.clear()


def _holds(
    owner: WindowSource, held: ResidentRows, source: WindowSource, rows: range, device: torch.device
) -> bool:
    # Sources made from one opening share its sample.
    same = owner.sample is source.sample and held.device == device
    return same and held.rows.start <= rows.start and rows.stop <= held.rows.stop
