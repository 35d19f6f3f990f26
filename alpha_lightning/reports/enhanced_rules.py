"""What an index-enhanced portfolio may do and is held against, in sentences."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from alpha_lightning.backtest.enhanced_points import INDEX_WORDS
from alpha_lightning.backtest.settings import SignalSettings
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.reports.enhanced_folder import EnhancedFolder
from alpha_lightning.reports.enhanced_limits import LIMITS
from alpha_lightning.reports.portfolio_rules import trading_rules

PAPER_DEFECTS = (
    "The paper's figures have defects of their own: each row of figures 18 to 21 lost cells in the"
    " source, which are solved from its others to ±0.3 and stand in brackets; its realised"
    " tracking error (4.6 to 5.0 against 4 %, 5.1 to 6.4 against 5 %) and its avgto lie above"
    " their limits. Its benchmark is the price index, so the portfolio's dividends are in the"
    " hedged return."
)
"""What a reader must know before comparing with the paper."""


def enhanced_rules(folder: EnhancedFolder) -> list[str]:
    """What is maximised under which limits, what gives way, and how it trades, as sentences."""
    settings = folder.settings
    signals = SignalSettings(**(settings.get("signals") or {}))
    policy = shared_limits(settings)
    every = "" if signals.every == 1 else f", one in {signals.every}"
    return [
        f"At each signal ({signals.frequency}{every}) the long-only weights of sum 1 with the"
        f" largest score within these limits against the index: {_limits(policy, settings)}.",
        _order(policy),
        *trading_rules(settings, folder.about.get("traded_at"), "stays cash until the next signal"),
    ]


def shared_limits(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Limits that all portfolios share, by name as `IndexEnhanced` has them.

    Args:
        settings: of the grid, in their JSON form; what is lacking is as by default.
    """
    return asdict(IndexEnhanced()) | dict(settings.get("policy") or {})


def _limits(policy: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    errors = [
        f"{100 * float(limit):.4g} % for {INDEX_WORDS.get(index, index)}"
        for index, limit in (settings.get("indices") or {}).items()
    ]
    told = [f"tracking error a year, ex ante: {', '.join(errors)}"] if errors else []
    if policy["style"] is not None:
        told.append(f"each style within {policy['style']:g} standard deviations")
    if policy["industry"] is not None:
        told.append(f"each industry's weight within {100 * policy['industry']:.4g} %")
    if policy["active"] is not None:
        told.append(f"each stock's weight within {100 * policy['active']:.4g} %")
    told.append("one-way turnover at most δ, the first purchase aside")
    floors = [f"{100 * float(f):.4g} %" for f in settings.get("floors") or () if f]
    if floors:
        told.append(f"where {' or '.join(floors)} is named, at least so much in constituents")
    return "; ".join(told)


def _order(policy: Mapping[str, Any]) -> str:
    if not policy["relax"]:
        return "No limit gives way: where all cannot be kept, the holdings are."
    order = ", ".join(LIMITS[name][0] if name in LIMITS else name for name in policy["relax"])
    return f"Where all cannot be kept they give way in this order, as little as can be: {order}."


def benchmark_words(folder: EnhancedFolder) -> str:
    """What the portfolios are held against, and on which side dividends count."""
    whole: dict[bool, list[str]] = {}
    for index, told in (folder.about.get("benchmarks") or {}).items():
        name = INDEX_WORDS.get(index, index)
        whole.setdefault(bool(told.get("total_return")), []).append(name)
    whole = whole or {bool(folder.settings.get("total_return")): ["the index"]}
    return " ".join(_against(", ".join(names), kind) for kind, names in whole.items())


def _against(name: str, whole: bool) -> str:
    if whole:
        return (
            f"Benchmark: total return of {name}, rebuilt from its weights and adjusted prices;"
            " dividends count on both sides."
        )
    return (
        f"Benchmark: published level of {name}, a price index; dividends that the portfolio"
        " receives count as excess."
    )
