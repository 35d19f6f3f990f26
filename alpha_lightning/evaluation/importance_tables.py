"""What the weighting models rest on, averaged over runs and months."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.artefacts.dated_table import read_metadata
from alpha_lightning.weighting.importance import importance_file, read_importance
from alpha_lightning.weighting.variants import model_of

Table = Any
"""A pandas DataFrame."""


def read_importances(paths: Sequence[str | Path], until: np.datetime64) -> Table:
    """Importances that lie beside score files; a score without any is passed over.

    Args:
        paths: of single runs' scores, or of averages.
        until: fits that serve a later date are left out, for their SHAP values know its features.

    Returns:
        Columns score (a run's model), file, date, unit, dataset, factor, gain, shap.
    """
    parts = []
    for path in map(Path, paths):
        if importance_file(path).is_file():
            part = pd.DataFrame(read_importance(path))
            name = str(read_metadata(path).get("name", path.stem))
            parts.append(part[part["until"] <= until].assign(score=model_of(name), file=str(path)))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def importance_table(read: Table) -> Table:
    """Share of each unit and data set in the gain and in the mean |SHAP value| of a score's fits.

    A share is taken within each fit and averaged over months and runs, so that a month counts as
    much as any other.
    """
    if read.empty:
        return read
    fit = ["score", "file", "date"]
    sums = read.groupby([*fit, "unit", "dataset"], sort=False)[["gain", "shap"]].sum().reset_index()
    for what in ("gain", "shap"):
        whole = sums.groupby(fit, sort=False)[what].transform("sum")
        sums[f"{what}_pct"] = 100 * sums[what] / whole.where(whole > 0)
    shares = sums.groupby(["score", "unit", "dataset"], sort=False)
    return shares[["gain_pct", "shap_pct"]].mean().reset_index()


def importance_factors_table(read: Table) -> Table:
    """Gain and mean |SHAP value| of each factor, over the months and runs of a score.

    Networks of another vintage or run number their factors in another order: only within one fit is
    ``f07`` the same thing, and over many the table shows how evenly the factors are used.

    Returns:
        ``gain_pct`` a share of the fit's gain, ``shap`` in units of the label's z-score, and
        ``months``, how many fits the means are over.
    """
    if read.empty:
        return read
    by_factor = read.groupby(["score", "unit", "dataset", "factor"], sort=False)
    table = by_factor.agg(
        gain_pct=("gain", "mean"), shap=("shap", "mean"), months=("gain", "size")
    ).reset_index()
    return table.assign(gain_pct=100 * table["gain_pct"])
