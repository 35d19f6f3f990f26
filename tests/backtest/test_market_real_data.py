"""Real Chinese shares: price limits of the boards, and dividends against the factor."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.corporate_events import CorporateEvents, read_events
from alpha_lightning.backtest.market import Market
from alpha_lightning.backtest.settings import ExecutionSettings
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel

DATA = Path(__file__).parents[3] / "shared" / "data"
Changes = list[tuple[int, int, float]]


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    """Every eighth stock, and one whose restructuring gave shares to creditors."""
    bars = DATA / "ashare_daily" / "bars.parquet"
    if not bars.exists():
        pytest.skip("no ashare_daily in this checkout")
    frame = pl.read_parquet(bars)
    symbols = sorted({*frame["symbol"].unique().sort()[::8], "600157.SH"})
    folder = tmp_path_factory.mktemp("real")
    frame.filter(pl.col("symbol").is_in(symbols)).write_parquet(folder / "daily.parquet")
    return Panel.open(ingest(str(folder / "panel"), daily=str(folder / "daily.parquet")))


@pytest.fixture
def events(panel: Panel, tmp_path: Path) -> CorporateEvents:
    found = pl.read_parquet(DATA / "reference" / "dividends.parquet").select(
        "symbol",
        date=pl.col("ex_date").dt.date(),
        cash="cash_per_share_pretax",
        shares="stock_per_share",
    )
    # Two dividends of one date are two rows of the source.
    found.group_by("date", "symbol").sum().write_parquet(tmp_path / "events.parquet")
    return read_events(tmp_path / "events.parquet", panel)


def changes(market: Market, execution: ExecutionSettings) -> tuple[Changes, list[str]]:
    """Row, column and price before over after of every booking, and what was refused."""
    booked, refused = [], []
    close, every = market.prices["close"], np.arange(len(market.symbols))
    marks = close[0].copy()
    for row in range(1, len(market.dates)):
        marks = np.where(market.traded[row - 1], close[row - 1], marks)
        changed = np.abs(market.factor[row] / market.factor[row - 1] - 1) > 1e-9
        if market.events is not None:
            changed |= market.events.of(row, every)[2]
        for column in np.flatnonzero(changed & np.isfinite(marks)):
            one = np.array([column])
            try:
                found = market.actions(row, one, marks[one], execution)
            except UserError as error:
                refused.append(str(error))
                continue
            if found is not None:
                booked.append((row, int(column), float(marks[column] / found.marks[0])))
    return booked, refused


def test_no_change_of_the_factor_is_unexplained(panel: Panel) -> None:
    market = Market.of_panel(panel, 0, len(panel.dates) - 1)
    assert market.warnings[0].startswith("What is to be traded at the VWAP is traded at the close")
    booked, refused = changes(market, ExecutionSettings())
    assert len(booked) > 500
    assert refused == []


def test_the_table_explains_nearly_all_of_them(panel: Panel, events: CorporateEvents) -> None:
    market = Market.of_panel(panel, 0, len(panel.dates) - 1, events=events)
    booked, refused = changes(market, ExecutionSettings())
    factor = panel.market("adj_factor")
    gaps = [abs(size * factor[r - 1, c] / factor[r, c] - 1) for r, c, size in booked]
    assert np.quantile(gaps, [0.5, 0.95]) == pytest.approx([0, 0], abs=2e-3)
    assert 0 < len(refused) < 0.03 * len(booked)
    restructured = [text for text in refused if "divides the price of 600157.SH by 1.788" in text]
    assert len(restructured) == 1


def test_limits_of_the_board_hold_the_prices(panel: Panel) -> None:
    market = Market.of_panel(panel, 0, len(panel.dates) - 1)
    assert market.limits is not None
    every, outside, total = np.arange(len(panel.symbols)), 0, 0
    for row in range(1, len(panel.dates)):
        high, low = (panel.market(name)[row] for name in ("high", "low"))
        up, down = market.limits.up(row, every), market.limits.down(row, every)
        outside += int(((high > up + 0.005) | (low < down - 0.005)).sum())
        total += int(np.isfinite(up + high).sum())
    assert total > 180_000
    assert outside < 3e-4 * total
