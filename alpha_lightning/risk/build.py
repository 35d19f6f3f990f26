"""Estimation of a risk model in two passes over the dates, resumed and extended."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.days import Days
from alpha_lightning.risk.draft import Draft, drafted
from alpha_lightning.risk.estimator_version import estimator_version
from alpha_lightning.risk.factor_covariance import CovarianceSeries
from alpha_lightning.risk.layout import (
    DESCRIPTION,
    DIAGNOSTICS,
    FACTOR_RETURNS,
    FITTED,
    Sizes,
    dtype_of,
)
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.regression import fit_day
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.risk.specific_risk import SpecificSeries
from alpha_lightning.risk.telling import write_description, write_tables

_SAVED_EVERY = 50
"""Rows after which the work so far is safe from a kill."""


def build_risk_model(
    panel: Panel,
    out: str | Path,
    settings: RiskSettings,
    *,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Estimate the model of a panel, or add to the one that is there what is new.

    A row of the model is kept if the panel tells the same of it and of all before it, whatever
    else has been added; so the result does not depend on what was there. What a killed process has
    done is found beside the folder.

    Args:
        panel: the panel.
        out: folder of the model.
        settings: how it is estimated.
        overwrite: replace a model of other settings, or a damaged one.
        say: told how much of an old model cannot be kept, and why.

    Returns:
        The folder.

    Raises:
        UserError: the panel is too short, or the folder holds something else.
    """
    folder = Path(out)
    old = _old_model(folder, settings, overwrite=overwrite)
    if len(panel.dates) <= settings.min_days:
        msg = (
            f"{panel.path} has {len(panel.dates):,} dates: with risk.min_days {settings.min_days}"
            f" a risk model needs {settings.min_days + 1} at least"
        )
        raise UserError(msg)
    days = Days(panel, settings)
    identity = _identity(days, settings)
    sizes = Sizes(len(panel.dates), len(panel.symbols), len(days.inputs.styles), len(days.factors))
    kept = 0 if old is None else _kept(old, days, identity, say)
    if old is not None and kept == sizes.rows and _is_same(old, panel):
        return folder
    with drafted(folder, sizes, identity) as draft:
        draft.keep(_same_rows(draft.digests, days))
        if old is not None and draft.fitted == 0:
            draft.copy(old, kept)
        _fit(draft, days, settings)
        _forecast(draft, days, settings)
        write_tables(draft, days)
        write_description(draft, days, settings, identity)
        draft.finish(folder)
    return folder


def _identity(days: Days, settings: RiskSettings) -> dict[str, Any]:
    # What a row depends on beside its own data, in the order in which reasons are told.
    return {
        "settings": asdict(settings),
        "code": estimator_version(),
        "factors": list(days.factors),
        "kinds": list(days.kinds),
        "dates": days.panel.dates.astype(str).tolist(),
        "symbols": days.panel.symbols.tolist(),
    }


def _old_model(folder: Path, settings: RiskSettings, *, overwrite: bool) -> RiskModel | None:
    if not folder.exists():
        return None
    if not folder.is_dir():
        msg = f"{folder} is a file and will not be replaced by a folder: choose another path"
        raise ArtefactError(msg)
    if not (folder / DESCRIPTION).exists():
        if any(folder.iterdir()):
            msg = (
                f"{folder} holds other things (no {DESCRIPTION}) and will not be replaced: choose"
                " another path, or remove it yourself"
            )
            raise ArtefactError(msg)
        return None
    try:
        old = RiskModel.open(folder)
    except ArtefactError:
        if overwrite:
            return None
        raise
    changed = _changed(old.meta["settings"], asdict(settings))
    if changed and not overwrite:
        msg = (
            f"{folder} is a risk model of other settings ({changed}): choose another path, or pass"
            " --overwrite true to replace it"
        )
        raise ArtefactError(msg)
    return old


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(f"{name} {before.get(name)}, not {now.get(name)}" for name in names)


def _kept(
    old: RiskModel, days: Days, identity: Mapping[str, Any], say: Callable[[str], None]
) -> int:
    """Rows of an old model that a new one begins with."""
    reasons = {
        "settings": f"{_changed(old.meta['settings'], identity['settings'])} is asked for",
        "code": "this version of the program estimates otherwise",
        "factors": "the factors are others, for the panel's industries or fields are",
    }
    for name, reason in reasons.items():
        if old.meta.get(name) != identity[name]:
            say(f"Every row of {old.path} is estimated again: {reason}.")
            return 0
    if not np.isin(old.symbols, days.panel.symbols).all():
        gone = old.symbols[~np.isin(old.symbols, days.panel.symbols)]
        say(f"Every row of {old.path} is estimated again: the panel no longer has {gone[0]}.")
        return 0
    rows = min(len(old.dates), len(days.panel.dates))
    differ = np.flatnonzero(old.dates[:rows] != days.panel.dates[:rows])
    same = _same_rows(old.meta["digests"][: differ[0] if len(differ) else rows], days)
    if same == rows < len(old.dates):
        last = days.panel.dates[-1]
        say(f"{len(old.dates) - same:,} rows of {old.path} are dropped: the panel ends on {last}.")
    elif same < len(old.dates):
        say(
            f"{len(old.dates) - same:,} rows of {old.path}, from {old.dates[same]} on, are"
            " estimated again: the panel tells other things of that date than it did."
        )
    return same


def _same_rows(digests: list[str], days: Days) -> int:
    bar = tqdm(digests, "known rows", unit="row", disable=None, leave=False)
    for row, digest in enumerate(bar):
        if row >= len(days.panel.dates) or days.digest(row) != digest:
            return row
    return len(digests)


def _is_same(old: RiskModel, panel: Panel) -> bool:
    tables = all((old.path / name).is_file() for name in (FACTOR_RETURNS, DIAGNOSTICS))
    same = tables and old.meta["panel_fingerprint"] == panel.fingerprint
    return same and len(old.dates) == len(panel.dates) and len(old.symbols) == len(panel.symbols)


def _fit(draft: Draft, days: Days, settings: RiskSettings) -> None:
    """The first pass: exposures, and the regression of a day on those of the day before."""
    first, rows = draft.fitted, draft.sizes.rows
    before = _last_exposures(draft) if first else None
    with tqdm(
        total=rows, initial=first, desc="factor returns", unit="row", disable=None, leave=False
    ) as bar:
        for row in range(first, rows):
            found = _fit_row(row, days, settings, before)
            draft.add(found, [days.digest(row)])
            before = found["exposures"], found["industry"]
            bar.update()
            if (row + 1) % _SAVED_EVERY == 0:
                draft.save()
    draft.save()


def _last_exposures(draft: Draft) -> tuple[NDArray[Any], NDArray[Any]]:
    return np.array(draft.read("exposures")[-1]), np.array(draft.read("industry")[-1])


def _fit_row(
    row: int,
    days: Days,
    settings: RiskSettings,
    before: tuple[NDArray[Any], NDArray[Any]] | None,
) -> dict[str, NDArray[Any]]:
    exposures = days.exposures(row)
    industry = days.industry(row, exposures)
    # A covered stock has all exposures: whoever lacks one is told nowhere.
    exposures = np.where((industry >= 0)[:, None], exposures, np.float32(np.nan))
    specific = np.full(len(exposures), np.nan, dtype=dtype_of("specific_returns"))
    factors, fits = np.full(len(days.factors), np.nan), np.array([np.nan, np.nan, 0.0])
    if before is not None:
        own = np.flatnonzero(before[1] >= 0)
        # Of the stocks covered alone: who is not must not even change the rounding.
        fit = fit_day(
            days.returns(row)[own], before[0][own].astype(np.float64), before[1][own],
            len(days.industries), days.cap(row - 1)[own], settings,
        )  # fmt: skip
        factors, specific[own] = fit.factor_returns, fit.specific_returns
        fits = np.array([fit.r_squared, fit.adjusted_r_squared, fit.stocks])
    made = (exposures, industry, factors, specific, fits)
    return dict(zip(FITTED, made, strict=True))


def _forecast(draft: Draft, days: Days, settings: RiskSettings) -> None:
    """The second pass: what is told of the days to come."""
    returns, specific = draft.read("factor_returns"), draft.read("specific_returns")
    industry, dates = draft.read("industry"), days.panel.dates
    factor_risk = CovarianceSeries(settings, days.kinds)
    specific_risk = SpecificSeries(settings)
    told = np.cumsum(np.isfinite(returns[:, -1]))
    first, rows = draft.forecast, draft.sizes.rows
    ever = (industry[:first] >= 0).any(axis=0)
    with tqdm(total=rows, initial=first, desc="risk", unit="row", disable=None, leave=False) as bar:
        for row in range(first, rows):
            ever |= industry[row] >= 0
            covariance = np.full(draft.sizes.shape("covariance"), np.nan)
            variance = np.full(draft.sizes.stocks, np.nan)
            if _days_told(told, row, settings.window) >= settings.min_days:
                span = slice(max(0, row + 1 - factor_risk.reach), row + 1)
                covariance = factor_risk.covariance(np.asarray(returns[span]), dates[span])
                span = slice(max(0, row + 1 - specific_risk.reach), row + 1)
                # Stocks that are not there yet must not even change the rounding.
                own = np.flatnonzero(ever)
                cap = np.where(industry[row] >= 0, days.cap(row), np.nan)[own]
                variance[own] = specific_risk.variance(specific[span][:, own], cap, dates[span])
            draft.add({"covariance": covariance, "specific_variance": variance})
            bar.update()
            if (row + 1) % _SAVED_EVERY == 0:
                draft.save()
    draft.save()


def _days_told(told: NDArray[np.intp], row: int, window: int) -> int:
    return int(told[row] - (told[row - window] if row >= window else 0))
