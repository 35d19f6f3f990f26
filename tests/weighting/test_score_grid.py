from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting.score_grid import read_score_grid


def test_values_land_on_their_date_and_symbol(
    market: Callable[..., Any], write_score: Callable[..., str], tmp_path: Path
) -> None:
    panel = market(30, 25).write(tmp_path / "market")
    values = np.random.default_rng(0).normal(size=(30, 25)).astype(np.float32)
    values[3, 4] = np.nan
    rows = np.array([3, 8, 20])
    grid = read_score_grid(write_score(panel, values, scheme="v1"), panel, rows)
    assert np.array_equal(grid.values, values[rows], equal_nan=True)
    assert (grid.name, grid.metadata["scheme"], len(grid.fingerprint)) == ("alpha", "v1", 16)
    values[7, 2] = np.inf
    with pytest.raises(UserError, match=f"the first for S002 on {panel.dates[7]}"):
        read_score_grid(write_score(panel, values), panel, rows)
