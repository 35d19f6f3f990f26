"""Which risk model is estimated, and how."""

from dataclasses import dataclass, field
from typing import Literal

from alpha_lightning.artefacts.errors import UserError

STYLES = (
    "size",
    "beta",
    "trend",
    "volatility",
    "liquidity",
    "value",
    "growth",
    "soe",
    "certainty",
    "cubic_size",
)
"""The ten styles, in the order of the factors."""
MARKET = "market"
"""Name of the factor that every stock is exposed to by 1."""


@dataclass(frozen=True)
class RiskSettings:
    """How exposures, factor returns and their risk are estimated.

    Raises:
        UserError: a setting outside its range.

    Reference:
        Orient Securities, DFQ-2020 risk model (May 2020), for ``dfq``; ``simple`` is the usual
        exponentially weighted covariance with Newey-West lags and shrinkage.
    """

    kind: Literal["dfq", "simple"] = "dfq"
    """dfq: ARMA-GARCH variances, constant correlations; simple: EWMA, Newey-West, shrinkage."""
    styles: list[str] = field(default_factory=lambda: list(STYLES))
    """Styles that are wanted; one whose inputs the panel lacks is dropped, and named."""
    regression: Literal["huber", "wls"] = "huber"
    """Of a day's returns on the exposures of the day before, weighted by the root of market value:
    Huber's loss, or least squares."""
    huber: float = 1.345
    """Huber's threshold in robust standard deviations of the weighted residuals."""
    thin_industry: int = 5
    """An industry of fewer stocks is drawn towards the market, as if it held so many."""
    window: int = 486
    """Days of factor and specific returns that a day's risk is told from, at most."""
    min_days: int = 60
    """Days of factor returns before which there is no risk."""
    horizon: int = 21
    """Trading days ahead that risk is about; variances are those of their sum, a year's worth."""
    half_life: int = 90
    """simple: days after which a day counts half in variances."""
    correlation_half_life: int = 243
    """simple: the same in correlations."""
    lags: int = 10
    """simple: Newey-West lags in days."""
    shrinkage: float = 0.1
    """simple: share of the mean correlation of its kind in each correlation of factors."""
    specific_shrinkage: float = 0.1
    """Strength q of the pull of specific risk towards the mean of stocks of its size."""

    def __post_init__(self) -> None:
        unknown = [name for name in self.styles if name not in STYLES]
        if unknown or len(set(self.styles)) < len(self.styles):
            wrong = f"has {unknown[0]!r}" if unknown else "names a style twice"
            msg = f"risk.styles {wrong}: choose each once from {', '.join(STYLES)}"
            raise UserError(msg)
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                msg = f"risk.{name} is {getattr(self, name)}: it must be {least} or more"
                raise UserError(msg)
        if not 0 <= self.shrinkage <= 1:
            msg = f"risk.shrinkage is {self.shrinkage}: it must lie between 0 and 1"
            raise UserError(msg)
        if not 0 < self.huber < float("inf"):
            msg = f"risk.huber is {self.huber}: it must be above 0"
            raise UserError(msg)
        if not 0 <= self.specific_shrinkage < float("inf"):
            msg = f"risk.specific_shrinkage is {self.specific_shrinkage}: it must be 0 or more"
            raise UserError(msg)
        if self.min_days > self.window:
            msg = f"risk.min_days is {self.min_days}, above risk.window, {self.window}: lower it"
            raise UserError(msg)


_LEAST = {
    "thin_industry": 1,
    "window": 20,
    "min_days": 20,
    "horizon": 1,
    "half_life": 1,
    "correlation_half_life": 1,
    "lags": 0,
}
