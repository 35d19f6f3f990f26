"""Which GPU a fit gets."""

from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.gpu_slots import VISIBLE, gpu_slots, visible_gpus, wants_gpu
from alpha_lightning.study.tasks import Task


@pytest.mark.parametrize(
    ("given", "gpus"),
    [
        ("0,1", ["0", "1"]),
        (" 3 , 2", ["3", "2"]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1,-1,2", ["1"]),
        ("GPU-8932f937,MIG-5c6f/1/0", ["GPU-8932f937", "MIG-5c6f/1/0"]),
    ],
)
def test_gpus_are_those_that_cuda_sees(
    monkeypatch: pytest.MonkeyPatch, given: str, gpus: list[str]
) -> None:
    monkeypatch.setenv(VISIBLE, given)
    assert visible_gpus() == gpus


@pytest.mark.parametrize(
    ("script", "gpus"),
    [
        ("echo GPU-0a; echo GPU-1b", ["GPU-0a", "GPU-1b"]),
        ("echo driver is old; exit 9", []),
        ("echo No devices were found", []),
    ],
)
def test_the_driver_is_asked_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, gpus: list[str]
) -> None:
    tool = tmp_path / "nvidia-smi"
    asked = "--query-gpu=uuid --format=csv,noheader"
    tool.write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] || exit 1\n{script}\n')
    tool.chmod(0o755)
    monkeypatch.delenv(VISIBLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == gpus
    tool.unlink()
    assert visible_gpus() == []


@pytest.mark.parametrize(
    ("share", "slots"),
    [
        (None, ["0", "1"]),
        (1.0, ["0", "1"]),
        (0.5, ["0", "1", "0", "1"]),
        (1 / 3, ["0", "1"] * 3),
        (0.7, ["0", "1"]),
        (0.1, ["0", "1"] * 10),
        (0.0, []),
    ],
)
def test_a_gpu_takes_as_many_fits_as_its_share_allows(
    monkeypatch: pytest.MonkeyPatch, share: float | None, slots: list[str]
) -> None:
    monkeypatch.setenv(VISIBLE, "0,1")
    assert gpu_slots(share) == slots


def test_a_share_of_no_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "")
    assert gpu_slots(None) == []
    assert gpu_slots(0) == []
    with pytest.raises(UserError, match=r"--gpus_per_fit is 0\.25, but this machine has no GPU"):
        gpu_slots(0.25)


def test_only_what_trains_on_an_accelerator_wants_a_gpu() -> None:
    def task(name: str, accelerator: str | None) -> Task:
        trainer = {} if accelerator is None else {"accelerator": accelerator}
        return Task(name, "x:y", {"config": {"trainer": trainer}})

    assert wants_gpu(task("fit/gru/rawbar/v2022/s0", "auto"))
    assert wants_gpu(task("fit/gru/rawbar/v2022/s0", None))
    assert wants_gpu(Task("fit/gru", "x:y", {}))
    assert not wants_gpu(task("fit/gru/rawbar/v2022/s0", "cpu"))
    assert not wants_gpu(Task("weigh/gru/s0", "x:y", {}))
    assert not wants_gpu(task("card/gru", "auto"))
