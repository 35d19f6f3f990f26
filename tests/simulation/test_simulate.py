import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from jsonargparse import ArgumentParser
from scipy import stats

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.simulation import simulate as simulate_module
from alpha_lightning.simulation.arrays import Floats
from alpha_lightning.simulation.settings import MarketSettings
from alpha_lightning.simulation.simulate import simulate

DEMO = Path(__file__).parents[2] / "configs" / "market" / "demo.yaml"
SMALL = MarketSettings(stocks=20, days=60)


def demo_arguments(**changes: Any) -> dict[str, Any]:
    parser = ArgumentParser()
    parser.add_argument("--config", action="config")
    parser.add_function_arguments(simulate)
    changed = [f"--market.{name}={value}" for name, value in changes.items()]
    parsed = parser.instantiate(parser.parse_args([f"--config={DEMO}", "--out=unused", *changed]))
    return {"market": parsed.market, "seed": parsed.seed}


def matrix(folder: Path, table: str, value: pl.Expr) -> tuple[Floats, list[str]]:
    """A column by date and symbol, ``(T, N)``, NaN where the stock did not trade."""
    daily = pl.read_parquet(folder / "daily.parquet")
    frame = pl.read_parquet(folder / f"{table}.parquet").with_columns(value.alias("value"))
    traded = daily.filter(~pl.col("suspended")).select("date", "symbol")
    wide = traded.join(frame, on=["date", "symbol"]).pivot("symbol", index="date", values="value")
    wide = wide.sort("date")
    symbols = sorted(set(wide.columns) - {"date"})
    return wide.select(symbols).to_numpy().astype(np.float64), symbols


def forward_returns(folder: Path) -> Floats:
    price, _ = matrix(folder, "daily", pl.col("close") * pl.col("adj_factor"))
    out = np.full_like(price, np.nan)
    out[:-11] = price[11:] / price[1:-10] - 1
    return out


def rank_ic(score: Floats, outcome: Floats) -> Floats:
    """RankIC of every eleventh date, whose outcomes do not overlap."""
    ics = []
    for t in range(0, len(score) - 11, 11):
        ok = np.isfinite(score[t]) & np.isfinite(outcome[t])
        ics.append(stats.spearmanr(score[t, ok], outcome[t, ok])[0])
    return np.array(ics)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(str(tmp_path_factory.mktemp("demo") / "market"), **demo_arguments())


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    arguments = demo_arguments(signal=0)
    return simulate(str(tmp_path_factory.mktemp("noise") / "market"), **arguments)


def test_the_demo_covers_whole_years(demo: Path) -> None:
    about = json.loads((demo / "market.json").read_text())
    assert (about["first_date"], about["last_date"]) == ("2019-01-02", "2023-12-29")
    assert about["simulated"] is True
    assert about["seed"] == 0
    assert about["market"]["stocks"] == 240
    assert set(yaml.safe_load(DEMO.read_text())) == {"market", "seed"}
    assert sorted(p.name for p in demo.iterdir()) == sorted([*about["tables"], "market.json"])


def test_the_oracle_forecasts_the_demo_as_well_as_it_should(demo: Path) -> None:
    expected, _ = matrix(demo, "oracle", pl.col("expected"))
    outcome = forward_returns(demo)
    ics = rank_ic(expected, outcome)
    error = ics.std(ddof=1) / np.sqrt(len(ics))
    assert 0.13 < ics.mean() < 0.22
    assert ics.mean() > 10 * error


def test_the_oracle_is_unbiased(demo: Path) -> None:
    expected, _ = matrix(demo, "oracle", pl.col("expected"))
    outcome, slopes = forward_returns(demo), []
    for t in range(0, len(expected) - 11, 11):
        ok = np.isfinite(expected[t]) & np.isfinite(outcome[t])
        slopes.append(stats.linregress(expected[t, ok], outcome[t, ok]).slope)
    error = np.std(slopes, ddof=1) / np.sqrt(len(slopes))
    assert abs(np.mean(slopes) - 1) < 3 * error
    assert error < 0.1


def test_without_a_signal_the_oracle_is_zero_and_nothing_forecasts(demo: Path, noise: Path) -> None:
    nothing, _ = matrix(noise, "oracle", pl.col("expected"))
    assert np.nanmax(np.abs(nothing)) == 0
    # The same seed gives the same shocks: what foretold the demo's returns is seen here in vain.
    score, symbols = matrix(demo, "oracle", pl.col("expected"))
    outcome, also = forward_returns(noise), matrix(noise, "daily", pl.col("close"))[1]
    assert symbols == also
    ics = rank_ic(score, outcome)
    assert abs(ics.mean()) < 3 * ics.std(ddof=1) / np.sqrt(len(ics))


def test_dispersion_is_that_of_a_stock_market(demo: Path) -> None:
    price, _ = matrix(demo, "daily", pl.col("close") * pl.col("adj_factor"))
    daily = price[1:] / price[:-1] - 1
    assert 0.02 < np.nanmean(np.nanstd(daily, axis=1)) < 0.025
    assert np.nanmean(daily, axis=1).std() == pytest.approx(0.012, abs=0.003)


def test_files_of_two_runs_are_equal_to_the_last_bit(tmp_path: Path) -> None:
    one = simulate(str(tmp_path / "one"), SMALL, seed=5)
    two = simulate(str(tmp_path / "two"), SMALL, seed=5)
    other = simulate(str(tmp_path / "other"), SMALL, seed=6)
    for file in one.iterdir():
        assert file.read_bytes() == (two / file.name).read_bytes()
    assert (one / "daily.parquet").read_bytes() != (other / "daily.parquet").read_bytes()


def test_a_longer_market_begins_with_the_rows_of_the_shorter(tmp_path: Path) -> None:
    short = simulate(str(tmp_path / "short"), MarketSettings(stocks=40, days=70), seed=5)
    long = simulate(str(tmp_path / "long"), MarketSettings(stocks=40, days=130), seed=5)
    for file in short.glob("*.parquet"):
        beginning = pl.read_parquet(file)
        whole = pl.read_parquet(long / file.name)
        last = pl.read_parquet(short / "daily.parquet")["date"].max()
        assert beginning.equals(whole.filter(pl.col("date") <= last))


def test_settings_and_seed_are_kept_with_the_tables(tmp_path: Path) -> None:
    about = json.loads((simulate(str(tmp_path / "m"), SMALL, seed=9) / "market.json").read_text())
    assert about["market"] == asdict(SMALL)
    assert about["seed"] == 9


def test_a_folder_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "market"
    simulate(str(out), SMALL)
    before = (out / "daily.parquet").read_bytes()
    with pytest.raises(UserError, match="exists"):
        simulate(str(out), SMALL, seed=1)
    assert (out / "daily.parquet").read_bytes() == before
    simulate(str(out), SMALL, seed=1, overwrite=True)
    assert (out / "daily.parquet").read_bytes() != before


def test_an_interrupted_simulation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_market: object, folder: Path) -> None:
        (folder / "daily.parquet").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(simulate_module, "write_tables", interrupt)
    with pytest.raises(KeyboardInterrupt):
        simulate(str(tmp_path / "market"), SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seed is -1"):
        simulate(str(tmp_path / "market"), SMALL, seed=-1)
    assert list(tmp_path.iterdir()) == []
