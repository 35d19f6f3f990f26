"""`fit`, `validate`, `test`, `predict`: LightningCLI with its known traps closed."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import Namespace
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.trainer import Trainer

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.run_folder import SaveConfig
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.windows.datamodule import CrossSectionDataModule

_START_METHOD = {"ddp": "popen", "ddp_spawn": "spawn", "ddp_fork": "fork"}
_LINKED = ("network.init_args.n_features", "network.init_args.window")


class TrainingCLI(LightningCLI):
    """LightningCLI of factor units.

    * ``data.n_features`` and ``data.window`` shape the network, ``seed_everything`` orders dates.
    * A checkpoint never overrides what the configuration says: a contradiction is refused.
    * The network's class is named once: changing it on the way would keep the other's settings.
    * Whole dates are dealt out by our own sampler: Lightning's would count some of them twice.
    * A process that waits for a dead one gives up after ``collective_timeout`` seconds.
    """

    def __init__(self, args: ArgsType = None, *, run: bool = True) -> None:
        listed = [str(arg) for arg in args] if isinstance(args, list) else []
        _refuse_second_network(listed)
        super().__init__(
            FactorUnit,
            CrossSectionDataModule,
            save_config_callback=SaveConfig,
            seed_everything_default=0,
            trainer_defaults={"use_distributed_sampler": False, "num_sanity_val_steps": 0},
            args=args,
            run=run,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Links and our own option."""
        parser.add_argument(
            "--collective_timeout",
            type=float,
            default=600.0,
            help="Seconds after which a process stops waiting for the others under ddp.",
        )
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)
        parser.link_arguments(
            "data.n_features", "model.network.init_args.n_features", apply_on="instantiate"
        )
        parser.link_arguments(
            "data.window", "model.network.init_args.window", apply_on="instantiate"
        )

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Read the options given, or those of the process."""
        # Lightning's version warns whenever arguments are handed over, as our dispatcher does.
        options = args if args is None or isinstance(args, list) else [*map(str, args)]
        self.config = parser.parse_args(options)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """The trainer, with our sampler and a time limit on collectives."""
        asked = self._get(self.config_init, "trainer")
        if asked["use_distributed_sampler"]:
            msg = (
                "trainer.use_distributed_sampler must be false: Lightning's sampler repeats dates"
                " to make shares equal, ours deals out each date once"
            )
            raise UserError(msg)
        if asked["strategy"] in _START_METHOD:
            kwargs["strategy"] = DDPStrategy(
                start_method=_START_METHOD[asked["strategy"]],  # type: ignore[arg-type]
                timeout=timedelta(seconds=self._get(self.config_init, "collective_timeout")),
            )
        return super().instantiate_trainer(**kwargs)

    def _parse_ckpt_path(self) -> None:
        # Lightning's version lets the checkpoint's settings silently win over the user's
        # (https://github.com/Lightning-AI/pytorch-lightning/issues/21455).
        command = self.config.get("subcommand")
        path = self.config[command].get("ckpt_path") if command else None
        if path is None or path in ("last", "best", "hpc", "registry"):
            return
        saved = dict(_flatten(_load(Path(path)).get("hyper_parameters", {})))
        asked = dict(_flatten(self.config[command]["model"].as_dict()))
        for key, value in asked.items():
            if key in saved and saved[key] != value and key not in _LINKED:
                msg = (
                    f"{path} was made with model.{key} = {saved[key]}, the configuration asks for"
                    f" {value}: use the config.yaml beside the checkpoint, or drop --ckpt_path"
                )
                raise UserError(msg)


def train(args: list[str]) -> TrainingCLI:
    """Run one of the four Lightning commands.

    Args:
        args: the command and its options, for example ``["fit", "--config", "gru.yaml"]``.

    Raises:
        UserError: a setting, the panel or a checkpoint does not fit.
    """
    return TrainingCLI(args)


def _load(path: Path) -> dict[str, Any]:
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        msg = f"checkpoint {path} does not exist: check --ckpt_path"
        raise UserError(msg) from error
    except Exception as error:
        # torch raises a different exception for each way in which a file can be broken.
        reason = str(error).splitlines()[0]
        msg = f"checkpoint {path} is damaged or not a checkpoint ({reason})"
        raise UserError(msg) from error
    return checkpoint


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        inner = value.as_dict() if isinstance(value, Namespace) else value
        if isinstance(inner, Mapping):
            yield from _flatten(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _refuse_second_network(args: list[str]) -> None:
    named: list[str] = []
    for place, arg in enumerate(args):
        option, _, value = arg.partition("=")
        if not value and place + 1 < len(args):
            value = args[place + 1]
        if option in ("--config", "-c") and Path(value).is_file():
            named += _network_of(Path(value))
        elif option in ("--model.network", "--model.network.class_path"):
            named.append(value.rsplit(".", 1)[-1])
    if len(set(named)) > 1:
        msg = (
            f"the network is named twice, {' then '.join(named)}: the second would silently keep"
            f" the settings of the first; use one configuration that names {named[-1]} only"
        )
        raise UserError(msg)


def _network_of(config: Path) -> list[str]:
    try:
        tree = yaml.safe_load(config.read_text()) or {}
        path = tree["model"]["network"]["class_path"]
    except (KeyError, TypeError, yaml.YAMLError):
        return []
    return [str(path).rsplit(".", 1)[-1]]
