"""The mean of a unit's factors against a plain loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.factor_mean import factor_mean

Write = Callable[..., Path]
Array = NDArray[Any]
YEARS = (2022, 2023)


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    rng = np.random.default_rng(0)
    close = 10 * np.exp(np.cumsum(rng.normal(size=(720, 25)) * 0.02, axis=0))
    return make_panel(close, first="2020-06-01")


@pytest.fixture(scope="module")
def factors(panel: Panel) -> dict[int, Array]:
    """By vintage, ``(T, N, K)`` on its two output years; some rows and one cell are missing."""
    made = {}
    years = panel.dates.astype("datetime64[Y]").astype(int) + 1970
    for year in YEARS:
        rng = np.random.default_rng(year)
        values = rng.normal(size=(len(years), 25, 4))
        values[rng.random(values.shape[:2]) < 0.05] = np.nan
        values[-1, 3, 1] = np.nan
        values[~np.isin(years, [year - 1, year])] = np.nan
        made[year] = values
    return made


@pytest.fixture
def files(
    panel: Panel, factors: dict[int, Array], write_factors: Write, tmp_path: Path
) -> list[str]:
    paths = []
    for year, values in factors.items():
        about = {"vintage": year, "out_of_sample_from": f"{year - 1}-01-01", "proxy": True}
        path = tmp_path / f"v{year}" / "factors.parquet"
        path.parent.mkdir()
        paths.append(str(write_factors(path, panel, values, **about)))
    return paths


def test_equals_a_plain_loop(
    panel: Panel, factors: dict[int, Array], files: list[str], tmp_path: Path
) -> None:
    table = read_dated_table(factor_mean(str(panel.path), files, str(tmp_path / "out.parquet")))
    found: dict[Any, dict[str, float]] = {}
    for date, symbol, value in zip(table.dates, table.symbols, table.values[:, 0], strict=True):
        found.setdefault(date, {})[str(symbol)] = float(value)
    expected = {}
    for t, date in enumerate(panel.dates):
        year = int(str(date)[:4])
        rows = factors.get(year, np.full((len(panel.dates), 25, 4), np.nan))[t]
        raw = {str(s): sum(row) / 4 for s, row in zip(panel.symbols, rows.tolist(), strict=True)}
        kept = {symbol: value for symbol, value in raw.items() if not np.isnan(value)}
        if kept:
            mean, std = np.mean(list(kept.values())), np.std(list(kept.values()))
            expected[date] = {symbol: (value - mean) / std for symbol, value in kept.items()}
    assert found.keys() == expected.keys()
    for date, by_symbol in expected.items():
        assert found[date] == pytest.approx(by_symbol, abs=1e-6)


def test_factors_after_a_date_change_nothing_before(
    panel: Panel, factors: dict[int, Array], write_factors: Write, tmp_path: Path
) -> None:
    written = []
    cut = int(np.searchsorted(panel.dates, np.datetime64("2022-06-01")))
    for name, scale in (("a", 1.0), ("b", -3.0)):
        values = factors[2022].copy()
        values[cut:] *= scale
        file = write_factors(tmp_path / f"{name}.parquet", panel, values)
        out = factor_mean(str(panel.path), [str(file)], str(tmp_path / f"{name}_score.parquet"))
        written.append(read_dated_table(out))
    before = [table.values[table.dates < panel.dates[cut]] for table in written]
    np.testing.assert_array_equal(before[0], before[1])
    assert not np.array_equal(written[0].values, written[1].values)


def test_says_what_it_is_made_of(panel: Panel, files: list[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out.parquet")
    about = read_dated_table(factor_mean(str(panel.path), files, out)).metadata
    assert about == {
        "kind": "score",
        "name": "gru on rawbar, mean of factors",
        "weighting": "mean",
        "units": ["gru"],
        "datasets": ["rawbar"],
        "proxies": ["rawbar"],
        "seeds": [3],
        "vintages": list(YEARS),
        "scheme": "oos_lagged",
        "panel_fingerprint": panel.fingerprint,
        "universe": "all",
    }
    named = factor_mean(str(panel.path), files, out, name="mine")
    assert read_dated_table(named).metadata["name"] == "mine"


def test_several_units_and_in_sample_years_are_refused(
    panel: Panel, factors: dict[int, Array], files: list[str], write_factors: Write, tmp_path: Path
) -> None:
    out = str(tmp_path / "out.parquet")
    others = [
        str(write_factors(tmp_path / f"{name}.parquet", panel, factors[2022], dataset=name))
        for name in ("rawbar", "mschars")
    ]
    with pytest.raises(UserError, match=r"factors of gru/mschars, gru/rawbar: average one unit"):
        factor_mean(str(panel.path), others, out)
    late = write_factors(
        tmp_path / "late.parquet", panel, factors[2022], out_of_sample_from="2022-03-01"
    )
    with pytest.raises(UserError, match=r"late\.parquet is out of sample from 2022-03-01 only"):
        factor_mean(str(panel.path), [str(late)], out)
    assert not Path(out).exists()
