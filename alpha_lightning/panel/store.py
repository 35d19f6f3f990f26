"""The panel on disk: memory-mapped arrays by date and symbol, described by one JSON file.

``panel.json`` says what is there; ``market/<field>.npy`` ``(T, N)`` holds daily bars, ``flags/``
booleans, ``members/<index>.npy`` index membership, ``weights/<index>.npy`` index weights,
``datasets/<name>.npy`` ``(T, N, F)`` float32 what networks read. Everything is in C order and
date-major, so that a window of dates is one contiguous slab, and row ``t`` holds what was known at
the close of ``t``.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.errors import PanelError

FORMAT_VERSION = 1
DESCRIPTION = "panel.json"
PRICES = ("open", "high", "low", "close", "vwap")


@dataclass(frozen=True)
class Feature:
    """One column of a data set; its kind decides how a window of it is scaled.

    Args:
        name: as in the paper, for example ``close``.
        kind: ``price``, ``volume``, ``shares``, ``amount``, ``ratio``, ``return`` or ``moment``.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Dataset:
    """What networks read.

    Args:
        name: ``rawbar``, ``mschars`` or ``l2chars``.
        array: ``(T, N, F)`` float32, memory-mapped; NaN is missing.
        features: ``F`` names and kinds.
        fingerprint: of the array's bytes.
        path: of the array, for processes that open it again.
        proxy: whether it stands in for a data set made of data that were not there.
        lacking: sentences saying what the vendor's tables lacked.
    """

    name: str
    array: NDArray[np.float32]
    features: tuple[Feature, ...]
    fingerprint: str
    path: Path
    proxy: bool = False
    lacking: tuple[str, ...] = ()


class Panel:
    """A panel opened for reading; arrays are mapped when first asked for, and never copied.

    Args:
        path: the folder that `ingest` wrote.

    Raises:
        ArtefactError: no panel there, a damaged one, or one of another format version.

    NaN rule: market prices are NaN where the stock did not trade, volumes and amounts 0.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.meta = _read_description(self.path)
        self.dates = np.array(self.meta["dates"], dtype="datetime64[D]")
        self.symbols = np.array(self.meta["symbols"], dtype=str)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The panel in a folder."""
        return cls(path)

    def __repr__(self) -> str:
        span = f"{self.dates[0]} to {self.dates[-1]}"
        return f"Panel({self.path}: {len(self.dates)} dates {span}, {len(self.symbols)} symbols)"

    @property
    def fingerprint(self) -> str:
        """Of the market arrays' content, the same wherever the panel lies."""
        return str(self.meta["fingerprint"])

    @property
    def switched_off(self) -> tuple[str, ...]:
        """Sentences saying what the vendor tables lacked and what that switched off."""
        return tuple(self.meta["switched_off"])

    def has(self, field: str) -> bool:
        """Whether a market field is in the panel."""
        return field in self.meta["market"]

    def market(self, field: str) -> NDArray[np.float64]:
        """Market array ``(T, N)`` float64, read-only: a raw price, volume in shares, amount, ..."""
        if not self.has(field):
            known = ", ".join(self.meta["market"])
            msg = f"{self.path} has no market field {field!r}; it has {known}"
            raise PanelError(msg)
        array: NDArray[np.float64] = self._map(f"market/{field}.npy")
        return array

    def adjusted(self, field: str, rows: slice = slice(None)) -> NDArray[np.float64]:
        """Price ``(T, N)``, or some rows of it, times the factor since each symbol's first day."""
        return np.asarray(self.market(field)[rows]) * self.market("adj_factor")[rows]

    @cached_property
    def traded(self) -> NDArray[np.bool_]:
        """Whether the stock traded on the date, ``(T, N)``."""
        return np.asarray(self._map("flags/traded.npy"))

    @cached_property
    def listed(self) -> NDArray[np.bool_]:
        """Whether the stock was listed on the date, suspended or not, ``(T, N)``."""
        return np.asarray(self._map("flags/listed.npy"))

    @property
    def indices(self) -> tuple[str, ...]:
        """Indices whose members are known."""
        return tuple(self.meta["indices"])

    def members(self, index: str) -> NDArray[np.bool_]:
        """Members of an index on the date, ``(T, N)``."""
        if index not in self.indices:
            known = ", ".join(("all", *self.indices))
            msg = f"{self.path} knows no universe {index!r}; it has {known}: ingest index_members"
            raise PanelError(msg)
        return np.asarray(self._map(f"members/{index}.npy"))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets in the panel."""
        return tuple(self.meta["datasets"])

    def why_without(self, name: str) -> str:
        """Why a data set is not there, in brackets; empty where nobody has said."""
        others = self.meta["datasets"].values()
        told = [text for about in others for text in about.get("lacking", ())]
        reasons = [text.rstrip(".") for text in told if text.startswith(f"No proxy {name}:")]
        return f" ({'; '.join(reasons)})" if reasons else ""

    def dataset(self, name: str) -> Dataset:
        """A data set, memory-mapped."""
        if name not in self.datasets:
            known = ", ".join(self.datasets)
            msg = f"{self.path} has no data set {name!r}; it has {known}{self.why_without(name)}"
            raise PanelError(msg)
        about = self.meta["datasets"][name]
        features = tuple(Feature(**feature) for feature in about["features"])
        file = f"datasets/{name}.npy"
        return Dataset(
            name,
            self._map(file),
            features,
            about["fingerprint"],
            self.path / file,
            about.get("proxy", False),
            tuple(about.get("lacking", ())),
        )

    def locate(
        self, dates: NDArray[Any], symbols: NDArray[Any]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column of each (date, symbol) pair.

        Args:
            dates: ``(rows,)`` datetime64[D].
            symbols: ``(rows,)`` strings.

        Returns:
            Two index arrays ``(rows,)``.

        Raises:
            PanelError: a date or a symbol is not in the panel; the first one is named.
        """
        rows = _find(self.dates, np.asarray(dates, dtype="datetime64[D]"), "date", self.path)
        return rows, _find(self.symbols, np.asarray(symbols, dtype=str), "symbol", self.path)

    def _map(self, file: str) -> Any:
        try:
            return np.load(self.path / file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            msg = f"{self.path / file} is missing or damaged ({error}): ingest the panel again"
            raise ArtefactError(msg) from error


def _find(known: NDArray[Any], wanted: NDArray[Any], what: str, path: Path) -> NDArray[np.intp]:
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    unknown = known[place] != wanted
    if unknown.any():
        first = wanted[unknown][0]
        msg = f"{what} {first} ({int(unknown.sum())} rows in all) is not in the panel {path}"
        raise PanelError(msg)
    return place


def _read_description(path: Path) -> dict[str, Any]:
    file = path / DESCRIPTION
    try:
        meta: Any = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{path} is not a panel (no panel.json): name the folder that `ingest` wrote"
        raise ArtefactError(msg) from error
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read or is damaged ({error}): ingest the panel again"
        raise ArtefactError(msg) from error
    version = meta.get("format_version") if isinstance(meta, dict) else None
    if version != FORMAT_VERSION:
        msg = (
            f"{path} has panel format {version}, this version reads {FORMAT_VERSION}: ingest again"
        )
        raise ArtefactError(msg)
    return dict(meta)
