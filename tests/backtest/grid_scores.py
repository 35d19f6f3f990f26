"""Random scores for grids of portfolios."""

from pathlib import Path

import numpy as np

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.panel.store import Panel


def random_score(panel: Panel, file: Path, seed: int, rows: slice = slice(600, 760)) -> str:
    """A score of noise on some rows of a panel, called what its file is called."""
    place = np.arange(len(panel.dates))[rows]
    listed = np.asarray(panel.listed[place])
    day, column = np.nonzero(listed)
    noise = np.random.default_rng(seed).normal(size=(len(day), 1)).astype(np.float32)
    about = {"kind": "score", "name": file.stem, "panel_fingerprint": panel.fingerprint}
    dates, symbols = panel.dates[place[day]], panel.symbols[column]
    write_dated_table(file, DatedTable(dates, symbols, noise, ("score",), about))
    return str(file)
