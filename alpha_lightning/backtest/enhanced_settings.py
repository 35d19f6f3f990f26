"""Which index-enhanced portfolios are run side by side: indices, floors, turnover limits."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.settings import (
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.panel.periods import parse_date
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.program import RELAXED_FIRST
from alpha_lightning.risk.settings import RiskSettings

FLOORS = (0.0, 0.8)
"""The paper's least weights of constituents; 0 is without a floor."""
DELTAS = (0.1, 0.2, 0.3, 0.5)
"""The paper's turnover limits."""


@dataclass(frozen=True)
class LimitSettings:
    """Limits and rules that are the same for every index, floor and turnover limit."""

    style: float | None = 0.5
    """Largest distance from the index's exposure to each style, in standard deviations."""
    industry: float | None = 0.02
    """Largest distance from the index's weight of each industry."""
    active: float | None = None
    """Largest distance from each stock's weight in the index, for example 0.01."""
    relax: list[str] = field(default_factory=lambda: list(RELAXED_FIRST))
    """Limits that may give way where all together cannot be kept, the first before the others."""
    min_coverage: float = 0.5
    """With scores for a smaller share of the universe a portfolio is left as it is."""
    min_benchmark: float = 0.5
    """So, too, where less than this share of the index's weight is listed in the panel."""
    max_age: int | None = 250
    """So, too, where the index's weights have not changed for more trading days than these."""

    def of(
        self, index: str, tracking_error: float, floor: float | None, turnover: float
    ) -> IndexEnhanced:
        """The limits of one portfolio.

        Raises:
            UserError: a limit is out of its range.
        """
        shared: dict[str, Any] = asdict(self)
        return IndexEnhanced(index, tracking_error, turnover, floor=floor or None, **shared)


@dataclass(frozen=True)
class EnhancedGrid:
    """Portfolios of every index, floor and turnover limit, run in one pass over the days."""

    indices: dict[str, float] = field(default_factory=dict)
    """Limit of annual tracking error by index, for example {"000300": 0.04, "000905": 0.05}, the
    names in quotes; an index needs weights in the panel. Without one there are no portfolios."""
    floors: list[float | None] = field(default_factory=lambda: list(FLOORS))
    """Least weight of the index's constituents; 0 or null is without a floor."""
    deltas: list[float] = field(default_factory=lambda: list(DELTAS))
    """Turnover limits: one-way, a share of the portfolio's value."""
    shown: float = 0.2
    """Turnover limit of the charts, of the front page and of what is told by date."""
    scores: list[str] = field(default_factory=list)
    """Scores by their names in the study; those of the TOP-N portfolios, or else the v1 of the
    largest group or the first model, when empty."""
    policy: LimitSettings = field(default_factory=LimitSettings)
    """The other limits, the same for every portfolio."""
    risk: RiskSettings = field(default_factory=RiskSettings)
    """The risk model; estimated once for all of them."""
    signals: SignalSettings = field(default_factory=SignalSettings)
    """On which dates; the universe is the study's unless another is named."""
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    """How target weights become trades."""
    costs: CostSettings = field(default_factory=CostSettings)
    """What a trade costs."""
    total_return: bool = False
    """Held against the index with dividends, rebuilt from its weights, instead of its published
    level; an index without a level is in any case."""
    conventions: Conventions = field(default_factory=Conventions)
    """How results are counted."""
    actions: str | None = None
    """Table of corporate actions: date, symbol, cash, shares; told from the adjustment factor when
    not given."""

    def __post_init__(self) -> None:
        given: Any = self.indices  # which a YAML file may say anything of
        if not isinstance(given, Mapping):
            msg = f"enhanced.indices is {given}: write a tracking error by index, {{}} for none"
            raise UserError(msg)
        for name, limit in given.items():
            _check_index(name, limit)
        whole: dict[str, Any] = {"floors": self.floors, "deltas": self.deltas}
        for name, listed in whole.items():
            values = listed if listed is None else [value or 0.0 for value in listed]
            _refuse_repeats(name, values)
            wrong = [value for value in values or () if not 0 <= value <= 1]
            if wrong:
                msg = f"enhanced.{name} has {wrong[0]}: a share of the weight is from 0 to 1"
                raise UserError(msg)
        _refuse_repeats("scores", self.scores, empty=True)
        if self.shown not in self.deltas:
            msg = (
                f"enhanced.shown is {self.shown}, which is not among enhanced.deltas,"
                f" {self.deltas}: show one of them"
            )
            raise UserError(msg)
        self._check_limits()
        signals = self.signals
        for name, text in (("start", signals.start), ("end", signals.end)):
            if text is not None:
                parse_date(text, f"enhanced.signals.{name}")
        for text in self.costs.stamp_duty:
            parse_date(text, "enhanced.costs.stamp_duty")

    def _check_limits(self) -> None:
        # Every portfolio's limits are made once: a mistake shows before anything else runs.
        for index, limit in {**self.indices, "any": 0.0}.items():
            try:
                self.policy.of(index, limit, None, self.shown)
            except UserError as error:
                msg = str(error).replace("enhanced.", "enhanced.policy.", 1)
                raise UserError(msg) from error

    @property
    def floor_values(self) -> tuple[float, ...]:
        """Floors, 0 for none."""
        return tuple(float(floor or 0.0) for floor in self.floors)


def enhanced_grid(tree: Mapping[str, Any]) -> EnhancedGrid:
    """Settings from their JSON form, as `dataclasses.asdict` gives it.

    Raises:
        UserError: a setting is out of its range.
    """
    parts = {
        "policy": LimitSettings,
        "risk": RiskSettings,
        "signals": SignalSettings,
        "execution": ExecutionSettings,
        "costs": CostSettings,
        "conventions": Conventions,
    }
    made = {name: kind(**tree[name]) for name, kind in parts.items() if name in tree}
    return EnhancedGrid(**{**tree, **made})


def _check_index(name: Any, limit: Any) -> None:
    if not isinstance(name, str) or not name:
        msg = (
            f"enhanced.indices names an index {name!r}: write its name in quotes, or YAML takes"
            ' it for a number ("000300": 0.04)'
        )
        raise UserError(msg)
    number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if not number or not 0 <= limit < math.inf:
        msg = (
            f"enhanced.indices: the tracking error of {name} is {limit!r}: it must be 0 or more"
            " (0.04 is 4 % a year)"
        )
        raise UserError(msg)


def _refuse_repeats(name: str, values: Sequence[Any] | None, *, empty: bool = False) -> None:
    if values is None:
        msg = f"enhanced.{name} is null: write a list"
        raise UserError(msg)
    if len(set(values)) < len(values) or not (values or empty):
        at_least = "" if empty else "at least one, and "
        msg = f"enhanced.{name} is {list(values)}: name {at_least}each once"
        raise UserError(msg)
