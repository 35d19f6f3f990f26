"""Checkpoints: read safely, and refused where they contradict the run that asks for them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError  # raised by torch, which unpickles nothing here
from typing import Any

import torch
from torch import Tensor

from alpha_lightning.artefacts.errors import UserError

PROVENANCE = "alpha_lightning"
"""Key of a checkpoint under which lies what its weights were made from."""

_MUST_AGREE = (
    "dataset",
    "proxy",
    "features",
    "switched_off",
    "window",
    "cross_section",
    "universe",
    "vintage",
    "scheme",
)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Content of a checkpoint; nothing but tensors and plain values is ever loaded.

    Raises:
        UserError: there is no such file, or it is no checkpoint of a factor unit.
    """
    checkpoint = read_safely(path)
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        msg = f"{path} is not a checkpoint of a factor unit: it holds no state_dict"
        raise UserError(msg)
    return checkpoint


def read_safely(path: str | Path) -> Any:
    """Content of a file of torch; nothing but tensors and plain values is ever loaded.

    Raises:
        UserError: there is no such file, or it is damaged or holds something else.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        msg = f"checkpoint {path} does not exist: check --ckpt_path"
        raise UserError(msg) from error
    except Exception as error:
        # torch raises a different exception for each way in which a file can be broken.
        reason = str(error).partition("\n")[0] or type(error).__name__
        if isinstance(error, UnpicklingError):
            # torch's own words advise to load it all the same.
            reason = "it does not hold tensors and plain values only, and nothing else is loaded"
        msg = f"checkpoint {path} is damaged or not a checkpoint ({reason})"
        raise UserError(msg) from error


def refuse_other_settings(saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse settings of a unit that contradict those of its checkpoint.

    Settings that only one side knows, such as those given by links, are not compared.

    Args:
        saved: nested settings in the checkpoint.
        asked: nested settings of the run.

    Raises:
        UserError: a setting that both know differs; the first is named.

    Example:
        >>> refuse_other_settings({"network": {"hidden": 8}}, {"network": {"hidden": 8}})
    """
    known = dict(_flatten(saved))
    for key, value in _flatten(asked):
        if key in known and known[key] != value:
            msg = (
                f"the checkpoint was made with model.{key} = {known[key]}, the configuration asks"
                f" for {value}: use the config.yaml beside the checkpoint, or drop --ckpt_path"
            )
            raise UserError(msg)


def refuse_other_data(made_from: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse data whose windows, or whose dates, are not those the weights were made for.

    A network of a later vintage has seen the years that an earlier one serves, and one that learnt
    from a proxy makes factors of a proxy, whatever it is shown.

    Args:
        made_from: provenance in the checkpoint.
        now: provenance of the run's data.

    Raises:
        UserError: they disagree; the first disagreement is named.
    """
    # Checkpoints of a time without proxies say nothing of them.
    before = {"proxy": False, **made_from}
    for key in _MUST_AGREE:
        if before.get(key) != now[key]:
            remedy = "use the config.yaml beside the checkpoint"
            if key == "proxy":
                remedy = "train it again on this panel's data"
                if key not in made_from:
                    remedy += " (it is of a time that kept no note of proxies)"
            msg = (
                f"the checkpoint was trained with {key} {before.get(key)}, this run has"
                f" {now[key]}: {remedy}"
            )
            raise UserError(msg)


def refuse_other_weights(saved: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> None:
    """Refuse weights that are not those of this unit.

    Args:
        saved: weights by name in the checkpoint.
        own: weights by name of the run's unit.

    Raises:
        UserError: a name or a shape differs; the first in the alphabet is named.
    """
    theirs, ours = ({name: tuple(w.shape) for name, w in side.items()} for side in (saved, own))
    for name in sorted(theirs.keys() | ours.keys()):
        if theirs.get(name) != ours.get(name):
            msg = (
                f"the checkpoint's {name} is {theirs.get(name, 'absent')}, the unit's is"
                f" {ours.get(name, 'absent')}: it is a checkpoint of another unit"
            )
            raise UserError(msg)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            # YAML knows no tuples: Adam's betas come back as a list.
            yield f"{prefix}{key}", list(value) if isinstance(value, tuple) else value
