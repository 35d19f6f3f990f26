"""Walk-forward scores: a model refitted on what was known, applied to the month ahead."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cross_section.correlation import spearman
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import Vintage
from alpha_lightning.weighting.design_matrix import DesignMatrix
from alpha_lightning.weighting.importance import FitImportance, explain_fit
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.models import choose_model
from alpha_lightning.weighting.parallel_fits import in_parallel, share_threads
from alpha_lightning.weighting.refit_calendar import Refit, plan_refits
from alpha_lightning.weighting.weighting_model import LabelledRows, WeightingModel
from alpha_lightning.windows.sample import SampleRule, take_sample


@dataclass(frozen=True)
class Month:
    """One fit of a walk and the months it serves, usually one.

    Args:
        record: what was fitted on what; with a ``reason`` when nothing is served.
        predictions: ``(rows,)``, not standardised; empty when nothing is served.
        cells: positions of the rows in the panel's dates and symbols, two ``(rows,)``.
        importance: of the columns, when it was asked for and the model tells it.
    """

    record: dict[str, Any]
    predictions: NDArray[np.float64]
    cells: tuple[NDArray[np.intp], NDArray[np.intp]]
    importance: FitImportance | None = None


@dataclass(frozen=True)
class _Job:
    """What the fits of a walk share.

    Args:
        rows: of the universe, prepared.
        learnt: those of them with a label, a second copy, so that each fit's rows are a view.
        model: to fit.
        threads: of a fit.
        explain: whether importance is wanted.
    """

    rows: DesignMatrix
    learnt: DesignMatrix
    model: WeightingModel
    threads: int
    explain: bool


@dataclass(frozen=True)
class WalkForward:
    """How any features become scores: the protocol that factors and baselines share.

    Args:
        dates: ``(T,)`` trading dates.
        members: ``(T, N)``, who is learnt from and scored.
        label: ``(T, N)``, what is learnt; NaN rows are not learnt from.
        horizon: of the label.
        settings: model and windows.
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
        """Refits of a vintage's year, on the dates that have labelled rows.

        A model that does not learn has no date to train or validate on.
        """
        labelled = design.date_index[self._has_label(design)]
        learnable = np.unique(labelled if self._model.learns else labelled[:0])
        return plan_refits(self.dates, vintage, learnable, self.settings, self.horizon.span)

    def serve(
        self, design: DesignMatrix, plan: tuple[Refit, ...], *, explain: bool = False
    ) -> list[Month]:
        """Fit and score the months of a plan, several at once (see `share_threads`).

        A fit's months are not served, and say why, when they have no row, when there are fewer than
        ``settings.min_dates`` dates to learn from or the purge leaves none to train or validate
        on, or when the fit tells nothing apart.

        Args:
            design: features of one vintage, so that a column means the same on every row.
            plan: the refits of that vintage.
            explain: also tell the importance of each column.
        """
        model = self._model
        rows = model.prepare(self.in_universe(design))
        learnt = rows.where(self._has_label(rows)) if model.learns else rows
        at_once, threads = share_threads(self.settings, len(plan))
        year = self.dates[plan[0].serve[0]].astype("datetime64[Y]")
        job = _Job(rows, learnt, model, threads, explain)
        return in_parallel(partial(self._month, job), plan, at_once, f"weigh {year}")

    def in_universe(self, design: DesignMatrix) -> DesignMatrix:
        """The rows of members."""
        return design.where(self.members[design.date_index, design.symbol_index])

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
            "model": self.settings.model,
            "weighting": self.settings.model,
            "label": asdict(self.horizon),
            "settings": asdict(self.settings),
            "lightgbm_seed": self.seed,
            "refits": [month.record for month in months if "reason" not in month.record],
            "skipped": [month.record for month in months if "reason" in month.record],
        }

    @property
    def _model(self) -> WeightingModel:
        return choose_model(self.settings, self.seed)

    def _month(self, job: _Job, refit: Refit) -> Month:
        rows = job.rows.on(refit.serve)
        train, valid = (job.learnt.on(part) for part in (refit.train, refit.valid))
        record: dict[str, Any] = {
            "date": str(self.dates[refit.serve[0]]),
            "dates": len(refit.train) + len(refit.valid),
            "rows": len(train),
        }
        if not len(rows):
            return _skipped(record, "no row of this month in the universe")
        enough = record["dates"] >= self.settings.min_dates and len(train) and len(valid)
        if job.model.learns and not enough:
            parts = f"{len(refit.train)} dates to train and {len(refit.valid)} to validate on"
            return _skipped(record, f"{parts}, min_dates is {self.settings.min_dates}")
        fit = job.model.fit(self._sample(train), self._sample(valid), job.threads)
        if fit.unusable:
            return _skipped(record, fit.unusable)
        predictions = fit.predict(rows.values)
        if not job.model.learns and np.ptp(predictions) == 0:
            return _skipped(record, "the factors tell no stock from another")
        if job.model.learns:
            record |= {"train": self._ends(refit.train), "valid": self._ends(refit.valid)}
            record["valid_rank_ic"] = self._rank_ic(valid, fit.predict(valid.values))
        importance = explain_fit(fit, rows, self.dates) if job.explain else None
        cells = (rows.date_index, rows.symbol_index)
        return Month({**record, **fit.record}, predictions, cells, importance)

    def _rank_ic(self, rows: DesignMatrix, prediction: NDArray[Any]) -> float | None:
        """Mean over dates of the Spearman correlation with the label, what the fit promises."""
        date, place = np.unique(rows.date_index, return_inverse=True)
        dense = np.full((len(date), self.members.shape[1]), np.nan)
        dense[place, rows.symbol_index] = prediction
        label = torch.from_numpy(self.label[date].astype(np.float64))
        by_date = spearman(torch.from_numpy(dense), label).numpy()
        known = by_date[~np.isnan(by_date)]
        return round(float(known.mean()), 6) if len(known) else None

    def _has_label(self, rows: DesignMatrix) -> NDArray[np.bool_]:
        labelled: NDArray[np.bool_] = ~np.isnan(self.label[rows.date_index, rows.symbol_index])
        return labelled

    def _sample(self, rows: DesignMatrix) -> LabelledRows:
        return LabelledRows(rows.values, self.label[rows.date_index, rows.symbol_index])

    def _ends(self, dates: NDArray[np.intp]) -> list[str]:
        return [str(date) for date in self.dates[dates[[0, -1]]]]


def _skipped(record: dict[str, Any], reason: str) -> Month:
    nowhere = np.empty(0, dtype=np.intp)
    return Month(record | {"reason": reason}, np.empty(0), (nowhere, nowhere))
