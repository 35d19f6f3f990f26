from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.windows import summaries
from alpha_lightning.windows.summaries import WindowBars, summarise, window_summaries

Array = NDArray[Any]
T, N = 50, 4
LISTED, SUSPENDED, GONE = 12, slice(25, 31), slice(20, 33)


def daily_bars(seed: int = 0, until: int = T) -> pl.DataFrame:
    """Stock 1 is listed late, stock 2 suspended for 6 days, stock 3 for 13; from ``until`` on the
    prices are others."""
    rng = np.random.default_rng(seed)
    days = np.arange("2024-01-01", "2024-12-31", dtype="datetime64[D]")
    days = days[np.is_busday(days)][:T]
    moves = rng.normal(size=(T, N)) * 0.02
    moves[until:] += 0.1
    close = 10 * np.exp(np.cumsum(moves, axis=0))
    factor = np.where(np.arange(T)[:, None] < 17, 1.0, 2.0) * np.ones(N)
    raw = close / factor
    open_, up, down = (rng.uniform(0, 0.02, size=(T, N)) for _ in range(3))
    bar = {"open": raw * (1 + open_ - 0.01), "close": raw}
    bar["high"] = np.maximum(bar["open"], raw) * (1 + up)
    bar["low"] = np.minimum(bar["open"], raw) * (1 - down)
    bar["volume"] = np.exp(rng.normal(size=(T, N))) * 1e6 * factor
    bar["vwap"] = (bar["high"] + bar["low"]) / 2
    kept = np.ones((T, N), dtype=bool)
    kept[:LISTED, 1] = kept[SUSPENDED, 2] = kept[GONE, 3] = False
    row, column = np.nonzero(kept)
    frame = {"date": days[row].astype("datetime64[ms]"), "symbol": [f"S{k}" for k in column]}
    frame |= {name: values[row, column] for name, values in bar.items()}
    frame |= {"adj_factor": factor[row, column]}
    return pl.DataFrame(frame).with_columns(pl.col("date").cast(pl.Date))


def panel_of(frame: pl.DataFrame, folder: Path) -> Panel:
    folder.mkdir()
    frame.write_parquet(folder / "daily.parquet")
    return Panel.open(ingest(str(folder / "panel"), daily=str(folder / "daily.parquet")))


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    return panel_of(daily_bars(), tmp_path_factory.mktemp("summaries") / "a")


def plain_windows(panel: Panel, t: int, n: int) -> dict[str, list[float]]:
    """The 30 days of one stock, day by day: flat at the last close, volume 0, when suspended."""
    window: dict[str, list[float]] = {}
    for name in ("open", "high", "low", "close", "vwap", "volume"):
        window[name] = []
        for day in range(t - 29, t + 1):
            trading = [d for d in range(day + 1) if panel.traded[d, n]]
            if not trading:
                window[name].append(float("nan"))
            elif trading[-1] == day:
                factor = panel.market("adj_factor")[day, n]
                value = panel.market(name)[day, n]
                window[name].append(value / factor if name == "volume" else value * factor)
            else:
                last = trading[-1]
                close = panel.market("close")[last, n] * panel.market("adj_factor")[last, n]
                window[name].append(0.0 if name == "volume" else close)
    return window


def plain_summaries(w: dict[str, list[float]]) -> dict[str, float]:
    c, v = w["close"], [x / np.mean(w["volume"]) for x in w["volume"]]
    r = [c[i] / c[i - 1] - 1 for i in range(1, 30)]
    flat = [h == low for h, low in zip(w["high"], w["low"], strict=True)]
    spread = [(w["high"][i] - w["low"][i]) / c[i] for i in range(30)]
    place = [
        0.5 if flat[i] else (c[i] - w["low"][i]) / (w["high"][i] - w["low"][i]) for i in range(30)
    ]
    to_vwap = [c[i] / w["vwap"][i] - 1 for i in range(30)]
    overnight = [w["open"][i] / c[i - 1] - 1 for i in range(1, 30)]
    out = {f"return_{k}": c[29] / c[29 - k] - 1 for k in (1, 3, 5, 10, 20, 29)}
    out |= {f"volatility_{k}": float(np.std(r[-k:])) for k in (5, 10, 20, 29)}
    out |= {"max_return": max(r), "min_return": min(r), "skewness": float(stats.skew(r))}
    for k in (1, 5, 29):
        out[f"range_{k}"] = float(np.mean(spread[-k:]))
        out[f"close_in_range_{k}"] = float(np.mean(place[-k:]))
        out[f"close_to_vwap_{k}"] = float(np.mean(to_vwap[-k:]))
        out[f"overnight_{k}"] = float(np.mean(overnight[-k:]))
    for k in (10, 30):
        out[f"below_high_{k}"] = c[29] / max(w["high"][-k:]) - 1
        out[f"above_low_{k}"] = c[29] / min(w["low"][-k:]) - 1
    out |= {f"volume_{k}": float(np.mean(v[-k:])) for k in (1, 5, 10)}
    out["volume_variation"] = float(np.std(v))
    out["volume_return_correlation"] = float(stats.pearsonr(v[1:], r).statistic)
    out["volume_move_correlation"] = float(stats.pearsonr(v[1:], np.abs(r)).statistic)
    for k in (5, 29):
        out[f"return_on_volume_{k}"] = float(
            np.mean([a * b for a, b in zip(v[1:], r, strict=True)][-k:])
        )
    return out


@pytest.mark.parametrize(("t", "n"), [(29, 0), (49, 0), (44, 1), (30, 2), (35, 2), (35, 3)])
def test_equals_a_plain_loop(panel: Panel, t: int, n: int) -> None:
    found = window_summaries(panel)
    expected = plain_summaries(plain_windows(panel, t, n))
    assert set(found.names) == set(expected)
    for k, name in enumerate(found.names):
        np.testing.assert_allclose(
            found.values[t, n, k], expected[name], rtol=1e-5, atol=1e-8, err_msg=name
        )


def test_the_loop_twin_sees_suspended_days_and_the_split(panel: Panel) -> None:
    window = plain_windows(panel, 35, 2)
    assert window["volume"].count(0.0) == 6
    assert max(window["close"]) / min(window["close"]) < 1.5
    assert panel.market("close")[17, 0] < 0.7 * panel.market("close")[16, 0]


def test_missing_before_there_are_thirty_dates(panel: Panel) -> None:
    values = window_summaries(panel).values
    assert values.dtype == np.float32
    assert values.shape == (T, N, 37)
    assert np.isnan(values[:29]).all()
    assert not np.isnan(values[29:, [0, 2, 3]]).any()


def test_a_feature_that_reaches_before_the_listing_is_missing(panel: Panel) -> None:
    found = window_summaries(panel)
    row = dict(zip(found.names, found.values[LISTED + 19, 1], strict=True))
    assert np.isnan(row["return_20"])
    assert np.isfinite(row["return_10"])


def test_no_look_ahead(panel: Panel, tmp_path: Path) -> None:
    other = panel_of(daily_bars(until=40), tmp_path / "b")
    before, after = window_summaries(panel).values, window_summaries(other).values
    np.testing.assert_array_equal(before[:40], after[:40])
    assert not np.array_equal(before[40:], after[40:], equal_nan=True)


def test_block_size_changes_nothing(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = window_summaries(panel).values
    monkeypatch.setattr(summaries, "_BLOCK", 3)
    np.testing.assert_array_equal(window_summaries(panel).values, whole)


def test_without_a_vwap_the_close_stands_in(tmp_path: Path) -> None:
    found = window_summaries(panel_of(daily_bars().drop("vwap"), tmp_path / "c"))
    k = found.names.index("close_to_vwap_5")
    assert (found.values[29:, 0, k] == 0).all()


def test_flat_window_is_missing_only_where_it_is_zero_over_zero() -> None:
    flat = np.ones(30)
    found = summarise(WindowBars(flat, flat, flat, flat, flat, flat))
    missing = {name for name, value in found.items() if np.isnan(value)}
    assert missing == {"skewness", "volume_return_correlation", "volume_move_correlation"}
    assert found["close_in_range_5"] == 0.5
