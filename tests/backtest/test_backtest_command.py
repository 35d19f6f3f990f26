"""`construct` and `backtest` as typed at the prompt."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.cli import main
from alpha_lightning.panel.store import Panel

ROOT = Path(__file__).parents[2]
CONFIG = str(ROOT / "configs" / "portfolio" / "top_100.yaml")
Write = Callable[..., str]
TABLES = ("nav.parquet", "trades.parquet", "holdings.parquet")


@pytest.fixture
def given(panel_path: Path, write_score: Write) -> list[str]:
    """Options of both commands: ten of 40 stocks for half a year."""
    panel = Panel.open(panel_path)
    drawn = np.random.default_rng(0).normal(size=(len(panel.dates), len(panel.symbols)))
    score = write_score(panel, drawn)
    period = ["--signals.start", "2020-01-01", "--signals.end", "2020-06-30"]
    names = ["--policy.names=10", *period]
    return ["--config", CONFIG, "--panel", str(panel_path), "--scores", score, *names]


def test_the_weights_trade_as_the_policy_does(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, one, other = (tmp_path / name for name in ("w.parquet", "one", "other"))
    assert main(["construct", *given, "--out", str(weights)]) == 0
    assert capsys.readouterr().out.startswith(f"target weights {weights}\n")
    assert main(["backtest", *given, "--out", str(one)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"backtest {one}\n")
    assert "TOP-10 of alpha" in out
    place = given.index("--scores")
    own = [*given[:place], *given[place + 2 :], "--weights", str(weights)]
    assert main(["backtest", *own, "--out", str(other)]) == 0
    for table in TABLES:
        assert (one / table).read_bytes() == (other / table).read_bytes()
    dates = pl.read_parquet(one / "nav.parquet")["date"].dt.date().cast(pl.String)
    assert "2020-01-02" <= dates[0] <= "2020-01-10"
    assert dates[-1] == "2020-06-30"


def test_settings_by_file_and_by_option(given: list[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "benchmark: {index: '000300'}\n"
        "conventions: {relative: ratio}\n"
        "costs: {stamp_duty: {2020-02-01: 0.001}, sell: 0.0}\n"
    )
    out = tmp_path / "out"
    options = ["--config", str(file), "--costs.minimum", "5", "--execution.lot", "100", "--name=my"]
    assert main(["backtest", *given, *options, "--out", str(out), "--overwrite"]) == 0
    about = json.loads((out / "summary.json").read_text())
    assert (about["name"], about["benchmark"]) == ("my", "000300")
    costs = about["settings"]["costs"]
    assert (costs["stamp_duty"], costs["minimum"], costs["buy"]) == ({"2020-02-01": 0.001}, 5, 1e-3)
    trades = pl.read_parquet(out / "trades.parquet")
    taxed = trades.filter((pl.col("side") == "sell") & (pl.col("shares") != 0))
    early = pl.col("date") < pl.datetime(2020, 2, 1)
    assert taxed.filter(early)["duty"].sum() == 0
    assert (taxed.filter(~early)["duty"] > 0).all()
    assert (taxed["fee"] == 5).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--policy.names", "0"], "policy.names is 0: it must be 1 or more"),
        (["--policy.delta", "1.5"], "policy.delta is 1.5: it must lie between 0 and 1"),
        (["--policy.keep-within", "9"], "policy.keep_within is 9: it must be at least"),
        (["--costs.sell", "2"], "costs.sell is 2.0: a rate lies between 0 and 1"),
        (["--execution.delay", "0"], "execution.delay is 0: a signal is traded a day later"),
        (["--signals.universe", "moon"], "knows no universe 'moon'"),
        (["--signals.start", "2030"], "--signals.start 2030 is after the last date"),
        (["--execution.price", "twap"], "twap"),
        (["--actions", "nowhere.csv"], "nowhere.csv does not exist"),
    ],
)
@pytest.mark.parametrize("command", ["construct", "backtest"])
def test_a_mistake_is_one_line(
    command: str,
    options: list[str],
    told: str,
    given: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "folder" / "out.parquet"
    status = main([command, *given, *options, "--out", str(out)])
    err = capsys.readouterr().err
    assert status == 1
    assert err.startswith("error: ")
    assert told in err
    assert err.count("\n") == 1
    assert not out.parent.exists()
