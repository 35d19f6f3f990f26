from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.evaluation.paper_figures import names_of_level, paper_table, paper_twins
from alpha_lightning.evaluation.scores import Score

MODELS = ["gru", "agru", "lstm", "restcn", "transformer"]
INTEGRATIONS = ["RNNv0", "RNNv1", "RCTv0", "RCTv1"]
DATES, STOCKS = 150, 25


def table(folder: Path, name: str) -> Any:
    return pd.read_csv(folder / "tables" / f"{name}.csv")


@pytest.fixture
def evaluated(market: Callable[..., Any], write_score: Callable[..., str], tmp_path: Path) -> Path:
    panel = market(DATES, STOCKS, seed=2).write(tmp_path / "market")
    made_of = {"lstm": ["lstm"], "RNNv1": ["gru", "lstm"], "gru": ["gru"], "mine": ["mine"]}
    files = [
        write_score(panel, values, name, units=units, datasets=["rawbar"], scheme="oos_lagged")
        for (name, units), values in zip(
            made_of.items(), np.random.default_rng(0).normal(size=(4, DATES, STOCKS)), strict=True
        )
    ]
    files.append(write_score(panel, -np.ones((DATES, 1)) * np.arange(STOCKS), scheme="baseline"))
    out = tmp_path / "out"
    return evaluate(str(panel.path), files, str(out), since=["2020-03"], paper=True)


def test_models_and_integrations_have_their_own_figures(evaluated: Path) -> None:
    for models, integrations in (
        ("fig06_rank_ic", "fig12_rank_ic"),
        ("fig07_ic_ir", "fig13_ic_ir"),
    ):
        assert table(evaluated, models)["score"].tolist() == ["lstm", "gru", "mine"]
        assert table(evaluated, integrations)["score"].tolist() == ["RNNv1"]
    whole = table(evaluated, "groups")
    assert len(whole) == 10
    for figure, since in (("fig08", "2020-01-06"), ("fig09", "2020-03")):
        own = whole[whole["score"].isin(["lstm", "gru", "mine"]) & (whole["since"] == since)]
        assert table(evaluated, f"{figure}_groups").equals(own.reset_index(drop=True))
    assert table(evaluated, "fig15_groups")["since"].tolist() == ["2020-03"]


def test_the_papers_rows_of_the_same_scores_lie_beside(evaluated: Path) -> None:
    theirs = table(evaluated, "paper_fig06_rank_ic")
    assert theirs["score"].tolist() == ["gru", "lstm"]
    assert theirs["rank_ic_10_pct"].tolist() == [15.9, 15.9]
    assert table(evaluated, "paper_fig12_rank_ic")["rank_ic_20g_pct"].tolist() == [15.2]
    names = {file.stem for file in (evaluated / "tables").glob("paper_*")}
    assert {"paper_fig09_groups", "paper_fig14_groups", "paper_fig15_groups"} < names
    ours = set(table(evaluated, "fig08_groups").columns)
    assert ours == set(table(evaluated, "paper_fig08_groups").columns)


def test_a_figure_of_strangers_has_no_twin() -> None:
    ours = {"fig06_rank_ic": pd.DataFrame({"score": ["mine"]}), "coverage": pd.DataFrame()}
    assert paper_twins(ours) == {}
    matrix = pd.DataFrame({"score": ["gru", "lstm", "mine"]})
    twin = paper_twins({"fig11_correlation_average": matrix})["paper_fig11_correlation_average"]
    assert twin.columns.tolist() == ["score", "gru_pct", "lstm_pct"]
    assert twin.iloc[0].tolist() == ["gru", 100.0, 94.1]


def test_the_paper_is_complete_but_for_its_copies() -> None:
    for figure, names in (("fig06_rank_ic", MODELS), ("fig13_ic_ir", INTEGRATIONS)):
        own = paper_table(figure)
        assert own["score"].tolist() == names
        assert own.shape[1] == 7
        assert own.notna().all(axis=None)
    for figure, copied in (("fig08", "lstm"), ("fig09", ""), ("fig14", "RCTv0"), ("fig15", "")):
        groups = paper_table(f"{figure}_groups").set_index("score")
        empty = groups.index[groups["turnover"].isna()]
        assert empty.tolist() == ([copied] if copied else [])
        kept = groups.drop(index=empty).drop(columns=["since", "turnover"])
        assert kept.shape[1] == 20
        assert kept.notna().all(axis=None)
        assert (kept.diff(axis=1).iloc[:, 7:] < 1.2).all(axis=None), "fall towards the last"
    single, average = (
        paper_table(name).set_index("score").to_numpy()
        for name in ("fig10_correlation_single_run", "fig11_correlation_average")
    )
    assert (single == single.T).all()
    assert (average == average.T).all()
    assert (np.diag(average) == 100).all()
    assert (average >= single).all()
    for place, figure in enumerate(("fig16_top100", "fig17_top300")):
        top = paper_table(figure)
        assert (top.shape, top["side"].value_counts().tolist()) == ((14, 17), [7, 7])
        assert top["return_annual_pct"][3] == (29.7, 25.4)[place]
    solved = {
        figure: paper_table(figure)["solved"].fillna("").str.split().explode().ne("").sum()
        for figure in ("fig18_csi300", "fig19_csi300_80", "fig20_csi500", "fig21_csi500_80")
    }
    assert solved == {
        "fig18_csi300": 8,
        "fig19_csi300_80": 4,
        "fig20_csi500": 8,
        "fig21_csi500_80": 8,
    }


def test_levels_are_those_of_all_that_is_compared() -> None:
    def score(name: str, *datasets: str) -> Score:
        about = {"units": ["gru"], "datasets": list(datasets)}
        return Score(name, np.zeros((1, 1), dtype=np.float32), about, "")

    part, whole = score("part", "rawbar"), score("whole", "rawbar", "mschars")
    assert names_of_level("model", [part], [part]) == ["part"]
    assert names_of_level("model", [part, whole], [part, whole]) == ["whole"]
    assert names_of_level("model", [part], [part, whole]) == []
