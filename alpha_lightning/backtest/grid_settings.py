"""Which TOP-N portfolios are run side by side: sizes, turnover limits, what is varied besides."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.settings import (
    BenchmarkSettings,
    Conventions,
    CostSettings,
    ExecutionSettings,
    SignalSettings,
)
from alpha_lightning.panel.periods import parse_date
from alpha_lightning.portfolio.top_n import Reweight, TopN

DELTAS = (0.05, 0.08, 0.1, 0.2, 0.3, 0.5, 1.0)
"""The paper's turnover limits."""


@dataclass(frozen=True)
class ReplacementSettings:
    """How TOP-N changes its holdings, the same for every size and turnover limit."""

    keep_within: float = 1.0
    """A holding may leave when it is worse than so many times N of the stocks."""
    reweight: Reweight = "always"
    """When equal weights are restored: on every signal, never, or where a weight left its band."""
    band: float = 0.25
    """With ``band``: how far a weight may drift from 1/N, relative to it."""
    reserves: int = 50
    """Next best stocks that may take the place of blocked purchases."""
    min_coverage: float = 0.5
    """Share of the universe that must have a score; on other signals holdings stay."""

    def policy(self, names: int, delta: float) -> TopN:
        """TOP-N of a size under a turnover limit.

        Raises:
            UserError: a setting is out of its range.
        """
        if not 1 <= self.keep_within < float("inf"):
            msg = f"keep_within is {self.keep_within}: it is a multiple of N from 1 on"
            raise UserError(msg)
        within = round(self.keep_within * names)
        how = (self.reweight, self.band, self.reserves, self.min_coverage)
        return TopN(names, delta, within, *how)


@dataclass(frozen=True)
class CurveSettings:
    """What is varied at the shown turnover limit; an empty list leaves a curve out."""

    cost: list[float] = field(default_factory=lambda: [0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    """Multiples of every cost."""
    capital: list[float] = field(default_factory=lambda: [1e7, 1e8, 3e8, 1e9, 3e9, 1e10])
    """Cash of the first day, traded with the impact and the participation below."""
    impact: float = 1.0
    """Coefficient of square-root impact along the capacity curve."""
    participation: float = 0.1
    """Largest share of a stock's volume of the day along the capacity curve."""
    delay: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5])
    """Trading days from the signal to the trade."""

    def __post_init__(self) -> None:
        for name in ("cost", "capital", "delay"):
            _refuse_repeats(f"curves.{name}", getattr(self, name))
        if any(not 0 <= multiple < float("inf") for multiple in self.cost):
            msg = f"portfolios.curves.cost is {self.cost}: multiples of the costs are 0 or more"
            raise UserError(msg)

    @property
    def on(self) -> bool:
        """Whether any curve is drawn."""
        return bool(self.cost or self.capital or self.delay)


@dataclass(frozen=True)
class GridSettings:
    """TOP-N portfolios of every size under every turnover limit, run in one pass over the days."""

    names: list[int] = field(default_factory=list)
    """Sizes N, for example 100 and 300; the first is that of figure 16, the second that of figure
    17; without one there are no portfolios."""
    delta: list[float] = field(default_factory=lambda: list(DELTAS))
    """Turnover limits: the share of the names that a signal may change."""
    shown: float = 0.2
    """Turnover limit of the charts and of the curves."""
    scores: list[str] = field(default_factory=list)
    """Scores by their names in the study; the v1 of the largest group, or else the first model's,
    when empty."""
    replacement: ReplacementSettings = ReplacementSettings()
    """How holdings are changed."""
    signals: SignalSettings = field(default_factory=SignalSettings)
    """On which dates; the universe is the study's unless another is named."""
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    """How target weights become trades."""
    costs: CostSettings = field(default_factory=CostSettings)
    """What a trade costs."""
    benchmark: BenchmarkSettings = field(default_factory=BenchmarkSettings)
    """What the portfolios are held against."""
    conventions: Conventions = field(default_factory=Conventions)
    """How results are counted."""
    actions: str | None = None
    """Table of corporate actions: date, symbol, cash, shares; told from the adjustment factor when
    not given."""
    curves: CurveSettings = field(default_factory=CurveSettings)
    """Cost, capacity and delay curves."""

    def __post_init__(self) -> None:
        for name in ("names", "delta", "scores"):
            _refuse_repeats(name, getattr(self, name), empty=name != "delta")
        if min(self.names, default=1) < 1:
            msg = f"portfolios.names is {self.names}: a portfolio holds at least 1 name"
            raise UserError(msg)
        for delta in self.delta:
            if not 0 <= delta <= 1:
                msg = f"portfolios.delta has {delta}: a turnover limit lies between 0 and 1"
                raise UserError(msg)
        if self.shown not in self.delta:
            msg = (
                f"portfolios.shown is {self.shown}, which is not among portfolios.delta,"
                f" {self.delta}: show one of them"
            )
            raise UserError(msg)
        self._try_dates()
        self._try_all()

    def _try_dates(self) -> None:
        signals = self.signals
        for name, text in (("start", signals.start), ("end", signals.end)):
            if text is not None:
                parse_date(text, f"portfolios.signals.{name}")
        for text in self.costs.stamp_duty:
            parse_date(text, "portfolios.costs.stamp_duty")

    def _try_all(self) -> None:
        # Every setting that will be run is made once: a mistake shows before anything else runs.
        trials: dict[str, Callable[[], object]] = {
            "replacement": lambda: [self.replacement.policy(n, 1) for n in self.names or [100]],
            **{
                f"curves.cost, {multiple:g} times the cost": partial(scaled, self.costs, multiple)
                for multiple in self.curves.cost
            },
            "curves": lambda: [self.of_capital(capital) for capital in self.curves.capital],
            "curves.delay": lambda: [self.delayed(delay) for delay in self.curves.delay],
        }
        for where, make in trials.items():
            try:
                make()
            except UserError as error:
                msg = f"portfolios.{where}: {error}"
                raise UserError(msg) from error

    def of_capital(self, capital: float) -> tuple[ExecutionSettings, CostSettings]:
        """Execution and costs of a point of the capacity curve.

        Raises:
            UserError: capital, participation or impact is out of its range.
        """
        cap, impact = self.curves.participation, self.curves.impact
        execution = replace(self.execution, capital=capital, participation=cap)
        return execution, replace(self.costs, impact=impact)

    def delayed(self, delay: int) -> ExecutionSettings:
        """Execution some trading days after the signal.

        Raises:
            UserError: earlier than the day after it.
        """
        return replace(self.execution, delay=delay)


def scaled(costs: CostSettings, multiple: float) -> CostSettings:
    """Every cost times a number.

    Raises:
        UserError: a rate comes to more than 100 %.

    Example:
        >>> scaled(CostSettings(buy=0.001, sell=0.002), 2).sell
        0.004
    """
    return CostSettings(
        buy=costs.buy * multiple,
        sell=costs.sell * multiple,
        minimum=costs.minimum * multiple,
        stamp_duty={date: rate * multiple for date, rate in costs.stamp_duty.items()},
        impact=costs.impact * multiple,
    )


def grid_settings(tree: Mapping[str, Any]) -> GridSettings:
    """Settings from their JSON form, as `dataclasses.asdict` gives it.

    Raises:
        UserError: a setting is out of its range.
    """
    parts = {
        "replacement": ReplacementSettings,
        "signals": SignalSettings,
        "execution": ExecutionSettings,
        "costs": CostSettings,
        "benchmark": BenchmarkSettings,
        "conventions": Conventions,
        "curves": CurveSettings,
    }
    made = {name: kind(**tree[name]) for name, kind in parts.items() if name in tree}
    return GridSettings(**{**tree, **made})


def _refuse_repeats(name: str, values: Sequence[Any] | None, *, empty: bool = True) -> None:
    if values is None:
        none = ", [] for none" if empty else ""
        msg = f"portfolios.{name} is null: write a list{none}"
        raise UserError(msg)
    if len(set(values)) < len(values) or not (values or empty):
        at_least = "" if empty else "at least one, and "
        msg = f"portfolios.{name} is {list(values)}: name {at_least}each once"
        raise UserError(msg)
