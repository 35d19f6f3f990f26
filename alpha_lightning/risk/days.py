"""What the regression of a day is fed with: returns, exposures, industries, weights."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.side_arrays import industry_codes
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.factor_risk import Floats, Kind
from alpha_lightning.risk.settings import MARKET, STYLES, RiskSettings
from alpha_lightning.risk.stock_days import StockDays
from alpha_lightning.risk.styles import StyleInputs

UNKNOWN = "unknown industry"
"""Factor of the stocks whose industry nobody has told."""


class Days:
    """The panel, as the risk model sees it, a row at a time.

    Nothing of a row depends on a later one, or on stocks not listed on it.

    Args:
        panel: the panel.
        settings: which styles.
    """

    def __init__(self, panel: Panel, settings: RiskSettings) -> None:
        self.panel = panel
        self.inputs = StyleInputs.of_panel(panel, settings)
        self._stocks = StockDays(panel)
        found = industry_codes(panel)
        self._codes = None if found is None else found[0]
        names = () if found is None else found[1]
        self._unknown = len(names) if self._codes is not None and self._is_unknown() else -1
        self.industries: tuple[str, ...] = (*names, *((UNKNOWN,) if self._unknown >= 0 else ()))
        taken = (*STYLES, MARKET)
        # The columns of tables need names of their own.
        told = [f"{name} (industry)" if name in taken else name for name in self.industries]
        self.factors: tuple[str, ...] = (*self.inputs.styles, *told, MARKET)
        kinds: list[Kind] = ["style"] * len(self.inputs.styles)
        kinds += ["industry"] * len(told)
        self.kinds: tuple[Kind, ...] = (*kinds, "market")

    def exposures(self, row: int) -> NDArray[np.float32]:
        """To styles, ``(N, S)``; NaN where not covered."""
        found = self.inputs.exposures(row)
        return np.asarray(found, dtype=np.float32)

    def cap(self, row: int) -> Floats:
        """Market value by which stocks weigh, or ones, ``(N,)``; NaN where unknown."""
        return np.asarray(self.inputs.cap(row), dtype=np.float64)

    def industry(self, row: int, exposures: NDArray[np.float32]) -> NDArray[np.int16]:
        """Place of the industry factor, ``(N,)``; -1 where not covered, 0 without industries.

        Args:
            row: of the panel.
            exposures: ``(N, S)`` of the row.
        """
        covered = self.panel.listed[row] & np.isfinite(self.cap(row))
        covered &= np.isfinite(exposures).all(axis=1)
        if self._codes is None:
            return np.where(covered, 0, -1).astype(np.int16)
        codes = np.asarray(self._codes[row])
        return np.where(covered, np.where(codes < 0, self._unknown, codes), -1).astype(np.int16)

    def returns(self, row: int) -> Floats:
        """Simple returns from the close before, ``(N,)``; NaN unless traded on both days."""
        return self._stocks.simple_return(row)

    def digest(self, row: int) -> str:
        """Of all that is read of a row, of its listed stocks only."""
        return self.inputs.digest(row)

    def _is_unknown(self) -> bool:
        codes = self._codes
        return codes is not None and bool(((codes < 0) & self.panel.listed).any())
