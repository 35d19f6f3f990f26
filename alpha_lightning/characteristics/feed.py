"""A vendor's intraday table: Parquet or CSV, one file or a folder of them, however it is split."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from alpha_lightning.characteristics.exchange import CharacteristicsError, Exchange, VolumeUnit

Kind = Literal["text", "number", "integer", "label"]
_SUFFIXES = (".parquet", ".csv")
_PRICES: dict[str, Kind] = dict.fromkeys(("open", "high", "low", "close"), "number")


@dataclass(frozen=True)
class Feed:
    """An intraday table and how it is written.

    Args:
        name: ``minute`` or ``trades``, as in messages.
        root: the folder that file names are given from.
        files: sorted by name, the order in which rows are told apart as reported.
        exchange: whose hours and habits the table follows.
        required: kind of each column beside time and symbol.
        optional: likewise; one that a file lacks is null.
        renamed: the vendor's name of each of our columns that is called otherwise.
        volume_unit: shares or lots.
    """

    name: str
    root: Path
    files: tuple[Path, ...]
    exchange: Exchange
    required: Mapping[str, Kind]
    optional: Mapping[str, Kind]
    renamed: Mapping[str, str]
    volume_unit: VolumeUnit

    @property
    def shares(self) -> int:
        """Shares of one unit of volume."""
        return self.exchange.lot if self.volume_unit == "lots" else 1

    def file_name(self, number: int) -> str:
        """Path of a file below the root."""
        return self.files[number].relative_to(self.root).as_posix()

    def theirs(self, column: str) -> str:
        """The vendor's name of one of our columns."""
        return self.renamed.get(column, column)


def minute_feed(path: str | Path, exchange: Exchange) -> Feed:
    """Minute bars: time, symbol, open, high, low, close, volume and, if known, amount.

    Raises:
        CharacteristicsError: no table there.
    """
    required: dict[str, Kind] = {**_PRICES, "volume": "number"}
    root, files = _list_files(Path(path), "minute")
    told = exchange.minute
    optional: dict[str, Kind] = {"amount": "number"}
    return Feed("minute", root, files, exchange, required, optional, told.columns, told.volume_unit)


def trade_feed(path: str | Path, exchange: Exchange) -> Feed:
    """Trades: time, symbol, price, volume and, if known, side, buy_order and sell_order.

    Raises:
        CharacteristicsError: no table there.
    """
    required: dict[str, Kind] = {"price": "number", "volume": "number"}
    optional: dict[str, Kind] = {"side": "label", "buy_order": "integer", "sell_order": "integer"}
    root, files = _list_files(Path(path), "trades")
    told = exchange.trades
    return Feed("trades", root, files, exchange, required, optional, told.columns, told.volume_unit)


def _list_files(path: Path, name: str) -> tuple[Path, tuple[Path, ...]]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if _is_table(p, path))
        if not found:
            msg = f"{path} holds no .parquet or .csv file: name the folder of the {name} table"
            raise CharacteristicsError(msg)
        return path, tuple(found)
    if not path.exists():
        msg = f"{path} does not exist: check the path of the {name} table"
        raise CharacteristicsError(msg)
    if path.suffix.lower() not in _SUFFIXES:
        msg = f"{path} is neither .parquet nor .csv: convert the {name} table to one of them"
        raise CharacteristicsError(msg)
    return path.parent, (path,)


def _is_table(file: Path, root: Path) -> bool:
    # Hidden files and folders are other programs' leftovers, not a vendor's delivery.
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix.lower() in _SUFFIXES and not hidden and file.is_file()
