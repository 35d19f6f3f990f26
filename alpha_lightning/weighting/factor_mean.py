"""A unit as a score: the equal-weighted mean of its factors, which is what its loss maximises."""

from pathlib import Path
from typing import Literal, cast

import numpy as np

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import VintageRule, cut_vintage
from alpha_lightning.weighting.factor_store import (
    FactorFile,
    describe_files,
    find_factor_files,
    load_vintage,
    open_factor_files,
    refuse_in_sample,
)
from alpha_lightning.weighting.score_file import write_score
from alpha_lightning.windows.sample import SampleRule, take_sample

WEIGHTING = "mean"
"""What the score's provenance says under ``weighting``."""


def factor_mean(
    panel: str, factors: list[str], out: str, *, universe: str = "all", name: str = ""
) -> Path:
    """Score each vintage's year by the mean of a unit's factors, before any weighting model.

    ``score = z-score by date of sum over k of f_k / K``

    Args:
        panel: folder of the panel that the factors were made from.
        factors: factor matrices, or folders searched for ``factors.parquet``; of one unit, data
            set and run, a matrix for each vintage.
        out: score file to write (Parquet).
        universe: ``all``, or an index; who is scored.
        name: of the score; the unit, the data set and the word mean when empty.

    Returns:
        The written file. A stock with a missing factor has no score.

    Raises:
        UserError: the factors do not fit together or the panel, are of several units or data sets,
            or were trained on the year they score.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), loss of the factor units.
    """
    source = Panel.open(panel)
    by_vintage = open_factor_files(find_factor_files(factors), source.fingerprint)
    files = [_only(files) for files in by_vintage.values()]
    members = take_sample(source, SampleRule(universe=universe)).scored
    scores = np.full(members.shape, np.nan)
    for file in files:
        rule = VintageRule(cast("Literal['oos_lagged', 'in_sample']", file.scheme))
        serve = cut_vintage(source.dates, file.vintage, rule).serve
        first = source.dates[serve[0]]
        refuse_in_sample([file], first, first, allow=False)
        rows = load_vintage([file], source, serve)
        # In double precision: float32 sums depend on the order of the columns.
        mean = rows.values.mean(axis=1, dtype=np.float64)
        scores[rows.date_index, rows.symbol_index] = mean
    about = describe_files(by_vintage) | {
        "name": name or f"{files[0].unit} on {files[0].dataset}, mean of factors",
        "panel_fingerprint": source.fingerprint,
        "universe": universe,
        "weighting": WEIGHTING,
    }
    kept = np.where(members, scores, np.nan)
    return write_score(out, source.dates, source.symbols, kept, about)


def _only(files: tuple[FactorFile, ...]) -> FactorFile:
    if len(files) > 1:
        named = ", ".join(f"{file.unit}/{file.dataset}" for file in files)
        msg = f"these are factors of {named}: average one unit on one data set, then combine"
        raise UserError(msg)
    return files[0]
