"""`fit`, `validate`, `test`, `predict`: LightningCLI with its known traps closed."""

import contextlib
import subprocess
import warnings
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.trainer import Trainer

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.checkpoint import read_checkpoint, refuse_other_settings
from alpha_lightning.factors.checkpoint_file import CheckpointFile
from alpha_lightning.factors.failures import in_a_line
from alpha_lightning.factors.run_checkpoint import RunCheckpoint
from alpha_lightning.factors.run_folder import SaveConfig
from alpha_lightning.factors.run_start import begun, is_own_last, refuse_unnamed_folder
from alpha_lightning.factors.seeds import HELP, OPTION, refuse_seeds_of_a_file, take_seeds
from alpha_lightning.factors.step_statistics import refuse_other_steps, refuse_what_mixes_dates
from alpha_lightning.factors.tracking import TrainingLog
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.factors.wandb_runs import name_runs, wandb_loggers
from alpha_lightning.windows.datamodule import CrossSectionDataModule
from alpha_lightning.windows.memory_advice import memory_advice

_FOUND_BY_TRAINER = ("last", "best", "hpc", "registry")
_LINKED = ("n_features", "window")
_CSV = "CSVLogger"
_GRACE_SECONDS = 5.0


class TrainingCLI(LightningCLI):
    """LightningCLI of factor units.

    * ``data.n_features`` and ``data.window`` shape the network, ``seed_everything`` orders dates.
    * A checkpoint never overrides what the configuration says: a contradiction is refused.
    * The network's class is named once: changing it on the way would keep the other's settings.
    * Whole dates are dealt out by our own sampler: Lightning's would count some of them twice.
    * A process that waits for a dead one gives up after ``collective_timeout`` seconds.
    * A run is alone in its folder, keeps its state there, and goes on from it with ``resume``.
    """

    resume = False

    def __init__(self, args: Sequence[str], *, run: bool = True) -> None:
        _refuse_given_by_data(args)
        _refuse_second_network(args)
        super().__init__(
            FactorUnit,
            CrossSectionDataModule,
            save_config_callback=SaveConfig,
            seed_everything_default=0,
            trainer_defaults={"use_distributed_sampler": False, "num_sanity_val_steps": 0},
            # The optimiser is the unit's, model.optimizer; a second place for it would be a trap.
            auto_configure_optimizers=False,
            args=list(args),
            run=run,
        )

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser that takes no option by halves: what refuses one looks for the whole name."""
        return super().init_parser(**{"allow_abbrev": False, **kwargs})

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Links and our own option."""
        parser.add_argument(
            "--collective_timeout",
            type=float,
            default=600.0,
            help="Seconds after which a process stops waiting for the others under ddp.",
        )
        parser.add_argument(
            "--resume",
            type=bool,
            default=False,
            help="Go on from last.ckpt in the run's folder; begin where there is none.",
        )
        parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
        parser.add_lightning_class_args(TrainingLog, "log")
        parser.add_argument(OPTION, type=str | None, default=None, help=HELP)
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        for name in _LINKED:
            target = f"model.network.init_args.{name}"
            parser.link_arguments(f"data.{name}", target, apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Read the options given."""
        # Lightning's version warns whenever arguments are handed over, as our dispatcher does.
        self.config = parser.parse_args(args)

    def before_instantiate_classes(self) -> None:
        """Keep the log of `fit` from the other commands, which may be given its folder."""
        self._take_resume()
        refuse_seeds_of_a_file(self._get(self.config, "seeds"))
        # A second CSVLogger in a folder deletes what the first one wrote.
        loggers: Any = self._get(self.config, "trainer.logger")
        for logger in loggers if isinstance(loggers, list) else [loggers]:
            elsewhere = self.subcommand not in (None, "fit")
            if elsewhere and str(getattr(logger, "class_path", "")).endswith(_CSV):
                version = logger.init_args.version
                if version is not None:
                    run = version if isinstance(version, str) else f"version_{version}"
                    logger.init_args.version = f"{run}/{self.subcommand}"

    def instantiate_classes(self) -> None:
        """Instantiate; a user's mistake in an optional setting stays a user's mistake."""
        try:
            super().instantiate_classes()
        except ValueError as error:
            # jsonargparse wraps it in a ValueError about the types an optional setting may have.
            if isinstance(error.__cause__, UserError):
                raise error.__cause__ from None
            raise

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, with our sampler and a time limit on collectives."""
        asked = self._get(self.config_init, "trainer")
        if asked["use_distributed_sampler"]:
            msg = (
                "trainer.use_distributed_sampler must be false: Lightning's sampler repeats dates"
                " to make shares equal, ours deals out each date once"
            )
            raise UserError(msg)
        refuse_what_mixes_dates(asked)
        with in_a_line():
            trainer = super().instantiate_trainer(**kwargs)
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
            trainer.strategy.checkpoint_io = CheckpointFile()
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        refuse_other_steps(callbacks)
        # A state is written before other callbacks begin with what comes after it.
        callbacks.sort(key=lambda callback: not isinstance(callback, RunCheckpoint))
        if isinstance(asked["strategy"], str) and isinstance(trainer.strategy, DDPStrategy):
            # Also when Lightning itself chose it ("auto" on two devices), hence not an argument.
            seconds = self._get(self.config_init, "collective_timeout")
            trainer.strategy._timeout = timedelta(seconds=seconds)
        return trainer

    def _run_subcommand(self, subcommand: str) -> None:
        named = self._get(self.config, "ckpt_path") if subcommand == "fit" else None
        if named is not None and is_own_last(self.trainer, named):
            # Begun anew, the run would remove the state that it is to begin with.
            self.resume, self.config[subcommand]["ckpt_path"] = True, None
        if wandb_loggers(self.trainer):
            text = self._parser(subcommand).dump(self.config[subcommand], skip_unset=False)
            name_runs(self.trainer, yaml.safe_load(text), subcommand, resume=self.resume)
        trainer = self.trainer
        if trainer.world_size > 1:
            step = trainer.accumulate_grad_batches
            self.datamodule.refuse_idle_processes(subcommand, trainer.world_size, step)
        try:
            with in_a_line(self._memory_advice), self._begun(subcommand):
                super()._run_subcommand(subcommand)
        except BaseException:
            # Lightning leaves the processes that it started alone when process 0 fails: most find
            # out and end, one that is stuck would stay for ever.
            for process in getattr(self.trainer.strategy.launcher, "procs", []):
                if isinstance(process, subprocess.Popen):
                    _end(process)
            raise

    def _memory_advice(self) -> str:
        return memory_advice(self.datamodule)

    def _take_resume(self) -> None:
        # Taken out of the configuration: the copy kept in the run's folder describes the run.
        config = self.config[self.subcommand] if self.subcommand else self.config
        self.resume = config["resume"] or config.get("ckpt_path") == "last"
        config["resume"] = False
        if self.resume and self.subcommand == "fit":
            if config["ckpt_path"] not in (None, "last"):
                msg = "--resume true finds its checkpoint in the run's folder: drop --ckpt_path"
                raise UserError(msg)
            config["ckpt_path"] = None
            refuse_unnamed_folder(config["trainer"]["logger"])

    @contextlib.contextmanager
    def _begun(self, subcommand: str) -> Iterator[None]:
        if subcommand != "fit":
            yield
            return
        with begun(self.trainer, self.model, self.datamodule, resume=self.resume) as last:
            if last is not None:
                self.config_init[subcommand]["ckpt_path"] = str(last)
            with warnings.catch_warnings():
                if last is not None:
                    warnings.filterwarnings("ignore", "Checkpoint directory .* not empty")
                yield

    def _parse_ckpt_path(self) -> None:
        # Lightning's version lets the checkpoint's settings silently win over the user's
        # (https://github.com/Lightning-AI/pytorch-lightning/issues/21455). Ours are compared here,
        # before anything is written, and again when the trainer has found out what "last" is.
        command = self.config.get("subcommand")
        path = self.config[command].get("ckpt_path") if command else None
        named = path not in (None, *_FOUND_BY_TRAINER)
        if command not in (None, "fit") and not named:
            msg = f"{command} needs a trained unit: give --ckpt_path FILE, a checkpoint of `fit`"
            raise UserError(msg)
        if named:
            saved = read_checkpoint(str(path)).get("hyper_parameters", {})
            asked = self.config[command]["model"].as_dict()
            for name in _LINKED:
                asked["network"].get("init_args", {}).pop(name, None)
            refuse_other_settings(saved, asked)


def train(args: list[str]) -> TrainingCLI:
    """Run one of the four Lightning commands.

    Args:
        args: the command and its options, for example ``["fit", "--config", "gru.yaml"]``.

    Raises:
        UserError: a setting, the panel or a checkpoint does not fit.
    """
    seeds, rest = take_seeds(args)
    if seeds is not None:
        # It is made of the class above.
        from alpha_lightning.factors.seed_run import fit_seeds

        return fit_seeds(rest, seeds)
    return TrainingCLI(args)


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(timeout=_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _refuse_given_by_data(args: Sequence[str]) -> None:
    # jsonargparse would take such a value and then not use it.
    for name in _LINKED:
        option = f"--model.network.init_args.{name}"
        if any(arg.partition("=")[0] == option for arg in args):
            msg = f"{option} follows from the data: set data.dataset or data.sample.window"
            raise UserError(msg)


def _refuse_second_network(args: Sequence[str]) -> None:
    named: list[str] = []
    for place, arg in enumerate(args):
        option, _, value = arg.partition("=")
        if not value and place + 1 < len(args):
            value = args[place + 1]
        if option in ("--config", "-c"):
            named += _network_in(value, "model", "network")
        elif option == "--model":
            named += _network_in(value, "network")
        elif option in ("--model.network", "--model.network.class_path"):
            named += _network_in(value)
    if len(set(named)) > 1:
        msg = (
            f"the network is named twice, {' then '.join(named)}: the second would silently keep"
            f" the settings of the first; use one configuration that names {named[-1]} only"
        )
        raise UserError(msg)


def _network_in(value: str, *keys: str) -> list[str]:
    # An option's value is a file, a name or braces; what is wrong with it the parser will say.
    try:
        is_file = "{" not in value and Path(value).is_file()
        tree = yaml.safe_load(Path(value).read_text() if is_file else value)
        for key in keys:
            tree = tree[key]
        path = tree if isinstance(tree, str) else tree["class_path"]
    except (KeyError, OSError, TypeError, UnicodeDecodeError, yaml.YAMLError):
        return []
    return [str(path).rsplit(".", 1)[-1]]
