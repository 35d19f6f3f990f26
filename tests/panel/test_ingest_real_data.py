"""Real vendor tables, where a checkout has them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.returns import forward_return
from alpha_lightning.panel.store import Panel

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
Ingested = Callable[..., Any]


def source(name: str) -> Path:
    folder = DATA / name
    if not folder.exists():
        pytest.skip(f"no {name} in this checkout")
    return folder


def assert_equals_table(panel: Panel, frame: pl.DataFrame, field: str, rows: int = 2000) -> None:
    picked = frame.sample(rows, seed=0)
    day, column = panel.locate(picked["date"].to_numpy(), picked["symbol"].to_numpy())
    np.testing.assert_array_equal(panel.market(field)[day, column], picked[field].to_numpy())


def test_chinese_shares(ingested: Ingested) -> None:
    folder = source("ashare_daily")
    status, message, out = ingested(None, "--daily", str(folder))
    assert (status, message) == (0, "")
    panel = Panel.open(out)
    assert panel.traded.shape == (1512, 1001)
    assert "Daily has no limit_up: price limits are unknown." in panel.switched_off
    assert not any("adj_factor" in told for told in panel.switched_off)
    frame = pl.read_parquet(folder / "bars.parquet").filter(~pl.col("suspended"))
    assert panel.traded.sum() == frame.height
    for field in ("open", "close", "volume"):
        assert_equals_table(panel, frame, field)
    # The vendor's factor is 1 on a stock's last day, the panel's on its first: returns agree.
    one = frame.filter(pl.col("symbol") == "600519.SH")
    adjusted = (one["close"] * one["adj_factor"]).to_numpy()
    column = int(np.flatnonzero(panel.symbols == "600519.SH")[0])
    assert panel.traded[:, column].all()
    own = forward_return(panel, 10, 1)[: len(adjusted) - 11, column]
    np.testing.assert_allclose(own, adjusted[11:] / adjusted[1:-10] - 1, rtol=1e-10)


def test_a_qlib_folder_of_other_people(ingested: Ingested) -> None:
    folder = source("qlib_bin_cn")
    status, message, out = ingested(None, "--qlib", str(folder))
    assert (status, message) == (0, "")
    panel = Panel.open(out)
    assert len(panel.dates) == 3966
    assert len(panel.symbols) == 11
    assert panel.meta["levels"] == ["SH000300"]
    assert panel.indices == ("csi300",)
    assert "Taken as index levels, not as stocks: SH000300." in panel.switched_off
    assert any("taken as raw shares" in told for told in panel.switched_off)
    assert any("no amount or vwap" in told for told in panel.switched_off)
    # Kweichow Moutai closed at 1685.01 yuan on 2024-01-02; the turnover was 3,215,644 shares.
    day, column = panel.locate(np.array(["2024-01-02"]), np.array(["SH600519"]))
    assert panel.market("close")[day, column] == pytest.approx(1685.01, abs=0.005)
    assert panel.market("volume")[day, column] == pytest.approx(3_215_644, rel=1e-6)
    level = np.load(out / "levels" / "SH000300.npy")[day]
    assert level == pytest.approx(3386.35, abs=0.01)
    members = panel.members("csi300")
    haitian = int(np.flatnonzero(panel.symbols == "SH603288")[0])
    spells = np.flatnonzero(np.diff(members[:, haitian].astype(int)))
    assert [str(panel.dates[row + 1]) for row in spells] == [
        "2014-12-15",
        "2015-12-15",
        "2018-06-11",
    ]


def test_american_shares_have_bad_rows(ingested: Ingested) -> None:
    folder = source("us_nasdaq_daily")
    status, message, _ = ingested(None, "--daily", str(folder))
    assert status == 1
    assert "109 bad rows" in message
    assert "bars.parquet row 3163, 2015-04-30 AAPL: open outside [low, high]" in message
    assert len(message.splitlines()) == 22
    status, message, out = ingested(None, "--daily", str(folder), "--bad-rows", "mask")
    assert (status, message) == (0, "")
    panel = Panel.open(out)
    assert panel.traded.shape == (1275, 1026)
    told = " ".join(panel.switched_off)
    assert "Daily had 109 bad rows" in told
    assert "no adj_factor: prices are taken as already adjusted" in told
    assert "no amount or vwap" in told
    frame = pl.read_parquet(folder / "bars.parquet")
    row = frame.filter((pl.col("symbol") == "AAPL") & (pl.col("date") == pl.date(2015, 4, 30)))
    day, column = panel.locate(row["date"].to_numpy(), row["symbol"].to_numpy())
    assert np.isnan(panel.market("open")[day, column])
    assert panel.market("close")[day, column] == row["close"][0]
    assert_equals_table(panel, frame.filter(pl.col("symbol") == "MSFT"), "close", rows=500)
