"""What a study will cost, worked out by hand for small ones."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
from alpha_lightning.backtest.grid_settings import CurveSettings, GridSettings
from alpha_lightning.backtest.settings import SignalSettings
from alpha_lightning.panel.vintages import Vintage
from alpha_lightning.study.command import parse
from alpha_lightning.study.fit_tasks import networks_of
from alpha_lightning.study.forecast import (
    Cost,
    cost_of,
    cuts_of,
    enhanced_words,
    network_words,
    portfolio_words,
)
from alpha_lightning.study.horizon import Extent, extent_of
from alpha_lightning.study.settings import StudySettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> StudySettings:
    """The shipped study of the paper."""
    monkeypatch.chdir(ROOT)
    return parse(["configs/studies/paper.yaml"])[0]


def cost(study: StudySettings) -> Cost:
    extent = extent_of(study)
    cuts = [cut for cut in cuts_of(study, extent).values() if isinstance(cut, Vintage)]
    return cost_of(study, extent, cuts)


def test_the_papers_study_is_900_networks_and_230_gb(paper: StudySettings) -> None:
    words = network_words(list(networks_of(paper)))
    assert words == "5 units x 3 data sets x 6 vintages x 10 seeds = 900 networks"
    single = dataclasses.replace(
        paper, factors=dataclasses.replace(paper.factors, precision="float32")
    )
    assert cost(single).factor_bytes == pytest.approx(230e9, rel=0.03)
    assert cost(paper).factor_bytes == cost(single).factor_bytes / 2
    assert cost(paper).weighing == "RCTv0"
    # Five models of ten runs over 72 months, and two v0; and on six subsets of the data sets.
    assert cost(paper).fits == 72 * 10 * (5 + 2)
    subsets = dataclasses.replace(paper.evaluation, dataset_value=True)
    more = dataclasses.replace(paper, evaluation=subsets)
    assert cost(more).fits == 72 * 10 * (5 * 7 + 2)
    assert cost(paper).strange == ()


def test_its_vintages_are_the_papers(paper: StudySettings) -> None:
    extent = extent_of(paper)
    cuts = cuts_of(paper, extent)
    assert [year for _, year in cuts] == [2017, 2018, 2019, 2020, 2021, 2022]
    for (_, year), cut in cuts.items():
        assert isinstance(cut, Vintage)
        last_learnt, output = extent.dates[cut.valid[-1]], extent.dates[cut.output]
        assert last_learnt < np.datetime64(f"{year - 1}-01-01") - 12
        assert output[0] >= np.datetime64(f"{year - 1}-01-01")
        assert output[-1] < np.datetime64(f"{year + 1}-01-01")
        assert extent.dates[cut.train[0]] == np.datetime64("2013-09-30")


def small(tmp_path: Path, **network: Any) -> StudySettings:
    import yaml

    unit = {
        "trainer": {"max_epochs": 2},
        "model": {"network": {"class_path": "a.GRU", **network}, "n_factors": 10},
        "data": {"date_step": 2, "valid_step": 4},
    }
    (tmp_path / "gru.yaml").write_text(yaml.safe_dump(unit))
    tree = {
        "name": "small",
        "units": [str(tmp_path / "gru.yaml")],
        "vintages": [2022],
        "source": {"daily": "bars"},
        "weighting": {"refit_every": 3},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(tree))
    return parse([str(tmp_path / "study.yaml")])[0]


def test_by_hand(tmp_path: Path) -> None:
    study = small(tmp_path)
    dates = np.arange("2020-01-01", "2023-01-01", dtype="datetime64[D]")
    extent = Extent(dates, 100, 120, {"rawbar": 6}, "")
    cut = Vintage(
        2022, np.arange(60), np.arange(60, 100), np.arange(100, 200), np.arange(150, 200), 100
    )
    found = cost_of(study, extent, [cut])
    assert found.factor_bytes == found.one_matrix == 100 * 100 * 10 * 4
    assert found.panel_bytes == len(dates) * 120 * 6 * 4
    # 30 training and 10/3 validation dates, twice, and 100/3 exported ones, of 100 stocks.
    windows = ((30 + 10 / 3) * 2 + 100 / 3) * 100
    assert found.fit_hours == pytest.approx(windows / 15_000 / 3600)
    assert found.fits == 4
    assert found.weigh_hours == pytest.approx(243 * 100 * 10 * 4 / 3e6 / 3600)
    assert found.strange == ()


def test_a_network_of_unknown_speed_is_named_and_taken_as_the_slowest(tmp_path: Path) -> None:
    dates = np.arange("2020-01-01", "2023-01-01", dtype="datetime64[D]")
    extent = Extent(dates, 100, 120, {"rawbar": 6}, "")
    cut = Vintage(
        2022, np.arange(60), np.arange(60, 100), np.arange(100, 200), np.arange(150, 200), 100
    )
    plain = cost_of(small(tmp_path), extent, [cut])
    strange = cost_of(small(tmp_path, class_path="my.Net"), extent, [cut])
    assert strange.strange == ("gru",)
    assert strange.fit_hours == pytest.approx(plain.fit_hours * 15_000 / 3_100)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--fit.data.date_step=0", "unit gru: data.date_step is 0"),
        ("--fit.data.date_step=two", "unit gru: data.date_step is 'two'"),
        ("--fit.model.n_factors=many", "unit gru: model.n_factors is 'many'"),
    ],
)
def test_numbers_of_a_unit_that_are_none_are_refused(
    tmp_path: Path, option: str, words: str
) -> None:
    small(tmp_path)
    study = parse([str(tmp_path / "study.yaml"), option])[0]
    dates = np.arange("2020-01-01", "2023-01-01", dtype="datetime64[D]")
    days = np.arange(60)
    cut = Vintage(2022, days, days, days, days, 100)
    with pytest.raises(UserError, match=words):
        cost_of(study, Extent(dates, 100, 120, {"rawbar": 6}, ""), [cut])


@pytest.mark.parametrize(
    ("rule", "words"), [("3", "3: it may hold"), ("{odd: 1}", "may hold scheme, max")]
)
def test_a_rule_of_vintages_that_is_none_is_refused(tmp_path: Path, rule: str, words: str) -> None:
    small(tmp_path)
    study = parse([str(tmp_path / "study.yaml"), f"--fit.data.rule={rule}"])[0]
    with pytest.raises(UserError, match=f"fit.data.rule is .*{words}"):
        cuts_of(study, Extent(np.empty(0, "datetime64[D]"), 0, 0, {}, ""))


def test_fits_are_counted_as_they_are_made(tmp_path: Path) -> None:
    small(tmp_path)
    more = ["--datasets", "rawbar", "mschars", "l2chars", "--weighting.refit_every=5"]
    more += ["--source.minute=m", "--source.exchange=e"]
    study = parse([str(tmp_path / "study.yaml"), *more])[0]
    days = np.arange(60)
    cut = Vintage(2022, days, days, days, days, 100)
    found = cost_of(study, Extent(days, 100, 120, {}, ""), [cut])
    # January, June and November; on all three data sets, each of them alone, and each two.
    assert found.fits == 3 * (1 + 3 + 3)
    columns = 10 * (3 + 3 * 1 + 3 * 2)
    assert found.weigh_hours == pytest.approx(243 * 100 * columns * 3 / 3e6 / 3600)
    assert found.weighing == "gru"


def test_portfolios_are_counted_each_once(paper: StudySettings) -> None:
    # Seven limits of two sizes; on the curves 5, 6 and 4 that are not of the grid.
    words = portfolio_words(paper, 1330)
    grid = "TOP-100 and TOP-300 of RCTv1 at 7 turnover limits"
    assert words == f"{grid}, with their curves {2 * (7 + 5 + 6 + 4)} in one pass, about 1 min"
    # 22 of each size: a day of theirs takes (150 + 100) and (150 + 300) microseconds.
    assert portfolio_words(paper, 133_000).endswith(f"about {133_000 * 22 * 7e-4 / 60:.0f} min")
    assert portfolio_words(paper, 0).endswith("44 in one pass")
    curves = CurveSettings(cost=[], capital=[], delay=[])
    one = dataclasses.replace(paper, portfolios=GridSettings([7], [0.2], curves=curves))
    assert portfolio_words(one, 0).startswith("TOP-7 of RCTv1 at 1 turnover limit, with")


def test_enhanced_portfolios_and_their_model_are_counted(paper: StudySettings) -> None:
    asked = EnhancedGrid({"000300": 0.04, "mine": 0.055}, deltas=[0.1, 0.2])
    one = dataclasses.replace(paper, enhanced=asked)
    days = np.arange(2000).astype("datetime64[D]")
    extent = Extent(days, 4000, 5000, {}, "")
    words = enhanced_words(one, 1330, extent)
    told = "CSI300 at 4 % and mine at 5.5 % by RCTv1 with 2 floors and 2 turnover limits, 8 in one"
    assert words.startswith(f"{told} pass, about ")
    # A program takes 20 ms and 20 microseconds a stock; a day of the model 10 and 30.
    solves, model = 8 * 1330 / 5 * (0.02 + 20e-6 * 4000), 2000 * (0.01 + 30e-6 * 5000)
    last = f"about {solves / 60:.0f} min; their risk model about {model / 60:.0f} min"
    assert words.endswith(f"{last}, beside the networks")
    monthly = dataclasses.replace(asked, signals=SignalSettings("monthly", every=2))
    rare = dataclasses.replace(paper, enhanced=monthly)
    assert f"about {max(solves / 8 / 60, 1):.0f} min; " in enhanced_words(rare, 1330, extent)
    assert enhanced_words(one, 0, extent) == f"{told} pass"
    assert enhanced_words(one, 1330, dataclasses.replace(extent, stocks=0)) == f"{told} pass"
