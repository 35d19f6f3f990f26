"""What a sweep asks of `fit` before anything runs: does it take these options, and what then."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.sweep_space import Parameter

if TYPE_CHECKING:
    from jsonargparse import Namespace

_OWN = ("trainer.logger", "trainer.callbacks")
_ANEW = "each trial begins anew and keeps its own log"
NOT_OF_A_TRIAL = {
    "trainer.logger": _ANEW,
    "ckpt_path": _ANEW,
    "resume": _ANEW,
    "seeds": "a trial has one value of its metric; to vary the seed, vary seed_everything",
    "print_config": "look at one fit: alpha-lightning fit --config UNIT.yaml --print_config",
}
"""Options of `fit` that a sweep cannot give to its trials, by how they begin, and why."""
_CALLBACK = "alpha_lightning.factors.pruning.TrialReport"


class FitSettings:
    """The settings that `fit` understands from options, as it would use them.

    Args:
        options: of `fit`.

    Raises:
        UserError: it does not take them.
    """

    def __init__(self, options: Sequence[str]) -> None:
        from alpha_lightning.factors.training_cli import TrainingCLI

        class Unrun(TrainingCLI):
            """Reads the options and leaves it at that."""

            def init_parser(self, **kwargs: Any) -> Any:
                """Half a name is no name: it would be another option's tomorrow."""
                return super().init_parser(**kwargs | {"allow_abbrev": False})

            def _set_seed(self) -> None:
                """The seed of this process is nobody's business."""

            def before_instantiate_classes(self) -> None:
                """Nothing comes after it."""

            def instantiate_classes(self) -> None:
                """The panel may be large."""

            def _run_subcommand(self, subcommand: str) -> None:
                """Not here."""

        told = io.StringIO()
        try:
            with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
                self._cli = Unrun(["fit", *options])
        except SystemExit as error:
            # jsonargparse prints its usage, then the reason in one line or more, and exits.
            reason = told.getvalue().rpartition("error: ")[2]
            raise UserError(" ".join(reason.split())) from error
        self._options = tuple(options)

    @property
    def tree(self) -> "Namespace":
        """All settings."""
        return self._cli.config.fit

    def text(self) -> str:
        """All settings as YAML that `fit` takes."""
        return str(self._cli._parser("fit").dump(self.tree, skip_unset=False))

    def value(self, name: str) -> Any:
        """The value of an option by its dotted name; of a class its path; None if unknown."""
        parts = name.split(".")
        node: Any = self.tree
        for place, part in enumerate(parts):
            if node is None and place:
                # A group that nobody has set: its own defaults hold.
                group = ".".join(parts[:place])
                return FitSettings([*self._options, f"--{group}={{}}"]).value(name)
            inside = node.get("init_args") if hasattr(node, "init_args") else None
            if part not in node and inside is not None:
                node = inside  # the short form model.optimizer.lr
            if part not in node:
                return None
            node = node[part]
        return node["class_path"] if hasattr(node, "class_path") else node


def check_space(space: Sequence[Parameter], options: Sequence[str], where: str) -> FitSettings:
    """Refuse parameters that `fit` does not have, and values that it does not take.

    Args:
        space: of the sweep.
        options: the same in all trials.
        where: the parameters come from, for messages.

    Returns:
        The settings of `fit` that the sweep begins from.

    Raises:
        UserError: `fit` does not take something, or it is both given and varied.
    """
    given = {word.partition("=")[0].rstrip("+") for word in options if word.startswith("--")}
    for parameter in space:
        if parameter.name.startswith(_OWN):
            msg = f"{where}: {parameter.name} cannot be varied: logs of trials are the sweep's"
            raise UserError(msg)
        if parameter.name in NOT_OF_A_TRIAL:
            msg = f"{where}: {parameter.name} cannot be varied: {NOT_OF_A_TRIAL[parameter.name]}"
            raise UserError(msg)
        if f"--{parameter.name}" in given:
            msg = f"{where}: {parameter.name} is varied and given as an option: do one of the two"
            raise UserError(msg)
    plain = FitSettings(options)
    longest = max(len(parameter.examples()) for parameter in space)
    for place in range(longest):
        chosen = [_spelt(parameter, place) for parameter in space]
        try:
            FitSettings([*options, *chosen])
        except UserError as error:
            for parameter, option in zip(space, chosen, strict=True):
                _blame(parameter, option, options, where)
            msg = f"{where}: fit does not take {' '.join(chosen)}: {error}"
            raise UserError(msg) from error
    return plain


def _spelt(parameter: Parameter, place: int) -> str:
    examples = parameter.examples()
    return f"--{parameter.name}={examples[min(place, len(examples) - 1)]}"


def _blame(parameter: Parameter, option: str, options: Sequence[str], where: str) -> None:
    try:
        FitSettings([*options, option])
    except UserError as error:
        value = option.partition("=")[2]
        msg = f"{where}: parameters.{parameter.name}: fit does not take {value}: {error}"
        raise UserError(msg) from error


def trial_options(
    options: Sequence[str], chosen: Sequence[str], folder: Path, metric: str
) -> list[str]:
    """Options of the `fit` that is one trial: its log in a folder of its own, its metric told.

    Args:
        options: the same in all trials.
        chosen: the trial's own.
        folder: of its run.
        metric: to report after each validation.
    """
    logger = "--trainer.logger=pytorch_lightning.loggers.CSVLogger"
    save = "--trainer.logger.init_args."
    return [
        *options,
        *chosen,
        "--trainer.logger=null",  # settings of another logger must not be left in this one
        logger,
        f"{save}save_dir={folder.parent}",
        f"{save}name=",
        f"{save}version={folder.name}",
        "--trainer.enable_progress_bar=false",
        f"--trainer.callbacks+={_CALLBACK}",
        f"--trainer.callbacks.init_args.monitor={metric}",
    ]
