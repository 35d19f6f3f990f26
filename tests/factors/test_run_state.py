import copy
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import EarlyStopping, Timer

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.run_state import (
    between_epochs,
    follow_moved_folder,
    has_stopped,
    random_states,
    refuse_other_panel,
    set_random_states,
    settle,
)


def counts(ready: int, started: int, processed: int, completed: int) -> dict[str, Any]:
    one = {"ready": ready, "started": started, "processed": processed, "completed": completed}
    return {"total": dict(one), "current": dict(one)}


def loops(epoch: dict[str, Any], batch: dict[str, Any], done: int) -> dict[str, Any]:
    fit = {
        "epoch_progress": epoch,
        "epoch_loop.batch_progress": batch,
        "epoch_loop.val_loop.batch_progress": {"is_last_batch": True, **counts(9, 9, 9, 9)},
        "state_dict": {"combined_loader": [{"epoch": 2, "done": done}]},
    }
    return {"loops": {"fit_loop": fit}}


@pytest.mark.parametrize(
    ("epoch", "batch", "done", "epochs", "batches", "left"),
    [
        # The third epoch is announced, the second is whole.
        (counts(3, 2, 2, 2), counts(15, 15, 15, 15), 0, 2, 15, 0),
        # Nothing was announced: the training is over.
        (counts(2, 2, 2, 2), counts(15, 15, 15, 15), 0, 2, 15, 0),
        # The sixth batch is at hand, five are done.
        (counts(3, 3, 2, 2), counts(6, 5, 5, 5), 6, 3, 5, 5),
        # The last batch is at hand: the loader believes the epoch to be over.
        (counts(3, 3, 2, 2), counts(15, 14, 14, 14), 0, 3, 14, 14),
    ],
)
def test_a_training_pauses_between_steps(
    epoch: dict[str, Any], batch: dict[str, Any], done: int, epochs: int, batches: int, left: int
) -> None:
    checkpoint = loops(epoch, batch, done)
    settle(checkpoint)
    fit = checkpoint["loops"]["fit_loop"]
    for part in ("total", "current"):
        assert fit["epoch_progress"][part]["ready"] == epochs
        assert len(set(fit["epoch_loop.batch_progress"][part].values())) == 1
        assert fit["epoch_loop.batch_progress"][part]["ready"] == batches
    assert fit["state_dict"]["combined_loader"] == [{"epoch": 2, "done": left}]
    assert between_epochs(checkpoint) == (epochs == 2)
    again = copy.deepcopy(checkpoint)
    settle(again)
    assert again == checkpoint


def test_a_validation_that_was_cut_is_to_be_done() -> None:
    checkpoint = loops(counts(3, 3, 2, 2), counts(15, 15, 15, 15), 0)
    settle(checkpoint, validating=True)
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
    assert progress == {"is_last_batch": True, **counts(1, 1, 0, 0)}
    assert not between_epochs(checkpoint)


def draws() -> list[Any]:
    # All three streams, and what NumPy and Python keep back of a pair of normal numbers.
    legacy = np.random.standard_normal(3).tolist()  # noqa: NPY002 - the state libraries share
    return [torch.rand(3).tolist(), legacy, random.gauss(0, 1), random.random()]  # noqa: S311


def test_random_states_load_safely_and_repeat_what_comes_next(tmp_path: Any) -> None:
    draws()
    states = random_states()
    torch.save(states, tmp_path / "states.ckpt")
    first = draws()
    assert draws() != first
    set_random_states(torch.load(tmp_path / "states.ckpt", weights_only=True))
    assert draws() == first


def test_a_moved_folder_keeps_the_best_score() -> None:
    score = torch.tensor(0.05)
    state = {
        "dirpath": "/old/checkpoints",
        "best_model_path": "/old/checkpoints/best.ckpt",
        "kth_best_model_path": "/old/checkpoints/best.ckpt",
        "last_model_path": "",
        "best_k_models": {"/old/checkpoints/best.ckpt": score, "/elsewhere/b.ckpt": score},
        "best_model_score": score,
    }
    states = {"key": dict(state), "other": dict(state)}
    follow_moved_folder(states, "key", "/new/checkpoints")
    assert states["key"] == {
        "dirpath": "/new/checkpoints",
        "best_model_path": "/new/checkpoints/best.ckpt",
        "kth_best_model_path": "/new/checkpoints/best.ckpt",
        "last_model_path": "",
        "best_k_models": {"/new/checkpoints/best.ckpt": score, "/elsewhere/b.ckpt": score},
        "best_model_score": score,
    }
    assert states["other"] == state
    follow_moved_folder(states, "absent", "/new/checkpoints")
    follow_moved_folder(states, "other", "/old/checkpoints")
    assert states["other"] == state


def test_only_the_same_panel_and_data_set_are_trained_on() -> None:
    now = {"panel_fingerprint": "p", "dataset_fingerprint": "d"}
    refuse_other_panel(now | {"vintage": 2021}, now)
    for key, what in (("panel_fingerprint", "panel"), ("dataset_fingerprint", "data set")):
        with pytest.raises(UserError, match=f"another {what} .*x, this run has"):
            refuse_other_panel(now | {key: "x"}, now)


@pytest.mark.parametrize(
    ("told", "waited", "left", "stopped"),
    [
        (False, 0, 9.0, False),
        (True, 3, 9.0, True),
        (True, 3, 0.0, True),
        (True, 1, 0.0, False),
        # By what is neither: another callback, or the user's own code.
        (True, 1, 9.0, True),
        (True, 1, None, True),
    ],
)
def test_only_time_that_is_up_can_be_given_anew(
    monkeypatch: pytest.MonkeyPatch, told: bool, waited: int, left: float | None, stopped: bool
) -> None:
    monkeypatch.setattr(Timer, "time_remaining", lambda _: left)
    early = EarlyStopping("valid/ic", patience=3)
    early.wait_count = waited
    trainer: Any = SimpleNamespace(should_stop=told, callbacks=[early, Timer("00:00:01:00")])
    assert has_stopped(trainer) is stopped
