"""The styles against the plain twin, on a market in which everything happens."""

import numpy as np
import pytest

from alpha_lightning.risk.settings import STYLES, RiskSettings
from alpha_lightning.risk.styles import StyleInputs
from tests.risk.styles_market import StyleMarket, style_market
from tests.risk.styles_plain import PlainStyles


@pytest.fixture(scope="module")
def dirty() -> StyleMarket:
    return style_market()


@pytest.fixture(scope="module")
def twin(dirty: StyleMarket) -> PlainStyles:
    return PlainStyles(dirty)


@pytest.fixture(scope="module")
def inputs(dirty: StyleMarket, tmp_path_factory: pytest.TempPathFactory) -> StyleInputs:
    panel = dirty.write(tmp_path_factory.mktemp("styles"))
    return StyleInputs.of_panel(panel, RiskSettings())


@pytest.mark.parametrize("row", [0, 1, 150, 300, 520, 778, 779])
def test_every_exposure_is_that_of_the_twin(
    row: int, inputs: StyleInputs, twin: PlainStyles
) -> None:
    assert inputs.styles == STYLES
    made = inputs.exposures(row)
    assert made.dtype == np.float32
    covered = twin.covered(row)
    assert np.flatnonzero(np.isfinite(made[:, 0])).tolist() == covered
    assert np.isfinite(made[covered]).all()
    plain = twin.exposures(row)
    for k, style in enumerate(STYLES):
        expected = [plain[style][i] for i in covered]
        np.testing.assert_allclose(made[covered, k], expected, rtol=1e-5, atol=1e-6, err_msg=style)


def test_the_twin_is_told_apart(inputs: StyleInputs, twin: PlainStyles) -> None:
    """No style of the last row is 0 throughout, or the comparison would say nothing."""
    made = inputs.exposures(779)[twin.covered(779)]
    assert (np.abs(made).max(axis=0) > 0.5).all()
