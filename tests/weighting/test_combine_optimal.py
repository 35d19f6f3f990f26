"""Means of scores with optimal weights: the mean itself, its options and its metadata."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.combine import combine
from alpha_lightning.weighting.score_file import write_score
from alpha_lightning.windows.sample import SampleRule, take_sample

Array = NDArray[Any]


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    steps = np.random.default_rng(0).normal(size=(300, 30)) * 0.02
    return make_panel(10 * np.exp(np.cumsum(steps, axis=0)), first="2021-01-01")


@pytest.fixture(scope="module")
def parts(panel: Panel, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A weak and a strong score; the weak one lacks the first stock."""
    folder = tmp_path_factory.mktemp("parts")
    label = np.nan_to_num(take_sample(panel, SampleRule()).label).astype(float)
    paths = []
    for name, strength in (("weak", 0.1), ("strong", 0.8)):
        rng = np.random.default_rng(len(name))
        values = strength * label + rng.normal(size=label.shape)
        values[:60] = np.nan
        values[:, 0] = np.nan if name == "weak" else values[:, 0]
        about = {"name": name, "units": [name], "panel_fingerprint": panel.fingerprint}
        path = folder / f"{name}.parquet"
        paths.append(str(write_score(path, panel.dates, panel.symbols, values, about)))
    return paths


def grid(panel: Panel, table: DatedTable) -> Array:
    dense = np.full((len(panel.dates), len(panel.symbols)), np.nan)
    dense[panel.locate(table.dates, table.symbols)] = table.values[:, 0]
    return dense


def standardised(x: Array) -> Array:
    return np.asarray((x - np.nanmean(x, axis=1, keepdims=True)) / np.nanstd(x, axis=1)[:, None])


def test_is_the_weighted_mean_of_each_month(panel: Panel, parts: list[str], tmp_path: Path) -> None:
    arguments = {"weights": "optimal", "panel": str(panel.path), "shrink": 0.2, "min_dates": 30}
    path = combine(parts, str(tmp_path / "opt.parquet"), "RNNopt", **arguments)  # type: ignore[arg-type]
    table = read_dated_table(path)
    about, found = table.metadata, grid(panel, table)
    assert (about["name"], about["weights"], about["units"]) == (
        *("RNNopt", "optimal"),
        ["strong", "weak"],
    )
    assert [part["name"] for part in about["parts"]] == ["weak", "strong"]
    assert about["weights_rule"]["shrink"] == 0.2
    told = {month["date"][:7]: month for month in about["weights_by_month"]}
    equal = grid(panel, read_dated_table(combine(parts, str(tmp_path / "equal.parquet"))))
    weak, strong = (grid(panel, read_dated_table(part)) for part in parts)
    seen = set()
    for t in range(60, len(panel.dates)):
        month = told[str(panel.dates[t])[:7]]
        seen.add("equal_because" in month)
        if "equal_because" in month:
            np.testing.assert_array_equal(found[t], equal[t])
        else:
            a, b = month["weights"]
            assert b > 0.6 > a
            expected = standardised((a * np.nan_to_num(weak) + b * strong)[[t]])[0]
            np.testing.assert_allclose(found[t], expected, atol=1e-5)
    assert seen == {True, False}


def test_is_better_than_the_equal_mean_when_one_score_is(
    panel: Panel, parts: list[str], tmp_path: Path
) -> None:
    label = take_sample(panel, SampleRule()).label
    ics = []
    for name, options in (("equal", {}), ("optimal", {"panel": str(panel.path)})):
        path = combine(parts, str(tmp_path / name), weights=name, **options)  # type: ignore[arg-type]
        score = grid(panel, read_dated_table(path))[200:]
        both = np.isfinite(score) & np.isfinite(label[200:])
        ics.append(np.corrcoef(score[both], label[200:][both])[0, 1])
    assert ics[1] > ics[0] + 0.05


def test_all_options_reach_the_rule(panel: Panel, parts: list[str], tmp_path: Path) -> None:
    path = combine(
        parts,
        str(tmp_path / "opt.parquet"),
        weights="optimal",
        panel=str(panel.path),
        universe="all",
        label=Horizon(5, 0),
        shrink=1.0,
        min_dates=20,
    )
    about = read_dated_table(path).metadata
    assert about["weights_rule"] == {
        "universe": "all",
        "label": {"days": 5, "gap": 0},
        "shrink": 1.0,
        "window": 243,
        "min_dates": 20,
    }
    assert about["weights_by_month"][-1]["weights"] == [0.5, 0.5]


def test_options_and_weights_must_fit(
    panel: Panel, parts: list[str], tmp_path: Path, make_panel: Callable[..., Panel]
) -> None:
    out = str(tmp_path / "opt.parquet")
    with pytest.raises(UserError, match="panel, shrink: of no use with equal weights; ask for"):
        combine(parts, out, panel=str(panel.path), shrink=0.1)
    with pytest.raises(UserError, match="universe: of no use with equal weights"):
        combine(parts, out, universe="all")
    with pytest.raises(UserError, match="name the panel of the scores"):
        combine(parts, out, weights="optimal")
    with pytest.raises(UserError, match="weights is best: choose equal or optimal"):
        combine(parts, out, weights="best")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="shrink is 2"):
        combine(parts, out, weights="optimal", panel=str(panel.path), shrink=2)
    other = make_panel(np.full((300, 30), 10.0), first="2021-01-01")
    with pytest.raises(UserError, match=r"weak\.parquet was made from panel .*: name the panel"):
        combine(parts, out, weights="optimal", panel=str(other.path))
    assert not Path(out).exists()


def test_an_equal_mean_says_so(parts: list[str], tmp_path: Path) -> None:
    about = read_dated_table(combine(parts, str(tmp_path / "mean.parquet"))).metadata
    assert about["weights"] == "equal"
    assert "weights_by_month" not in about
