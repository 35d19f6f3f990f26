"""Writing a panel: arrays first, the description last."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.characteristics.rawbar import FIELDS, KINDS, rawbar
from alpha_lightning.panel.arrays import Grid, Matrix
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import DESCRIPTION, FORMAT_VERSION

UNITS = {
    "volume": "shares",
    "amount": "currency",
    "adj_factor": "1 on each symbol's first day",
    "total_cap": "currency",
    "float_cap": "currency",
}


class PanelDraft:
    """A panel in memory, on its way to disk.

    Args:
        grid: dates and symbols.
        sources: provenance of the vendor tables.
        bad_rows: what was done to bad rows.
    """

    def __init__(
        self, grid: Grid, sources: list[dict[str, object]], bad_rows: dict[str, Any]
    ) -> None:
        self.grid = grid
        self.sources = sources
        self.bad_rows = bad_rows
        self.switched_off: list[str] = []
        self.arrays: dict[str, NDArray[Any]] = {}
        self.meta: dict[str, Any] = {"indices": [], "levels": [], "fundamentals": []}
        self.market: dict[str, Matrix] = {}

    def add_market(self, market: dict[str, Matrix], flags: dict[str, NDArray[np.bool_]]) -> None:
        """Market arrays and flags ``(T, N)``, and the rawbar data set made of them."""
        self.market = market
        self.arrays |= {f"market/{name}": values for name, values in market.items()}
        self.arrays |= {f"flags/{name}": values for name, values in flags.items()}
        self.arrays["datasets/rawbar"] = rawbar(market, flags["traded"], flags["listed"])

    def add_index(self, name: str, members: NDArray[np.bool_], weights: Any) -> None:
        """Members ``(T, N)`` and, if known, weights ``(T, N)`` of an index."""
        self.arrays[f"members/{name}"] = members
        if weights is not None:
            self.arrays[f"weights/{name}"] = weights
        self.meta["indices"].append(name)

    def add_levels(self, frame: pl.DataFrame, grid: Grid) -> None:
        """Closing levels of indices, ``(T,)`` each; NaN on dates without one."""
        for name in sorted(frame["index"].unique()):
            rows = frame.filter(pl.col("index") == name)
            days = rows["date"].to_numpy().astype("datetime64[D]")
            inside = np.isin(days, grid.dates)
            level = np.full(len(grid.dates), np.nan)
            level[np.searchsorted(grid.dates, days[inside])] = rows["close"].to_numpy()[inside]
            self.arrays[f"levels/{name}"] = level
            self.meta["levels"].append(name)

    def add_industries(self, industry: NDArray[np.int16], names: Any) -> None:
        """Industry codes ``(T, N)``, -1 where unknown, and their names."""
        self.arrays["industry"] = industry
        self.meta["industries"] = list(names)

    def add_fundamentals(self, fields: dict[str, Matrix]) -> None:
        """Fundamentals as published, ``(T, N)`` each."""
        self.arrays |= {f"fundamentals/{name}": values for name, values in fields.items()}
        self.meta["fundamentals"] = list(fields)

    def write(self, folder: Path) -> None:
        """Write every array and ``panel.json`` into a folder.

        Raises:
            PanelError: an index or a column has a name that no file can have.
        """
        prints = {}
        for name, values in self.arrays.items():
            if name.count("/") > 1:
                msg = f"{name.partition('/')[2]!r} cannot name a file: rename it without a slash"
                raise PanelError(msg)
            file = folder / f"{name}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
            contiguous = np.ascontiguousarray(values)
            np.save(file, contiguous, allow_pickle=False)
            prints[name] = hashlib.sha256(contiguous.data).hexdigest()[:16]
        text = json.dumps(self._description(prints), indent=1)
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")

    def _description(self, prints: dict[str, str]) -> dict[str, Any]:
        dates = [str(date) for date in self.grid.dates]
        symbols = self.grid.symbols.tolist()
        content = {k: v for k, v in prints.items() if not k.startswith("datasets/")}
        features = [{"name": n, "kind": k} for n, k in zip(FIELDS, KINDS, strict=True)]
        return {
            "format_version": FORMAT_VERSION,
            "fingerprint": fingerprint_json([dates, symbols, content]),
            "market": {name: UNITS.get(name, "currency per share") for name in self.market},
            "flags": [k.removeprefix("flags/") for k in prints if k.startswith("flags/")],
            "datasets": {
                "rawbar": {"features": features, "fingerprint": prints["datasets/rawbar"]}
            },
            **self.meta,
            "sources": self.sources,
            "bad_rows": self.bad_rows,
            "switched_off": self.switched_off,
            "dates": dates,
            "symbols": symbols,
        }
