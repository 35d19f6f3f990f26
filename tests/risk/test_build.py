"""The model of a panel: whole, extended, resumed, estimated again, refused."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk import build
from alpha_lightning.risk.build import build_risk_model
from alpha_lightning.risk.days import Days
from alpha_lightning.risk.layout import FITTED, FORECAST, RowFile
from alpha_lightning.risk.model import RiskModel
from alpha_lightning.risk.regression import fit_day
from alpha_lightning.risk.settings import RiskSettings
from tests.risk.model_market import ROWS, SETTINGS, built, contents, small_market, with_changed_cap
from tests.risk.styles_market import style_market

CUT = 110
KILLED = """
import os, signal, sys
from alpha_lightning.panel.store import Panel
from alpha_lightning.risk import build
from alpha_lightning.risk.regression import fit_day
from alpha_lightning.risk.settings import RiskSettings
add, calls = build.Draft.add, []
def dying(*given, **options):
    calls.append(given)
    if len(calls) == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
    add(*given, **options)
build.Draft.add = dying
settings = RiskSettings(min_days=30, window=60)
build.build_risk_model(Panel.open(sys.argv[1]), sys.argv[2], settings)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RiskModel:
    return built(small_market(), tmp_path_factory.mktemp("whole"))


def again(market: Any, folder: Path, **options: Any) -> tuple[RiskModel, list[str]]:
    """The model of a market at ``folder / "risk"``, and what was said of the old one."""
    panel = market.write(folder / f"panel {len(list(folder.glob('panel*')))}")
    said: list[str] = []
    settings = RiskSettings(**{**SETTINGS, **options.pop("settings", {})})
    path = build_risk_model(panel, folder / "risk", settings, say=said.append, **options)
    return RiskModel.open(path), said


def count_fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    fitted: list[int] = []
    fit_row = build._fit_row

    def counted(row: int, *rest: Any) -> Any:
        fitted.append(row)
        return fit_row(row, *rest)

    monkeypatch.setattr(build, "_fit_row", counted)
    return fitted


def test_returns_are_what_factors_and_the_rest_add_up_to(whole: RiskModel, tmp_path: Path) -> None:
    panel = small_market().write(tmp_path / "panel")
    close = np.where(panel.traded, panel.adjusted("close"), np.nan)
    for row in (5, 60, ROWS - 1):
        returns = close[row] / close[row - 1] - 1
        explained = whole.loadings(row - 1) @ np.nan_to_num(whole.factor_returns[row])
        known = whole.covered(row - 1) & np.isfinite(returns)
        assert known.sum() > 25
        told = explained + whole.specific_returns[row]
        np.testing.assert_allclose(told[known], returns[known], atol=1e-6)
        assert np.isnan(whole.specific_returns[row][~known]).all()
        assert whole.fits("stocks")[row] == known.sum()


def test_a_day_is_regressed_on_the_day_before(whole: RiskModel, tmp_path: Path) -> None:
    days = Days(small_market().write(tmp_path / "panel"), RiskSettings(**SETTINGS))
    for row in (5, 100):
        known = days.industry(row - 1, days.exposures(row - 1))
        fit = fit_day(
            days.returns(row),
            np.where((known >= 0)[:, None], days.exposures(row - 1), np.nan),
            known,
            5,
            days.cap(row - 1),
            RiskSettings(),
        )
        np.testing.assert_allclose(whole.factor_returns[row], fit.factor_returns, rtol=1e-9)
        assert whole.fits("r_squared")[row] == pytest.approx(fit.r_squared, rel=1e-9)


def test_risk_begins_once_there_are_enough_days(whole: RiskModel) -> None:
    assert whole.rows.tolist() == list(range(SETTINGS["min_days"], ROWS))
    assert whole.at(SETTINGS["min_days"] - 1) is None
    for row in whole.rows:
        risk = whole.at(row)
        assert risk is not None
        assert np.array_equal(risk.covered, whole.covered(row))
    assert np.isnan(whole.factor_returns[0]).all()


def test_the_same_panel_gives_the_same_bytes(whole: RiskModel, tmp_path: Path) -> None:
    assert contents(built(small_market(), tmp_path).path) == contents(whole.path)


@pytest.mark.parametrize("kind", ["dfq", "simple"])
def test_nothing_is_told_from_the_future(tmp_path: Path, kind: str) -> None:
    row = 90
    one = built(small_market(), tmp_path, "one", kind=kind)
    other = built(small_market().shocked_after(row), tmp_path, "other", kind=kind)
    for name in (*FITTED, *FORECAST):
        mine, theirs = one.array(name), other.array(name)
        assert mine[: row + 1].tobytes() == theirs[: row + 1].tobytes(), name
        assert mine[row + 1 :].tobytes() != theirs[row + 1 :].tobytes(), name


@pytest.mark.parametrize("kind", ["dfq", "simple"])
def test_a_longer_panel_is_added_to_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    market = small_market()
    built(market.until(CUT - 1), tmp_path, kind=kind)
    fitted = count_fits(monkeypatch)
    longer, said = again(market, tmp_path, settings={"kind": kind})
    assert fitted == list(range(CUT, ROWS))
    assert said == []
    alone = built(market, tmp_path, "alone", kind=kind)
    assert contents(longer.path) == contents(alone.path)


def test_new_stocks_are_added_to_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    market = small_market().with_newcomer(17, CUT + 5)
    built(small_market().until(CUT - 1), tmp_path)
    fitted = count_fits(monkeypatch)
    longer, said = again(market, tmp_path)
    assert fitted == list(range(CUT, ROWS))
    assert said == []
    assert longer.symbols[0] == "A"
    assert longer.covered(ROWS - 1)[0]
    assert contents(longer.path) == contents(built(market, tmp_path, "alone").path)


def test_a_model_long_enough_for_fits_is_added_to(tmp_path: Path) -> None:
    # A delisted stock still counts in the fits of the months after.
    short = style_market(rows=330, stocks=40)
    market = short.with_newcomer(17, 315)
    long: dict[str, Any] = {"min_days": 160, "window": 160}
    built(short.until(309), tmp_path, **long)
    longer, said = again(market, tmp_path, settings=long)
    assert said == []
    assert not longer.covered(309)[6]
    assert longer.covered(250)[6]
    assert contents(longer.path) == contents(built(market, tmp_path, "alone", **long).path)


def test_a_model_that_is_up_to_date_is_left_alone(tmp_path: Path) -> None:
    panel = small_market().write(tmp_path / "panel")
    settings = RiskSettings(**SETTINGS)
    path = build_risk_model(panel, tmp_path / "risk", settings)
    before = {file: file.stat().st_ino for file in path.iterdir()}
    build_risk_model(panel, tmp_path / "risk", settings)
    assert {file: file.stat().st_ino for file in path.iterdir()} == before


def test_a_table_that_is_gone_is_written_again(tmp_path: Path) -> None:
    model = built(small_market(), tmp_path)
    before = contents(model.path)
    for name in ("factor_returns.parquet", "diagnostics.parquet"):
        (model.path / name).unlink()
        again(small_market(), tmp_path)
        assert contents(model.path) == before


def test_what_follows_a_changed_date_is_estimated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(small_market(), tmp_path)
    changed = with_changed_cap(small_market(), 100)
    fitted = count_fits(monkeypatch)
    model, said = again(changed, tmp_path)
    assert fitted == list(range(100, ROWS))
    assert len(said) == 1
    assert f"40 rows of {tmp_path / 'risk'}, from {model.dates[100]} on, are estimated" in said[0]
    assert contents(model.path) == contents(built(changed, tmp_path, "alone").path)


def test_a_shorter_panel_cuts_the_model(tmp_path: Path) -> None:
    built(small_market(), tmp_path)
    model, said = again(small_market().until(CUT - 1), tmp_path)
    told = f"{ROWS - len(model.dates)} rows of {tmp_path / 'risk'} are dropped: the panel ends on "
    assert said == [f"{told}{model.dates[-1]}."]
    alone = built(small_market().until(CUT - 1), tmp_path, "alone")
    assert contents(model.path) == contents(alone.path)


def test_everything_is_estimated_again_for_a_reason_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = small_market()
    built(market, tmp_path)
    fitted = count_fits(monkeypatch)
    told = []
    _, said = again(market.without("state_share"), tmp_path)
    told += said
    renamed = ("S000b", *market.symbols[1:])
    _, said = again(type(market)(**{**vars(market), "symbols": renamed}), tmp_path)
    told += said
    _, said = again(market, tmp_path)
    told += said
    _, said = again(market, tmp_path, overwrite=True, settings={"lags": 2})
    told += said
    monkeypatch.setattr(build, "estimator_version", lambda: "another")
    _, said = again(market, tmp_path, settings={"lags": 2})
    told += said
    reasons = [
        "factors are others",
        "factors",
        "no longer has S000b",
        "lags 10, not 2",
        "otherwise",
    ]
    assert len(told) == len(reasons)
    for text, reason in zip(told, reasons, strict=True):
        assert text.startswith(f"Every row of {tmp_path / 'risk'} is estimated again: ")
        assert reason in text
    assert fitted == list(range(ROWS)) * 5


def test_a_model_of_other_settings_is_not_replaced_unasked(tmp_path: Path) -> None:
    model = built(small_market(), tmp_path)
    before = contents(model.path)
    with pytest.raises(
        UserError, match=r"of other settings \(lags 10, not 2\): .*--overwrite true"
    ):
        again(small_market(), tmp_path, settings={"lags": 2})
    assert contents(model.path) == before
    (model.path / "risk.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        again(small_market(), tmp_path)
    mended, _ = again(small_market(), tmp_path, overwrite=True)
    assert contents(mended.path) == before


@pytest.mark.parametrize("calls", [70, ROWS + 75])
def test_a_killed_run_goes_on_where_it_was(
    whole: RiskModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    panel = small_market().write(tmp_path / "panel")
    command = [sys.executable, "-c", KILLED, str(panel.path), str(tmp_path / "risk"), str(calls)]
    assert subprocess.run(command, check=False).returncode == -9
    assert sorted(file.name for file in tmp_path.iterdir()) == [".risk.partial", "panel"]
    fitted = count_fits(monkeypatch)
    path = build_risk_model(panel, tmp_path / "risk", RiskSettings(**SETTINGS))
    assert fitted == list(range(50 if calls == 70 else ROWS, ROWS))
    assert contents(path) == contents(whole.path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["panel", "risk"]


def test_what_a_killed_run_knew_of_another_past_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RiskSettings(**SETTINGS)
    fitted = count_fits(monkeypatch)
    forecast = build._forecast
    monkeypatch.setattr(build, "_forecast", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build_risk_model(small_market().write(tmp_path / "old"), tmp_path / "risk", settings)
    monkeypatch.setattr(build, "_forecast", forecast)
    changed = with_changed_cap(small_market(), 100).write(tmp_path / "new")
    path = build_risk_model(changed, tmp_path / "risk", settings)
    assert fitted == [*range(ROWS), *range(100, ROWS)]
    alone = build_risk_model(changed, tmp_path / "alone", settings)
    assert contents(path) == contents(alone)


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_keeps_what_is_done(
    whole: RiskModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel, settings = small_market().write(tmp_path / "panel"), RiskSettings(**SETTINGS)
    append, calls = RowFile.append, []

    def full(self: RowFile, values: Any) -> None:
        calls.append(values)
        if len(calls) == 400:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        append(self, values)

    monkeypatch.setattr(RowFile, "append", full)
    with pytest.raises(UserError, match=r"No space left on device.*run the same again"):
        build_risk_model(panel, tmp_path / "risk", settings)
    assert not (tmp_path / "risk").exists()
    fitted = count_fits(monkeypatch)
    path = build_risk_model(panel, tmp_path / "risk", settings)
    assert fitted[0] == 50
    assert contents(path) == contents(whole.path)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    panel = small_market().write(tmp_path / "panel")
    with (
        locked(tmp_path / ".risk.partial"),
        pytest.raises(UserError, match="another process estimates the risk model"),
    ):
        build_risk_model(panel, tmp_path / "risk", RiskSettings(**SETTINGS))


@pytest.mark.parametrize("holds", ["things", "file"])
def test_somebodys_folder_is_left_alone(tmp_path: Path, holds: str) -> None:
    panel = small_market().write(tmp_path / "panel")
    out = tmp_path / "risk"
    if holds == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match="will not be replaced"):
        build_risk_model(panel, out, RiskSettings(**SETTINGS), overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_panel_without_enough_history(tmp_path: Path) -> None:
    panel: Panel = small_market().until(29).write(tmp_path / "panel")
    with pytest.raises(UserError, match=r"has 30 dates: with risk.min_days 30 .* needs 31"):
        build_risk_model(panel, tmp_path / "risk", RiskSettings(**SETTINGS))
    assert [file.name for file in tmp_path.iterdir()] == ["panel"]


@pytest.mark.parametrize(
    ("without", "styles", "said"),
    [
        (("industry",), ["size"], "No industries: the panel has none"),
        (("total_cap", "float_cap"), ["size", "trend"], "Style size is dropped: the panel has"),
        (("industry", "total_cap", "float_cap"), [], "every stock weighs the same"),
    ],
)
def test_panels_that_lack_something(
    tmp_path: Path, without: tuple[str, ...], styles: list[str], said: str
) -> None:
    model = built(small_market().without(*without), tmp_path, styles=styles)
    assert any(said in text for text in model.warnings)
    risk = model.at(ROWS - 1)
    assert risk is not None
    assert risk.covered.sum() > 30
    weights = risk.covered / risk.covered.sum()
    assert 0.03 < risk.volatility(weights) < 0.6
