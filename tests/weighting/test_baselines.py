from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.universe import universe
from alpha_lightning.weighting.baselines import baseline, reversal_score
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.windows.sample import SampleRule, take_sample

Array = NDArray[Any]
SETTINGS = LightGBMSettings(min_data_in_leaf=20, rounds=15, threads=1)
FIRST = "2020-09-01"


def reversing_closes(n_dates: int = 410, n_assets: int = 40, seed: int = 0) -> Array:
    """Whatever was gained yesterday is lost, day by day, over the next ten."""
    rng = np.random.default_rng(seed)
    moves = np.zeros((n_dates, n_assets))
    shocks = rng.normal(size=moves.shape) * 0.02
    for t in range(n_dates):
        moves[t] = shocks[t] - 0.07 * shocks[max(t - 12, 0) : t].sum(axis=0)
    return 10 * np.exp(np.cumsum(moves, axis=0))


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    close = reversing_closes()
    close[350:360, 5] = np.nan
    return make_panel(close, first=FIRST)


def scored(kind: Literal["reversal", "summary"], panel: Panel, out: Path, **changes: Any) -> Array:
    arguments = {"settings": SETTINGS} | changes
    table = read_dated_table(baseline(kind, str(panel.path), str(out), [2022], **arguments))
    scores = np.full((len(panel.dates), len(panel.symbols)), np.nan)
    scores[panel.locate(table.dates, table.symbols)] = table.values[:, 0]
    return scores


def mean_ic(scores: Array, label: Array) -> float:
    both = ~np.isnan(scores) & ~np.isnan(label)
    rows = [t for t in range(len(scores)) if both[t].any()]
    ics = [np.corrcoef(scores[t, both[t]], label[t, both[t]])[0, 1] for t in rows]
    return float(np.mean(ics))


def test_reversal_equals_a_plain_loop(panel: Panel) -> None:
    members = universe(panel) & (np.arange(40) != 2)
    scores = reversal_score(panel, members)
    close = panel.market("close")
    assert np.isnan(scores[:5]).all()
    for t in (5, 100, 352, 362, 366):
        raw = np.array([-(close[t, n] / close[t - 5, n] - 1) for n in range(40)])
        raw[~members[t]] = np.nan
        expected = (raw - np.nanmean(raw)) / np.nanstd(raw)
        np.testing.assert_allclose(scores[t], expected, rtol=1e-9, atol=1e-12)
    assert np.isnan(scores[352, 5])
    assert np.isnan(scores[362, 5])


@pytest.mark.parametrize("kind", ["reversal", "summary"])
def test_finds_a_reversal(
    kind: Literal["reversal", "summary"], panel: Panel, tmp_path: Path
) -> None:
    label = take_sample(panel, SampleRule()).label
    assert mean_ic(scored(kind, panel, tmp_path / "score.parquet"), label) > 0.2


@pytest.mark.parametrize("kind", ["reversal", "summary"])
def test_scores_the_years_asked_for(
    kind: Literal["reversal", "summary"], panel: Panel, tmp_path: Path
) -> None:
    scores = scored(kind, panel, tmp_path / "score.parquet")
    dates = panel.dates[np.isfinite(scores).any(axis=1)]
    assert dates.tolist() == panel.dates[panel.dates >= np.datetime64("2022-01-01")].tolist()


@pytest.mark.parametrize("kind", ["reversal", "summary"])
def test_changing_the_future_leaves_the_past_bit_equal(
    kind: Literal["reversal", "summary"],
    panel: Panel,
    make_panel: Callable[..., Panel],
    tmp_path: Path,
) -> None:
    t = int(np.searchsorted(panel.dates, np.datetime64("2022-02-15")))
    close = np.array(panel.market("close"))
    close[t + 1 :] *= np.random.default_rng(9).uniform(0.5, 2, size=close[t + 1 :].shape)
    before = scored(kind, panel, tmp_path / "a.parquet")
    after = scored(kind, make_panel(close, FIRST), tmp_path / "b.parquet")
    np.testing.assert_array_equal(before[: t + 1], after[: t + 1])
    assert np.isfinite(before[t]).any()
    assert not np.array_equal(before[t + 1 :], after[t + 1 :], equal_nan=True)


def test_two_runs_write_equal_files(panel: Panel, tmp_path: Path) -> None:
    for name in ("a", "b"):
        baseline("summary", str(panel.path), str(tmp_path / name), [2022], settings=SETTINGS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_says_what_it_is(panel: Panel, tmp_path: Path) -> None:
    path = str(panel.path)
    plain = read_dated_table(baseline("reversal", path, str(tmp_path / "r"), [2022])).metadata
    assert plain["kind"] == "score"
    assert (plain["name"], plain["scheme"], plain["seeds"]) == ("reversal", "baseline", [])
    fitted = read_dated_table(
        baseline(
            "summary", path, str(tmp_path / "s"), [2022], settings=SETTINGS, seed=4, name="trees"
        )
    ).metadata
    assert (fitted["name"], fitted["seeds"], fitted["vintages"]) == ("trees", [4], [2022])
    assert fitted["panel_fingerprint"] == panel.fingerprint
    assert [record["date"][:7] for record in fitted["refits"]] == ["2022-01", "2022-02", "2022-03"]


def test_refuses_years_without_data(panel: Panel, tmp_path: Path) -> None:
    arguments = str(panel.path), str(tmp_path / "score.parquet")
    with pytest.raises(UserError, match="no year to score"):
        baseline("reversal", *arguments, [])
    with pytest.raises(UserError, match="has nothing to score in 2030: name other years"):
        baseline("reversal", *arguments, [2030])
    with pytest.raises(UserError, match="vintage 2030"):
        baseline("summary", *arguments, [2030])
