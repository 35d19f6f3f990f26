"""The market of the optimiser's benchmark, its reading by cvxpy, and a count of what is broken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.portfolio.program import Limits, Problem
from alpha_lightning.risk.factor_risk import FactorRisk, Kind

Floats = NDArray[np.float64]
STYLES, INDUSTRIES = 10, 30
DAYS = 243
LIMITED = 0.02
"""Share of the stocks that cannot be traded in a week, half on both sides."""


@dataclass(frozen=True)
class Case:
    """A market in which index and risk stand still and scores and prices move.

    Args:
        risk: of all stocks, a year's worth.
        benchmark: ``(N,)`` by free-float cap.
        generator: of all weeks, in order.
    """

    risk: FactorRisk
    benchmark: Floats
    generator: np.random.Generator

    def scores(self, weeks: int) -> Floats:
        """``(weeks, N)``: a slow and a fast part and style tilts, of deviation 1, within 4."""
        generator, stocks = self.generator, len(self.benchmark)
        slow, fast = generator.normal(size=(2, stocks))
        tilts = self.risk.exposures[:, :STYLES] @ generator.normal(0, 0.1, STYLES)
        made = np.empty((weeks, stocks))
        for week in range(weeks):
            slow = 0.95 * slow + np.sqrt(1 - 0.95**2) * generator.normal(size=stocks)
            fast = 0.5 * fast + np.sqrt(1 - 0.5**2) * generator.normal(size=stocks)
            raw = 0.6 * slow + 0.8 * fast + tilts
            made[week] = np.clip((raw - raw.mean()) / raw.std(), -4, 4)
        return made

    def drifted(self, weights: Floats) -> Floats:
        """The same holdings a week later; returns by the model's own risk."""
        generator, risk = self.generator, self.risk
        week = np.sqrt(5 / DAYS)
        common = risk.exposures @ (risk.root @ generator.normal(size=len(risk.factors)))
        own = np.sqrt(risk.specific) * generator.normal(size=len(weights))
        moved = weights * np.exp(np.clip(week * (common + own), -0.4, 0.4))
        return np.asarray(moved / moved.sum())

    def bounds(self, held: Floats) -> tuple[Floats, Floats]:
        """Suspended stocks keep their weight, those at a limit may go one way; ``(N,)`` each."""
        lower, upper = np.zeros(len(held)), np.ones(len(held))
        draw = self.generator.random(len(held))
        no_sale, no_buy = draw < 0.75 * LIMITED, (draw > 0.25 * LIMITED) & (draw < LIMITED)
        lower[no_sale], upper[no_buy] = held[no_sale], held[no_buy]
        return lower, upper

    def problem(self, score: Floats, held: Floats, limits: Limits) -> Problem:
        """One week's program."""
        lower, upper = self.bounds(held)
        members = self.benchmark > 0
        return Problem(score, self.benchmark, held, self.risk, members, lower, upper, limits)


def make_case(stocks: int, index_size: int, seed: int = 7) -> Case:
    """Caps that fall by a power, specific volatilities of 12 to 95 % that fall with size.

    Args:
        stocks: N.
        index_size: constituents: the largest 300, or as many that come after the largest 300.
        seed: of everything.
    """
    generator = np.random.default_rng(seed)
    cap = np.exp(1.1 * generator.normal(size=stocks))
    by_cap = np.argsort(-cap)
    first = 0 if index_size <= 300 or 300 + index_size > stocks else 300
    benchmark = np.zeros(stocks)
    inside = by_cap[first : first + index_size]
    benchmark[inside] = cap[inside] * generator.uniform(0.3, 1, index_size)
    size = (np.log(cap) - np.log(cap).mean()) / np.log(cap).std()
    styles = np.clip(generator.normal(size=(stocks, STYLES)), -4, 4)
    styles[:, 0] = np.clip(size, -4, 4)
    industry = generator.choice(INDUSTRIES, stocks, p=generator.dirichlet(np.full(INDUSTRIES, 4.0)))
    exposures = np.column_stack([styles, np.eye(INDUSTRIES)[industry], np.ones(stocks)])
    volatility = np.concatenate(
        [
            np.linspace(0.06, 0.015, STYLES),
            generator.uniform(0.05, 0.12, INDUSTRIES),
            [0.22],
        ]
    )
    mixed = generator.normal(size=(len(volatility), len(volatility))) * 0.3
    mixed += np.eye(len(volatility)) * 2
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    root = volatility[:, None] * mixed
    own = np.clip(np.exp(np.log(0.36) - 0.12 * size + 0.25 * generator.normal(size=stocks)), 0, 9)
    kinds: list[Kind] = ["style"] * STYLES
    kinds += ["industry"] * INDUSTRIES
    risk = FactorRisk(
        factors=tuple(f"factor {k}" for k in range(len(volatility))),
        kinds=(*kinds, "market"),
        exposures=exposures,
        covariance=root @ root.T,
        specific=np.clip(own, 0.12, 0.95) ** 2,
    )
    return Case(risk, benchmark / benchmark.sum(), generator)


def cvxpy_way(problem: Problem) -> tuple[str, Floats | None]:
    """The program as one would write it down, with Clarabel; its status and weights."""
    import cvxpy as cp

    limits, risk = problem.limits, problem.risk
    w = cp.Variable(len(problem.score))
    active = w - problem.benchmark
    exposure = cp.Variable(len(risk.factors))
    rules = [cp.sum(w) == 1, w >= problem.lower, w <= problem.upper]
    rules.append(exposure == risk.exposures.T @ active)
    rules.append(cp.norm1(w - problem.held) / 2 <= limits.turnover)
    rules.append(cp.abs(exposure[risk.columns("style")]) <= limits.style)
    rules.append(cp.abs(exposure[risk.columns("industry")]) <= limits.industry)
    own = cp.multiply(np.sqrt(risk.specific), active)
    whole = cp.hstack([risk.root.T @ exposure, own])
    rules.append(cp.norm2(whole) <= limits.tracking_error)
    if limits.floor is not None:
        rules.append(cp.sum(w[np.flatnonzero(problem.members)]) >= limits.floor)
    program = cp.Problem(cp.Maximize(problem.score @ w), rules)
    program.solve(solver=cp.CLARABEL, max_threads=1)
    return str(program.status), w.value


def broken(problem: Problem, weights: Floats) -> dict[str, float]:
    """How far beyond each limit weights are; counted apart from the optimiser's own audit."""
    limits, risk, active = problem.limits, problem.risk, weights - problem.benchmark
    exposure = risk.exposures.T @ active
    kinds = np.array(risk.kinds)
    variance = exposure @ risk.covariance @ exposure + (risk.specific * active**2).sum()
    found: Mapping[str, Any] = {
        "budget": abs(weights.sum() - 1),
        "lower": (problem.lower - weights).max(),
        "upper": (weights - problem.upper).max(),
        "turnover": np.abs(weights - problem.held).sum() / 2 - limits.turnover,
        "style": np.abs(exposure[kinds == "style"]).max() - limits.style,
        "industry": np.abs(exposure[kinds == "industry"]).max() - limits.industry,
        "tracking error": np.sqrt(variance) - limits.tracking_error,
        "floor": (limits.floor or 0.0) - weights[problem.members].sum(),
    }
    return {name: max(float(beyond), 0.0) for name, beyond in found.items()}
