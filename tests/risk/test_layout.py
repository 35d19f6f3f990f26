"""Arrays written row by row, and JSON files."""

from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.risk.layout import RowFile, Sizes, dtype_of, read_json, write_json

SIZES = Sizes(rows=5, stocks=3, styles=2, factors=4)
SHAPES = {
    "exposures": (3, 2),
    "industry": (3,),
    "factor_returns": (4,),
    "specific_returns": (3,),
    "fits": (3,),
    "covariance": (4, 4),
    "specific_variance": (3,),
}


@pytest.mark.parametrize(("name", "shape"), SHAPES.items())
def test_rows_become_an_array(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    drawn = np.random.default_rng(0).normal(0, 9, (5, *shape)).astype(dtype_of(name))
    file = RowFile(tmp_path / "a.npy", name, SIZES)
    file.append(drawn[0])
    file.append(drawn[1:3])
    assert file.done == 3
    assert np.array_equal(file.read(), drawn[:3])
    file.append(drawn[3:])
    file.flush()
    file.close()
    found = np.load(tmp_path / "a.npy")
    assert found.dtype == dtype_of(name)
    assert np.array_equal(found, drawn)


def test_rows_after_those_done_are_cut_off(tmp_path: Path) -> None:
    values = np.arange(20.0).reshape(5, 4)
    file = RowFile(tmp_path / "a.npy", "factor_returns", SIZES)
    file.append(values[:4])
    file.close()
    file = RowFile(tmp_path / "a.npy", "factor_returns", SIZES, done=2)
    file.append(values[2:])
    file.close()
    assert np.array_equal(np.load(tmp_path / "a.npy"), values)


def test_a_file_that_lost_rows_is_refused(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "a.npy", "factor_returns", SIZES)
    file.append(np.zeros(4))
    file.close()
    with pytest.raises(ArtefactError, match="shorter than its 2 rows"):
        RowFile(tmp_path / "a.npy", "factor_returns", SIZES, done=2)


def test_a_model_without_styles(tmp_path: Path) -> None:
    sizes = Sizes(rows=2, stocks=3, styles=0, factors=1)
    file = RowFile(tmp_path / "a.npy", "exposures", sizes)
    file.append(np.empty((3, 0)))
    file.append(np.empty((3, 0)))
    file.close()
    assert np.load(tmp_path / "a.npy", mmap_mode="r").shape == (2, 3, 0)


def test_nothing_done_yet(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "a.npy", "fits", SIZES)
    assert file.read().shape == (0, 3)
    file.close()


def test_json_that_is_none(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"a": [1, "b"]})
    assert read_json(tmp_path / "a.json", "do so") == {"a": [1, "b"]}
    (tmp_path / "a.json").write_text("[1]")
    with pytest.raises(ArtefactError, match=r"a.json is damaged \(no JSON object\): do so"):
        read_json(tmp_path / "a.json", "do so")
    (tmp_path / "a.json").write_bytes(b"\xff")
    with pytest.raises(ArtefactError, match=r"cannot be read or is damaged .*: do so"):
        read_json(tmp_path / "a.json", "do so")
