"""Which dates and how many stocks a study will have: of its panel, or as far as can be known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.trading_days import trading_days
from alpha_lightning.study.panel_tasks import panel_of, read_yaml
from alpha_lightning.study.settings import StudySettings

FEATURES = {"rawbar": 6, "mschars": 118, "l2chars": 95}
"""Width of the paper's data sets."""


@dataclass(frozen=True)
class Extent:
    """Size of what a study reads.

    Args:
        dates: ``(T,)`` trading dates; empty when nothing is known of them.
        stocks: on a date, the mean; 0 when not known.
        symbols: of the panel, listed sooner or later.
        features: width by data set.
        origin: in words, where this is from.
    """

    dates: NDArray[Any]
    stocks: int
    symbols: int
    features: dict[str, int]
    origin: str


def extent_before(study: StudySettings) -> Extent:
    """As `extent_of`, but of what the study asks for: its panel may be of older settings.

    Raises:
        UserError: as `extent_of`.
    """
    return _of_market(study) if study.source.market else extent_of(study)


def extent_of(study: StudySettings) -> Extent:
    """Dates and sizes of a study: the panel's, the simulated market's, or those it expects.

    Raises:
        UserError: an expected date is none, or the last is before the first.
    """
    try:
        panel = Panel.open(panel_of(study))
    except ArtefactError:
        return _of_market(study) if study.source.market else _expected(study)
    listed = panel.listed.sum(axis=1)
    known = {name: len(panel.dataset(name).features) for name in panel.datasets}
    stocks, symbols = int(listed.mean()), len(panel.symbols)
    return Extent(panel.dates, stocks, symbols, FEATURES | known, f"the panel {panel.path}")


def _of_market(study: StudySettings) -> Extent:
    asked = read_yaml(str(study.source.market)).get("market") or {}
    default = MarketSettings()
    try:
        days = int(asked.get("days", default.days))
        stocks = int(asked.get("stocks", default.stocks))
        dates = trading_days(str(asked.get("start", default.start)), days)
    except (AttributeError, TypeError, ValueError) as error:
        msg = (
            f"{study.source.market}: market is {asked}: days and stocks should be whole numbers,"
            f" start a date like 2020-01-31 ({error})"
        )
        raise UserError(msg) from error
    return Extent(dates, stocks, stocks, FEATURES, f"the market {study.source.market}")


def _expected(study: StudySettings) -> Extent:
    asked = study.expected
    nothing = np.empty(0, dtype="datetime64[D]")
    if study.source.calendar and Path(study.source.calendar).is_file():
        lines = Path(study.source.calendar).read_text(encoding="utf-8").split()
        try:
            dates = np.array(sorted(set(lines)), dtype="datetime64[D]")
        except ValueError as error:
            msg = f"{study.source.calendar}: write one date like 2020-01-31 a line ({error})"
            raise UserError(msg) from error
        return Extent(dates, asked.stocks, asked.stocks, FEATURES, study.source.calendar)
    if not asked.first_date or not asked.last_date:
        return Extent(nothing, asked.stocks, asked.stocks, FEATURES, "")
    try:
        first, last = (np.datetime64(text, "D") for text in (asked.first_date, asked.last_date))
    except ValueError as error:
        msg = f"study {study.name}: expected dates should be written as 2020-01-31: {error}"
        raise UserError(msg) from error
    if last <= first:
        msg = f"study {study.name}: expected.last_date {last} is not after the first, {first}"
        raise UserError(msg)
    # Weekdays less the usual holidays: near enough for sizes, and for boundaries but a day or two.
    dates = trading_days(str(first), int((last - first).astype(int)))
    dates = dates[dates <= last]
    words = "no panel yet: weekdays less usual holidays, boundaries may differ by some days"
    return Extent(dates, asked.stocks, asked.stocks, FEATURES, words)
