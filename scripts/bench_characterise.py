"""How fast minute bars and trades become features, against the same features by pandas groupby.

    python scripts/bench_characterise.py --stocks 300 --days 40

Writes one file a day of minute bars and one of trades to a temporary folder, then turns them into
mschars and l2chars turn and turn about: our way, from a folder that was never read before through
the checks of every row to the features of all days, and in two ways of pandas on a few of the days.
Neither of these checks a row.

* plain_characteristics.py is straightforward: groupby and agg, and groupby and apply of a function
  for what agg does not have. ``minute_speedup`` and ``trade_speedup`` are against it.
* pandas_characteristics.py is tuned: symbols as categories, and products worked out beforehand so
  that no Python function is called for a group. It is the harder comparison, several times as quick
  as the plain one: ``minute_tuned_speedup`` and ``trade_tuned_speedup``.

The numbers of one day are compared first. Prints a JSON line a round and the summary, medians over
the rounds, last. Memory is the peak of a process that characterises the panel.

Keys: ``minute_rows_per_s`` and ``trade_rows_per_s`` rows of the tables a second; the speed-ups,
these over those of pandas, ``minute_plain_rows_per_s`` and so on; ``minute_cores`` and
``trade_cores`` processor seconds a second of ours; ``peak_mb_10_days`` and ``peak_mb_40_days``
resident memory; ``command_rows_per_s`` rows of both tables a second of the whole command.
"""

import argparse
import dataclasses
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from alpha_lightning.characteristics.day_recipe import of_minutes, of_trades
from alpha_lightning.characteristics.exchange import Exchange, read_exchange
from alpha_lightning.characteristics.feed import minute_feed, trade_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.schema import l2chars_columns, mschars_columns
from alpha_lightning.panel.characterise import characterise
from alpha_lightning.panel.ingest import ingest

EXCHANGE = Path(__file__).parents[1] / "configs" / "market" / "cn.yaml"
Features = tuple[list[str], NDArray[np.float64]]
"""Symbols and ``(N, F)``."""


def our_days(folder: Path, exchange: Exchange) -> Iterator[tuple[int, Features]]:
    """Rows and features of each day, as the command makes them, from a folder never read before."""
    is_minute = folder.name == "minute"
    feed = minute_feed(folder, exchange) if is_minute else trade_feed(folder, exchange)
    with tempfile.TemporaryDirectory() as room:
        index = index_feed(feed, Path(room) / "index.parquet")
    recipe = of_minutes(index) if is_minute else of_trades(index)
    for day in recipe.make(sorted(index.by_date)):
        yield day.sifting.rows, (day.symbols.tolist(), day.values)


@dataclasses.dataclass(frozen=True)
class Contest:
    """One table, made into features in three ways.

    Args:
        name: of the table.
        files: one a day.
        ours: rows and features of each day.
        plain: features of a file, a row a symbol, by straightforward pandas.
        tuned: likewise, by tuned pandas.
        columns: names of the features.
        days: how many files a round of pandas takes.
    """

    name: str
    files: list[Path]
    ours: Callable[[], Iterator[tuple[int, Features]]]
    plain: Callable[[str], Any]
    tuned: Callable[[str], Any]
    columns: list[str]
    days: int

    def rows(self, days: int) -> int:
        """Rows of the first files."""
        return int(pl.scan_parquet(self.files[:days]).select(pl.len()).collect().item())

    def compare(self) -> None:
        """Raise unless all ways give the same numbers."""
        _, (symbols, values) = next(self.ours())
        for peer in (self.plain, self.tuned):
            expected = peer(str(self.files[0])).loc[symbols, self.columns].to_numpy(dtype=float)
            np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-9)

    def round(self, number: int) -> dict[str, float]:
        """Time all."""
        begin, work = time.perf_counter(), time.process_time()
        rows = [count for count, _ in self.ours()]
        seconds, work = time.perf_counter() - begin, time.process_time() - work
        found = {"rows_per_s": sum(rows) / seconds, "cores": work / seconds}
        chosen = [k % len(rows) for k in range(number * self.days, (number + 1) * self.days)]
        for name, peer in (("plain", self.plain), ("tuned", self.tuned)):
            begin = time.perf_counter()
            for k in chosen:
                peer(str(self.files[k]))
            rate = sum(rows[k] for k in chosen) / (time.perf_counter() - begin)
            found[f"{name}_rows_per_s"] = rate
            found["speedup" if name == "plain" else "tuned_speedup"] = found["rows_per_s"] / rate
        return {f"{self.name}_{key}": value for key, value in found.items()}


def contests(room: Path, exchange: Exchange, days: int) -> list[Contest]:
    """Both tables."""
    plain = importlib.import_module("plain_characteristics")
    tuned = importlib.import_module("pandas_characteristics")
    names = [[name for name, _ in f(exchange.periods)] for f in (mschars_columns, l2chars_columns)]
    files = [sorted((room / name).glob("*.parquet")) for name in ("minute", "trades")]
    ours = [partial(our_days, room / name, exchange) for name in ("minute", "trades")]
    minutes, trades = (
        (plain.minute_features, tuned.minute_features),
        (plain.trade_features, tuned.trade_features),
    )
    return [
        Contest("minute", files[0], ours[0], *minutes, names[0], days),
        Contest("trade", files[1], ours[1], *trades, names[1], days),
    ]


def make_panel(room: Path, days: int) -> Path:
    """A folder with the tables of the first so many days, and a panel of their daily bars."""
    part = room / f"first_{days}"
    for name in ("minute", "trades"):
        (part / name).mkdir(parents=True)
        for file in sorted((room / name).glob("*.parquet"))[:days]:
            os.link(file, part / name / file.name)
    daily = (
        pl.scan_parquet(part / "minute")
        .group_by(pl.col("time").dt.date().alias("date"), "symbol", maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume", "amount").sum(),
        )
    )
    daily.collect().write_parquet(part / "daily.parquet")
    ingest(str(part / "panel"), daily=str(part / "daily.parquet"))
    return part


def characterise_once(part: Path) -> dict[str, float]:
    """Seconds and peak memory of the command in this process."""
    # The trades are not those of the bars, and volumes of another market are no news here.
    exchange = dataclasses.replace(read_exchange(EXCHANGE), volume_tolerance=1e9)
    begin = time.perf_counter()
    characterise(str(part / "panel"), exchange, str(part / "minute"), str(part / "trades"))
    seconds = time.perf_counter() - begin
    # Not getrusage: its peak goes back to before this program, to a copy of the parent.
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return {"seconds": seconds, "peak_mb": peak / 1024}


def in_child(part: Path) -> dict[str, float]:
    """What `characterise_once` finds in a process of its own."""
    command = [sys.executable, __file__, "--part", str(part)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(room: Path, options: argparse.Namespace) -> dict[str, float]:
    """Write the tables, time all ways in turn, and weigh the command."""
    tables = importlib.import_module("intraday_tables")
    tables.write_tables(room, options.days, options.stocks, options.trades)
    both = contests(room, read_exchange(EXCHANGE), options.peer_days)
    for contest in both:
        contest.compare()
    rounds: list[dict[str, float]] = []
    for number in range(options.rounds):
        rounds.append({k: v for contest in both for k, v in contest.round(number).items()})
        print(json.dumps({"round": number + 1} | {k: round(v, 2) for k, v in rounds[-1].items()}))
    summary = {key: round(statistics.median(row[key] for row in rounds), 2) for key in rounds[0]}
    for number in (10, 40):
        child = in_child(make_panel(room, number))
        summary[f"peak_mb_{number}_days"] = round(child["peak_mb"], 1)
    summary["command_rows_per_s"] = round(sum(c.rows(40) for c in both) / child["seconds"])
    return summary


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--stocks", type=int, default=300)
    parser.add_argument("--days", type=int, default=40, help="40 or more")
    parser.add_argument("--trades", type=int, default=100_000, help="trades a day")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer_days", type=int, default=3, help="days a round of pandas")
    parser.add_argument("--part", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.days < 40:
        parser.error("memory is compared on 10 and 40 days: give --days 40 or more")
    warnings.filterwarnings("ignore")
    if options.part:
        print(json.dumps(characterise_once(options.part)))
        return
    with tempfile.TemporaryDirectory() as room:
        summary = measure(Path(room), options)
    print(json.dumps(summary | {k: getattr(options, k) for k in ("stocks", "days", "trades")}))


if __name__ == "__main__":
    main()
