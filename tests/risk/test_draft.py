"""What outlives a process, and what does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.risk.draft import Draft, drafted
from alpha_lightning.risk.layout import FITTED, FORECAST, Sizes, dtype_of

SIZES = Sizes(rows=4, stocks=3, styles=2, factors=3)
IDENTITY = {"symbols": ["A", "B", "C"], "settings": {"lags": 5}}


def rows(names: tuple[str, ...], value: float) -> dict[str, Any]:
    return {name: np.full(SIZES.shape(name), value, dtype_of(name)) for name in names}


def filled(folder: Path, fitted: int, forecast: int) -> Draft:
    folder.mkdir(exist_ok=True)
    draft = Draft(folder, SIZES, IDENTITY)
    for row in range(fitted):
        draft.add(rows(FITTED, row), [str(row)])
    for row in range(forecast):
        draft.add(rows(FORECAST, row))
    return draft


def test_what_is_saved_is_found_again(tmp_path: Path) -> None:
    draft = filled(tmp_path, 3, 1)
    draft.save()
    draft.add(rows(FITTED, 9), ["9"])
    draft.close()
    draft = Draft(tmp_path, SIZES, IDENTITY)
    assert (draft.fitted, draft.forecast, draft.digests) == (3, 1, ["0", "1", "2"])
    assert draft.read("exposures")[:, 0, 0].tolist() == [0, 1, 2]
    assert draft.read("covariance")[:, 0, 0].tolist() == [0]
    draft.close()


def test_another_models_work_is_of_no_use(tmp_path: Path) -> None:
    draft = filled(tmp_path, 3, 1)
    draft.save()
    draft.close()
    draft = Draft(tmp_path, SIZES, IDENTITY | {"settings": {"lags": 2}})
    assert (draft.fitted, draft.forecast, draft.digests) == (0, 0, [])
    draft.close()


@pytest.mark.parametrize(
    "spoilt", [b"", b"{", b"[]", b'{"identity": {}}', "shorter", "missing", "fewer digests"]
)
def test_work_that_is_damaged_is_begun_again(tmp_path: Path, spoilt: Any) -> None:
    draft = filled(tmp_path, 3, 1)
    draft.digests = draft.digests[:1] if spoilt == "fewer digests" else draft.digests
    draft.save()
    draft.close()
    if isinstance(spoilt, bytes):
        (tmp_path / "progress.json").write_bytes(spoilt)
    elif spoilt == "shorter":
        (tmp_path / "fits.npy").write_bytes(b"x")
    elif spoilt == "missing":
        (tmp_path / "industry.npy").unlink()
    draft = Draft(tmp_path, SIZES, IDENTITY)
    assert (draft.fitted, draft.forecast, draft.digests) == (0, 0, [])
    draft.close()


def test_rows_are_forgotten(tmp_path: Path) -> None:
    draft = filled(tmp_path, 4, 3)
    draft.keep(2)
    assert (draft.fitted, draft.forecast, draft.digests) == (2, 2, ["0", "1"])
    draft.keep(9)
    assert (draft.fitted, draft.forecast) == (2, 2)
    draft.close()


def test_the_model_takes_its_place_whole(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "risk"
    with drafted(out, SIZES, IDENTITY) as draft:
        for row in range(4):
            draft.add(rows(FITTED, row), [str(row)])
            draft.add(rows(FORECAST, row))
        draft.save()
        draft.finish(out)
    names = sorted(f"{name}.npy" for name in (*FITTED, *FORECAST))
    assert [file.name for file in sorted(out.iterdir())] == names
    assert [file.name for file in out.parent.iterdir()] == ["risk"]


def test_a_mistake_leaves_nothing(tmp_path: Path) -> None:
    def mistaken() -> None:
        with drafted(tmp_path / "risk", SIZES, IDENTITY):
            msg = "a mistake"
            raise UserError(msg)

    with pytest.raises(UserError, match="a mistake"):
        mistaken()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(UserError, match="cannot write"),
        drafted(tmp_path / "file" / "risk", SIZES, IDENTITY),
    ):
        pass
