"""A risk model on disk, opened for reading."""

from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.factor_risk import FactorRisk, Flags, Floats, Kind
from alpha_lightning.risk.layout import (
    DESCRIPTION,
    FIT_COLUMNS,
    FITTED,
    FORECAST,
    FORMAT_VERSION,
    Sizes,
    dtype_of,
    read_json,
)
from alpha_lightning.risk.settings import MARKET, STYLES

_AGAIN = "estimate it again (risk --overwrite true)"
_BEFORE_MARKET = {"style", "industry"}
_SAID = ("settings", "factors", "kinds", "dates", "symbols", "digests", "warnings", "covered")


class RiskModel:
    """Exposures, factor returns and risk by date; arrays are mapped when first asked for.

    Args:
        path: the folder that `risk` wrote.

    Raises:
        ArtefactError: no risk model there, a damaged one, or one of another format version.

    NaN rule: a stock that the model does not cover on a date has NaN exposures and specific risk;
    dates before the risk begins have a NaN covariance, and `at` says None.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.meta = _description(self.path)
        self.dates = np.array(self.meta["dates"], dtype="datetime64[D]")
        self.symbols = np.array(self.meta["symbols"], dtype=str)
        self.factors: tuple[str, ...] = tuple(self.meta["factors"])
        self.kinds: tuple[Kind, ...] = tuple(self.meta["kinds"])
        styles = self.kinds.count("style")
        self.sizes = Sizes(len(self.dates), len(self.symbols), styles, len(self.factors))
        self._arrays: dict[str, Any] = {n: self._map(n) for n in (*FITTED, *FORECAST)}

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The model in a folder."""
        return cls(path)

    def __repr__(self) -> str:
        span = f"{self.dates[0]} to {self.dates[-1]}"
        return f"RiskModel({self.path}: {len(self.factors)} factors, {span})"

    @property
    def styles(self) -> tuple[str, ...]:
        """Styles that were kept."""
        return self.factors[: self.sizes.styles]

    @property
    def industries(self) -> tuple[str, ...]:
        """Names of the industry factors."""
        pairs = zip(self.factors, self.kinds, strict=True)
        return tuple(name for name, kind in pairs if kind == "industry")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences: what was left out, and what the model could not tell."""
        return tuple(self.meta["warnings"])

    def array(self, name: str) -> NDArray[Any]:
        """One of the arrays on disk, `FITTED` or `FORECAST`."""
        found: NDArray[Any] = self._arrays[name]
        return found

    @property
    def exposures(self) -> NDArray[np.float32]:
        """Of stocks to styles, ``(T, N, S)``; NaN where not covered."""
        return self.array("exposures")

    @property
    def factor_returns(self) -> Floats:
        """Daily, ``(T, K)``; NaN on the first date and where a factor has no stock."""
        return self.array("factor_returns")

    @property
    def specific_returns(self) -> NDArray[np.float32]:
        """Daily, ``(T, N)``; NaN for what is not in the day's regression."""
        return self.array("specific_returns")

    @property
    def covariance(self) -> Floats:
        """Of factor returns, a year's worth, ``(T, K, K)``; NaN before the risk begins."""
        return self.array("covariance")

    @property
    def specific_variance(self) -> NDArray[np.float32]:
        """Of specific returns, a year's worth, ``(T, N)``."""
        return self.array("specific_variance")

    def fits(self, name: str) -> Floats:
        """``(T,)``: ``r_squared``, ``adjusted_r_squared`` or ``stocks`` of the regressions."""
        return np.asarray(self._arrays["fits"][:, FIT_COLUMNS.index(name)])

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Rows that have a risk, ascending."""
        return np.flatnonzero(~np.isnan(self.covariance[:, -1, -1]))

    def industry(self, row: int) -> NDArray[np.int16]:
        """Place of each stock's industry among `industries`, ``(N,)``.

        -1 where the model does not cover the stock; 0 for the others where there are no industries.
        """
        return np.asarray(self._arrays["industry"][row])

    def covered(self, row: int) -> Flags:
        """Stocks that have exposures on a date, ``(N,)``."""
        return self.industry(row) >= 0

    def loadings(self, row: int) -> Floats:
        """Exposures to all factors on a date, ``(N, K)``; rows of NaN where not covered.

        Raises:
            ArtefactError: the exposures of a covered stock are not finite.
        """
        codes = self.industry(row)
        held = np.flatnonzero(codes >= 0)
        styles = self.sizes.styles
        found = np.full((self.sizes.stocks, self.sizes.factors), np.nan)
        found[held] = 0.0
        found[held, :styles] = self.exposures[row][held]
        broken = held[~np.isfinite(found[held]).all(axis=1)]
        if len(broken):
            msg = (
                f"{self.path / 'exposures.npy'}: the exposures of {self.symbols[broken[0]]} on"
                f" {self.dates[row]} are not finite, though the model covers it: {_AGAIN}"
            )
            raise ArtefactError(msg)
        if self.industries:
            found[held, styles + codes[held]] = 1.0
        found[held, -1] = 1.0
        return found

    def at(self, row: int) -> FactorRisk | None:
        """The risk told at the close of a date; None before it begins.

        Raises:
            ArtefactError: what is stored for the date is no risk: not finite, or not positive
                semidefinite.
        """
        covariance = np.array(self.covariance[row])
        if np.isnan(covariance).all():
            return None
        specific = np.array(self.specific_variance[row], dtype=np.float64)
        risk = FactorRisk(self.factors, self.kinds, self.loadings(row), covariance, specific)
        where = f"{self.path / 'covariance.npy'} on {self.dates[row]}"
        try:
            _ = risk.root
        except ArtefactError as error:
            msg = f"{where}: {str(error).rpartition(': ')[0]}: {_AGAIN}"
            raise ArtefactError(msg) from error
        if (specific < 0).any() or np.isinf(specific).any():
            msg = (
                f"{self.path / 'specific_variance.npy'} on {self.dates[row]}: a variance is"
                f" negative or infinite: {_AGAIN}"
            )
            raise ArtefactError(msg)
        return risk

    def refuse_strangers(self, panel: Panel) -> None:
        """Nothing, if the model was estimated on this panel as it is now.

        Raises:
            ArtefactError: it was estimated on another, or on this one before it grew.
        """
        same = np.array_equal(self.symbols, panel.symbols) and np.array_equal(
            self.dates, panel.dates
        )
        if same and self.meta["panel_fingerprint"] == panel.fingerprint:
            return
        msg = (
            f"the risk model {self.path} ({len(self.dates):,} dates to {self.dates[-1]},"
            f" {len(self.symbols):,} stocks) was not estimated on {panel.path} as it is now"
            f" ({len(panel.dates):,} dates to {panel.dates[-1]}, {len(panel.symbols):,} stocks):"
            f" run `risk --panel {panel.path} --out {self.path}`, which adds what is new"
        )
        raise ArtefactError(msg)

    def _map(self, name: str) -> Any:
        file = self.path / f"{name}.npy"
        try:
            found = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            msg = f"{file} is missing or damaged ({error}): {_AGAIN}"
            raise ArtefactError(msg) from error
        wanted = (self.sizes.rows, *self.sizes.shape(name))
        if found.shape != wanted or found.dtype != dtype_of(name):
            msg = f"{file} holds {found.dtype} {found.shape}, not {wanted}: {_AGAIN}"
            raise ArtefactError(msg)
        return found


def _description(path: Path) -> dict[str, Any]:
    if not (path / DESCRIPTION).is_file():
        msg = f"{path} is not a risk model (no {DESCRIPTION}): name the folder that `risk` wrote"
        raise ArtefactError(msg)
    meta = read_json(path / DESCRIPTION, _AGAIN)
    version = meta.get("format_version")
    if version != FORMAT_VERSION:
        msg = f"{path} has risk format {version}, this version reads {FORMAT_VERSION}: {_AGAIN}"
        raise ArtefactError(msg)
    lacking = [name for name in (*_SAID, "panel_fingerprint") if name not in meta]
    if lacking:
        msg = f"{path / DESCRIPTION} is damaged (no {lacking[0]!r}): {_AGAIN}"
        raise ArtefactError(msg)
    if fault := _fault(meta):
        msg = f"{path / DESCRIPTION} is damaged ({fault}): {_AGAIN}"
        raise ArtefactError(msg)
    return meta


def _fault(meta: dict[str, Any]) -> str:
    """What in a description is of another kind or contradicts the rest, in words."""
    for name in ("factors", "kinds", "dates", "symbols", "digests", "warnings"):
        own = meta[name]
        if not isinstance(own, list) or not all(isinstance(one, str) for one in own):
            return f"{name!r} is no list of words"
    if not isinstance(meta["settings"], dict):
        return "'settings' are no settings"
    try:
        dates = np.array(meta["dates"], dtype="datetime64[D]")
    except ValueError as error:
        return f"'dates': {error}"
    if not len(dates) or not (dates[1:] > dates[:-1]).all():
        return "'dates' do not ascend"
    few = len(meta["digests"]) != len(dates)
    return f"{len(meta['digests'])} 'digests' of {len(dates)} dates" if few else _disorder(meta)


def _disorder(meta: dict[str, Any]) -> str:
    kinds = meta["kinds"]
    ordered = sorted(kinds[:-1], reverse=True) == kinds[:-1] and {*kinds[:-1]} <= _BEFORE_MARKET
    if len(kinds) != len(meta["factors"]) or kinds[-1:] != ["market"] or not ordered:
        return "'kinds' are not those of 'factors': styles, industries, the market last"
    styles = meta["factors"][: kinds.count("style")]
    if styles != [name for name in STYLES if name in styles] or meta["factors"][-1] != MARKET:
        return "'factors' are not in order: styles, industries, the market last"
    return ""
