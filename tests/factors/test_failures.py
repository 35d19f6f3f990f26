import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.cli import main
from alpha_lightning.factors.failures import in_a_line

Options = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trainer.accelerator": "gpu"}, "No supported gpu backend found!"),
        ({"trainer.accelerator": "cuda", "trainer.devices": 2}, "CUDAAccelerator` can not run"),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there(
    options: Options,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, Any],
    message: str,
) -> None:
    assert main(options(tmp_path / "run", **settings)) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Here are 0 CUDA devices: set trainer.accelerator and trainer.devices to what" in error
    assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_more_devices_than_there_are() -> None:
    told = "You requested gpu: [0, 1]\n But your machine only has: [0]"
    message = r"\[0, 1\] But your machine only has: \[0\] Here are"
    with pytest.raises(UserError, match=message), in_a_line():
        raise MisconfigurationException(told)


def test_a_contradiction_of_settings_is_told_as_lightning_tells_it() -> None:
    with pytest.raises(UserError, match=r"^this and that$"), in_a_line():
        raise MisconfigurationException("this\n  and that")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has"),
            r"out of memory \(CUDA out of memory\): residency host would fit",
        ),
        (MemoryError(), r"out of memory \(out of memory\): residency host would fit"),
    ],
)
def test_out_of_memory_tells_what_would_fit(error: Exception, told: str) -> None:
    with pytest.raises(UserError, match=told), in_a_line(lambda: "residency host would fit"):
        raise error
    with pytest.raises(UserError, match="fewer stocks"), in_a_line():
        raise error


def test_out_of_memory_in_a_step_is_one_line(
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    monkeypatch.setattr("alpha_lightning.factors.unit.FactorUnit.training_step", full)
    assert main(options(tmp_path / "run")) == 1
    error = capsys.readouterr().err
    assert "error: out of memory (CUDA out of memory): " in error
    assert "Traceback" not in error


def test_early_stopping_without_a_validation_is_one_line(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(tmp_path / "run", **{"trainer.max_steps": 2})) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: Early stopping conditioned on metric `valid/ic` which is not")
    assert "ended before its first validation" in error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk(number: int) -> None:
    message = r"cannot write a.csv \(no room\): free some space"
    with pytest.raises(ArtefactError, match=message), in_a_line():
        raise OSError(number, "no room", "a.csv")


def test_other_errors_are_left_alone() -> None:
    for error in (OSError(errno.EIO, "broken"), ValueError("wrong"), RuntimeError("?")):
        with pytest.raises(type(error)) as raised, in_a_line():
            raise error
        assert raised.value is error
