"""The command `risk`."""

from pathlib import Path

import pytest

from alpha_lightning.cli import main
from alpha_lightning.risk.model import RiskModel
from tests.risk.model_market import ROWS, contents, small_market, with_changed_cap

QUICK = ["--settings.min_days", "30", "--settings.window", "60"]


@pytest.fixture
def panel(tmp_path: Path) -> str:
    return str(small_market().without("industry", "state_share").write(tmp_path / "panel").path)


def risk(panel: str, out: Path, *options: str) -> int:
    return main(["risk", "--panel", panel, "--out", str(out), *QUICK, *options])


def test_it_prints_what_it_wrote_and_what_it_left_out(
    panel: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert risk(panel, tmp_path / "risk") == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"risk model {tmp_path / 'risk'}\n")
    assert "Style soe is dropped: the panel has no published state_share" in out
    assert "No industries" in out
    assert err == ""
    assert len(RiskModel.open(tmp_path / "risk").dates) == ROWS


@pytest.mark.parametrize("kind", ["dfq", "simple"])
def test_both_kinds_come_with_a_configuration(panel: str, tmp_path: Path, kind: str) -> None:
    config = str(Path(__file__).parents[2] / "configs" / "risk" / f"{kind}.yaml")
    assert risk(panel, tmp_path / "risk", "--config", config) == 0
    assert RiskModel.open(tmp_path / "risk").meta["settings"]["kind"] == kind


def test_what_is_estimated_again_is_said(
    panel: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert risk(panel, tmp_path / "risk") == 0
    changed = with_changed_cap(small_market().without("industry", "state_share"), 100)
    other = str(changed.write(tmp_path / "other").path)
    capsys.readouterr()
    assert risk(other, tmp_path / "risk") == 0
    assert "are estimated again" in capsys.readouterr().err


def test_another_setting_needs_leave(
    panel: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "risk"
    assert risk(panel, out) == 0
    before = contents(out)
    capsys.readouterr()
    assert risk(panel, out, "--settings.kind", "simple") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: {out} is a risk model of other settings (kind dfq, not")
    assert told.err.count("\n") == 1
    assert contents(out) == before
    assert risk(panel, out, "--settings.kind", "simple", "--overwrite", "true") == 0
    assert contents(out) != before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--settings.window", "0"], "risk.window is 0"),
        (["--settings.styles", "[sise]"], "risk.styles has 'sise'"),
    ],
)
def test_a_wrong_setting_is_told(
    panel: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    told: str,
) -> None:
    status: object = None
    try:
        status = risk(panel, tmp_path / "risk", *options)
    except SystemExit as ended:
        status = ended.code
    assert status
    assert told in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["panel"]


def test_no_panel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert risk(str(tmp_path), tmp_path / "risk") == 1
    assert "is not a panel" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
