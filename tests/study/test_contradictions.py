"""Settings that cannot all be meant; the list of them is in test_settings.py."""

import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.study.contradictions import refuse_contradictions
from alpha_lightning.study.settings import SourceSettings, StudySettings


def test_a_study_without_contradictions_passes_and_a_changed_one_does_not() -> None:
    study = StudySettings("mine", ["gru.yaml"], [2022], source=SourceSettings(panel="a"))
    refuse_contradictions(study)
    object.__setattr__(study, "groups", {"RNN": ["gru", "gru"]})
    with pytest.raises(PanelError, match="group RNN is"):
        refuse_contradictions(study)
