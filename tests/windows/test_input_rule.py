import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.input_rule import InputRule


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_coverage_that_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(PanelError, match="must be from 0 to 1"):
        InputRule(min_coverage=share)
