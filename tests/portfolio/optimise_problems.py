"""Random programs in which everything happens that can."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from alpha_lightning.portfolio.policy import Flags, Floats
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limits, Problem
from alpha_lightning.risk.factor_risk import FactorRisk, Kind

Generator = np.random.Generator


def random_risk(generator: Generator, stocks: int, styles: int, industries: int) -> FactorRisk:
    """Styles of mean 0, a few stocks far out; one industry a stock; variances of a year.

    A tenth of the covariances are of a rank below their size.
    """
    factors = styles + industries + 1
    exposures = np.zeros((stocks, factors))
    exposures[:, :styles] = np.clip(generator.standard_t(6, (stocks, styles)), -5, 5)
    if industries:
        own = generator.choice(industries, stocks, p=generator.dirichlet(np.full(industries, 3.0)))
        exposures[np.arange(stocks), styles + own] = 1
    exposures[:, -1] = 1
    deep = factors if generator.random() > 0.1 else max(factors // 2, 1)
    mixed = generator.normal(size=(factors, deep)) + 2 * np.eye(factors, deep)
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    volatility = np.concatenate(
        [generator.uniform(0.015, 0.1, factors - 1), generator.uniform(0.12, 0.22, 1)]
    )
    loadings = mixed * volatility[:, None]
    kinds: list[Kind] = ["style"] * styles
    kinds += ["industry"] * industries
    return FactorRisk(
        factors=tuple(f"f{k}" for k in range(factors)),
        kinds=(*kinds, "market"),
        exposures=exposures,
        covariance=loadings @ loadings.T,
        specific=np.clip(np.exp(generator.normal(-1.0, 0.35, stocks)), 0.12, 0.95) ** 2,
    )


def random_scores(generator: Generator, risk: FactorRisk) -> Floats:
    """An old and a new part and some style, of mean 0 and deviation 1, within 4; some are tied."""
    stocks = len(risk.specific)
    tilt = risk.exposures[:, 0] * generator.normal(0, 0.3)
    score = generator.normal(size=stocks) * 0.9 + generator.normal(size=stocks) * 0.45 + tilt
    score = np.clip((score - score.mean()) / score.std(), -4, 4)
    if generator.random() < 0.3:
        score = np.round(score, 1)
    if generator.random() < 0.2:
        score[generator.random(stocks) < 0.2] = 0
    return np.asarray(score)


def random_benchmark(generator: Generator, stocks: int) -> tuple[Floats, Flags]:
    """A fifth to three fifths of the stocks, unequal; some constituents without any weight."""
    members = np.zeros(stocks, dtype=np.bool_)
    count = max(int(stocks * generator.uniform(0.2, 0.6)), 2)
    members[generator.choice(stocks, count, replace=False)] = True
    weights = np.where(members, generator.lognormal(0, 1, stocks), 0.0)
    if generator.random() < 0.2:
        weights[members & (generator.random(stocks) < 0.1)] = 0
    return weights / weights.sum(), members


def random_holdings(generator: Generator, benchmark: Floats, score: Floats) -> Floats:
    """The index, a few of it tilted and drifted, any stocks, or foreign ones; perhaps with cash."""
    stocks = len(benchmark)
    kind = generator.choice(["index", "tilted", "mixed", "foreign"], p=[0.15, 0.7, 0.1, 0.05])
    held = benchmark.copy()
    if kind == "tilted":
        held = benchmark * np.maximum(1 + score * generator.uniform(0.1, 0.6), 0)
        held[generator.random(stocks) < 0.03] += 0.01
    elif kind == "mixed":
        some = generator.random(stocks) < 0.3
        held = 0.7 * benchmark + 0.3 * some / max(some.sum(), 1)
    elif kind == "foreign":
        held = np.where(benchmark == 0, generator.random(stocks) ** 4, 0.0)
        held[generator.random(stocks) < 0.7] = 0
    held = held * np.exp(generator.normal(0, 0.05, stocks))
    held = held / held.sum() if held.sum() else benchmark.copy()
    cash = generator.choice([0.0, generator.uniform(0, 0.02), generator.uniform(0, 0.2)])
    return np.asarray(held * (1 - cash))


def random_limits(generator: Generator, **given: Any) -> Limits:
    """In the ranges of the paper and beyond; each may be missing."""

    def some(low: float, high: float, missing: float) -> float | None:
        drawn = float(np.exp(generator.uniform(np.log(low), np.log(high))))
        return None if generator.random() < missing else drawn

    drawn = {
        "tracking_error": some(0.01, 0.08, 0.05),
        "turnover": some(0.02, 1.0, 0.1),
        "style": some(0.1, 1.0, 0.05),
        "industry": some(0.005, 0.05, 0.05),
        "floor": some(0.5, 0.9, 0.5),
        "active": some(0.005, 0.03, 0.6),
    }
    return Limits(**(drawn | given))


def random_bounds(generator: Generator, held: Floats) -> tuple[Floats, Floats]:
    """Frozen stocks, held or not, those that cannot be bought or sold, and ceilings."""
    stocks = len(held)
    lower, upper = np.zeros(stocks), np.ones(stocks)
    if generator.random() < 0.2:
        upper[:] = np.maximum(held, generator.uniform(0.1, 0.4))
    share = generator.uniform(0, 0.1)
    draw = generator.random(stocks)
    frozen, up, down = draw < share, draw > 0.98, (draw > 0.96) & (draw < 0.98)
    lower[frozen | down] = held[frozen | down]
    upper[frozen | up] = held[frozen | up]
    return lower, upper


def random_problem(
    seed: int, stocks: int | None = None, limits: Mapping[str, Any] | None = None
) -> Problem:
    """A program of 50 to 600 stocks, most of them small."""
    generator = np.random.default_rng([20201, seed])
    stocks = stocks or int(50 * 12 ** (generator.random() ** 2.5))
    styles, industries = int(generator.integers(3, 11)), int(generator.integers(3, 31))
    industries = 0 if generator.random() < 0.05 else min(industries, stocks // 5)
    risk = random_risk(generator, stocks, styles, industries)
    score = random_scores(generator, risk)
    benchmark, members = random_benchmark(generator, stocks)
    held = random_holdings(generator, benchmark, score)
    if generator.random() < 0.3:
        # A constituent without a price has never been held, and cannot be now.
        held[generator.random(stocks) < 0.02] = 0
    lower, upper = random_bounds(generator, held)
    gone = members & (generator.random(stocks) < 0.03 * (generator.random() < 0.3))
    lower[gone & (held == 0)] = upper[gone & (held == 0)] = 0
    return Problem(
        score=score,
        benchmark=benchmark,
        held=held,
        risk=risk,
        members=members,
        lower=lower,
        upper=upper,
        limits=random_limits(generator, **(limits or {})),
    )


def with_limits(problem: Problem, **limits: float | None) -> Problem:
    """The same with some limits of its own."""
    return replace(problem, limits=replace(problem.limits, **limits))


def plain_problem(score: Sequence[float], benchmark: Sequence[float], **given: Any) -> Problem:
    """A few stocks by hand: specific variances of 0.04 and a market to which all are exposed.

    Args:
        score: ``(N,)``.
        benchmark: ``(N,)``; constituents are those with a weight.
        given: fields of the problem; those of `Limits` go there, and ``style`` exposures and
            ``industry`` codes become factors without covariance.
    """
    count = len(score)
    limits = {name: given.pop(name) for name in RELAXED_FIRST if name in given}
    columns = np.asarray(given.pop("styles", np.empty((count, 0))), dtype=float)
    codes = np.asarray(given.pop("industries", []), dtype=int)
    dummies = np.eye(codes.max() + 1)[codes] if len(codes) else np.empty((count, 0))
    exposures = np.column_stack([columns, dummies, np.ones(count)])
    kinds: list[Kind] = ["style"] * columns.shape[1]
    kinds += ["industry"] * dummies.shape[1]
    variances = np.zeros(exposures.shape[1])
    variances[-1] = 0.04
    risk = FactorRisk(
        factors=tuple(f"f{k}" for k in range(len(variances))),
        kinds=(*kinds, "market"),
        exposures=exposures,
        covariance=np.diag(variances),
        specific=np.full(count, 0.04),
    )
    weights = np.array(benchmark, dtype=float)
    fields: dict[str, Any] = {
        "held": weights.copy(),
        "risk": risk,
        "members": weights > 0,
        "lower": np.zeros(count),
        "upper": np.ones(count),
    }
    arrays = {"held": float, "lower": float, "upper": float, "members": bool}
    given = {k: np.array(v, dtype=arrays[k]) if k in arrays else v for k, v in given.items()}
    fields |= given
    return Problem(np.array(score, dtype=float), weights, limits=Limits(**limits), **fields)
