import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch_rule import BatchRule


@pytest.mark.parametrize("wrong", [{"dates": 0}, {"workers": -1}])
def test_mistakes_are_told_at_once(wrong: dict[str, int]) -> None:
    with pytest.raises(PanelError, match="need data"):
        BatchRule(**wrong)  # type: ignore[arg-type]
