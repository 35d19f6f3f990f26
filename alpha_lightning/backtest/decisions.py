"""What enhanced portfolios decided, date by date: tables, a summary, sentences for the reader."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.portfolio.decision_facts import EXPOSURES, NUMBERS
from alpha_lightning.portfolio.policy import Hold, Target
from alpha_lightning.portfolio.program import RELAXED_FIRST

Decisions = Sequence[tuple[int, Target | Hold]]
_SCALED_UP = 0.98
"""Listed share of an index below which it is told that the rest was scaled up; what is ingested
sums to 1 within as much."""

_OLD = 31
"""Trading days beyond which weights are told to be old; those of month ends never are."""


def has_facts(decisions: Decisions) -> bool:
    """Whether any decision is one of an enhanced portfolio."""
    return any("status" in answer.facts for _, answer in decisions)


def decision_columns(decisions: Decisions, dates: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """One row a signal, each ``(S,)``: date, status, reason, and the facts that are numbers.

    Status is ``solved``, ``relaxed``, ``failed`` (no weights were found) or ``held`` (nothing was
    asked); the latter two leave the holdings as they are. NaN where a number is not known.
    """
    return {"date": dates[[row for row, _ in decisions]]} | _columns(decisions)


def exposure_columns(decisions: Decisions, dates: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """One row a decided date and factor: exposures of portfolio and benchmark."""
    rows = [
        (dates[row], factor, value, answer.facts[EXPOSURES[1]][factor])
        for row, answer in decisions
        for factor, value in answer.facts.get(EXPOSURES[0], {}).items()
    ]
    day, factor, own, against = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "date": np.array(day, dtype="datetime64[D]"),
        "factor": np.array(factor, dtype=str),
        "portfolio": np.array(own, dtype=np.float64),
        "benchmark": np.array(against, dtype=np.float64),
    }


def enhanced_summary(decisions: Decisions, ex_post: float) -> dict[str, Any]:
    """Numbers over all signals.

    Args:
        decisions: of every signal.
        ex_post: tracking error of the daily returns, a year's.

    Returns:
        Tracking errors, counts of signals by status, and by limit on how many signals it gave way
        and by how much at most; None where nothing was decided.
    """
    table = _columns(decisions)
    counts = {
        status: int((table["status"] == status).sum())
        for status in ("solved", "relaxed", "failed", "held")
    }
    slack = {name: np.nan_to_num(table[f"slack_{name}"]) for name in RELAXED_FIRST}
    given = {name: int((values > 0).sum()) for name, values in slack.items()}
    return {
        "ex_ante_te": _mean(table["ex_ante_te"]),
        "ex_post_te": ex_post,
        "signals": len(decisions),
        **{f"{status}_dates": count for status, count in counts.items()},
        "relaxed": {name: count for name, count in given.items() if count},
        "largest_slack": {name: float(slack[name].max()) for name in given if given[name]},
        **{
            name: _mean(table[name])
            for name in ("turnover", "constituents", "names", "covered_benchmark", "uncovered")
        },
        "worst_violation": _most(table["violation"]),
    }


def decision_remarks(decisions: Decisions, dates: NDArray[Any]) -> tuple[str, ...]:
    """Sentences on limits that gave way and on what the index was scaled up from.

    What was held, and failed, is told with the other signals that led to no trade.
    """
    if not has_facts(decisions):
        return ()
    table = decision_columns(decisions, dates)
    return (
        *_relaxations(table),
        *_failures(table),
        *_coverage(table),
        *_ages(table),
        *_uncovered(table),
    )


def _columns(decisions: Decisions) -> dict[str, NDArray[Any]]:
    answers = [answer for _, answer in decisions]
    return {
        "status": np.array([_status(answer) for answer in answers], dtype=str),
        "reason": np.array([_reason(answer) for answer in answers], dtype=str),
        **{
            name: np.array([_number(answer.facts.get(name)) for answer in answers])
            for name in NUMBERS
        },
    }


def _relaxations(table: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    relaxed = np.flatnonzero(table["status"] == "relaxed")
    if not len(relaxed):
        return
    parts = []
    for name in RELAXED_FIRST:
        slack = np.nan_to_num(table[f"slack_{name}"][relaxed])
        if (slack > 0).any():
            words = name.replace("_", " ")
            parts.append(f"{words} on {int((slack > 0).sum())} (by {slack.max():.4g} at most)")
    yield (
        f"On {len(relaxed)} of {len(table['status'])} signals the limits could not all be kept"
        f" (first {table['date'][relaxed[0]]}); what gave way: {', '.join(parts)}."
    )


def _failures(table: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    failed = np.flatnonzero(table["status"] == "failed")
    if len(failed):
        named = ", ".join(str(day) for day in table["date"][failed[:5]])
        more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
        yield (
            f"On {len(failed)} of {len(table['status'])} signals no portfolio was found, and"
            f" nothing was traded: {named}{more}."
        )


def _coverage(table: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    known = np.flatnonzero(table["covered_benchmark"] > 0)
    covered = table["covered_benchmark"][known]
    short = covered < _SCALED_UP
    if short.any():
        least = int(np.argmin(covered))
        yield (
            f"On {int(short.sum())} of {len(known)} signals constituents of the index are not"
            f" listed in the panel: the weights of the rest, {covered.mean():.1%} of the index on"
            f" average and {covered[least]:.1%} on {table['date'][known[least]]}, are scaled up."
        )


def _ages(table: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    decided = np.isin(table["status"], ("solved", "relaxed"))
    old = np.flatnonzero(decided & (table["benchmark_age"] > _OLD))
    if len(old):
        yield (
            f"On {len(old)} of {len(decided)} signals (first {table['date'][old[0]]}) the weights"
            f" of the index had not changed for more than {_OLD} trading days, for"
            f" {int(table['benchmark_age'][old].max())} at most: those of the last date that has"
            " some are used."
        )


def _uncovered(table: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    lacking = np.nan_to_num(table["uncovered"])
    if (lacking > 0).any():
        yield (
            f"On {int((lacking > 0).sum())} of {len(lacking)} signals the risk model does not cover"
            f" all holdings and constituents ({int(lacking.max())} are left out at most): they"
            " count as risky, and of no style or industry."
        )


def _status(answer: Target | Hold) -> str:
    return str(answer.facts.get("status", "held" if isinstance(answer, Hold) else "solved"))


def _reason(answer: Target | Hold) -> str:
    return str(answer.facts.get("reason", getattr(answer, "reason", "")))


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _mean(values: NDArray[Any]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _most(values: NDArray[Any]) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else None
