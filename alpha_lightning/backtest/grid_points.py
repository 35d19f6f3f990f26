"""What a grid runs: every portfolio once, however many tables and curves it is in."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.backtest.grid_settings import GridSettings, scaled
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings

CURVES = ("cost_curve", "capacity_curve", "delay_curve")


@dataclass(frozen=True)
class GridPoint:
    """One portfolio.

    Args:
        score: by which stocks are chosen.
        names: N.
        delta: turnover limit.
        execution: how it is traded.
        costs: what trades cost.
    """

    score: str
    names: int
    delta: float
    execution: ExecutionSettings
    costs: CostSettings

    @cached_property
    def key(self) -> str:
        """The same for portfolios that trade alike."""
        return fingerprint_json(asdict(self))

    @property
    def folder(self) -> str:
        """Where its result goes, below the grid's folder."""
        return f"{self.score}/top{self.names}_d{delta_name(self.delta)}"

    @property
    def columns(self) -> dict[str, Any]:
        """Its first columns in a table."""
        return {"score": self.score, "names": self.names, "delta": self.delta}


@dataclass(frozen=True)
class CurvePoint:
    """A portfolio on a curve.

    Args:
        curve: one of `CURVES`.
        varied: what is set on the curve, by column of its table.
        point: the portfolio.
    """

    curve: str
    varied: dict[str, Any]
    point: GridPoint


def delta_name(delta: float) -> str:
    """A turnover limit with two digits at least.

    Example:
        >>> delta_name(0.2), delta_name(1), delta_name(0.125)
        ('0.20', '1.00', '0.125')
    """
    return max(f"{delta:.2f}", f"{delta:.10g}", key=len)


def every_point(settings: GridSettings, scores: Sequence[str]) -> dict[str, GridPoint]:
    """All portfolios of grid and curves by their keys, each once."""
    own = grid_points(settings, scores)
    return {p.key: p for p in (*own, *(one.point for one in curve_points(settings, scores)))}


def grid_points(settings: GridSettings, scores: Sequence[str]) -> list[GridPoint]:
    """Every score, size and turnover limit."""
    return [
        GridPoint(score, names, delta, settings.execution, settings.costs)
        for score in scores
        for names in settings.names
        for delta in settings.delta
    ]


def curve_points(settings: GridSettings, scores: Sequence[str]) -> list[CurvePoint]:
    """The curves of every score and size at the shown turnover limit."""
    return [
        point
        for score in scores
        for names in settings.names
        for point in _curves_of(settings, score, names)
    ]


def _curves_of(settings: GridSettings, score: str, names: int) -> Iterator[CurvePoint]:
    curves, execution, costs = settings.curves, settings.execution, settings.costs

    def made(trade: ExecutionSettings, cost: CostSettings) -> GridPoint:
        return GridPoint(score, names, settings.shown, trade, cost)

    for multiple in curves.cost:
        point = made(execution, scaled(costs, multiple))
        yield CurvePoint("cost_curve", {"cost_multiple": multiple}, point)
    for capital in curves.capital:
        varied = {"capital": capital, "impact": curves.impact}
        varied |= {"participation": curves.participation}
        yield CurvePoint("capacity_curve", varied, made(*settings.of_capital(capital)))
    for delay in curves.delay:
        yield CurvePoint("delay_curve", {"delay": delay}, made(settings.delayed(delay), costs))
