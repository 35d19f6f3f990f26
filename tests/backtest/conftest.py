"""Enhanced portfolios that several files look at."""

from pathlib import Path

import pytest

from tests.backtest.enhanced_grid_market import made_grid


@pytest.fixture(scope="session")
def enhanced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Portfolios of two scores, two indices, two floors and two limits; not to be written to."""
    return made_grid(tmp_path_factory.mktemp("enhanced grid"))
