"""How long a score stays good, and how long it stays the same."""

from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.evaluation.rank_ic import rank_ics
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.score_correlations import lagged_correlation
from alpha_lightning.evaluation.standard_errors import newey_west_error, overlap
from alpha_lightning.panel.returns import LABEL, Horizon
from alpha_lightning.panel.signal_dates import typical_step

Table = Any
"""A pandas DataFrame."""
LAGS = 21
"""Days by which the return of the decay starts late: 0 to 20."""
STEPS = 20
"""Signal steps of the autocorrelation."""


def decay_table(sample: Sample) -> Table:
    """RankIC of each score with the label's days of return, from ``lag`` days after the signal.

    A lag counts the dates whose return ended by the sample's last, fewer the later it starts; a lag
    without any has no row.
    """
    horizons = [Horizon(LABEL[0], lag) for lag in range(LAGS)]
    last = int(sample.last - sample.rows[0])
    horizons = [horizon for horizon in horizons if horizon.span <= last]
    if not horizons:
        return pd.DataFrame()
    values = [score.values for score in sample.scores]
    series = rank_ics(values, sample.masks, sample.close(), sample.rows, horizons)
    steps = overlap(LABEL[0], typical_step(sample.rows))
    rows = []
    for score, by_lag in zip(sample.scores, series, strict=True):
        for horizon, one in zip(horizons, by_lag, strict=True):
            seen = one[np.isfinite(one)]
            known = sample.rows + horizon.span <= sample.last
            rows.append(
                {
                    "score": score.name,
                    "lag": horizon.gap,
                    "rank_ic_pct": 100 * float(seen.mean()) if len(seen) else np.nan,
                    "rank_ic_se_pct": 100 * newey_west_error(one[known], steps),
                    "dates": len(seen),
                }
            )
    return pd.DataFrame(rows)


def autocorrelation_table(sample: Sample) -> Table:
    """Cross-sectional Pearson correlation of each score with itself some signal dates before.

    A pair of dates counts the stocks of both; nothing after the later date is used.
    """
    step = typical_step(sample.rows)
    rows = []
    for score, mask in zip(sample.scores, sample.masks, strict=True):
        for steps in range(1, min(STEPS, len(sample.rows) - 1) + 1):
            series = lagged_correlation(score.values, mask, steps)
            seen = series[np.isfinite(series)]
            row = {"score": score.name, "steps": steps, "days": steps * step}
            row["correlation_pct"] = 100 * float(seen.mean()) if len(seen) else np.nan
            rows.append(row | {"dates": len(seen)})
    return pd.DataFrame(rows)
