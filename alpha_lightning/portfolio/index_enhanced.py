"""How a portfolio is to beat an index: its limits, and what gives way when they contradict."""

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, get_args

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limit, Limits


@dataclass(frozen=True)
class IndexEnhanced:
    """The largest score under limits against an index; see `EnhancedPolicy` for how it is decided.

    Raises:
        UserError: a setting outside its range.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), enhanced indices.
    """

    index: str = ""
    """Index whose weights are in the panel, such as "000300"; empty is no enhanced portfolio."""
    tracking_error: float | None = 0.04
    """Largest standard deviation of a year's return against the index, ex ante."""
    turnover: float | None = 0.2
    """Largest one-way turnover of a signal, from the drifted weights; the first purchase is
    free of it."""
    style: float | None = 0.5
    """Largest distance from the index's exposure to each style, in standard deviations."""
    industry: float | None = 0.02
    """Largest distance from the index's weight of each industry."""
    floor: float | None = None
    """Least weight of the index's constituents, for example 0.8."""
    active: float | None = None
    """Largest distance from each stock's weight in the index, for example 0.01."""
    relax: list[str] = field(default_factory=lambda: list(RELAXED_FIRST))
    """Limits that may give way where all together cannot be kept, the first before the others."""
    min_coverage: float = 0.5
    """With scores for a smaller share of the universe the portfolio is left as it is."""
    min_benchmark: float = 0.5
    """So, too, where less than this share of the index's weight is listed in the panel."""
    max_age: int | None = 250
    """So, too, where the index's weights have not changed for more trading days than these."""

    def __post_init__(self) -> None:
        for name in get_args(Limit):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                msg = f"enhanced.{name} is {value}: it must be 0 or more, or null for no limit"
                raise UserError(msg)
        for name in ("floor", "min_coverage", "min_benchmark"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                msg = f"enhanced.{name} is {value}: it must lie between 0 and 1"
                raise UserError(msg)
        wrong = [name for name in self.relax if name not in RELAXED_FIRST]
        if wrong or len(set(self.relax)) < len(self.relax):
            told = f"has {wrong[0]!r}" if wrong else "names a limit twice"
            msg = f"enhanced.relax {told}: choose each once from {', '.join(RELAXED_FIRST)}"
            raise UserError(msg)
        if self.max_age is not None and self.max_age < 1:
            msg = f"enhanced.max_age is {self.max_age}: it must be 1 or more, or null"
            raise UserError(msg)
        # A limit without an index would otherwise be of no effect, and nobody would know.
        if not self.index and any(
            getattr(self, name) != value for name, value in _defaults().items()
        ):
            msg = "enhanced.index is not given: name an index whose weights are in the panel"
            raise UserError(msg)

    @property
    def order(self) -> tuple[Limit, ...]:
        """Limits that may give way, the first before the others."""
        return tuple(self.relax)  # type: ignore[arg-type]

    def limits(self, *, first: bool) -> Limits:
        """Limits of a signal; none on turnover where it is the first purchase."""
        kept = {name: getattr(self, name) for name in RELAXED_FIRST}
        return Limits(**(kept | {"turnover": None} if first else kept))

    def title(self, score: str) -> str:
        """Name of the portfolio that a score leads to.

        Example:
            >>> IndexEnhanced("000300", floor=0.8).title("RCTv1")
            'Enhanced 000300 (80 % constituents) of RCTv1'
        """
        floor = "" if self.floor is None else f" ({100 * self.floor:.4g} % constituents)"
        return f"Enhanced {self.index}{floor} of {score}"


def _defaults() -> dict[str, Any]:
    return {
        one.name: one.default if one.default_factory is MISSING else one.default_factory()
        for one in fields(IndexEnhanced)
    }
