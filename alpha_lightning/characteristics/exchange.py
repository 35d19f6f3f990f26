"""What an exchange's day looks like, and how a vendor writes it down."""

import datetime as dt
import itertools
import math
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alpha_lightning.artefacts.errors import UserError

VolumeUnit = Literal["shares", "lots"]
Span = tuple[str, str]
MINUTE_COLUMNS = ("time", "symbol", "open", "high", "low", "close", "volume", "amount")
TRADE_COLUMNS = (
    *("time", "symbol", "price", "volume"),
    *("side", "buy_order", "sell_order"),
)
BAR_MINUTES = (30, 15, 10, 6, 5, 3, 2, 1)
"""Lengths that minute bars may have, where they tile the periods."""


class CharacteristicsError(UserError):
    """Intraday tables, or the exchange they come from, that characteristics cannot be made of."""


@dataclass(frozen=True)
class MinuteFeed:
    """How the vendor writes minute bars."""

    stamp: Literal["end", "start"] = "end"
    """Whether a bar is stamped with its end or its start."""
    volume_unit: VolumeUnit = "shares"
    """Volumes in shares, or in lots of the exchange."""
    columns: dict[str, str] = field(default_factory=dict)
    """The vendor's column for each of ours that is called otherwise, such as time: datetime."""
    bar_minutes: int | None = None
    """Length of the bars; read off their stamps when it is not given."""


@dataclass(frozen=True)
class TradeFeed:
    """How the vendor writes trades."""

    volume_unit: VolumeUnit = "shares"
    """Volumes in shares, or in lots of the exchange."""
    columns: dict[str, str] = field(default_factory=dict)
    """The vendor's column for each of ours that is called otherwise, such as volume: size."""
    sides: dict[str, Literal["buy", "sell", "neither"]] = field(
        default_factory=lambda: {"B": "buy", "S": "sell", "N": "neither"}
    )
    """What each value of the column side says of the aggressor; neither counts half as each."""
    missing_side: Literal["half", "tick"] = "half"
    """A trade without a side counts half as each, or takes the sign of the last price change."""
    delay_seconds: float = 0.0
    """A trade stamped up to this long after the end of a session still belongs to it."""
    orders_in_time: bool = False
    """Order numbers grow with time, so that the later of the two orders is the aggressor's."""

    def __post_init__(self) -> None:
        # YAML reads 1 as a number, and the column side is text by the time it is looked at.
        sides = {str(value): meaning for value, meaning in self.sides.items()}
        if len(sides) < len(self.sides):
            msg = f"trades.sides {self.sides} of the exchange names a value twice: name each once"
            raise CharacteristicsError(msg)
        object.__setattr__(self, "sides", sides)


@dataclass(frozen=True)
class Exchange:
    """Hours, auctions and lots of an exchange, and its vendor's habits; one YAML file.

    Times are the exchange's own, as HH:MM or HH:MM:SS.
    """

    name: str
    """What it is called in provenance."""
    timezone: str
    """IANA name; times that carry another zone are converted to it."""
    sessions: list[Span]
    """First and last time of each continuous session, in order."""
    lot: int
    """Shares of a lot, for feeds that count lots."""
    opening_auction: Span | None = None
    """When the opening auction is reported; none when it is not told apart."""
    closing_auction: Span | None = None
    """When the closing auction is held, inside the last session."""
    extended_hours: Span | None = None
    """What happens within these hours but outside the sessions is left out without complaint."""
    period_minutes: int = 30
    """Length of the periods whose characteristics are told apart; they tile the sessions."""
    volume_tolerance: float = 0.02
    """Relative difference of a day's volume from the daily bar's above which it is reported."""
    minute: MinuteFeed = MinuteFeed()
    """How minute bars are written."""
    trades: TradeFeed = TradeFeed()
    """How trades are written."""

    def __post_init__(self) -> None:
        _check_zone(self)
        _check_sessions(self)
        _check_auctions(self)
        _check_delay(self)
        _check_bar_minutes(self)
        _check_columns(self.name, "minute", self.minute.columns, MINUTE_COLUMNS)
        _check_columns(self.name, "trades", self.trades.columns, TRADE_COLUMNS)
        if self.lot < 1 or not 0 <= self.volume_tolerance < math.inf:
            msg = (
                f"exchange {self.name}: lot is {self.lot} and volume_tolerance"
                f" {self.volume_tolerance}: they must be at least 1 and 0"
            )
            raise CharacteristicsError(msg)

    @property
    def seconds(self) -> tuple[tuple[int, int], ...]:
        """Start and end of each session in seconds since midnight."""
        return tuple((seconds_of(a), seconds_of(b)) for a, b in self.sessions)

    @property
    def day_seconds(self) -> int:
        """Length of all sessions together."""
        return sum(end - start for start, end in self.seconds)

    @property
    def period_seconds(self) -> int:
        """Length of a period."""
        return 60 * self.period_minutes

    @property
    def periods(self) -> int:
        """Number of periods a day, ``K``."""
        return self.day_seconds // self.period_seconds


def read_exchange(path: str | Path) -> Exchange:
    """An exchange from its YAML file.

    Raises:
        CharacteristicsError: no such file, or no exchange in it, or one that cannot be; the file
            and the key are named.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Exchange)
    try:
        text = Path(path).read_text(encoding="utf-8")
        parsed = parser.parse_string(text)
    except (OSError, UnicodeDecodeError, TypeError, ArgumentError) as error:
        reason = " ".join(str(error).split())
        msg = f"{path} describes no exchange ({reason}): see configs/market/cn.yaml"
        raise CharacteristicsError(msg) from error
    try:
        values: dict[str, Any] = vars(parser.instantiate(parsed))
        return Exchange(**values)
    except CharacteristicsError as error:
        msg = f"{path}: {error}"
        raise CharacteristicsError(msg) from error


def seconds_of(text: str) -> int:
    """Seconds since midnight.

    Raises:
        CharacteristicsError: no time of day.

    Example:
        >>> seconds_of("09:30")
        34200
    """
    try:
        time = dt.time.fromisoformat(text)
    except (ValueError, TypeError) as error:
        msg = f'exchange: {text!r} is no time of day: write it in quotes, such as "09:30"'
        raise CharacteristicsError(msg) from error
    return 3600 * time.hour + 60 * time.minute + time.second


def _check_zone(exchange: Exchange) -> None:
    try:
        zoneinfo.ZoneInfo(exchange.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        msg = (
            f"exchange {exchange.name}: timezone {exchange.timezone!r} is unknown:"
            " give an IANA name such as Asia/Shanghai"
        )
        raise CharacteristicsError(msg) from error


def _check_sessions(exchange: Exchange) -> None:
    times = list(itertools.chain.from_iterable(exchange.seconds))
    ascending = all(a < b for a, b in itertools.pairwise(times))
    period = exchange.period_minutes
    if not times or not ascending or not 1 <= period <= 24 * 60:
        msg = (
            f"exchange {exchange.name}: sessions {exchange.sessions} with periods of {period}"
            " minutes: give start and end of each session in order, and a period of a minute or"
            " more"
        )
        raise CharacteristicsError(msg)
    for (start, end), text in zip(exchange.seconds, exchange.sessions, strict=True):
        if (end - start) % exchange.period_seconds:
            msg = (
                f"exchange {exchange.name}: periods of {period} minutes do not tile the session"
                f" {text[0]} to {text[1]}: change period_minutes or the session"
            )
            raise CharacteristicsError(msg)


def _check_auctions(exchange: Exchange) -> None:
    first, last = exchange.seconds[0], exchange.seconds[-1]
    opening, closing = exchange.opening_auction, exchange.closing_auction
    if opening and not seconds_of(opening[0]) < seconds_of(opening[1]) <= first[0]:
        msg = (
            f"exchange {exchange.name}: opening_auction {opening} must end by the first session's"
            " start"
        )
        raise CharacteristicsError(msg)
    if closing and not last[0] < seconds_of(closing[0]) < seconds_of(closing[1]) == last[1]:
        msg = (
            f"exchange {exchange.name}: closing_auction {closing} must lie inside the last session"
            " and end with it"
        )
        raise CharacteristicsError(msg)
    extended = exchange.extended_hours
    if extended and not seconds_of(extended[0]) <= first[0] < last[1] <= seconds_of(extended[1]):
        msg = f"exchange {exchange.name}: extended_hours {extended} must hold the sessions"
        raise CharacteristicsError(msg)


def _check_delay(exchange: Exchange) -> None:
    delay = exchange.trades.delay_seconds
    closing = exchange.closing_auction
    starts = [*(start for start, _ in exchange.seconds[1:]), 24 * 3600]
    gaps = {
        f"until the next session, after {text[1]}": start - end
        for start, (_, end), text in zip(starts, exchange.seconds, exchange.sessions, strict=True)
    }
    if closing:
        # Or the auction's own trades would count as trades before it.
        gaps["that the closing auction lasts"] = seconds_of(closing[1]) - seconds_of(closing[0])
    longest = min(gaps.values())
    if not 0 <= delay < longest:
        which = next(what for what, gap in gaps.items() if gap == longest)
        msg = (
            f"exchange {exchange.name}: trades.delay_seconds is {delay:g}: give 0 or more, and less"
            f" than the {longest} seconds {which}"
        )
        raise CharacteristicsError(msg)


def _check_bar_minutes(exchange: Exchange) -> None:
    minutes, period = exchange.minute.bar_minutes, exchange.period_minutes
    known = [m for m in reversed(BAR_MINUTES) if period % m == 0]
    if minutes is not None and minutes not in known:
        msg = (
            f"exchange {exchange.name}: minute.bar_minutes is {minutes}: give one of"
            f" {', '.join(map(str, known))}, which tile the periods of {period} minutes, or leave"
            " it out"
        )
        raise CharacteristicsError(msg)


def _check_columns(name: str, feed: str, columns: Mapping[str, str], known: Sequence[str]) -> None:
    for ours, theirs in columns.items():
        if ours not in known:
            msg = (
                f"exchange {name}: {feed}.columns has {ours!r}, which is none of our columns"
                f" ({', '.join(known)}): write ours first and the vendor's after the colon"
            )
            if theirs in known:
                msg += f", as in {theirs}: {ours}"
            raise CharacteristicsError(msg)
    called: dict[str, str] = {}
    for ours in known:
        theirs = columns.get(ours, ours)
        if theirs in called:
            msg = (
                f"exchange {name}: {feed}.columns reads both {called[theirs]!r} and {ours!r} from"
                f" the vendor's {theirs!r}: name another column for one of them, or rename it in"
                " the table"
            )
            raise CharacteristicsError(msg)
        called[theirs] = ours
