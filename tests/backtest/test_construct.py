"""The command `construct`: what is written, that it is the policy's, and that it sees no future."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_metadata
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.backtest import backtest
from alpha_lightning.backtest.construct import construct
from alpha_lightning.backtest.inputs import open_inputs
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, SignalSettings
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.top_n import TopN

Write = Callable[..., str]
TEN = TopN(names=10, reserves=5)
TABLES = ("nav.parquet", "trades.parquet", "holdings.parquet")
# A year or so: enough for suspensions, limits and splits.
FIRST, LAST = 200, 460


@pytest.fixture(scope="module")
def panel(panel_path: Path) -> Panel:
    return Panel.open(panel_path)


def values(panel: Panel, seed: int = 0) -> NDArray[np.float64]:
    """Scores with gaps: some stocks always, all of some weeks, most of others."""
    generator = np.random.default_rng(seed)
    drawn = generator.normal(size=(len(panel.dates), len(panel.symbols)))
    drawn[generator.random(drawn.shape) < 0.1] = np.nan
    drawn[300:312] = np.nan
    drawn[330:342, 8:] = np.nan
    drawn[:FIRST] = drawn[LAST:] = np.nan
    return drawn


@pytest.fixture
def score(panel: Panel, write_score: Write) -> str:
    return write_score(panel, values(panel))


ROUGH = ExecutionSettings(
    delay=2, lot=100, participation=0.02, corporate_actions="cash", dividend_tax=0.1, capital=3e6,
    price="open",
)  # fmt: skip
DEAR = CostSettings(minimum=5.0, impact=0.5, stamp_duty={"2019-12-01": 0.001})


@pytest.mark.parametrize(
    ("policy", "signals", "execution", "costs"),
    [
        (TEN, SignalSettings(), ExecutionSettings(), CostSettings()),
        (TopN(10, reweight="never"), SignalSettings(), ExecutionSettings(), CostSettings()),
        (TopN(10, reweight="band", band=0.1), SignalSettings(every=2), ROUGH, DEAR),
        (TopN(10, 1.0, 12), SignalSettings(frequency="daily", every=3), ROUGH, DEAR),
        (TEN, SignalSettings(frequency="monthly", end="2020-09-15"), ROUGH, CostSettings()),
    ],
)
def test_the_backtest_of_the_weights_is_that_of_the_policy(
    policy: TopN,
    signals: SignalSettings,
    execution: ExecutionSettings,
    costs: CostSettings,
    panel: Panel,
    score: str,
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {"signals": signals, "execution": execution, "costs": costs}
    where = str(panel.path)
    file = construct(where, score, str(tmp_path / "w.parquet"), policy=policy, **settings)
    one = backtest(where, str(tmp_path / "one"), scores=score, policy=policy, **settings)
    other = backtest(where, str(tmp_path / "other"), weights=str(file), **settings)
    for table in TABLES:
        assert (one / table).read_bytes() == (other / table).read_bytes(), table
    assert pl.read_parquet(one / "nav.parquet").height > 150


def test_what_is_written(panel: Panel, score: str, tmp_path: Path) -> None:
    file = construct(str(panel.path), score, str(tmp_path / "w.parquet"), policy=TEN)
    table, about = pl.read_parquet(file), read_metadata(file)
    held = table.filter(~pl.col("reserve"))
    by_date = held.group_by("date", maintain_order=True).agg(pl.len(), pl.col("weight").sum())
    assert by_date["len"].max() == 10
    assert by_date["weight"].to_numpy() == pytest.approx(by_date["len"].to_numpy() / 10)
    assert about["kind"] == "target_weights"
    assert about["name"] == "TOP-10 of alpha"
    assert about["policy"]["names"] == about["max_names"] == 10
    assert about["panel_fingerprint"] == panel.fingerprint
    assert about["scores"]["file"] == score
    inputs = open_inputs(panel.path, [score], SignalSettings())
    assert about["last_date"] == str(panel.dates[inputs.last])
    decided = {str(day) for day in table["date"].dt.date()} | set(about["holds"])
    assert decided == {str(day) for day in panel.dates[inputs.signals]}
    reasons = set(about["holds"].values())
    assert "no scores" in reasons
    assert any(reason.startswith("scores for ") for reason in reasons), reasons


def test_the_same_weights_have_the_same_bytes(panel: Panel, score: str, tmp_path: Path) -> None:
    files = [
        construct(str(panel.path), score, str(tmp_path / f"w{k}.parquet"), policy=TEN, name="mine")
        for k in range(2)
    ]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert read_metadata(files[0])["name"] == "mine"


def test_later_scores_change_nothing_before(
    panel: Panel, write_score: Write, tmp_path: Path
) -> None:
    row = 400
    other = values(panel, seed=1)
    other[: row + 1] = values(panel)[: row + 1]
    tables = []
    for k, given in enumerate((values(panel), other)):
        file = construct(
            str(panel.path), write_score(panel, given), str(tmp_path / f"w{k}.parquet"), policy=TEN
        )
        tables.append(pl.read_parquet(file).with_columns(pl.col("date").dt.date().cast(pl.String)))
    until = str(panel.dates[row])
    before = [table.filter(pl.col("date") <= until) for table in tables]
    assert before[0].height > 300
    assert before[0].equals(before[1])
    assert not tables[0].equals(tables[1])


def test_a_score_of_too_few_stocks(panel: Panel, write_score: Write, tmp_path: Path) -> None:
    few = values(panel)
    few[:, 5:] = np.nan
    file = write_score(panel, few)
    out = tmp_path / "weights" / "w.parquet"
    told = r"leads to no portfolio on any of \d+ signal dates \(scores for .*lower policy.min_cov"
    with pytest.raises(UserError, match=told):
        construct(str(panel.path), file, str(out), policy=TEN)
    assert not out.parent.exists()
    construct(str(panel.path), file, str(out), policy=TopN(10, min_coverage=0.01))


def test_the_score_of_another_panel(panel: Panel, write_score: Write, tmp_path: Path) -> None:
    file = write_score(panel, values(panel), panel_fingerprint="0" * 16)
    with pytest.raises(UserError, match="was made from panel 0000000000000000"):
        construct(str(panel.path), file, str(tmp_path / "w.parquet"))


def test_the_score_itself_is_not_written_over(panel: Panel, score: str) -> None:
    before = Path(score).read_bytes()
    with pytest.raises(UserError, match="is the score itself and would be lost"):
        construct(
            str(panel.path),
            score,
            f"{Path(score).parent}/../{Path(score).parent.name}/{Path(score).name}",
        )
    assert Path(score).read_bytes() == before


@pytest.mark.parametrize("name", ["w.csv", "w"])
def test_a_file_that_would_not_be_read_again(
    panel: Panel, score: str, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UserError, match=rf"{name} would be a Parquet file: .* end in .parquet"):
        construct(str(panel.path), score, str(tmp_path / "new" / name), policy=TEN)
    assert not (tmp_path / "new").exists()


def test_no_weights_among_the_tables_of_a_backtest(
    panel: Panel, score: str, tmp_path: Path
) -> None:
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(UserError, match="is the folder of a backtest: write the weights to"):
        construct(str(panel.path), score, str(tmp_path / "w.parquet"), policy=TEN)
    assert not (tmp_path / "w.parquet").exists()
