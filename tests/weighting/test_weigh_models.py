"""The command with each model: what it writes beside the score, and what the score says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.importance import importance_file, read_importance
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.weigh import weigh
from alpha_lightning.windows.sample import SampleRule, take_sample

Write = Callable[..., Path]
SMALL: dict[str, Any] = {"min_data_in_leaf": 20, "rounds": 15, "threads": 2}


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    steps = np.random.default_rng(0).normal(size=(480, 30)) * 0.02
    return make_panel(10 * np.exp(np.cumsum(steps, axis=0)), first="2020-07-01")


@pytest.fixture(scope="module")
def files(panel: Panel, write_factors: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two units on two data sets; only the last factor of gru on mschars knows the label."""
    folder = tmp_path_factory.mktemp("factors")
    label = np.nan_to_num(take_sample(panel, SampleRule()).label)
    rng = np.random.default_rng(5)
    for unit in ("gru", "lstm"):
        for dataset in ("rawbar", "mschars"):
            factors = rng.normal(size=(*label.shape, 2))
            if (unit, dataset) == ("gru", "mschars"):
                factors[..., 1] += label
            about = {"unit": unit, "dataset": dataset}
            write_factors(folder / unit / dataset / "factors.parquet", panel, factors, **about)
    return folder


def weighed(panel: Panel, files: Path, out: Path, **changes: Any) -> DatedTable:
    settings = LightGBMSettings(**(SMALL | changes))
    return read_dated_table(weigh(str(panel.path), [str(files)], str(out), settings=settings))


@pytest.mark.parametrize("model", ["lightgbm", "linear"])
def test_the_factor_that_knows_the_label_is_the_important_one(
    panel: Panel, files: Path, tmp_path: Path, model: str
) -> None:
    out = tmp_path / "s0.parquet"
    about = weighed(panel, files, out, model=model).metadata
    assert (about["weighting"], about["settings"]["model"]) == (model, model)
    found = read_importance(out)
    fits = np.unique(found["date"])
    assert [str(date) for date in fits] == [record["date"] for record in about["refits"]]
    assert len(found["date"]) == 8 * len(fits)
    for date in fits:
        on = found["date"] == date
        assert found["gain"][on].sum() == pytest.approx(1)
        for what in ("gain", "shap"):
            best = np.flatnonzero(on)[found[what][on].argmax()]
            named = [str(found[name][best]) for name in ("unit", "dataset", "factor")]
            assert named == ["gru", "mschars", "f01"]
    # SHAP is in units of the label, whose own mean size is about 0.8.
    assert 0.2 < found["shap"].max() < 0.9
    assert all(record["valid_rank_ic"] > 0.3 for record in about["refits"])


def test_equal_weights_tell_no_importance(panel: Panel, files: Path, tmp_path: Path) -> None:
    out = tmp_path / "s0.parquet"
    weighed(panel, files, out)
    assert importance_file(out).exists()
    table = weighed(panel, files, out, model="equal")
    assert table.metadata["weighting"] == "equal"
    assert not importance_file(out).exists()
    assert str(table.dates[0]) == "2022-01-03"


def test_equal_weights_learn_from_no_in_sample_factor(
    panel: Panel, write_factors: Write, tmp_path: Path
) -> None:
    factors = np.random.default_rng(0).normal(size=(len(panel.dates), 30, 2))
    about = {"scheme": "in_sample", "out_of_sample_from": "2022-01-01"}
    path = write_factors(tmp_path / "factors.parquet", panel, factors, **about)
    for model in ("lightgbm", "linear"):
        with pytest.raises(UserError, match="set allow_in_sample"):
            weighed(panel, path, tmp_path / "score.parquet", model=model)
    assert len(weighed(panel, path, tmp_path / "score.parquet", model="equal"))


@pytest.mark.parametrize("model", ["lightgbm", "linear", "equal"])
def test_threads_change_no_byte_of_what_is_written(
    panel: Panel, files: Path, tmp_path: Path, model: str
) -> None:
    written = []
    for threads in (1, 4):
        out = tmp_path / str(threads) / "s0.parquet"
        table = weighed(panel, files, out, model=model, threads=threads)
        beside = importance_file(out)
        assert table.metadata["settings"].pop("threads") == threads
        explained = beside.read_bytes() if beside.exists() else b""
        written.append((table.values.tobytes(), explained, table.metadata))
    assert written[0] == written[1]
