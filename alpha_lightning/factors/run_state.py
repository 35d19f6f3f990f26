"""A training's place as a checkpoint tells it, so that Lightning takes it up there."""

import random
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping, Timer

from alpha_lightning.artefacts.errors import UserError

Tree = dict[str, Any]
_cuda: Any = torch.cuda  # partly untyped


def settle(checkpoint: Tree, *, validating: bool = False) -> None:
    """Rewrite the progress of Lightning's loops as that of a training that pauses between steps.

    Lightning writes down counters in the midst of what its callbacks interrupt, and does not take
    up again what it had done there: an epoch resumed at its last batch goes without validation,
    the batch at hand counts as trained on. Three places are enough: before an epoch, between
    two steps of one, and before its validation, which is then done again from its beginning.

    Args:
        checkpoint: to be written; its loops are changed.
        validating: whether the epoch's steps are done and its validation is not.
    """
    fit = checkpoint["loops"]["fit_loop"]
    epoch, batch = fit["epoch_progress"], fit["epoch_loop.batch_progress"]
    for counts in (epoch["total"], epoch["current"]):
        # The next epoch is announced when the checkpoint at the end of this one is written.
        counts["ready"] = min(counts["ready"], counts["started"])
    for counts in (batch["total"], batch["current"]):
        # The next batch is at hand already.
        counts["ready"] = counts["completed"]
    if validating:
        # Lightning takes a validation up only when it was cut in a step.
        cut = {"ready": 1, "started": 1, "processed": 0, "completed": 0}
        fit["epoch_loop.val_loop.batch_progress"] |= {"total": dict(cut), "current": dict(cut)}
    for loader in fit["state_dict"].get("combined_loader", []):
        loader["done"] = 0 if between_epochs(checkpoint) else batch["current"]["completed"]


def between_epochs(checkpoint: Tree) -> bool:
    """Whether the epoch of a settled checkpoint is whole."""
    epoch = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]
    return bool(epoch["ready"] == epoch["processed"])


def has_stopped(trainer: pl.Trainer) -> bool:
    """Whether a training that is told to stop has nothing more to learn.

    One that ran out of time (``trainer.max_time``) goes on when it is given more.
    """
    callbacks: list[pl.Callback] = trainer.callbacks  # type: ignore[attr-defined]
    left = [c.time_remaining() for c in callbacks if isinstance(c, Timer)]
    late = any(seconds is not None and seconds <= 0 for seconds in left)
    early = any(isinstance(c, EarlyStopping) and c.wait_count >= c.patience for c in callbacks)
    return bool(trainer.should_stop) and (early or not late)


def random_states() -> Tree:
    """States of the random number generators of this process, in types that load safely."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - the state libraries share
    version, inner, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        # Of this process's device only: to ask the others would make room for itself on them.
        "cuda": _cuda.get_rng_state() if _cuda.is_initialized() else None,
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        "python": [version, list(inner), gauss],
    }


def set_random_states(states: Tree) -> None:
    """Put the random number generators of this process into states of `random_states`."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] is not None and _cuda.is_initialized():
        _cuda.set_rng_state(states["cuda"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002 - as above
    version, inner, gauss = states["python"]
    random.setstate((version, tuple(inner), gauss))


def follow_moved_folder(states: Tree, key: str, folder: str) -> None:
    """Rewrite the paths that a `ModelCheckpoint` kept of a run's folder that was moved since.

    Lightning would forget the best score so far.

    Args:
        states: of callbacks by key, in the checkpoint.
        key: of the callback.
        folder: where it keeps its checkpoints now.
    """
    state = states.get(key)
    before = state["dirpath"] if state else None
    if state is None or before in (None, folder):
        return
    scores = {_moved(path, before, folder): value for path, value in state["best_k_models"].items()}
    paths = {name: _moved(state[name], before, folder) for name in state if name.endswith("_path")}
    states[key] = {**state, **paths, "dirpath": folder, "best_k_models": scores}


def refuse_other_panel(made_from: Tree, now: Tree) -> None:
    """Refuse to train on with another panel or data set than the checkpoint was trained with.

    Args:
        made_from: provenance in the checkpoint.
        now: ``panel_fingerprint`` and ``dataset_fingerprint`` of this run.

    Raises:
        UserError: one of them differs.
    """
    for key, what in (("dataset_fingerprint", "data set"), ("panel_fingerprint", "panel")):
        if made_from.get(key) != now[key]:
            msg = (
                f"the checkpoint was trained on another {what} ({key} {made_from.get(key)}, this"
                f" run has {now[key]}): train from the beginning, without --ckpt_path and --resume,"
                " or give the data it was made with; `predict` may serve a panel that has grown"
            )
            raise UserError(msg)


def _moved(path: str, before: str, now: str) -> str:
    return now + path.removeprefix(before) if path.startswith(before) else path
