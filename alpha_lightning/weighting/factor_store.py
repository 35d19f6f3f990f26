"""Factor matrices on disk: found, checked against one another, and joined into a design matrix."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_dated_table, read_metadata
from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.design_matrix import DesignMatrix, join

FILE_NAME = "factors.parquet"


@dataclass(frozen=True, order=True)
class FactorFile:
    """A factor matrix that one network run wrote, in the order in which columns are joined.

    Args:
        unit: network, for example ``gru``.
        dataset: what it read, for example ``rawbar``.
        vintage: the year it serves.
        seed: the run.
        scheme: how the vintage was cut.
        panel_fingerprint: of the panel it read.
        out_of_sample_from: ISO date; rows dated before it were seen in training.
        path: the file.
        proxy: whether the data set stands in for data that the vendor did not deliver.
    """

    unit: str
    dataset: str
    vintage: int
    seed: int
    scheme: str
    panel_fingerprint: str
    out_of_sample_from: str
    path: Path
    proxy: bool = False


def find_factor_files(paths: Sequence[str | Path]) -> list[Path]:
    """Files as named, and every ``factors.parquet`` below each folder, without repeats.

    Raises:
        ArtefactError: a path does not exist, or nothing was found.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            msg = f"{path} does not exist: name factor matrices, or folders that hold them"
            raise ArtefactError(msg)
        found += sorted(path.rglob(FILE_NAME)) if path.is_dir() else [path]
    if not found:
        msg = f"no {FILE_NAME} under {', '.join(map(str, paths)) or 'no path'}: run predict first"
        raise ArtefactError(msg)
    return list({path.resolve(): path for path in found}.values())


def open_factor_files(
    paths: Sequence[Path], panel_fingerprint: str
) -> dict[int, tuple[FactorFile, ...]]:
    """Files by vintage, each vintage sorted by unit and data set.

    Raises:
        UserError: a file is no factor matrix or comes from another panel; runs or schemes are
            mixed; a unit comes twice in a vintage; vintages hold different units.
    """
    files = sorted(_open(path) for path in paths)
    for file in files:
        if file.panel_fingerprint != panel_fingerprint:
            msg = (
                f"{file.path} was made from panel {file.panel_fingerprint}, this panel is"
                f" {panel_fingerprint}: name the panel it was made from, or export it again"
            )
            raise UserError(msg)
    for name in ("seed", "scheme"):
        _refuse_mixture(files, name)
    vintages = sorted({file.vintage for file in files})
    by_vintage = {year: tuple(f for f in files if f.vintage == year) for year in vintages}
    _refuse_repeats(by_vintage)
    return by_vintage


def load_vintage(files: Sequence[FactorFile], panel: Panel, dates: NDArray[Any]) -> DesignMatrix:
    """Factors of one vintage side by side; columns are named ``<unit>/<dataset>/<factor>``.

    Args:
        files: of one vintage, in the order of the columns.
        panel: whose dates and symbols number the rows.
        dates: positions of the dates to keep, an unbroken run.

    Raises:
        UserError: a file is damaged, has no row on these dates, has a date or symbol that the panel
            lacks, a (date, symbol) twice, or an infinite value.
    """
    return join([_load(file, panel, dates) for file in files])


def describe_files(by_vintage: Mapping[int, tuple[FactorFile, ...]]) -> dict[str, Any]:
    """What a score that is made from factor matrices says of them.

    Args:
        by_vintage: from `open_factor_files`.

    Returns:
        ``units``, ``datasets``, ``proxies`` (data sets that stand in for others), ``seeds``,
        ``vintages`` and ``scheme``.
    """
    files = [file for part in by_vintage.values() for file in part]
    return {
        "units": sorted({file.unit for file in files}),
        "datasets": sorted({file.dataset for file in files}),
        "proxies": sorted({file.dataset for file in files if file.proxy}),
        "seeds": [files[0].seed],
        "vintages": sorted(by_vintage),
        "scheme": files[0].scheme,
    }


def refuse_in_sample(
    files: Sequence[FactorFile],
    learnt_from: np.datetime64,
    served_from: np.datetime64,
    *,
    allow: bool,
) -> None:
    """Refuse factors of dates that their own network was trained on.

    Args:
        files: of one vintage.
        learnt_from: first date that the weighting model learns from.
        served_from: first date that is scored.
        allow: accept such factors to learn from, never to score.

    Raises:
        UserError: a file is in-sample on one of these dates.
    """
    for file in files:
        out_of_sample = np.datetime64(file.out_of_sample_from)
        if served_from < out_of_sample:
            msg = (
                f"{file.path} is out of sample from {out_of_sample} only, and {served_from} is to"
                " be scored: train that network on earlier dates"
            )
            raise UserError(msg)
        if learnt_from < out_of_sample and not allow:
            msg = (
                f"{file.path} is out of sample from {out_of_sample} only, and the weighting model"
                f" learns from {learnt_from}: use the oos_lagged scheme, or set allow_in_sample"
            )
            raise UserError(msg)


def _open(path: Path) -> FactorFile:
    about = read_metadata(path)
    if about.get("kind") != "factor_matrix":
        msg = f"{path} is a {about.get('kind', 'table without a kind')}, not a factor matrix"
        raise UserError(msg)
    names = [name for name in FactorFile.__dataclass_fields__ if name not in ("path", "proxy")]
    missing = [name for name in names if name not in about]
    if missing:
        msg = f"{path} does not say its {', '.join(missing)}: export it again"
        raise UserError(msg)
    proxy = bool(about.get("proxy", False))
    return FactorFile(**{name: about[name] for name in names}, path=path, proxy=proxy)


def _refuse_mixture(files: Sequence[FactorFile], name: str) -> None:
    first = files[0]
    for file in files:
        if getattr(file, name) != getattr(first, name):
            msg = (
                f"{file.path} is of {name} {getattr(file, name)}, {first.path} of"
                f" {getattr(first, name)}: weigh each {name} on its own, then combine the scores"
            )
            raise UserError(msg)


def _refuse_repeats(by_vintage: dict[int, tuple[FactorFile, ...]]) -> None:
    first_year = next(iter(by_vintage))
    expected = _units(by_vintage[first_year])
    for year, files in by_vintage.items():
        units = _units(files)
        for one, other in itertools.pairwise(files):
            if (one.unit, one.dataset) == (other.unit, other.dataset):
                msg = (
                    f"{one.path} and {other.path} are both {one.unit} on {one.dataset} of vintage"
                    f" {year}: name one of them"
                )
                raise UserError(msg)
        if units != expected:
            differing = ", ".join(sorted(set(units) ^ set(expected)))
            msg = (
                f"vintages {first_year} and {year} differ in {differing}: every vintage needs the"
                " same units and data sets"
            )
            raise UserError(msg)


def _units(files: Sequence[FactorFile]) -> list[str]:
    return [f"{file.unit}/{file.dataset}" for file in files]


def _load(file: FactorFile, panel: Panel, dates: NDArray[Any]) -> DesignMatrix:
    table = read_dated_table(file.path)
    first, last = panel.dates[dates[0]], panel.dates[dates[-1]]
    kept = (table.dates >= first) & (table.dates <= last)
    if not kept.any():
        msg = f"{file.path} has no row from {first} to {last}, the dates of its vintage"
        raise UserError(msg)
    date, symbol = panel.locate(table.dates[kept], table.symbols[kept])
    values = table.values[kept]
    order = np.lexsort((symbol, date))
    date, symbol, values = date[order], symbol[order], values[order]
    again = (np.diff(date) == 0) & (np.diff(symbol) == 0)
    bad = np.flatnonzero(np.r_[False, again] | np.isinf(values).any(axis=1))
    if len(bad):
        row = bad[0]
        msg = (
            f"{file.path}: {panel.symbols[symbol[row]]} on {panel.dates[date[row]]} comes twice or"
            " is infinite: export it again"
        )
        raise UserError(msg)
    columns = tuple(f"{file.unit}/{file.dataset}/{name}" for name in table.columns)
    return DesignMatrix(date, symbol, values, columns)
