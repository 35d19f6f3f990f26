"""All tables of a study in small: which are written, and what they know of the future."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.variants import IN_SAMPLE, LINEAR, variant_name

DATES, STOCKS, CUT = 170, 30, 130
Write = Callable[..., str]
FIGURES = {
    *("fig06_rank_ic", "fig07_ic_ir", "fig08_groups", "fig09_groups"),
    *("fig10_correlation_single_run", "fig11_correlation_average"),
    *("fig12_rank_ic", "fig13_ic_ir", "fig14_groups", "fig15_groups"),
}
SHOWN = {
    *("groups", "rank_ic_summary", "rank_ic_by_date", "rank_ic_by_year", "group_nav", "top_group"),
    *("score_correlation", "coverage", "decay", "autocorrelation"),
}
AVERAGES = {"correlation_of_averages", "ensemble", "optimal_weights", "claims"}
PARTS = {"weighting_value", "stacking_gap", "rank_ic_summary_also", "rank_ic_by_date_also"}


def study(
    panel: Panel, write_score: Write, changed_after: int | None = None
) -> tuple[list[str], list[str], list[str]]:
    """Scores shown, parts and runs; after a date with other values if asked."""
    generator, noise = np.random.default_rng(5), np.random.default_rng(6)

    def written(name: str, **about: Any) -> str:
        values = generator.normal(size=(DATES, STOCKS))
        if changed_after is not None:
            values[changed_after + 1 :] = noise.normal(size=values[changed_after + 1 :].shape)
        metadata = {"datasets": ["rawbar"], "scheme": "oos_lagged", "weighting": "lightgbm"}
        return write_score(panel, values, name, **metadata | about)

    parts = [{"name": "gru"}, {"name": "lstm"}]
    shown = [
        written("gru", units=["gru"]),
        written("lstm", units=["lstm"]),
        written("RNNv0", units=["gru", "lstm"]),
        written("RNNv1", units=["gru", "lstm"], parts=parts),
        written("summary", units=[], datasets=[], scheme="baseline"),
    ]
    also = [
        written(variant_name("gru", LINEAR), units=["gru"], weighting="linear"),
        written(variant_name("gru", IN_SAMPLE), units=["gru"], scheme="in_sample"),
    ]
    runs = [written(f"{unit}/s{k}", units=[unit]) for unit in ("gru", "lstm") for k in range(3)]
    return shown, also, runs


def run(
    panel: Panel, given: tuple[list[str], list[str], list[str]], out: Path, **rule: Any
) -> Path:
    shown, also, runs = given
    folder, since = str(out), [str(panel.dates[40])]
    options: dict[str, Any] = {"also": also, "runs": runs, "importance": runs, "since": since}
    return evaluate(str(panel.path), shown, folder, **options, paper=True, **rule)


def tables(out: Path) -> dict[str, Any]:
    return {file.stem: pd.read_csv(file) for file in (out / "tables").glob("*.csv")}


@pytest.fixture
def given(market: Callable[..., Any]) -> Any:
    return market(DATES, STOCKS, seed=8, suspended=0.01)


def test_every_table_of_a_study(given: Any, write_score: Write, tmp_path: Path) -> None:
    panel = given.write(tmp_path / "market")
    out = run(panel, study(panel, write_score), tmp_path / "out")
    found = tables(out)
    theirs = {name for name in found if name.startswith("paper_")}
    assert theirs == {f"paper_{name}" for name in FIGURES}
    assert set(found) - theirs == FIGURES | SHOWN | AVERAGES | PARTS
    assert all(len(table) for table in found.values())
    about = json.loads((out / "evaluation.json").read_text())
    assert about["runs"] == [f"{unit}/s{k}" for unit in ("gru", "lstm") for k in range(3)]
    assert set(about["groups_check"]) == {"gru", "lstm", "RNNv0", "RNNv1", "summary"}
    for score, check in about["groups_check"].items():
        row = found["groups"].set_index("score").loc[score].iloc[0]
        returns = row.filter(like="g").filter(like="_pct").to_numpy(dtype=float) / 100
        assert check == pytest.approx(np.log1p(returns).mean(), abs=1e-8)
        # Each of the groups holds one or two stocks: a tracking error of some 30 % a year.
        assert -0.1 < check < 0
    assert set(found["decay"]["score"]) == set(about["groups_check"])


def test_yardsticks_alone_have_no_figure(given: Any, write_score: Write, tmp_path: Path) -> None:
    panel = given.write(tmp_path / "market")
    shown = study(panel, write_score)[0][-1:]
    found = tables(evaluate(str(panel.path), shown, str(tmp_path / "out"), paper=True))
    assert set(found) == SHOWN


def test_prices_and_scores_after_the_end_change_no_table(
    given: Any, write_score: Write, tmp_path: Path
) -> None:
    panel = given.write(tmp_path / "market")
    shocked = given.shocked_after(CUT).write(tmp_path / "shocked")
    end = str(panel.dates[CUT])
    for frequency in ("weekly", "daily"):
        plain = run(
            panel,
            study(panel, write_score),
            tmp_path / f"a{frequency}",
            end=end,
            frequency=frequency,
        )
        other = run(
            shocked,
            study(shocked, write_score, CUT),
            tmp_path / f"b{frequency}",
            end=end,
            frequency=frequency,
        )
        before, after = ({f.name: f.read_bytes() for f in o.rglob("*.csv")} for o in (plain, other))
        assert len(before) > 30
        assert before == after


def test_rows_of_a_date_know_nothing_beyond_their_own_horizon(
    given: Any, write_score: Write, tmp_path: Path
) -> None:
    panel = given.write(tmp_path / "market")
    shocked = given.shocked_after(CUT).write(tmp_path / "shocked")
    a = tables(run(panel, study(panel, write_score), tmp_path / "a"))
    b = tables(run(shocked, study(shocked, write_score, CUT), tmp_path / "b"))
    day = str(panel.dates[CUT])
    navs = [part["group_nav"].set_index("date") for part in (a, b)]
    assert navs[0].loc[:day].equals(navs[1].loc[:day])
    assert not navs[0].equals(navs[1])
    for name in ("rank_ic_by_date", "rank_ic_by_date_also"):
        for pair in EVALUATION_RETURNS:
            horizon = Horizon(*pair)
            known = str(panel.dates[CUT - horizon.span])
            parts = [part[name][part[name]["horizon"] == str(horizon)] for part in (a, b)]
            one, other = (part.set_index("date") for part in parts)
            assert len(one.loc[:known]) > 15
            assert one.loc[:known].equals(other.loc[:known])
            assert not one.equals(other)
    years = [part["top_group"].set_index("year") for part in (a, b)]
    assert not years[0].equals(years[1]), "a year that goes on is another year"
