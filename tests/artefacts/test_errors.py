from alpha_lightning.artefacts.errors import ArtefactError, UserError


def test_mistakes_of_a_user_are_value_errors() -> None:
    assert issubclass(ArtefactError, UserError)
    assert issubclass(UserError, ValueError)
