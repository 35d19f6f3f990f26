from alpha_lightning.reports.contents import contents

EMPTY = dict.fromkeys(
    (
        *("claims", "unmeasured", "values", "shares", "weightings", "gap", "importances"),
        *("ensemble", "optimal", "portfolios", "enhanced", "risk"),
    )
)


def test_sections_that_are_not_there_are_not_listed() -> None:
    assert [anchor for anchor, _ in contents(EMPTY)] == [
        *("signal", "groups", "trust", "provenance")
    ]
    found = [anchor for anchor, _ in contents({**EMPTY, "enhanced": 1, "risk": 1, "gap": 1})]
    assert found == ["weighting", "signal", "groups", "enhanced", "risk", "trust", "provenance"]
