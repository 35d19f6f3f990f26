"""Names and kinds of the features of mschars and l2chars, in the order of their columns."""

from collections.abc import Iterator

Columns = tuple[tuple[str, str], ...]
"""(name, kind) of each feature."""
REALISED = (
    ("rvol", "return"),
    ("rskew", "moment"),
    ("rkurt", "moment"),
    ("vvol", "shares"),
    ("vhhi", "ratio"),
    ("jump", "return"),
)
"""Realised statistics of bars and the kind of each."""
BAR = (
    ("open", "price"),
    ("high", "price"),
    ("low", "price"),
    ("close", "price"),
    ("volume", "shares"),
    ("amount", "amount"),
    ("twap", "price"),
)
"""What is known of the day and of each period from its bars."""
SIZES = ("", "_p1", "_p5")
"""All trades, and the largest 1 % and 5 % of the day's trades by amount."""
_WAPS = ("twap", "vwap", "bwap", "swap", "bwap_p5", "bwap_p1", "swap_p5", "swap_p1")
_FLOWS = (("bamt", "amount"), ("samt", "amount"), ("aret", "return"))
# Of a stock that does not trade: nothing moves, volume is spread evenly, buys equal sells.
_IDLE = {"rkurt": 3.0, "vhhi": 1.0, "bopct": 50.0}


def mschars_columns(periods: int) -> Columns:
    """The ``14 + 13 K`` features made of a day's minute bars: 118 with eight half-hours.

    Example:
        >>> len(mschars_columns(8)), mschars_columns(8)[8:10]
        (118, (('open_1', 'price'), ('high_1', 'price')))
    """
    day = (*BAR, ("auction_volume", "shares"))
    bars = _each_period(BAR, periods)
    return (*day, *bars, *REALISED, *_each_period(REALISED, periods))


def l2chars_columns(periods: int) -> Columns:
    """The ``23 + 9 K`` features made of a day's trades: 95 with eight half-hours.

    Example:
        >>> len(l2chars_columns(8)), l2chars_columns(8)[18:20]
        (95, (('bamt_1', 'amount'), ('samt_1', 'amount')))
    """
    amounts = tuple((f"{side}{size}", "amount") for size in SIZES for side in ("bamt", "samt"))
    flows = tuple((f"{name}{size}", kind) for size in SIZES for name, kind in _FLOWS)
    shares = tuple((f"bopct{size}{k}", "ratio") for k in ("", "_1") for size in SIZES[1:])
    return (
        *((name, "price") for name in _WAPS),
        ("auction_amount", "amount"),
        *amounts,
        *((f"aret{size}", "return") for size in SIZES),
        *_each_period(flows, periods),
        ("closing_auction_amount", "amount"),
        *shares,
    )


def idle_value(name: str, kind: str) -> float | None:
    """Value of a feature on a day without trading; None stands for the last close.

    Prices are carried forward, shares and amounts are 0, statistics are neutral.

    Example:
        >>> idle_value("close_3", "price"), idle_value("volume_3", "shares")
        (None, 0.0)
    """
    return None if kind == "price" else _IDLE.get(name.partition("_")[0], 0.0)


def _each_period(columns: Columns, periods: int) -> Iterator[tuple[str, str]]:
    return ((f"{name}_{k}", kind) for k in range(1, periods + 1) for name, kind in columns)
