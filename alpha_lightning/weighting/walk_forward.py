"""Walk-forward scores: LightGBM refitted monthly on what was known, applied to the month ahead."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import Vintage
from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.lightgbm_model import LabelledRows, LightGBMSettings, fit_lightgbm
from alpha_lightning.weighting.refit_calendar import Refit, plan_refits
from alpha_lightning.windows.sample import SampleRule, take_sample


@dataclass(frozen=True)
class Month:
    """One month of a walk.

    Args:
        record: what was fitted on what; with a ``reason`` when the month is not served.
        predictions: ``(rows,)``, not standardised; empty when the month is not served.
        cells: positions of the rows in the panel's dates and symbols, two ``(rows,)``.
    """

    record: dict[str, Any]
    predictions: NDArray[np.float64]
    cells: tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True)
class WalkForward:
    """How any features become scores: the protocol that factors and baselines share.

    Args:
        dates: ``(T,)`` trading dates.
        members: ``(T, N)``, who is learnt from and scored.
        label: ``(T, N)``, what is learnt; NaN rows are not learnt from.
        horizon: of the label.
        settings: trees and windows.
        seed: of LightGBM.
    """

    dates: NDArray[Any]
    members: NDArray[np.bool_]
    label: NDArray[np.float32]
    horizon: Horizon
    settings: LightGBMSettings
    seed: int

    @classmethod
    def over(
        cls, panel: Panel, universe: str, horizon: Horizon, settings: LightGBMSettings, seed: int
    ) -> Self:
        """The protocol on a panel, with the stocks and the label that networks learn from."""
        rule = SampleRule(universe=universe, horizon=horizon.days, gap=horizon.gap)
        sample = take_sample(panel, rule)
        return cls(panel.dates, sample.scored, sample.label, horizon, settings, seed)

    def plan(self, vintage: Vintage, design: DesignMatrix) -> tuple[Refit, ...]:
        """Monthly refits of a vintage's year, on the dates that have labelled rows."""
        learnable = np.unique(self._labelled(design).date_index)
        return plan_refits(self.dates, vintage, learnable, self.settings, self.horizon.span)

    def serve(self, design: DesignMatrix, plan: tuple[Refit, ...]) -> list[Month]:
        """Fit and score each month of a plan.

        A month is not served, and says why, when it has no row, when there are fewer than
        ``settings.min_dates`` dates to learn from or the purge leaves none to train or validate
        on, or when no tree could split.

        Args:
            design: features of one vintage, so that a column means the same on every row.
            plan: the refits of that vintage.
        """
        rows = design.where(self.members[design.date_index, design.symbol_index])
        year = self.dates[plan[0].serve[0]].astype("datetime64[Y]")
        progress = tqdm(plan, desc=f"weigh {year}", unit="month", disable=None)
        return [self._month(rows, refit) for refit in progress]

    def scores(self, months: list[Month]) -> NDArray[np.float64]:
        """Predictions of all months, ``(T, N)``, NaN where there is none.

        Raises:
            UserError: no month is served.
        """
        result = np.full(self.members.shape, np.nan)
        for month in months:
            result[month.cells] = month.predictions
        if np.isnan(result).all():
            first = months[0].record
            msg = (
                f"none of {len(months)} months can be scored; {first['date'][:7]}:"
                f" {first['reason']}"
            )
            raise UserError(msg)
        return result

    def describe(self, months: list[Month]) -> dict[str, Any]:
        """Provenance of the scores of some months."""
        return {
            "model": "lightgbm",
            "label": asdict(self.horizon),
            "settings": asdict(self.settings),
            "lightgbm_seed": self.seed,
            "refits": [month.record for month in months if "reason" not in month.record],
            "skipped": [month.record for month in months if "reason" in month.record],
        }

    def _month(self, design: DesignMatrix, refit: Refit) -> Month:
        rows = design.on(refit.serve)
        train, valid = (self._labelled(design.on(part)) for part in (refit.train, refit.valid))
        record: dict[str, Any] = {
            "date": str(self.dates[refit.serve[0]]),
            "dates": len(refit.train) + len(refit.valid),
            "rows": len(train),
        }
        if not len(rows):
            return _skipped(record, "no row of this month in the universe")
        if record["dates"] < self.settings.min_dates or not len(train) or not len(valid):
            parts = f"{len(refit.train)} dates to train and {len(refit.valid)} to validate on"
            return _skipped(record, f"{parts}, min_dates is {self.settings.min_dates}")
        fit = fit_lightgbm(self._sample(train), self._sample(valid), self.settings, self.seed)
        if fit.constant:
            least = f"min_data_in_leaf {self.settings.min_data_in_leaf}"
            reason = f"no tree could split {len(train)} rows at {least}: lower it"
            return _skipped(record, reason)
        record |= {"train": self._ends(refit.train), "valid": self._ends(refit.valid)}
        record["best_iteration"] = fit.best_iteration
        return Month(record, fit.predict(rows.values), (rows.date_index, rows.symbol_index))

    def _labelled(self, rows: DesignMatrix) -> DesignMatrix:
        return rows.where(~np.isnan(self.label[rows.date_index, rows.symbol_index]))

    def _sample(self, rows: DesignMatrix) -> LabelledRows:
        return LabelledRows(rows.values, self.label[rows.date_index, rows.symbol_index])

    def _ends(self, dates: NDArray[np.intp]) -> list[str]:
        return [str(date) for date in self.dates[dates[[0, -1]]]]


def _skipped(record: dict[str, Any], reason: str) -> Month:
    nowhere = np.empty(0, dtype=np.intp)
    return Month(record | {"reason": reason}, np.empty(0), (nowhere, nowhere))
