"""Averages of scores: ten runs of a model, or several models (the paper's v1)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting.score_file import read_score, standardised, write_score


def combine(scores: list[str], out: str, name: str = "") -> Path:
    """Average z-scored scores date by date, with equal weights, and z-score the average.

    A stock is averaged over the scores that have it on the date.

    Args:
        scores: score files made from one panel.
        out: score file to write (Parquet).
        name: of the average; the parts' names joined by ``+`` when empty.

    Returns:
        The written file.

    Raises:
        UserError: no score, one named twice, one from another panel, or not a score.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), integration of models.
    """
    tables = {Path(path): read_score(path) for path in scores}
    _refuse_strangers(scores, tables)
    dates = np.unique(np.concatenate([table.dates for table in tables.values()]))
    symbols = np.unique(np.concatenate([table.symbols for table in tables.values()]))
    total = np.zeros((len(dates), len(symbols)))
    count = np.zeros(total.shape, dtype=np.int32)
    for table in tables.values():
        part = standardised(_dense(table, dates, symbols))
        present = ~np.isnan(part)
        total[present] += part[present]
        count += present
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return write_score(out, dates, symbols, mean, _describe(list(tables.values()), name))


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
    about["parts"] = [
        {key: part.get(key) for key in ("name", "units", "datasets", "seeds", "vintages", "scheme")}
        for part in parts
    ]
    return about
