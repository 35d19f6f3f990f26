"""What a study says of its W&B runs."""

import pytest

from alpha_lightning.study.dashboard import dashboard_text
from alpha_lightning.study.settings import SourceSettings, StudySettings, TrackingSettings


def study(tracking: TrackingSettings) -> StudySettings:
    source = SourceSettings(panel="panel")
    return StudySettings("mine", ["gru.yaml"], [2022], source=source, tracking=tracking)


@pytest.mark.parametrize("off", ["off", False])
def test_nothing_without_weights_and_biases(off: bool | str) -> None:
    assert dashboard_text(study(TrackingSettings(wandb=off))) == ""  # type: ignore[arg-type]


def test_how_to_group_and_colour() -> None:
    text = dashboard_text(study(TrackingSettings(wandb="online", project="p", entity="team")))
    for words in ("project team/p,", "group by config.unit", "colour by config.seed"):
        assert words in text
    assert "wandb sync" not in text


def test_how_offline_runs_get_there() -> None:
    text = dashboard_text(study(TrackingSettings(wandb="offline", project="p")))
    assert "project p," in text
    assert text.endswith("wandb sync runs/mine/wandb/offline-run-*")
