from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.errors import LookAheadError, PanelError


def test_panel_mistakes_are_the_users() -> None:
    assert issubclass(PanelError, UserError)
    assert issubclass(LookAheadError, UserError)
