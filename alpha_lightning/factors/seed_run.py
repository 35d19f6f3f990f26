"""Several seeds of one unit, one after another in one process, on one resident panel."""

import gc
import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from pytorch_lightning.utilities import rank_zero_info

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.factors.run_folder import run_folder
from alpha_lightning.factors.seeds import OPTION, give_own_folder
from alpha_lightning.factors.training_cli import TrainingCLI

DONE = "seed.json"
"""Left in a seed's folder once it has its factor matrix, the last thing written."""

# On these no number depends, dates of a batch excepted; fingerprints stand for the panel's path.
_ABOUT_THE_WAY = (
    "ckpt_path",
    "checkpoint",
    "collective_timeout",
    "log",
    "data.panel",
    "data.batch",
    "trainer.default_root_dir",
    "trainer.enable_model_summary",
    "trainer.enable_progress_bar",
    "trainer.logger",
)


class SeedRun(TrainingCLI):
    """`fit` of one of several seeds; one that is done is not trained again, one cut off goes on.

    Args:
        args: the command line without its seeds.
        seed: which.
    """

    def __init__(self, args: Sequence[str], seed: int) -> None:
        self.seed = seed
        super().__init__([*args, f"--seed_everything={seed}"])

    def before_instantiate_classes(self) -> None:
        """Send the seed's files to a folder of its own, to go on with what is left there."""
        give_own_folder(self._get(self.config, "trainer"), self.seed)
        super().before_instantiate_classes()
        self.resume = True
        path = self._get(self.config, "ckpt_path")
        if path is not None:
            msg = (
                f"{OPTION} begins each seed anew, or where it was left in its own folder: drop"
                f" --ckpt_path {path}"
            )
            raise UserError(msg)

    def _run_subcommand(self, subcommand: str) -> None:
        if self.trainer.world_size > 1:
            msg = (
                f"{OPTION} trains the seeds in one process, not {self.trainer.world_size}: give"
                " --trainer.devices 1, or fit each seed by itself with --seed_everything"
            )
            raise UserError(msg)
        marker, key = run_folder(self.trainer) / DONE, self._key()
        if _is_done(marker, key):
            rank_zero_info(f"seed {self.seed} is done: {marker.parent}")
            return
        super()._run_subcommand(subcommand)
        with atomic_file(marker) as draft:
            draft.write_text(json.dumps({"seed": self.seed, "key": key}))

    def _key(self) -> str:
        text = self._parser("fit").dump(self.config["fit"], skip_unset=False)
        settings = yaml.safe_load(text)
        for name in _ABOUT_THE_WAY:
            *above, last = name.split(".")
            branch = settings
            for key in above:
                branch = branch.get(key) or {}
            branch.pop(last, None)
        data = self.datamodule
        return fingerprint_json([settings, data.batch.dates, data.provenance()])


def fit_seeds(args: Sequence[str], seeds: Sequence[int]) -> SeedRun:
    """Train seeds one after another; one that fails does not take the others down.

    Panel, labels and resident rows are loaded for the first and kept for the others. Started
    again, what is done is skipped.

    Args:
        args: command line of `fit` without its seeds.
        seeds: which.

    Returns:
        The last one.

    Raises:
        UserError: some failed; the first of them is told.
    """
    failed: dict[int, str] = {}
    for place, seed in enumerate(seeds, 1):
        rank_zero_info(f"seed {seed}: {place} of {len(seeds)}")
        try:
            run = SeedRun(args, seed)
        except UserError as error:
            failed[seed] = str(error)
        except Exception as error:  # whatever it is, the others go on
            traceback.print_exc(file=sys.stderr)
            failed[seed] = f"{type(error).__name__}: {error}"
        _make_room()
    if failed:
        raise UserError(_told(failed, seeds))
    return run


def _told(failed: dict[int, str], seeds: Sequence[int]) -> str:
    first = next(iter(failed.values()))
    if len(failed) == len(seeds) and set(failed.values()) == {first}:
        return first
    names = ", ".join(map(str, failed))
    return (
        f"{len(failed)} of {len(seeds)} seeds failed ({names}), seed {next(iter(failed))}: {first};"
        " the others are done, started again they are skipped"
    )


def _is_done(marker: Path, key: str) -> bool:
    try:
        left: Any = json.loads(marker.read_text())
    except (OSError, ValueError):
        return False
    if not isinstance(left, dict) or left.get("key") != key:
        msg = (
            f"{marker.parent} holds a seed that was trained with other settings or data: choose"
            " another name or version of the logger, or remove it"
        )
        raise UserError(msg)
    return True


def _make_room() -> None:
    # A network and its trainer hold each other; the next one needs their memory.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
