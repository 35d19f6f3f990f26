"""What a model says of itself."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.telling import is_snapshot
from tests.risk.model_market import ROWS, SETTINGS, built, small_market


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RiskModel:
    return built(small_market(), tmp_path_factory.mktemp("telling"), thin_industry=6)


def test_the_description(model: RiskModel) -> None:
    about = json.loads((model.path / "risk.json").read_text())
    assert about["kind"] == "risk"
    assert about["settings"]["min_days"] == SETTINGS["min_days"]
    assert len(about["digests"]) == ROWS == len(set(about["digests"]))
    assert about["panel_fingerprint"] == "f"
    assert about["dropped"] == {}
    listed = small_market().flags["listed"]
    assert about["listed"] == listed.sum()
    assert about["covered"] == sum(int(model.covered(row).sum()) for row in range(ROWS))


def test_thin_industries_are_counted(model: RiskModel) -> None:
    known = np.isfinite(model.specific_returns)
    counts = np.array(
        [np.bincount(model.industry(t - 1)[known[t]], minlength=5) for t in range(1, ROWS)]
    )
    few, none = ((counts > 0) & (counts < 6)).sum(axis=0), (counts == 0).sum(axis=0)
    thin = model.meta["thin_industries"]
    assert {name: thin.get(name, {}).get("few", 0) for name in model.industries} == dict(
        zip(model.industries, few, strict=True)
    )
    # One stock, suspended now and then: 5 % of the days.
    assert thin["I3"]["none"] == none[3] > 0
    (told,) = [text for text in model.warnings if text.startswith("Thin industries: ")]
    assert f"I3 on {few[3]} dates" in told
    assert "had fewer than 6 stocks on some dates and were drawn to the market then" in told
    (told,) = [text for text in model.warnings if text.startswith("Industries without a stock")]
    assert f"I3 on {none[3]} dates" in told


def test_warnings_are_sentences(model: RiskModel, tmp_path: Path) -> None:
    bare = built(small_market().without("industry", "state_share"), tmp_path)
    for text in (*model.warnings, *bare.warnings):
        assert text[0].isupper()
        assert text.endswith(".")
        assert not text.endswith("..")
    assert "soe" not in bare.styles
    assert bare.warnings[0].startswith("Style soe is dropped: the panel has no published state_")
    assert set(bare.meta["dropped"]) == {"soe"}
    assert any(text.startswith("Covered: ") for text in bare.warnings)


def test_industries_that_never_change_for_years_are_a_snapshot() -> None:
    codes = np.tile(np.array([0, 1, 2, 3], dtype=np.int16), (729, 1))
    codes[:100, 0], codes[50:90, 1] = -1, 2  # not there yet, and not known for a while
    assert is_snapshot(codes, unknown=2)
    assert not is_snapshot(codes, unknown=-1), "known to be elsewhere for a while"
    assert not is_snapshot(codes[:-1], unknown=2), "too short to say so"
    codes[700:, 1] = 0
    assert not is_snapshot(codes, unknown=2)


def test_tables_for_those_who_read_parquet(model: RiskModel) -> None:
    returns = pq.read_table(model.path / "factor_returns.parquet")
    assert returns.column_names == ["date", *model.factors]
    dates = returns.column("date").to_numpy().astype("datetime64[D]")
    assert np.array_equal(dates, model.dates)
    for k, name in enumerate(model.factors):
        own = returns.column(name).to_numpy()
        assert np.array_equal(own, model.factor_returns[:, k], equal_nan=True)
    fits = pq.read_table(model.path / "diagnostics.parquet")
    assert fits.column_names == ["date", "r_squared", "adjusted_r_squared", "stocks"]
    assert np.array_equal(fits.column("stocks").to_numpy(), model.fits("stocks"))
    told = model.fits("r_squared")[1:]
    assert (told <= 1).all()
    assert (model.fits("adjusted_r_squared")[1:] < told).all()
