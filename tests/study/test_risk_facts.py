"""What `inspect` says of a risk model."""

from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.inspect import inspect
from alpha_lightning.study.risk_facts import of_risk_model
from tests.risk.model_market import built, small_market


def test_a_risk_model_in_lines(tmp_path: Path) -> None:
    model = built(small_market(), tmp_path)
    told = dict(of_risk_model(model.path))
    assert told["dates"] == f"140, 2015-01-01 to {model.dates[-1]}"
    assert told["risk told on"] == "110 dates, from 2015-01-31"
    assert told["industries"] == "5: I0, I1, I2, I3, unknown industry"
    assert told["styles"].startswith("size, beta, trend")
    assert told["R2 adjusted"].endswith("stocks a date")
    assert told["settings"].startswith("kind=dfq, styles=size beta trend")
    factors = [text for label, text in of_risk_model(model.path) if label == "factor"]
    assert [text.partition(":")[0] for text in factors][-1] == "market"
    assert len(factors) > 7
    warnings = [text for label, text in of_risk_model(model.path) if label == "warnings"]
    assert warnings == list(model.warnings)


def test_inspect_knows_it_and_its_parts(tmp_path: Path) -> None:
    path = built(small_market(), tmp_path).path
    text = inspect([str(path)])
    assert text.startswith(f"risk model {path}\n")
    assert all(len(line) <= 106 for line in text.splitlines()[1:])
    with pytest.raises(UserError, match=f"is a part of a risk model: name its folder {path}"):
        inspect([str(path / "factor_returns.parquet")])
    (path / "covariance.npy").unlink()
    with pytest.raises(UserError, match=r"covariance.npy is missing or damaged"):
        inspect([str(path)])


def test_a_model_of_nothing_but_daily_bars(tmp_path: Path) -> None:
    market = small_market().without("industry", "total_cap", "float_cap")
    told = dict(of_risk_model(built(market, tmp_path, styles=["trend"]).path))
    assert told["industries"] == "none"
    assert told["styles"] == "trend"
