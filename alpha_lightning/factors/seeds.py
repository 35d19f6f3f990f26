"""The option ``--seeds`` of `fit`: which seeds, and what each of them has for itself."""

from collections.abc import Sequence
from typing import Any

from alpha_lightning.artefacts.errors import UserError

OPTION = "--seeds"
HELP = (
    "Several seeds of one unit in this process, for example 0..9 or 0,3,7: each as"
    " `fit --seed_everything r` would train it, in the folder s<r> of the run's; those that are"
    " done are skipped."
)
_SAVED_BY_FOLDER = ("CSVLogger", "TensorBoardLogger")


def take_seeds(args: Sequence[str]) -> tuple[tuple[int, ...] | None, list[str]]:
    """The seeds that a command line asks for, None when it does not, and the rest of the line.

    Raises:
        UserError: no seeds, twice the option, or another command than `fit`.

    Example:
        >>> take_seeds(["fit", "--seeds", "0..2", "--config", "gru.yaml"])
        ((0, 1, 2), ['fit', '--config', 'gru.yaml'])
    """
    rest, texts = [], []
    left = iter(args)
    for arg in left:
        option, equals, value = arg.partition("=")
        if option == OPTION:
            texts.append(value if equals else next(left, ""))
        else:
            rest.append(arg)
    if not texts:
        return None, rest
    if len(texts) > 1 or rest[:1] != ["fit"]:
        msg = f"{OPTION} is an option of fit, given once"
        raise UserError(msg)
    if any(arg.partition("=")[0] == "--seed_everything" for arg in rest):
        msg = f"{OPTION} and --seed_everything contradict each other: give one of them"
        raise UserError(msg)
    return parse_seeds(texts[0]), rest


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds of a list of numbers and ranges, both ends included.

    Raises:
        UserError: it is none, or names a seed twice.

    Example:
        >>> parse_seeds("0..3,7")
        (0, 1, 2, 3, 7)
    """
    seeds: list[int] = []
    try:
        for part in text.strip("[]").split(","):
            first, dots, last = part.partition("..")
            seeds += range(int(first), int(last if dots else first) + 1)
    except ValueError:
        seeds = []
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        msg = f"{OPTION} is {text!r}: give different seeds from 0 on, like 0..9 or 0,3,7"
        raise UserError(msg)
    return tuple(seeds)


def refuse_seeds_of_a_file(seeds: str | None) -> None:
    """Refuse the setting where it would be read too late.

    Raises:
        UserError: a configuration file holds it.
    """
    if seeds is not None:
        msg = f"the configuration says seeds: {seeds}: give it on the command line, {OPTION} 0..9"
        raise UserError(msg)


def give_own_folder(trainer: Any, seed: int) -> None:
    """Send what a seed writes to a folder of its own.

    Loggers that keep files by version get ``<version>/s<seed>``, or ``s<seed>`` where no version is
    set; W&B makes a run, and a folder, for each by itself. Without a logger it is the trainer's
    root folder that is divided.

    Args:
        trainer: settings ``trainer`` of the parsed configuration; changed.
        seed: which.

    Raises:
        UserError: a callback writes to a path that all seeds would share.
    """
    loggers = trainer.logger if isinstance(trainer.logger, list) else [trainer.logger]
    if not all(hasattr(logger, "class_path") for logger in loggers):
        trainer.default_root_dir = f"{trainer.default_root_dir or '.'}/s{seed}"
    for logger in loggers:
        if str(getattr(logger, "class_path", "")).endswith(_SAVED_BY_FOLDER):
            version = logger.init_args.version
            run = f"version_{version}" if isinstance(version, int) else version
            logger.init_args.version = f"{run}/s{seed}" if run else f"s{seed}"
    for callback in trainer.callbacks or []:
        settings = getattr(callback, "init_args", None)
        for name in ("path", "dirpath"):
            if getattr(settings, name, None) is not None:
                kind = callback.class_path.rsplit(".", 1)[-1]
                msg = f"{OPTION}: all seeds would write to the {name} of {kind}: leave it out"
                raise UserError(msg)
