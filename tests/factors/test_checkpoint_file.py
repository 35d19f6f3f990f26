"""A full disk, a limit and a kill leave the checkpoint of before."""

import os
import pickle
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from alpha_lightning.artefacts import atomic
from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.cli import main
from alpha_lightning.factors.checkpoint_file import CheckpointFile


def content(number: int) -> dict[str, Any]:
    return {"state_dict": {"weight": torch.full((100_000,), float(number))}, "epoch": number}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "new" / "last.ckpt"
    for number in (1, 2):
        CheckpointFile().save_checkpoint(content(number), file)
        read = CheckpointFile().load_checkpoint(file)
        assert read["epoch"] == number
        assert read["state_dict"]["weight"].eq(number).all()
    assert [path.name for path in file.parent.iterdir()] == ["last.ckpt"]


def test_a_kill_in_the_write_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    CheckpointFile().save_checkpoint(content(1), file)
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(atomic, "_flush", lambda _: os.kill(os.getpid(), signal.SIGKILL))
            CheckpointFile().save_checkpoint(content(2), file)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert CheckpointFile().load_checkpoint(file)["epoch"] == 1


def test_a_real_limit_leaves_the_one_before_and_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    CheckpointFile().save_checkpoint(content(1), file)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        with pytest.raises(
            ArtefactError, match=r"cannot write .*last.ckpt: the file would be larg"
        ):
            CheckpointFile().save_checkpoint(content(2), file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)
    assert CheckpointFile().load_checkpoint(file)["epoch"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_full_disk_in_mid_training_is_one_line_and_the_run_goes_on_later(
    options: Callable[..., list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = options(tmp_path / "run", **{"checkpoint.every_steps": 4})
    flush, written = atomic._flush, [0]

    def full(file: Path) -> None:
        written[0] += file.name.startswith(".last.ckpt")
        if written[0] == 3:
            raise OSError(28, "No space left on device")
        flush(file)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic, "_flush", full)
        assert main(line) == 1
    error = capsys.readouterr().err
    assert "last.ckpt: the disk is full: free some space or write elsewhere" in error
    assert "Traceback" not in error
    kept = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)
    assert kept["global_step"] == 8
    assert main([*line, "--resume=true"]) == 0


class Foreign:
    """What only unpickling could bring back."""


def test_foreign_code_is_never_loaded_whatever_is_asked(tmp_path: Path) -> None:
    file = tmp_path / "foreign.ckpt"
    torch.save({"state_dict": {}, "code": Foreign()}, file)
    with pytest.raises(UserError, match="damaged or not a checkpoint"):
        CheckpointFile().load_checkpoint(file, weights_only=False)
    file.write_bytes(pickle.dumps({"state_dict": {}}))
    with pytest.raises(UserError, match="damaged or not a checkpoint"):
        CheckpointFile().load_checkpoint(file)
