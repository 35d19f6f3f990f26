"""Scores without a network: what factor units have to beat on the same dates and stocks."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cross_section.scaling import winsorise, zscore
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import VintageRule, cut_vintage
from alpha_lightning.weighting.design_matrix import from_dense
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.score_file import standardised, write_score
from alpha_lightning.weighting.walk_forward import Month, WalkForward
from alpha_lightning.weighting.weigh import DEFAULT_LABEL, DEFAULT_SETTINGS
from alpha_lightning.windows.sample import SampleRule, take_sample
from alpha_lightning.windows.summaries import window_summaries

# Output and serving dates are those of any scheme; this one needs the least history before them.
_RULE = VintageRule("in_sample")
_FEATURE_MADS = 5.0


def baseline(
    kind: Literal["reversal", "summary"],
    panel: str,
    out: str,
    years: list[int],
    *,
    settings: LightGBMSettings = DEFAULT_SETTINGS,
    universe: str = "all",
    label: Horizon = DEFAULT_LABEL,
    seed: int = 0,
    name: str = "",
) -> Path:
    """Score some years by a baseline.

    Args:
        kind: ``reversal``, minus the 5-day return; or ``summary``, LightGBM on hand-made summaries
            of the same 30 days that networks see, refitted on the same dates as factors are.
        panel: folder of the panel.
        out: score file to write (Parquet).
        years: to score; the vintages of the scores it is compared with.
        settings: trees and windows of ``summary``.
        universe: ``all``, or an index; who is learnt from and scored.
        label: forward return that ``summary`` learns.
        seed: of LightGBM.
        name: of the score; the kind when empty.

    Returns:
        The written file.

    Raises:
        UserError: the panel has no history for a year, or nothing to score in the years.
    """
    if not years:
        msg = "no year to score: name the vintages to compare with"
        raise UserError(msg)
    source = Panel.open(panel)
    about: dict[str, Any] = {
        "name": name or kind,
        "units": [kind],
        "datasets": [],
        "seeds": [],
        "vintages": sorted(years),
        "scheme": "baseline",
        "panel_fingerprint": source.fingerprint,
        "universe": universe,
    }
    if kind == "reversal":
        scored = take_sample(source, SampleRule(universe=universe)).scored
        scores = _in_years(reversal_score(source, scored), source, years)
        about["model"] = "minus the 5-day return"
    else:
        walk = WalkForward.over(source, universe, label, settings, seed)
        months = summary_months(source, walk, years)
        scores = walk.scores(months)
        about |= {"seeds": [seed], **walk.describe(months)}
    return write_score(out, source.dates, source.symbols, scores, about)


def reversal_score(panel: Panel, members: NDArray[np.bool_], days: int = 5) -> NDArray[np.float64]:
    """Minus the return of adjusted closes over the last days, z-scored by date.

    Args:
        panel: where prices are.
        members: ``(T, N)``, who is scored.
        days: trading days of the return.

    Returns:
        ``(T, N)``; NaN outside the universe and without a price on both dates.
    """
    close = panel.adjusted("close")
    scores = np.full(close.shape, np.nan)
    scores[days:] = 1 - close[days:] / close[:-days]
    return standardised(np.where(members, scores, np.nan))


def summary_months(panel: Panel, walk: WalkForward, years: list[int]) -> list[Month]:
    """Months of LightGBM on window summaries, each standardised by date over the universe.

    Args:
        panel: where bars are.
        walk: the protocol.
        years: to score, each learning from its own and the year before.
    """
    summaries = window_summaries(panel)
    values = summaries.values
    members = torch.from_numpy(walk.members)
    for k in range(len(summaries.names)):
        feature = winsorise(torch.from_numpy(values[..., k]), _FEATURE_MADS, members)
        values[..., k] = zscore(feature).numpy()
    months: list[Month] = []
    for year in sorted(years):
        vintage = cut_vintage(panel.dates, year, _RULE)
        design = from_dense(values, walk.members, vintage.output, summaries.names)
        months += walk.serve(design, walk.plan(vintage, design))
    return months


def _in_years(scores: NDArray[np.float64], panel: Panel, years: list[int]) -> NDArray[np.float64]:
    of_date = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    kept = np.where(np.isin(of_date, years)[:, None], scores, np.nan)
    if np.isnan(kept).all():
        msg = f"{panel.path} has nothing to score in {', '.join(map(str, years))}: name other years"
        raise UserError(msg)
    return kept
