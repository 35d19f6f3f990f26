"""How much of what can be forecast a score forecasts: its RankIC beside that of the oracle.

The oracle is the true conditional expectation of a simulated market's returns. No earlier stage of
the chain reads it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.evaluation.rank_ic import rank_ic
from alpha_lightning.evaluation.sample import Sample
from alpha_lightning.evaluation.scores import LEVELS, level_of
from alpha_lightning.evaluation.standard_errors import newey_west_error, overlap, ratio_of_means
from alpha_lightning.panel.returns import EVALUATION_RETURNS, LABEL, Horizon
from alpha_lightning.panel.signal_dates import typical_step

Matrix = NDArray[np.float64]
Table = Any
"""A pandas DataFrame."""
CONSTANT = (
    "The oracle expects the same of every stock: nothing was planted in this market, its RankIC is"
    " undefined, and there is no share of the attainable."
)
STRANGE = (
    "The oracle's RankIC is not above twice its error at any horizon: it is of another market than"
    " the panel, or these dates and stocks are too few; do not read the share of the attainable."
)
_WHOLE = tuple(f"expected_{Horizon(*pair)}" for pair in EVALUATION_RETURNS)
_LABEL = Horizon(*LABEL)


@dataclass(frozen=True)
class Oracle:
    """What the returns of a simulated market are expected to be, on the signal dates.

    Args:
        file: where it was read.
        fingerprint: of the file's bytes.
        whole: ``(S, N)`` by horizon, from everything that is known.
        parts: ``(S, N)`` by name, of the label's return: ``expected_10g_<source>`` from one source
            and ``attainable_10g`` from the last 30 days only.
    """

    file: str
    fingerprint: str
    whole: dict[str, Matrix]
    parts: dict[str, Matrix]


@dataclass(frozen=True)
class Share:
    """RankIC of a score and of the oracle on the same dates and stocks.

    Args:
        own: mean of the score's.
        own_error: Newey-West.
        best: mean of the oracle's.
        best_error: Newey-West.
        ratio: ``own / best``; NaN when the oracle has no positive mean.
        error: of the ratio, by the delta method on the pair of series.
        dates: that the means are over.
    """

    own: float
    own_error: float
    best: float
    best_error: float
    ratio: float
    error: float
    dates: int


def read_oracle(path: str | Path, sample: Sample) -> Oracle:
    """Lay an oracle out on a sample; dates and symbols that the sample lacks are left out.

    Args:
        path: ``oracle.parquet`` of a simulated market.
        sample: whose dates and stocks are wanted.

    Raises:
        ArtefactError: missing, damaged, without a column, or of none of the compared stocks.
    """
    columns = _read_columns(Path(path))
    dates = columns.pop("date").astype("datetime64[D]")
    symbols = columns.pop("symbol").astype(str)
    known = np.isin(dates, sample.dates) & np.isin(symbols, sample.panel.symbols)
    row = np.searchsorted(sample.dates, dates[known])
    column = np.searchsorted(sample.panel.symbols, symbols[known])
    laid_out = {name: np.full(sample.members.shape, np.nan) for name in columns}
    for name, values in laid_out.items():
        values[row, column] = columns[name][known]
    if not np.isfinite(laid_out[_WHOLE[0]][sample.masks[0]]).any():
        msg = f"{path} knows none of the compared stocks: name the oracle of this panel's market"
        raise ArtefactError(msg)
    whole = {name.removeprefix("expected_"): laid_out.pop(name) for name in _WHOLE}
    return Oracle(str(path), fingerprint_file(path), whole, laid_out)


def share_of(own: Matrix, best: Matrix, lag: int) -> Share:
    """A score's mean RankIC over the oracle's, on the dates that both have.

    A score's own RankIC is told also where the oracle has none on any date.

    Args:
        own: ``(S,)`` RankIC of the score.
        best: ``(S,)`` RankIC of the oracle.
        lag: signal steps over which returns overlap.
    """
    known = np.isfinite(best)
    # Where nothing can be forecast a score still has a RankIC, and it should be about zero.
    both = np.isfinite(own) & (known | ~known.any())
    sides = [np.where(both, series, np.nan) for series in (own, best)]
    means = [float(side[both].mean()) if both.any() else np.nan for side in sides]
    errors = [newey_west_error(side, lag) for side in sides]
    ratio, error = ratio_of_means(own, best, lag)
    return Share(means[0], errors[0], means[1], errors[1], ratio, error, int(both.sum()))


def share_table(sample: Sample, oracle: Oracle) -> Table:
    """Share of the attainable by score and horizon, from units to ensembles.

    The last rows are the parts of the oracle: what each source could give at most, and what the
    last 30 days could.
    """
    pairs = list(zip(sample.scores, sample.masks, strict=True))
    pairs.sort(key=lambda pair: LEVELS.index(level_of(pair[0], sample.scores)))
    rows = []
    judged: list[tuple[dict[str, str], NDArray[Any], NDArray[np.bool_]]]
    for horizon, known, returns in sample.returns():
        truth = oracle.whole[str(horizon)]
        judged = [(_about(score, sample), score.values, mask) for score, mask in pairs]
        if horizon == _LABEL:
            about = {"level": "oracle", "units": "", "datasets": ""}
            parts = oracle.parts.items()
            judged += [(about | {"score": name}, part, sample.masks[0]) for name, part in parts]
        lag = overlap(horizon.days, typical_step(sample.rows))
        for about, values, mask in judged:
            both = mask & np.isfinite(values) & np.isfinite(truth)
            own, best = (rank_ic(x, returns, both)[known] for x in (values, truth))
            rows.append(_row(about, horizon, share_of(own, best, lag)))
    return pd.DataFrame(rows)


def oracle_by_date_table(sample: Sample, oracle: Oracle) -> Table:
    """RankIC of the oracle and of its parts on each signal date, for those who pool markets."""
    rows = []
    for horizon, _, returns in sample.returns():
        columns = {f"expected_{horizon}": oracle.whole[str(horizon)]}
        for name, truth in (columns | (oracle.parts if horizon == _LABEL else {})).items():
            series = rank_ic(truth, returns, sample.masks[0] & np.isfinite(truth))
            rows += [
                {"date": date, "score": name, "horizon": str(horizon), "rank_ic_pct": 100 * value}
                for date, value in zip(sample.dates.astype(str), series, strict=True)
                if np.isfinite(value)
            ]
    names = ["date", "score", "horizon", "rank_ic_pct"]
    return pd.DataFrame(rows, columns=names).sort_values("date", kind="stable")


def remarks_on(table: Table) -> list[str]:
    """What a reader of `share_table` must be told."""
    best = table[table["level"] != "oracle"]
    if best["oracle_pct"].isna().all():
        return [CONSTANT]
    told = best["oracle_pct"] > 2 * best["oracle_se_pct"]
    return [] if told.any() else [STRANGE]


def _read_columns(path: Path) -> dict[str, Any]:
    try:
        names = pq.read_schema(path).names
        needed = ["date", "symbol", *_WHOLE]
        lacking = [name for name in needed if name not in names]
        parts = [n for n in names if n.startswith((f"expected_{_LABEL}_", "attainable_"))]
        raw = None if lacking else pq.read_table(path, columns=[*needed, *parts])
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        msg = f"{path} is missing or damaged ({reason}): name oracle.parquet of `simulate`"
        raise ArtefactError(msg) from error
    if raw is None:
        msg = f"{path} is no oracle, it lacks {', '.join(lacking)}: simulate the market again"
        raise ArtefactError(msg)
    return {name: raw.column(name).to_numpy() for name in raw.column_names}


def _about(score: Any, sample: Sample) -> dict[str, str]:
    return {
        "level": level_of(score, sample.scores),
        "score": score.name,
        "units": "+".join(score.units),
        "datasets": "+".join(score.datasets),
    }


def _row(about: dict[str, str], horizon: Horizon, share: Share) -> dict[str, Any]:
    return {
        **{key: about[key] for key in ("level", "score", "units", "datasets")},
        "horizon": str(horizon),
        "rank_ic_pct": 100 * share.own,
        "rank_ic_se_pct": 100 * share.own_error,
        "oracle_pct": 100 * share.best,
        "oracle_se_pct": 100 * share.best_error,
        "share_pct": 100 * share.ratio,
        "share_se_pct": 100 * share.error,
        "dates": share.dates,
    }
