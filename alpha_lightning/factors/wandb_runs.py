"""W&B runs of trainings: their names, and one line for what a user has to do."""

import netrc
import os
import secrets
import sys
from typing import Any
from urllib.parse import urlsplit

import pytorch_lightning as pl
from pytorch_lightning.loggers import WandbLogger

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.export import FactorMatrixExport
from alpha_lightning.factors.run_folder import run_folder

_REMEDY = (
    "run `wandb login` (or set WANDB_API_KEY), or keep the runs on this machine with"
    " WANDB_MODE=offline"
)
_ID = "wandb_id.txt"
_DEFAULT = "oos_lagged"
_NOT_ONLINE = ("offline", "dryrun", "disabled")


def wandb_loggers(trainer: pl.Trainer) -> list[WandbLogger]:
    """The W&B loggers of a trainer."""
    return [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]


def name_runs(
    trainer: pl.Trainer, config: dict[str, Any], command: str = "fit", *, resume: bool = False
) -> None:
    """Fill in what the user's settings leave open of each W&B run; nothing is started yet.

    The group is unit/data set/vintage, which a study puts its own name before, the run's name is
    the seed's, and the configuration is the whole of it, with seed, unit, dataset and vintage on
    top for W&B to group and colour by. Each run is one of its own, though others are under way.

    Args:
        trainer: with its loggers.
        config: resolved YAML of the command.
        command: which it is, the type of job.
        resume: whether the run goes on under the name W&B knows it by.

    Raises:
        UserError: a run is to go online and no key is known.
    """
    about = _about(trainer, config)
    scheme = (config["data"].get("rule") or {}).get("scheme", _DEFAULT)
    cut = f"{about['vintage']}" + (f"-{scheme}" if scheme != _DEFAULT else "")
    names = {
        "name": f"s{about['seed']}",
        "group": f"{about['unit']}/{about['dataset']}/{cut}",
        "job_type": command,
    }
    for logger in wandb_loggers(trainer):
        given = logger._wandb_init
        given.update({key: value for key, value in names.items() if given.get(key) is None})
        if logger._id is None:
            # Known from here on: where W&B's is the first logger, it names the run's folder.
            kept = _kept_id(trainer) if resume else None
            logger._id = given["id"] = kept or secrets.token_hex(4)
        given["config"] = {**config, **about, **(given.get("config") or {})}
        given.setdefault("reinit", "create_new")
        if logger._offline:
            # In its settings and not in the environment, where it would be the next run's too.
            given["mode"], logger._offline = "offline", False
        if trainer.is_global_zero and goes_online(given.get("mode")):
            refuse_without_key()


def keep_id(trainer: pl.Trainer) -> None:
    """Note in the run's folder by which name W&B knows the run, should it be resumed."""
    folder, loggers = run_folder(trainer), wandb_loggers(trainer)
    if loggers and trainer.is_global_zero:
        with atomic_file(folder / _ID) as draft:
            draft.write_text(str(loggers[0].version))


def goes_online(mode: str | None) -> bool:
    """Whether a run of that mode, or without a word of the environment's, talks to a server."""
    return (mode or os.environ.get("WANDB_MODE") or "online") not in _NOT_ONLINE


def refuse_without_key() -> None:
    """Raise before anything runs, where W&B would only ask for a key when training begins.

    Raises:
        UserError: no key in the environment and none kept by ``wandb login``.
    """
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return
    host = urlsplit(os.environ.get("WANDB_BASE_URL") or _server()).hostname or ""
    file = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")  # noqa: PTH111 - as W&B does
    try:
        known = netrc.netrc(file).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        known = None
    if known is None:
        msg = f"no key of Weights & Biases for {host}: {_REMEDY}"
        raise UserError(msg)


def finish_runs(trainer: pl.Trainer, exit_code: int) -> None:
    """Close the runs that this process has opened, checkpoints that are to go up first."""
    for logger in wandb_loggers(trainer):
        run = logger._experiment
        if run is not None:
            # Lightning's own turn comes after the run is closed.
            logger.finalize("failed" if exit_code else "success")
            run.finish(exit_code=exit_code)
            logger._id, logger._experiment = run.id, None


def explain(error: BaseException) -> None:
    """Raise a mistake that W&B found as one a user can mend; let every other one be.

    Raises:
        UserError: W&B has refused a run, its key or its settings.
    """
    wandb = sys.modules.get("wandb")
    if wandb is not None and isinstance(error, wandb.errors.Error):
        msg = f"Weights & Biases: {' '.join(str(error).split())}: {_REMEDY}"
        raise UserError(msg) from error


def _about(trainer: pl.Trainer, config: dict[str, Any]) -> dict[str, Any]:
    """What runs are grouped and coloured by, called as in the factor matrix."""
    data, network = config["data"], config["model"]["network"]["class_path"]
    unit, run = str(network).rpartition(".")[2].lower(), config["seed_everything"]
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, FactorMatrixExport):
            unit, run = callback.unit or unit, run if callback.run is None else callback.run
    return {"unit": unit, "dataset": data["dataset"], "vintage": data["vintage"], "seed": run}


def _kept_id(trainer: pl.Trainer) -> str | None:
    file = run_folder(trainer) / _ID
    return file.read_text().strip() if file.is_file() else None


def _server() -> str:
    import wandb

    return str(wandb.setup().settings.base_url)
