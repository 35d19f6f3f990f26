"""What a study says of its W&B runs."""

from typing import Literal

import pytest

from alpha_lightning.study.dashboard import dashboard_text
from alpha_lightning.study.settings import SourceSettings, StudySettings, TrackingSettings


def study(tracking: TrackingSettings) -> StudySettings:
    source = SourceSettings(panel="panel")
    return StudySettings("mine", ["gru.yaml"], [2022], source=source, tracking=tracking)


@pytest.mark.parametrize("off", ["off", False])
def test_nothing_without_weights_and_biases(off: bool | str) -> None:
    assert dashboard_text(study(TrackingSettings(wandb=off))) == ""  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)


def test_how_to_group_and_colour() -> None:
    text = dashboard_text(study(TrackingSettings(wandb="online", project="p", entity="team")))
    for words in ("project team/p,", "group by config.unit", "colour by config.seed"):
        assert words in text
    assert "wandb sync" not in text


@pytest.mark.parametrize(("asked", "environment"), [("offline", ""), ("online", "offline")])
def test_how_offline_runs_get_there(
    monkeypatch: pytest.MonkeyPatch, asked: Literal["offline", "online"], environment: str
) -> None:
    monkeypatch.setenv("WANDB_MODE", environment)
    text = dashboard_text(study(TrackingSettings(wandb=asked, project="p")))
    assert "project p," in text
    assert text.endswith("wandb sync runs/mine/wandb/offline-run-*")
