import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.panel.returns import EVALUATION_RETURNS, Horizon, forward_return
from alpha_lightning.panel.store import Panel

Write = Callable[..., str]
DATES, STOCKS = 200, 30


@pytest.fixture
def given(market: Callable[..., Any]) -> Any:
    return market(DATES, STOCKS, seed=8)


@pytest.fixture
def values() -> Any:
    return np.random.default_rng(4).normal(size=(DATES, STOCKS))


@pytest.fixture
def panel(given: Any, tmp_path: Path) -> Panel:
    written: Panel = given.write(tmp_path / "market")
    return written


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def run(panel: Panel, scores: list[str], out: Path, **options: Any) -> Path:
    return evaluate(str(panel.path), scores, str(out), **options)


def table(folder: Path, name: str) -> Any:
    return pd.read_csv(folder / "tables" / f"{name}.csv")


def test_writes_every_table_and_says_what_it_used(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    scores = [
        write_score(panel, values, "model", units=["gru"]),
        write_score(panel, -values, "minus", scheme="baseline"),
    ]
    out = run(panel, scores, tmp_path / "out", since=["2020-06"])
    assert sorted(contents(out)) == sorted(
        ["evaluation.json"]
        + [
            f"tables/{name}.csv"
            for name in (
                *("fig06_rank_ic", "fig07_ic_ir", "fig08_groups", "fig09_groups"),
                *("groups", "rank_ic_summary", "top_group"),
                *("rank_ic_by_date", "rank_ic_by_year", "group_nav", "score_correlation"),
                *("coverage", "decay", "autocorrelation", "fig11_correlation_average"),
            )
        ]
    )
    about = json.loads((out / "evaluation.json").read_text())
    assert about["panel_fingerprint"] == panel.fingerprint
    assert about["execution"] == "vwap"
    assert [told.partition(":")[0] for told in about["warnings"]] == [
        "Groups since 2020-06 are held for 92 trading days only"
    ]
    assert [score["baseline"] for score in about["scores"]] == [False, True]
    assert about["scores"][0]["metadata"]["units"] == ["gru"]
    for name in ("fig06_rank_ic", "fig07_ic_ir", "fig08_groups", "fig09_groups"):
        assert table(out, name)["score"].tolist() == ["model"], "a yardstick is in no figure"
    means = table(out, "rank_ic_summary").set_index(["score", "horizon"])["mean_pct"]
    horizons = [str(Horizon(*pair)) for pair in EVALUATION_RETURNS]
    assert horizons == ["5", "10", "20", "5g", "10g", "20g"]
    for horizon in horizons:
        assert means["model", horizon] == pytest.approx(-means["minus", horizon], abs=1e-6)
        shown = table(out, "fig06_rank_ic")[f"rank_ic_{horizon}_pct"][0]
        assert shown == pytest.approx(means["model", horizon], abs=1e-6)
    groups = table(out, "groups")
    assert groups["score"].tolist() == ["model", "minus"] * 2
    assert groups["since"].tolist() == ["2020-01-06"] * 2 + ["2020-06"] * 2
    assert table(out, "fig08_groups").equals(groups.iloc[[0]])
    assert table(out, "fig09_groups").equals(groups.iloc[[2]].reset_index(drop=True))


def test_a_score_that_knows_the_future_wins(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    oracle = np.nan_to_num(forward_return(panel, 5, 0))
    scores = [write_score(panel, oracle, "oracle"), write_score(panel, values, "noise")]
    out = run(panel, scores, tmp_path / "out", end=str(panel.dates[190]))
    means = table(out, "fig06_rank_ic").set_index("score")
    assert means.loc["oracle", "rank_ic_5_pct"] > 99
    noise = means.loc["noise"]
    assert abs(noise["rank_ic_5_pct"]) < 4 * noise["rank_ic_5_se_pct"]
    groups = table(out, "groups").set_index("score")
    assert groups.loc["oracle", "g01_pct"] > 100
    assert groups.loc["oracle", "g20_pct"] < -50


def test_prices_after_a_date_change_nothing_that_ended_before(
    given: Any, panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    row = 120
    shocked = given.shocked_after(row).write(tmp_path / "shocked")
    before = run(panel, [write_score(panel, values)], tmp_path / "before")
    after = run(shocked, [write_score(shocked, values)], tmp_path / "after")
    day = str(panel.dates[row])
    navs = [table(out, "group_nav").set_index("date") for out in (before, after)]
    assert navs[0].loc[:day].equals(navs[1].loc[:day])
    assert not navs[0].equals(navs[1])
    rows = [table(out, "rank_ic_by_date") for out in (before, after)]
    for pair in EVALUATION_RETURNS:
        horizon = Horizon(*pair)
        known = str(panel.dates[row - horizon.span])
        own = [part[part["horizon"] == str(horizon)].set_index("date") for part in rows]
        assert len(own[0].loc[:known]) > 15
        assert own[0].loc[:known].equals(own[1].loc[:known])
        assert not own[0].equals(own[1])


def test_an_end_date_equals_a_panel_that_ends_there(
    given: Any, panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    row = 150
    cut = type(given)(given.close[: row + 1], given.vwap[: row + 1], given.factor[: row + 1])
    short = cut.write(tmp_path / "short")
    until = run(panel, [write_score(panel, values)], tmp_path / "a", end=str(panel.dates[row]))
    ending = run(short, [write_score(short, values[: row + 1])], tmp_path / "b")
    for name in ("fig06_rank_ic", "fig07_ic_ir", "groups", "group_nav"):
        one, other = table(until, name), table(ending, name)
        assert one.equals(other), name


def test_scores_are_compared_on_the_same_stocks_unless_told_otherwise(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    holed = values.copy()
    holed[:, :7] = np.nan
    scores = [write_score(panel, values, "full"), write_score(panel, holed, "holed")]
    same = run(panel, scores, tmp_path / "same")
    own = run(panel, scores, tmp_path / "own", same_stocks=False)
    assert len(set(table(same, "fig06_rank_ic")["rank_ic_10_pct"])) == 1
    assert len(set(table(own, "fig06_rank_ic")["rank_ic_10_pct"])) == 2
    warnings = json.loads((same / "evaluation.json").read_text())["warnings"]
    assert warnings[0].startswith("Only 79% of the universe is compared")


def test_the_same_call_writes_the_same_bytes(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    scores = [write_score(panel, values)]
    first = contents(run(panel, scores, tmp_path / "out"))
    again = contents(run(panel, scores, tmp_path / "out", overwrite=True))
    assert first == again
    other = contents(run(panel, scores, tmp_path / "other", seed=1))
    changed = {name for name in first if first[name] != other[name]}
    assert changed == {
        "evaluation.json",
        "tables/fig07_ic_ir.csv",
        "tables/rank_ic_summary.csv",
    }


def test_daily_signals_need_more_lags_and_leave_the_groups_alone(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    scores = [write_score(panel, values)]
    weekly = run(panel, scores, tmp_path / "weekly")
    daily = run(panel, scores, tmp_path / "daily", frequency="daily")
    lags = [table(out, "rank_ic_summary")["newey_west_lag"].tolist() for out in (weekly, daily)]
    assert lags == [[0, 1, 3, 0, 1, 3], [4, 9, 19, 4, 9, 19]]
    assert table(weekly, "group_nav").equals(table(daily, "group_nav"))


def test_a_panel_without_vwap_is_said_to_trade_at_the_close(
    given: Any, values: Any, write_score: Write, tmp_path: Path
) -> None:
    bare = type(given)(given.close, np.full_like(given.vwap, np.nan), given.factor)
    panel = bare.write(tmp_path / "bare")
    out = run(panel, [write_score(panel, values)], tmp_path / "out")
    about = json.loads((out / "evaluation.json").read_text())
    assert about["execution"] == "close"
    assert "not at its VWAP" in about["warnings"][0]


def test_since_before_the_first_trade_is_the_whole_run(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    early = run(panel, [write_score(panel, values)], tmp_path / "early", since=["2019"])
    plain = run(panel, [write_score(panel, values, "other")], tmp_path / "plain")
    rows = [len((out / "tables" / "groups.csv").read_text().splitlines()) for out in (early, plain)]
    assert rows[0] == rows[1] == 2


def test_two_texts_of_one_first_date_are_one_period(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    since = ["2020-06", "2020-06-01", "2020-06-01", "2020-05-31", "2020-07"]
    out = run(panel, [write_score(panel, values)], tmp_path / "out", since=since)
    groups = pd.read_csv(out / "tables" / "groups.csv", dtype=str)
    assert groups["since"].tolist()[1:] == ["2020-06", "2020-07"]
    told = json.loads((out / "evaluation.json").read_text())["warnings"]
    assert any("since 2020-07 are held for" in sentence for sentence in told)


def test_mistakes_are_named_and_leave_nothing_behind(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    score = write_score(panel, values)
    few = values.copy()
    few[:, 19:] = np.nan
    cases: list[tuple[str, str, dict[str, Any]]] = [
        (score, "no signal date from .* has a return over 20 days", {"start": "2020-09-14"}),
        (score, "--since 2031 is after the last date", {"since": ["2031"]}),
        (write_score(panel, few, "few"), "score few: no week from .* has 20 stocks", {}),
    ]
    for file, words, options in cases:
        with pytest.raises(UserError, match=words):
            run(panel, [file], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
    short = run(panel, [score], tmp_path / "out", end="2020-03-20")
    assert "weekly signal dates" in (short / "evaluation.json").read_text()
    with pytest.raises(UserError, match="exists"):
        run(panel, [score], tmp_path / "out")


def test_further_scores_are_measured_on_the_same_dates_and_leave_the_figures_alone(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    about = {"units": ["gru"], "datasets": ["rawbar", "mschars"]}
    shown = [write_score(panel, values, "gru", **about, proxies=["l2chars"])]
    other = np.random.default_rng(6).normal(size=values.shape)
    part = write_score(panel, other, "gru on rawbar", units=["gru"], datasets=["rawbar"])
    plain, whole = (
        run(panel, shown, tmp_path / name, also=also) for name, also in (("a", None), ("b", [part]))
    )
    for name in ("fig06_rank_ic", "fig07_ic_ir", "groups", "rank_ic_by_date", "coverage"):
        assert table(plain, name).equals(table(whole, name)), name
    further = set(contents(whole)) - set(contents(plain))
    names = ("dataset_value", "rank_ic_summary_also", "rank_ic_by_date_also")
    assert further == {f"tables/{name}.csv" for name in names}
    assert set(table(whole, "rank_ic_by_date_also")["score"]) == {"gru on rawbar"}
    written = json.loads((whole / "evaluation.json").read_text())
    assert [score["name"] for score in written["scores"]] == ["gru"]
    assert [score["name"] for score in written["also"]] == ["gru on rawbar"]
    assert written["oracle"] is None
    assert written["warnings"] == ["l2chars is a proxy made from minute bars, not Level-2 data."]
    value = table(whole, "dataset_value").set_index(["role", "horizon"])
    alone = run(panel, [part], tmp_path / "alone")
    mean = table(alone, "fig06_rank_ic")["rank_ic_10g_pct"][0]
    assert value.loc[("single", "10g"), "rank_ic_pct"] == pytest.approx(mean, abs=1e-6)


def test_a_name_cannot_be_shown_and_be_a_part(
    panel: Panel, values: Any, write_score: Write, tmp_path: Path
) -> None:
    files = [write_score(panel, values), write_score(panel, -values)]
    with pytest.raises(UserError, match="'alpha' is used twice"):
        run(panel, files[:1], tmp_path / "out", also=files[1:])
