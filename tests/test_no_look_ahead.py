"""The invariant of the domain: nothing dated t depends on anything after t.

A study is run on a market, and on the same market with every bar after t replaced: what it says of
dates up to t must be the same, bit for bit. On a market that nobody can forecast it must forecast
nothing. Leaks planted here show that both comparisons can fail.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
import yaml

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table
from alpha_lightning.backtest.backtest import backtest
from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.panel.returns import LABEL, forward_return
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate
from alpha_lightning.study.plan import lay_out, panel_of
from alpha_lightning.study.settings import EvaluationSettings, SourceSettings, StudySettings
from alpha_lightning.study.tasks import identify, run_task
from alpha_lightning.weighting import walk_forward
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.score_file import write_score
from alpha_lightning.windows import dataset
from alpha_lightning.windows.sample import Sample, SampleRule, take_sample

ROOT = Path(__file__).parents[1]
# A day of few prints has no large sale, whose price is then missing.
pytestmark = pytest.mark.filterwarnings("ignore:.*present on fewer than 50% of the training")
INTRADAY = IntradaySettings(bar_minutes=10, prints=1)
MARKET = MarketSettings(
    stocks=40,
    start="2019-01-02",
    days=900,
    industries=5,
    intraday=IntradaySettings(minute=False, trades=False),
)
LAST_KNOWN = np.datetime64("2022-05-18")
"""Inside the year served and inside a month; the networks learnt from dates before 2021."""
DATASETS = ("rawbar", "mschars", "l2chars")
FACTORS = tuple(f"units/gru/{name}/v2022/s0/factors.parquet" for name in DATASETS)
SCORES = ("gru", "reversal", "summary")


def run_study(
    folder: Path, source: SourceSettings, datasets: tuple[str, ...] = DATASETS
) -> StudySettings:
    """From tables to scores in this process: small networks, small trees, both baselines."""
    unit = yaml.safe_load((ROOT / "configs" / "units" / "gru.yaml").read_text())
    unit["model"]["network"]["init_args"]["hidden"] = 4
    unit["model"]["n_factors"] = 3
    folder.mkdir()
    (folder / "gru.yaml").write_text(yaml.safe_dump(unit))
    trainer = {"max_epochs": 1, "log_every_n_steps": 1, "enable_model_summary": False}
    settings = StudySettings(
        name="look-ahead",
        units=[str(folder / "gru.yaml")],
        vintages=[2022],
        out=str(folder),
        source=source,
        datasets=list(datasets),
        evaluation=EvaluationSettings(dataset_value=False),
        fit={"trainer": trainer, "data": {"date_step": 10}},
        weighting=LightGBMSettings(min_data_in_leaf=20, rounds=10, threads=1),
    )
    tasks = lay_out(settings)
    identities = identify(tasks, settings.folder)
    for task in tasks:
        if task.name not in ("evaluate", "report"):
            run_task(task, folder / "tasks" / task.name, identities[task.name])
    return settings


def vendor_tables(folder: Path) -> SourceSettings:
    """Daily bars, minute bars and trades of a folder."""
    return SourceSettings(
        daily=str(folder / "daily.parquet"),
        minute=str(folder / "minute"),
        trades=str(folder / "trades"),
        exchange=str(ROOT / "configs" / "market" / "cn.yaml"),
    )


def other_future(vendor: Path, other: Path, out: Path) -> Path:
    """The same tables up to `LAST_KNOWN`, then other daily bars and another market's days."""
    out.mkdir()
    other_bars(vendor / "daily.parquet").write_parquet(out / "daily.parquet")
    for name in ("minute", "trades"):
        (out / name).mkdir()
        for file in (vendor / name).iterdir():
            known = np.datetime64(file.stem) <= LAST_KNOWN
            (out / name / file.name).hardlink_to(file if known else other / name / file.name)
    return out


def other_bars(daily: Path) -> pl.DataFrame:
    """The same bars up to `LAST_KNOWN`, then other prices, volumes, gaps, ends and listings."""
    bars = pl.read_parquet(daily).sort("symbol", "date")
    generator = np.random.default_rng(5)
    known = pl.col("date") <= LAST_KNOWN.item()
    future = bars.filter(~known)
    steps, crowd = generator.normal(size=(2, len(future)))
    walk = pl.col("step").cum_sum().over("symbol").exp()
    future = future.with_columns(step=pl.Series(0.05 * steps), crowd=pl.Series(np.exp(crowd)))
    future = future.with_columns(
        *(pl.col(name) * walk for name in ("open", "high", "low", "close")),
        volume=(pl.col("volume") * pl.col("crowd")).cast(pl.Int64),
        amount=(pl.col("volume") * pl.col("crowd")).cast(pl.Int64) * pl.col("close") * walk,
    ).select(bars.columns)
    symbols = future["symbol"].unique().sort()
    new = future.filter(pl.col("symbol") == symbols[-1])
    new = new.with_columns(symbol=pl.lit("A00000"), list_date=pl.col("date").min())
    future = future.filter(~pl.col("symbol").is_in(symbols[:3].implode()))
    future = future.filter(pl.Series(generator.random(len(future)) > 0.05))
    return pl.concat([bars.filter(known), future, new])


def first_difference(one: DatedTable, other: DatedTable) -> np.datetime64 | None:
    """First date on which two tables do not hold the same stocks with the same values."""
    for date in np.union1d(one.dates, other.dates):
        mine, theirs = one.dates == date, other.dates == date
        same = np.array_equal(one.symbols[mine], other.symbols[theirs])
        if not same or one.values[mine].tobytes() != other.values[theirs].tobytes():
            return np.datetime64(date)
    return None


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> list[StudySettings]:
    """A study, and the same study of a market that is the same up to `LAST_KNOWN`."""
    folder = tmp_path_factory.mktemp("twins")
    vendor, other = (
        simulate(str(folder / str(seed)), replace(MARKET, intraday=INTRADAY), seed=seed)
        for seed in (1, 2)
    )
    changed = other_future(vendor, other, folder / "other")
    tables = (vendor_tables(vendor), vendor_tables(changed))
    return [run_study(folder / f"study{k}", source) for k, source in enumerate(tables)]


WEIGHED = [f"scores/{name}.parquet" for name in (*SCORES, "gru/linear", "gru/equal")]


@pytest.mark.parametrize("artefact", [*FACTORS, *WEIGHED])
def test_the_future_changes_nothing_dated_before_it(
    twins: list[StudySettings], artefact: str
) -> None:
    one, two = (read_dated_table(study.folder / artefact) for study in twins)
    assert (one.dates <= LAST_KNOWN).sum() > 1000
    changed = first_difference(one, two)
    assert changed is not None, "the other future made no difference at all"
    assert changed > LAST_KNOWN


@pytest.mark.parametrize("factors", FACTORS)
def test_the_networks_are_the_same_to_the_bit(twins: list[StudySettings], factors: str) -> None:
    best = Path(factors).with_name("checkpoints") / "best.ckpt"
    one, two = (torch.load(study.folder / best) for study in twins)
    for name, weights in one["state_dict"].items():
        assert torch.equal(weights, two["state_dict"][name]), name


def test_an_evaluation_up_to_a_date_uses_nothing_after_it(
    twins: list[StudySettings], tmp_path: Path
) -> None:
    tables = []
    for number, study in enumerate(twins):
        scores = [str(study.folder / "scores" / f"{name}.parquet") for name in SCORES]
        out = evaluate(panel_of(study), scores, str(tmp_path / str(number)), end=str(LAST_KNOWN))
        tables.append({file.name: file.read_bytes() for file in (out / "tables").glob("*.csv")})
    assert len(tables[0]) > 5
    assert tables[0] == tables[1]


@pytest.mark.parametrize("table", ["nav", "trades", "holdings"])
def test_a_portfolio_knows_nothing_of_the_days_to_come(
    twins: list[StudySettings], table: str, tmp_path: Path
) -> None:
    days = []
    for number, study in enumerate(twins):
        score, out = str(study.folder / "scores" / "gru.parquet"), str(tmp_path / str(number))
        backtest(panel_of(study), out, scores=score, policy=TopN(5, 0.4))
        days.append(pl.read_parquet(f"{out}/{table}.parquet"))
    known = [frame.filter(pl.col("date") <= LAST_KNOWN.item()) for frame in days]
    assert len(known[0]) > 50
    assert known[0].equals(known[1])
    assert not days[0].equals(days[1]), "the other future made no difference at all"


def planted_score(study: StudySettings, values: Any, tmp_path: Path) -> DatedTable:
    panel = Panel.open(panel_of(study))
    members = np.where(universe(panel), values, np.nan)
    about = {"name": "planted", "panel_fingerprint": panel.fingerprint}
    file = write_score(tmp_path / "planted.parquet", panel.dates, panel.symbols, members, about)
    return read_dated_table(file)


def test_a_score_that_knows_tomorrow_is_found(twins: list[StudySettings], tmp_path: Path) -> None:
    leaks = [
        planted_score(study, forward_return(Panel.open(panel_of(study)), 5, 0), tmp_path)
        for study in twins
    ]
    assert first_difference(*leaks) == LAST_KNOWN - np.timedelta64(6, "D")


@pytest.mark.parametrize("name", DATASETS)
def test_a_data_set_that_holds_tomorrow_is_found(twins: list[StudySettings], name: str) -> None:
    honest, leaking = [], []
    for study in twins:
        panel = Panel.open(panel_of(study))
        today = int(np.searchsorted(panel.dates, LAST_KNOWN))
        known = panel.symbols != "A00000"
        bars = panel.dataset(name).array[:, known]
        window = slice(today - 29, today + 1)
        honest.append(bars[window])
        leaking.append(np.roll(bars, -1, axis=0)[window])
    assert np.array_equal(honest[0], honest[1], equal_nan=True)
    assert not np.array_equal(leaking[0], leaking[1], equal_nan=True)


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bars of a market that nobody can forecast."""
    out = tmp_path_factory.mktemp("noise") / "vendor"
    return simulate(str(out), replace(MARKET, signal=0), seed=2) / "daily.parquet"


def standard_errors_from_zero(study: StudySettings, names: Iterator[str], out: Path) -> Any:
    """Mean RankIC at the training horizon over its Newey-West error, by score."""
    scores = [str(study.folder / "scores" / f"{name}.parquet") for name in names]
    folder = evaluate(panel_of(study), scores, str(out))
    table = pd.read_csv(folder / "tables" / "rank_ic_summary.csv")
    table = table[(table["days"] == LABEL[0]) & (table["gap"] == LABEL[1])].set_index("score")
    return table["mean_pct"] / table["se_newey_west_pct"]


def shuffled_sample(panel: Panel, rule: SampleRule) -> Sample:
    """The sample with each date's labels dealt out anew among the stocks that have one."""
    sample = take_sample(panel, rule)
    generator = np.random.default_rng(7)
    for row in sample.label:
        labelled = np.flatnonzero(~np.isnan(row))
        row[labelled] = row[generator.permutation(labelled)]
    return sample


@pytest.mark.parametrize("shuffled", [False, True], ids=["labels", "shuffled labels"])
def test_nothing_is_forecast_where_nothing_can_be(
    noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shuffled: bool
) -> None:
    if shuffled:
        monkeypatch.setattr(dataset, "take_sample", shuffled_sample)
        monkeypatch.setattr(walk_forward, "take_sample", shuffled_sample)
    study = run_study(tmp_path / "study", SourceSettings(daily=str(noise)), ("rawbar",))
    planted = forward_return(Panel.open(panel_of(study)), *LABEL)
    planted += np.random.default_rng(3).normal(0, 0.1, planted.shape)
    planted_score(study, planted, study.folder / "scores")
    ratios = standard_errors_from_zero(study, iter((*SCORES, "planted")), tmp_path / "evaluation")
    assert ratios["planted"] > 3, "a leak would not be seen"
    assert (ratios[list(SCORES)].abs() < 3).all(), ratios
