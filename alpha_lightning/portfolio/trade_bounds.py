"""Between which weights each stock may end, from what can be bought and sold."""

from dataclasses import dataclass

import numpy as np

from alpha_lightning.portfolio.policy import Flags, Floats, Observation


@dataclass(frozen=True)
class TradeBounds:
    """Least and largest weights, and why.

    Args:
        lower: ``(N,)``.
        upper: ``(N,)``.
        frozen: ``(N,)`` did not trade on the date: neither bought nor sold.
        no_buy: ``(N,)`` at the upper price limit.
        no_sell: ``(N,)`` at the lower price limit.
    """

    lower: Floats
    upper: Floats
    frozen: Flags
    no_buy: Flags
    no_sell: Flags


def trade_bounds(seen: Observation, held: Floats, benchmark: Floats, scored: Flags) -> TradeBounds:
    """Bounds of a signal date, by what is known at its close.

    A stock without a score may be bought up to its weight in the index, so that one outside the
    index is not bought at all.

    Args:
        seen: the date: who traded, who is at a price limit.
        held: ``(N,)`` drifted weights.
        benchmark: ``(N,)`` weights of the index.
        scored: ``(N,)`` stocks whose score is looked at.
    """
    up, down = seen.at_limits()
    frozen = ~seen.traded
    no_buy, no_sell = up & seen.traded, down & seen.traded
    upper = np.where(scored, 1.0, np.maximum(held, benchmark))
    return TradeBounds(
        lower=np.where(frozen | no_sell, held, 0.0),
        upper=np.where(frozen | no_buy, held, np.maximum(upper, held)),
        frozen=frozen,
        no_buy=no_buy,
        no_sell=no_sell,
    )
