from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.evaluation.run_scores import (
    Runs,
    read_runs,
    run_metadata,
    standardise,
    varying,
)
from alpha_lightning.evaluation.sample import EvaluationRule, draw_sample
from alpha_lightning.panel.store import Panel

DATES, STOCKS = 60, 40
MODELS = ("gru", "lstm")
Write = Callable[..., str]


@pytest.fixture
def panel(market: Callable[..., Any], tmp_path: Path) -> Panel:
    written: Panel = market(DATES, STOCKS, seed=3).write(tmp_path / "market")
    return written


def values(seed: int) -> Any:
    return np.random.default_rng(seed).normal(2, 5, (DATES, STOCKS))


def runs_of(panel: Panel, shown: list[str], files: list[str], **rule: Any) -> Runs | None:
    sample = draw_sample(panel.path, shown, EvaluationRule(**rule))
    return read_runs(files, sample, sample.scores)


def test_runs_are_z_scored_on_the_stocks_that_all_of_them_have(
    panel: Panel, write_score: Write
) -> None:
    holed = values(1)
    holed[:, :5] = np.nan
    holed[12, 15:] = np.nan
    constant = values(2)
    constant[17] = 3.5
    shown = [write_score(panel, values(k), unit, units=[unit]) for k, unit in enumerate(MODELS)]
    files = [write_score(panel, holed, "gru/s0"), write_score(panel, constant, "lstm/s3")]
    files.append(write_score(panel, holed, "gru, in-sample stacking/s0"))
    found = runs_of(panel, shown, files, frequency="daily")
    assert found is not None
    assert found.by_model == {"gru": [0], "lstm": [1]}
    sample = draw_sample(panel.path, shown, EvaluationRule(frequency="daily"))
    weekly = sample.rows[sample.weekly]
    assert found.rows.tolist() == weekly.tolist(), "runs are weekly whatever the frequency"
    mask = (sample.masks[0] & np.isfinite(holed[sample.rows]))[sample.weekly]
    for row, date in enumerate(weekly.tolist()):
        # Too few stocks on day 12, a constant run on day 17: nothing can be compared.
        dead = date in (12, 17) or mask[row].sum() < 20
        assert found.mask[row].tolist() == (mask[row] & ~np.array(dead)).tolist()
        inside = found.mask[row]
        if not dead:
            for k, source in enumerate((holed, constant)):
                expected = stats.zscore(source[date, inside])
                np.testing.assert_allclose(found.values[k, row, inside], expected, atol=1e-5)
        assert np.isnan(found.values[:, row, ~inside]).all()
    assert {12, 17} < set(weekly.tolist())


def test_the_correlation_of_runs_is_the_mean_of_numpys(panel: Panel, write_score: Write) -> None:
    one = values(0)
    shown = [write_score(panel, one, "gru", units=["gru"])]
    files = [write_score(panel, one + k * values(k), f"gru/s{k}") for k in range(3)]
    found = runs_of(panel, shown, files)
    assert found is not None
    by_date = [
        np.corrcoef(found.values[:, row, inside])
        for row, inside in enumerate(found.mask)
        if inside.any()
    ]
    np.testing.assert_allclose(found.correlation, np.mean(by_date, axis=0), atol=1e-6)


def test_a_model_of_one_seed_is_its_own_run(panel: Panel, write_score: Write) -> None:
    about: dict[str, Any] = {"units": ["gru"], "seeds": [4], "datasets": ["rawbar"]}
    shown = [
        write_score(panel, values(0), "gru", **about),
        write_score(panel, values(1), "lstm", **about | {"seeds": [0, 1]}),
        write_score(panel, values(2), "v1", **about | {"units": ["gru", "lstm"]}),
        write_score(panel, values(3), "summary", **about, scheme="baseline"),
    ]
    found = runs_of(panel, shown, [])
    assert found is not None
    assert [score.name for score in found.scores] == ["gru/s4"]
    assert runs_of(panel, shown[1:], []) is None
    own = runs_of(panel, shown, [write_score(panel, values(5), "gru/s0")])
    assert own is not None
    assert [score.name for score in own.scores] == ["gru/s0"], "a file goes before the score"


def test_scores_of_other_stocks_do_not_narrow_runs_unless_asked(
    panel: Panel, write_score: Write
) -> None:
    half = values(0)
    half[:, 25:] = np.nan
    shown = [write_score(panel, half, "gru", units=["gru"])]
    files = [write_score(panel, values(1), "gru/s0")]
    same, own = (runs_of(panel, shown, files, same_stocks=flag) for flag in (True, False))
    assert same is not None
    assert own is not None
    assert same.mask.sum(axis=1).max() <= 25
    assert own.mask.sum(axis=1).max() > 30


def test_provenance_of_runs_by_model(panel: Panel, write_score: Write) -> None:
    names = ("gru/s0", "gru/s1", "lstm, in-sample stacking/s0")
    files = [write_score(panel, values(k), name, refits=[k]) for k, name in enumerate(names)]
    found = {model: [about["refits"] for about in of] for model, of in run_metadata(files).items()}
    assert found == {"gru": [[0], [1]], "lstm, in-sample stacking": [[2]]}


def test_mistakes_are_named(panel: Panel, write_score: Write) -> None:
    shown = [write_score(panel, values(0), "gru", units=["gru"])]
    with pytest.raises(UserError, match=r"'gru' is no single run: name it like 'gru/s0'"):
        runs_of(panel, shown, shown)
    few = values(1)
    few[:, 19:] = np.nan
    file = write_score(panel, few, "gru/s0")
    with pytest.raises(UserError, match="no week has 20 stocks with all of the runs gru/s0"):
        runs_of(panel, shown, [file])


def test_a_run_that_is_always_constant_takes_nothing_from_the_others(
    panel: Panel, write_score: Write
) -> None:
    shown = [write_score(panel, values(0), "gru", units=["gru"])]
    files = [write_score(panel, values(k), f"gru/s{k}") for k in (1, 2)]
    flat = [write_score(panel, np.full((DATES, STOCKS), 2.5), "gru/s3")]
    with_it, without = (runs_of(panel, shown, some) for some in (files + flat, files))
    assert with_it is not None
    assert without is not None
    assert (with_it.constant, without.constant) == (("gru/s3",), ())
    assert [score.name for score in with_it.scores] == ["gru/s1", "gru/s2"]
    np.testing.assert_array_equal(with_it.values, without.values)
    with pytest.raises(UserError, match="all of the runs gru/s3"):
        runs_of(panel, shown, flat)


def test_models_of_one_seed_without_a_common_week_have_no_runs(
    panel: Panel, write_score: Write
) -> None:
    about: dict[str, Any] = {"datasets": ["rawbar"], "seeds": [0]}
    left, right = values(0), values(1)
    left[:, 25:] = right[:, :25] = np.nan
    shown = [
        write_score(panel, left, "gru", units=["gru"], **about),
        write_score(panel, right, "lstm", units=["lstm"], **about),
    ]
    assert runs_of(panel, shown, [], same_stocks=False) is None
    flat = write_score(panel, np.full((DATES, STOCKS), 1.0), "agru", units=["agru"], **about)
    assert runs_of(panel, [flat], []) is None


def test_a_date_without_stocks_has_no_z_scores() -> None:
    x, mask = np.array([[1.0, 2.0, 9.0], [1.0, 1.0, 4.0]]), np.array([[1, 1, 0], [0, 0, 0]]) > 0
    np.testing.assert_array_equal(standardise(x, mask), [[-1, 1, np.nan], [np.nan] * 3])
    assert varying(x, np.array([[1, 1, 0], [1, 1, 0]]) > 0).tolist() == [True, False]
