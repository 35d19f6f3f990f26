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
from alpha_lightning.simulation.market import Market
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

DEMO = Path(__file__).parents[2] / "configs" / "market" / "demo.yaml"
DAILY = IntradaySettings(minute=False, trades=False)
SMALL = MarketSettings(stocks=20, days=60, intraday=DAILY)


def demo_arguments(**changes: Any) -> dict[str, Any]:
    parser = ArgumentParser()
    parser.add_argument("--config", action="config")
    parser.add_function_arguments(simulate)
    changed = [f"--market.{name}={value}" for name, value in changes.items()]
    changed += ["--market.intraday.minute=false", "--market.intraday.trades=false"]
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
    assert about["market"]["stocks"] == 160
    settings = yaml.safe_load(DEMO.read_text())
    assert set(settings) == {"market", "seed"}
    assert settings["market"]["intraday"] == {"bar_minutes": 10, "prints": 3}
    assert sorted(p.name for p in demo.iterdir()) == sorted([*about["tables"], "market.json"])


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("expected_10g", 0.16, 0.22),
        ("attainable_10g", 0.15, 0.22),
        ("expected_10g_daily", 0.08, 0.14),
        ("expected_10g_intraday", 0.08, 0.14),
        ("expected_10g_trades", 0.08, 0.14),
    ],
)
def test_the_oracle_and_its_parts_forecast_as_well_as_they_should(
    demo: Path, column: str, low: float, high: float
) -> None:
    ics = rank_ic(matrix(demo, "oracle", pl.col(column))[0], forward_returns(demo))
    error = ics.std(ddof=1) / np.sqrt(len(ics))
    assert low < ics.mean() < high
    assert ics.mean() > 8 * error


def test_the_oracle_is_unbiased(demo: Path) -> None:
    expected, _ = matrix(demo, "oracle", pl.col("expected_10g"))
    outcome, slopes = forward_returns(demo), []
    for t in range(0, len(expected) - 11, 11):
        ok = np.isfinite(expected[t]) & np.isfinite(outcome[t])
        slopes.append(stats.linregress(expected[t, ok], outcome[t, ok]).slope)
    error = np.std(slopes, ddof=1) / np.sqrt(len(slopes))
    assert abs(np.mean(slopes) - 1) < 3 * error
    assert error < 0.1


def test_without_a_signal_the_oracle_is_zero_and_nothing_forecasts(demo: Path, noise: Path) -> None:
    oracle = pl.read_parquet(noise / "oracle.parquet").drop("date", "symbol")
    assert len(oracle.columns) == 10
    assert not any(column.abs().max() for column in oracle)
    # The same seed gives the same shocks: what foretold the demo's returns is seen here in vain.
    score, symbols = matrix(demo, "oracle", pl.col("expected_10g"))
    outcome, also = forward_returns(noise), matrix(noise, "daily", pl.col("close"))[1]
    assert symbols == also
    ics = rank_ic(score, outcome)
    assert abs(ics.mean()) < 3 * ics.std(ddof=1) / np.sqrt(len(ics))


def simple_features(market: Market) -> tuple[dict[str, Floats], Floats]:
    """Five-day reversal, buy share and last-hour return, and what came, ``(T, N)`` each."""
    price, buys, last_hour = [], [], []
    for day in market:
        traded, amounts = day.status.traded, day.prints.amounts
        with np.errstate(invalid="ignore"):
            share = np.where(day.prints.sides > 0, amounts, 0).sum(axis=1) / amounts.sum(axis=1)
        hour = 60 // market.session.bar_minutes
        moved = day.minutes.close[:, -1] / day.minutes.close[:, -1 - hour] - 1
        price.append(np.where(traded, day.bars.close * day.adj_factor, np.nan))
        buys.append(np.where(traded, share, np.nan))
        last_hour.append(np.where(traded, moved, np.nan))
    prices, reversal = np.array(price), np.full((len(market), len(price[0])), np.nan)
    reversal[5:] = 1 - prices[5:] / prices[:-5]
    outcome = np.full_like(prices, np.nan)
    outcome[:-11] = prices[11:] / prices[1:-10] - 1
    features = {"reversal": reversal, "buys": np.array(buys), "last hour": np.array(last_hour)}
    return {name: values[5:] for name, values in features.items()}, outcome[5:]


def test_simple_features_forecast_the_default_market_but_not_one_of_noise() -> None:
    scores = {}
    for signal in (0, 1):
        market = Market(MarketSettings(stocks=200, days=400, signal=signal), seed=11)
        features, outcome = simple_features(market)
        for name, feature in features.items():
            ics = rank_ic(feature, outcome)
            scores[name, signal] = ics.mean() / (ics.std(ddof=1) / np.sqrt(len(ics)))
    for name in ("reversal", "buys", "last hour"):
        assert abs(scores[name, 0]) < 3, name
    assert scores["buys", 1] > 2


def test_dispersion_is_that_of_a_stock_market(demo: Path) -> None:
    price, _ = matrix(demo, "daily", pl.col("close") * pl.col("adj_factor"))
    daily = price[1:] / price[:-1] - 1
    assert 0.02 < np.nanmean(np.nanstd(daily, axis=1)) < 0.025
    assert np.nanmean(daily, axis=1).std() == pytest.approx(0.012, abs=0.003)


def files_of(folder: Path) -> list[Path]:
    return [file.relative_to(folder) for file in sorted(folder.rglob("*")) if file.is_file()]


def test_files_of_two_runs_are_equal_to_the_last_bit(tmp_path: Path) -> None:
    whole = MarketSettings(stocks=20, days=60)
    one = simulate(str(tmp_path / "one"), whole, seed=5)
    two = simulate(str(tmp_path / "two"), whole, seed=5)
    other = simulate(str(tmp_path / "other"), SMALL, seed=6)
    assert len(files_of(one)) == 60 + 60 + 7
    for file in files_of(one):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    assert (one / "daily.parquet").read_bytes() != (other / "daily.parquet").read_bytes()


def test_a_longer_market_begins_with_the_rows_of_the_shorter(tmp_path: Path) -> None:
    short = simulate(str(tmp_path / "short"), MarketSettings(stocks=40, days=70), seed=5)
    long = simulate(str(tmp_path / "long"), MarketSettings(stocks=40, days=130), seed=5)
    for file in short.glob("*.parquet"):
        beginning = pl.read_parquet(file)
        whole = pl.read_parquet(long / file.name)
        last = pl.read_parquet(short / "daily.parquet")["date"].max()
        assert beginning.equals(whole.filter(pl.col("date") <= last))
    days = [file for file in files_of(short) if len(file.parts) == 2]
    assert len(days) == 140
    for file in days:
        assert (short / file).read_bytes() == (long / file).read_bytes()


def test_settings_and_seed_are_kept_with_the_tables(tmp_path: Path) -> None:
    about = json.loads((simulate(str(tmp_path / "m"), SMALL, seed=9) / "market.json").read_text())
    assert about["market"] == asdict(SMALL)
    assert about["format_version"] == 2
    assert "minute" not in about["tables"]
    loud = MarketSettings(stocks=20, days=60)
    folder = simulate(str(tmp_path / "loud"), loud, seed=9)
    tables = json.loads((folder / "market.json").read_text())["tables"]
    assert tables[-2:] == ["minute", "trades"]
    assert sorted(p.name for p in folder.iterdir()) == sorted([*tables, "market.json"])
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
