"""The functions that tasks run, where a stage's own command is not yet the whole step."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.options import merge


def simulate_step(config: dict[str, Any], out: str) -> None:
    """Simulate a market from the content of its YAML."""
    from jsonargparse import ArgumentParser

    from alpha_lightning.simulation.simulate import simulate

    parser = ArgumentParser(exit_on_error=False)
    parser.add_function_arguments(simulate)
    typed = parser.parse_object({**config, "out": out, "overwrite": True})
    simulate(**vars(parser.instantiate(typed)))


def ingest_step(arguments: dict[str, Any], out: str) -> None:
    """Ingest vendor tables, replacing a panel of older ones."""
    from alpha_lightning.panel.ingest import SideTables, ingest

    tables = SideTables(**arguments["tables"]) if arguments["tables"] else None
    ingest(out, **{**arguments, "tables": tables}, overwrite=True)


def characterise_step(exchange: dict[str, Any], **arguments: Any) -> None:
    """Add mschars and l2chars to a panel, at an exchange given by the content of its YAML."""
    from jsonargparse import ArgumentParser

    from alpha_lightning.panel.characterise import characterise

    parser = ArgumentParser(exit_on_error=False)
    parser.add_function_arguments(characterise)
    typed = parser.parse_object({**arguments, "exchange": exchange})
    characterise(**vars(parser.instantiate(typed)))


def prepare_step(panel: str, dataset: str, rule: dict[str, Any]) -> None:
    """Compute the stage-2 statistics once, before many processes ask for them."""
    from alpha_lightning.windows.dataset import WindowSource
    from alpha_lightning.windows.sample import SampleRule

    WindowSource.open(panel, dataset, SampleRule(**rule))


def fit_step(
    config: dict[str, Any],
    folder: str,
    threads: int,
    *,
    way: dict[str, Any] | None = None,
    tracking: dict[str, Any] | None = None,
    resume: bool = False,
) -> None:
    """Train one unit from a resolved configuration, in a folder of its own.

    Args:
        config: of `fit`.
        folder: of the run.
        threads: of torch.
        way: laid over the configuration: what changes no number.
        tracking: laid over that: who is told how it goes.
        resume: go on from the newest state in the folder, left by the same task; otherwise, or
            when it cannot be read, from the beginning.
    """
    config = merge(merge(config, way or {}), tracking or {})
    if resume and _is_whole(Path(folder) / "checkpoints" / "last.ckpt"):
        _lightning("fit", config, folder, threads, "--resume=true")
        return
    shutil.rmtree(folder, ignore_errors=True)
    _lightning("fit", config, folder, threads)


def export_step(
    config: dict[str, Any],
    folder: str,
    threads: int,
    *,
    way: dict[str, Any] | None = None,
    tracking: dict[str, Any] | None = None,
) -> None:
    """Make the factor matrix of a trained network again, from its checkpoint; nobody is told."""
    del tracking
    best = Path(folder) / "checkpoints" / "best.ckpt"
    config = _exporting(merge(config, way or {}), folder)
    _lightning("predict", config, folder, threads, f"--ckpt_path={best}")


def _is_whole(checkpoint: Path) -> bool:
    from alpha_lightning.factors.checkpoint import read_checkpoint

    try:
        read_checkpoint(checkpoint)
    except UserError:
        return False
    return True


def _exporting(config: dict[str, Any], folder: str) -> dict[str, Any]:
    # `predict` writes beside the run; a study's factors lie in it.
    callbacks = [dict(callback) for callback in config["trainer"]["callbacks"]]
    path = {"path": str(Path(folder) / "factors.parquet")}
    callbacks[-1]["init_args"] = {**callbacks[-1]["init_args"], **path}
    return {**config, "trainer": {**config["trainer"], "callbacks": callbacks}}


def _lightning(
    command: str, config: dict[str, Any], folder: str, threads: int, *options: str
) -> None:
    import torch

    from alpha_lightning.factors.training_cli import train

    # Beside the folder, which Lightning wants to find empty.
    file = Path(folder).with_name(f"{Path(folder).name}.yaml")
    with atomic_file(file) as draft:
        draft.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        train([command, "--config", str(file), *options])
    finally:
        # The next task of this process must not depend on what ran before it.
        torch.set_num_threads(before)


def weigh_step(arguments: dict[str, Any], settings: dict[str, Any], threads: int) -> None:
    """Weigh factor matrices into a score."""
    from alpha_lightning.panel.returns import Horizon
    from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
    from alpha_lightning.weighting.weigh import weigh

    label = Horizon(**arguments["label"])
    weigh(**{**arguments, "label": label}, settings=LightGBMSettings(**settings, threads=threads))


def combine_step(arguments: dict[str, Any]) -> None:
    """Average scores with weights of the past."""
    from alpha_lightning.panel.returns import Horizon
    from alpha_lightning.weighting.combine import combine

    combine(**{**arguments, "label": Horizon(**arguments["label"])})


def baseline_step(arguments: dict[str, Any], settings: dict[str, Any], threads: int) -> None:
    """Score without a network."""
    from alpha_lightning.panel.returns import Horizon
    from alpha_lightning.weighting.baselines import baseline
    from alpha_lightning.weighting.lightgbm_model import LightGBMSettings

    label = Horizon(**arguments["label"])
    trees = LightGBMSettings(**settings, threads=threads)
    baseline(**{**arguments, "label": label}, settings=trees)
