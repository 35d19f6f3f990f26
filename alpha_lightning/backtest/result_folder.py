"""A backtest on disk: daily values, trades, holdings and a summary, readable without our code."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.dated_table import METADATA_KEY
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.artefacts.provenance import software_versions
from alpha_lightning.backtest.benchmark import Benchmark
from alpha_lightning.backtest.decisions import (
    Decisions,
    decision_columns,
    enhanced_summary,
    exposure_columns,
    has_facts,
)
from alpha_lightning.backtest.ledger import Ledger, Reason
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.results import Results, relative_returns
from alpha_lightning.backtest.settings import Conventions
from alpha_lightning.backtest.summary import net_value
from alpha_lightning.backtest.trading_record import is_buy

SUMMARY = "summary.json"
Columns = dict[str, Any]
_DATE = pa.timestamp("us")


def write_result(
    folder: str | Path,
    ledger: Ledger,
    market: Market,
    benchmark: Benchmark,
    results: Results,
    about: Mapping[str, Any],
    *,
    decisions: Decisions = (),
    conventions: Conventions | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a backtest, whole or not at all; the same backtest gives the same bytes.

    Args:
        folder: to write: nav.parquet, trades.parquet, holdings.parquet, summary.json; where an
            index was enhanced also decisions.parquet and active_exposures.parquet.
        ledger: of the portfolio.
        market: dates and symbols.
        benchmark: on the ledger's rows.
        results: what they come to.
        about: name, settings, panel_fingerprint and where scores or weights are from.
        decisions: of every signal, as (panel row, decision).
        conventions: by which relative returns are counted.
        overwrite: replace a result that is there.

    Raises:
        ArtefactError: the folder is there, holds other things, or cannot be written.
    """
    rule = conventions or Conventions()
    kind = {"kind": "backtest", "name": str(about.get("name", ""))}
    tables = {
        "nav": nav_columns(ledger, market.dates, benchmark, rule),
        "trades": trade_columns(ledger, market.dates, market.symbols),
        "holdings": holding_columns(ledger, market.dates, market.symbols),
    }
    enhanced: dict[str, Any] = {}
    if has_facts(decisions):
        tables["decisions"] = decision_columns(decisions, market.dates)
        tables["active_exposures"] = exposure_columns(decisions, market.dates)
        enhanced["enhanced"] = enhanced_summary(decisions, results.relative.volatility)
    summary = {
        **kind,
        **about,
        **enhanced,
        "first": str(market.dates[ledger.rows[0]]),
        "last": str(market.dates[ledger.rows[-1]]),
        "conventions": asdict(rule),
        "benchmark": benchmark.name,
        "results": {k: v for k, v in asdict(results).items() if k != "warnings"},
        "warnings": list(results.warnings),
        "software": software_versions(),
    }
    with atomic_folder(folder, overwrite=overwrite, marker=SUMMARY) as draft:
        for name, columns in tables.items():
            _write(draft / f"{name}.parquet", columns, {**kind, "table": name})
        text = json.dumps(plain(summary), indent=2, sort_keys=True, ensure_ascii=False)
        (draft / SUMMARY).write_text(text + "\n", encoding="utf-8")
    return Path(folder)


def read_summary(folder: str | Path) -> dict[str, Any]:
    """The summary of a backtest that was written.

    Raises:
        ArtefactError: no backtest there, or a damaged one.
    """
    file = Path(folder) / SUMMARY
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{folder} is not a backtest (no {SUMMARY}): name the folder that `backtest` wrote"
        raise ArtefactError(msg) from error
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read or is damaged ({error}): run the backtest again"
        raise ArtefactError(msg) from error
    if not isinstance(found, dict) or found.get("kind") != "backtest":
        msg = f"{file} is not of a backtest: name the folder that `backtest` wrote"
        raise ArtefactError(msg)
    return found


def nav_columns(
    ledger: Ledger, dates: NDArray[Any], benchmark: Benchmark, rule: Conventions
) -> Columns:
    """One row a day, each ``(D,)``; nav, benchmark_nav and relative_nav are 1 before the first."""
    relative = relative_returns(ledger.returns, benchmark.returns, rule)
    daily = ("value", "cash", "gain", "dividends", "cost", "turnover", "names", "short")
    return {
        "date": dates[ledger.rows],
        **{name: getattr(ledger, name) for name in daily},
        "return": ledger.returns,
        "benchmark_return": benchmark.returns,
        "relative_return": relative,
        "nav": net_value(ledger.returns),
        "benchmark_nav": net_value(benchmark.returns),
        "relative_nav": net_value(relative),
    }


def trade_columns(ledger: Ledger, dates: NDArray[Any], symbols: NDArray[Any]) -> Columns:
    """One row a trade or blocked trade, in the order in which they were tried.

    A delisting has no signal date; ``value`` is what changed hands.
    """
    trades = ledger.trades
    gone = trades.reason == Reason.DELISTED
    blocked = trades.shares == 0
    words = np.array([reason.words for reason in Reason], dtype=object)
    signal = dates[np.maximum(trades.signal, 0)].astype("datetime64[us]")
    return {
        "date": dates[trades.row],
        "signal_date": np.where(trades.signal < 0, np.datetime64("NaT"), signal),
        "symbol": symbols[trades.column],
        "side": np.where(gone, "delisting", np.where(is_buy(trades), "buy", "sell")),
        "wanted": trades.wanted,
        "shares": trades.shares,
        "price": trades.price,
        "value": np.where(blocked, 0.0, np.abs(trades.shares) * trades.price),
        "fee": trades.fee,
        "duty": trades.duty,
        "impact": trades.impact,
        "status": _status(blocked, (trades.reason == Reason.DONE) | gone),
        "reason": words[trades.reason].astype(str),
    }


def holding_columns(ledger: Ledger, dates: NDArray[Any], symbols: NDArray[Any]) -> Columns:
    """One row a day and stock held; ``weight`` in the portfolio's value."""
    held = ledger.holdings
    worth = held.shares * held.price
    return {
        "date": dates[held.row],
        "symbol": symbols[held.column],
        "shares": held.shares,
        "price": held.price,
        "value": worth,
        "weight": worth / ledger.value[np.searchsorted(ledger.rows, held.row)],
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: what is not a number becomes null, a key a text."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(part) for part in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _status(blocked: NDArray[Any], whole: NDArray[Any]) -> NDArray[Any]:
    return np.where(blocked, "blocked", np.where(whole, "filled", "partial"))


def _write(file: Path, columns: Columns, about: Mapping[str, Any]) -> None:
    fields = {name: _arrow(np.asarray(values)) for name, values in columns.items()}
    encoded = {METADATA_KEY: json.dumps(about, sort_keys=True).encode()}
    table = pa.table(fields).replace_schema_metadata(encoded)
    texts = [name for name, column in fields.items() if column.type == pa.string()]
    pq.write_table(
        table,
        file,
        compression="zstd",
        use_dictionary=[*texts, *(name for name in ("date", "signal_date") if name in fields)],
        write_page_checksum=True,
    )


def _arrow(values: NDArray[Any]) -> Any:
    if values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[us]"), _DATE)
    return pa.array(values, pa.string() if values.dtype.kind == "U" else None)
