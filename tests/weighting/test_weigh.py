import functools
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from jsonargparse import auto_cli
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.returns import Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.weigh import DEFAULT_LABEL, DEFAULT_SETTINGS, weigh
from alpha_lightning.windows.sample import SampleRule, take_sample

SETTINGS = LightGBMSettings(min_data_in_leaf=20, rounds=15, threads=1)
CONFIG = Path(__file__).parents[2] / "configs/weighting/lightgbm.yaml"
Write = Callable[..., Path]
Array = NDArray[Any]


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    rng = np.random.default_rng(0)
    close = 10 * np.exp(np.cumsum(rng.normal(size=(680, 30)) * 0.02, axis=0))
    return make_panel(close, first="2020-07-01")


@pytest.fixture(scope="module")
def study(panel: Panel, write_factors: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two units, two vintages; a unit's second vintage has the other sign, as networks do."""
    folder = tmp_path_factory.mktemp("study")
    label = np.nan_to_num(take_sample(panel, SampleRule()).label)
    of_date = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    for vintage, sign in ((2022, 1), (2023, -1)):
        for k, unit in enumerate(("gru", "lstm")):
            rng = np.random.default_rng(10 * vintage + k)
            factors = rng.normal(size=(*label.shape, 3))
            factors[..., k] += sign * 0.7 * label
            factors[~np.isin(of_date, [vintage - 1, vintage])] = np.nan
            path = folder / f"units/{unit}/rawbar/v{vintage}/s3/factors.parquet"
            start = f"{vintage - 1}-01-01"
            about = {"unit": unit, "vintage": vintage, "out_of_sample_from": start}
            write_factors(path, panel, factors, **about)
    return folder


def weighed(panel: Panel, study: Path, out: Path, **changes: Any) -> Any:
    arguments = {"settings": SETTINGS} | changes
    path = weigh(str(panel.path), [str(study / "units")], str(out), **arguments)
    assert path == out
    return read_dated_table(out)


def test_each_vintage_scores_its_own_year(panel: Panel, study: Path, tmp_path: Path) -> None:
    table = weighed(panel, study, tmp_path / "score.parquet")
    years = table.dates.astype("datetime64[Y]").astype(int) + 1970
    assert np.unique(years).tolist() == [2022, 2023]
    assert len(table) == 30 * np.isin(panel.dates, np.unique(table.dates)).sum()
    assert np.unique(table.dates).tolist() == panel.dates[panel.dates >= table.dates[0]].tolist()
    label = take_sample(panel, SampleRule()).label
    for year in (2022, 2023):
        rows = years == year
        target = label[panel.locate(table.dates[rows], table.symbols[rows])]
        known = ~np.isnan(target)
        # The second vintage has the other sign: a fit across both would find nothing.
        assert np.corrcoef(table.values[rows, 0][known], target[known])[0, 1] > 0.3


def test_scores_are_standardised_by_date(panel: Panel, study: Path, tmp_path: Path) -> None:
    table = weighed(panel, study, tmp_path / "score.parquet")
    for date in np.unique(table.dates)[::50]:
        values = table.values[table.dates == date, 0].astype(float)
        assert values.mean() == pytest.approx(0, abs=1e-6)
        assert values.std() == pytest.approx(1, abs=1e-6)


def test_says_what_it_is_made_of(panel: Panel, study: Path, tmp_path: Path) -> None:
    about = weighed(panel, study, tmp_path / "score.parquet").metadata
    expected = {
        "kind": "score",
        "name": "gru+lstm",
        "units": ["gru", "lstm"],
        "datasets": ["rawbar"],
        "proxies": [],
        "seeds": [3],
        "lightgbm_seed": 3,
        "vintages": [2022, 2023],
        "scheme": "oos_lagged",
        "panel_fingerprint": panel.fingerprint,
        "universe": "all",
        "label": {"days": 10, "gap": 1},
        "skipped": [],
    }
    assert expected.items() <= about.items()
    assert [record["date"][:7] for record in about["refits"]] == [
        str(month) for month in np.arange("2022-01", "2023-03", dtype="datetime64[M]")
    ]
    named = weighed(panel, study, tmp_path / "named.parquet", name="RNNv0", seed=8).metadata
    assert (named["name"], named["seeds"], named["lightgbm_seed"]) == ("RNNv0", [3], 8)


def test_two_runs_write_equal_files(panel: Panel, study: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        weighed(panel, study, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_order_of_files_changes_nothing(panel: Panel, study: Path, tmp_path: Path) -> None:
    files = sorted(map(str, study.rglob("factors.parquet")))
    for name, order in (("a", files), ("b", files[::-1])):
        weigh(str(panel.path), order, str(tmp_path / name), settings=SETTINGS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_in_sample_factors_need_permission(
    panel: Panel, write_factors: Write, tmp_path: Path
) -> None:
    factors = np.random.default_rng(0).normal(size=(len(panel.dates), 30, 2))
    path = write_factors(
        tmp_path / "factors.parquet",
        panel,
        factors,
        scheme="in_sample",
        out_of_sample_from="2022-01-01",
    )
    arguments = (str(panel.path), [str(path)], str(tmp_path / "score.parquet"))
    with pytest.raises(UserError, match=r"the weighting model learns from 2021-0\d-\d\d: use the"):
        weigh(*arguments, settings=SETTINGS)
    assert not (tmp_path / "score.parquet").exists()
    allowed = LightGBMSettings(**(vars(SETTINGS) | {"allow_in_sample": True}))
    score = read_dated_table(weigh(*arguments, settings=allowed))
    assert score.metadata["scheme"] == "in_sample"
    assert score.metadata["settings"]["allow_in_sample"]


def test_another_panel_is_refused(
    study: Path, make_panel: Callable[..., Panel], tmp_path: Path
) -> None:
    other = make_panel(np.full((680, 30), 10.0), first="2020-07-01")
    with pytest.raises(UserError, match=r"factors\.parquet was made from panel"):
        weigh(str(other.path), [str(study)], str(tmp_path / "score.parquet"), settings=SETTINGS)


def test_an_unknown_scheme_is_refused(panel: Panel, write_factors: Write, tmp_path: Path) -> None:
    factors = np.ones((len(panel.dates), 30, 1))
    write_factors(tmp_path / "factors.parquet", panel, factors, scheme="clairvoyant")
    with pytest.raises(UserError, match="unknown vintage scheme 'clairvoyant'"):
        weigh(str(panel.path), [str(tmp_path)], str(tmp_path / "score.parquet"))


def test_configuration_states_the_defaults() -> None:
    @functools.wraps(weigh)
    def told(**arguments: Any) -> dict[str, Any]:
        return arguments

    given = ["--config", str(CONFIG), "--panel", "p", "--factors", "[f]", "--out", "o"]
    arguments = auto_cli(told, args=given, as_positional=False)
    assert arguments["settings"] == DEFAULT_SETTINGS == LightGBMSettings()
    assert arguments["label"] == DEFAULT_LABEL == Horizon(10, 1)
    assert (arguments["factors"], arguments["universe"]) == (["f"], "all")
    changed = auto_cli(told, args=[*given, "--settings.rounds", "7"], as_positional=False)
    assert changed["settings"].rounds == 7
    stated = yaml.safe_load(CONFIG.read_text())
    assert stated == {
        "settings": asdict(LightGBMSettings()),
        "universe": "all",
        "label": asdict(Horizon(10, 1)),
    }
