"""What a unit's training makes of an accelerator, and several seeds of it in one process.

    python scripts/bench_gpu.py --out gpu.json                    # a GPU, the paper's scale
    python scripts/bench_gpu.py --device cpu --stocks 300         # two cores, smaller

Writes a synthetic panel to a temporary folder for each number of features and trains each unit on
it through LightningCLI, once a precision, compiled or not. After each epoch it times the same steps
on resident random tensors: same network, shapes, precision and process, turn and turn about, so
that a machine that drifts drifts for both. The first epoch warms up and does not count. Prints a
JSON line a row, and writes all of them to ``--out`` as a list.

Keys, medians over epochs: ``samples_per_s`` stock-windows a second of training epochs;
``epoch_over_compute`` seconds of pure compute over those of the epoch; ``peak_gpu_gb`` memory that
tensors took; ``gpu_utilisation`` percent, as nvidia-smi tells it;  ``seeds_together_over_one``
seconds of ``fit --seeds`` over those of one of its seeds, loading included, imports not;
``seeds_together_over_apart``, with ``--apart true``, over those of as many commands one after
another, imports included, validation and factor matrices too.
"""

import argparse
import contextlib
import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
import yaml
from bench_training import UNITS, write_panel  # type: ignore[import-not-found]

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.factors.training_cli import TrainingCLI, train
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.panel.store import Panel
from alpha_lightning.windows.shared import forget

_WARM_UP = 3


class Epochs(pl.Callback):
    """Seconds of each training epoch, and of the same number of steps of pure compute."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._samples = self._steps = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        del trainer
        self._samples, self._steps = 0, 0
        _synchronise(pl_module.device)
        self._begin = time.perf_counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, n: int
    ) -> None:
        """Count."""
        del trainer, pl_module, outputs, n
        self._samples, self._steps = self._samples + len(batch.windows), self._steps + 1
        self._shape = batch.windows.shape

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Time the peer."""
        _synchronise(pl_module.device)
        epoch = time.perf_counter() - self._begin
        assert isinstance(pl_module, FactorUnit)  # noqa: S101
        compute = compute_seconds(trainer, pl_module, self._shape, self._steps)
        rate = self._samples / epoch
        self.rows.append({"samples_per_s": rate, "epoch_over_compute": compute / epoch})


def compute_seconds(trainer: pl.Trainer, unit: FactorUnit, shape: torch.Size, steps: int) -> float:
    """Seconds of so many optimisation steps on a resident random cross-section ``(N, L, F)``."""
    parts = copy.deepcopy(unit.network), copy.deepcopy(unit.loss)
    twin = FactorUnit(*parts, n_factors=unit.n_factors, compile=unit.compiled).to(unit.device)
    twin.train()
    optimizer = unit.make_optimizer(twin.parameters())
    plugin = trainer.precision_plugin
    scaler = torch.amp.GradScaler(enabled=getattr(plugin, "scaler", None) is not None)
    # The layout that the loader delivers: a view of (L, N, F) storage.
    slab = torch.randn(shape[1], shape[0], shape[2], device=unit.device)
    windows, label = slab.transpose(0, 1), torch.randn(shape[0], device=unit.device)
    begin = 0.0
    for step in range(-_WARM_UP, steps):
        if step == 0:
            _synchronise(unit.device)
            begin = time.perf_counter()
        optimizer.zero_grad()
        with plugin.forward_context():
            loss = twin.loss(twin(windows), label)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(twin.parameters(), 3.0)
        scaler.step(optimizer)
        scaler.update()
    _synchronise(unit.device)
    return time.perf_counter() - begin


@contextlib.contextmanager
def utilisation() -> Iterator[list[float]]:
    """Percent of the time that the GPU was busy, five times a second; empty without nvidia-smi."""
    seen: list[float] = []
    query = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    try:
        watch = subprocess.Popen(["nvidia-smi", *query], stdout=subprocess.PIPE, text=True)  # noqa: S607
    except OSError:
        yield seen
        return
    try:
        yield seen
    finally:
        watch.terminate()
        lines = watch.communicate()[0].splitlines()
        seen += [float(line) for line in lines if line.strip().isdecimal()]


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def configuration(unit: str, panel: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A shipped unit's configuration on a panel, for so many short epochs."""
    config: dict[str, Any] = yaml.safe_load((UNITS / f"{unit}.yaml").read_text())
    dates = Panel.open(panel).dates
    config["data"] |= {"panel": str(panel), "vintage": int(str(dates[-1])[:4])}
    config["data"]["batch"] = {"residency": options.residency}
    config["trainer"] |= {
        "max_epochs": options.rounds + 1,
        "limit_train_batches": options.steps,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "accelerator": "gpu" if options.device == "cuda" else "cpu",
        "deterministic": options.device == "cpu",
        "default_root_dir": str(panel.parent),
    }
    return config


def bare(config: dict[str, Any], precision: str, *, compiled: bool) -> dict[str, Any]:
    """The same with nothing but training: no validation, logger or factor matrix."""
    quiet = {"limit_val_batches": 0, "logger": False, "enable_checkpointing": False}
    trainer = {**config["trainer"], **quiet, "callbacks": [], "precision": precision}
    return {**config, "trainer": trainer, "model": {**config["model"], "compile": compiled}}


def epochs_of(config: dict[str, Any], file: Path) -> dict[str, float | None]:
    """Measures of one training, medians over its epochs but the first."""
    file.write_text(yaml.safe_dump(config))
    rounds = Epochs()
    cli = TrainingCLI(["--config", str(file)], run=False)
    cli.trainer.callbacks.append(rounds)  # type: ignore[attr-defined]
    on_gpu = cli.trainer.strategy.root_device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    with utilisation() as busy:
        cli.trainer.fit(cli.model, cli.datamodule)
    warm = rounds.rows[1:]
    row: dict[str, float | None] = {
        key: round(statistics.median(one[key] for one in warm), 4) for key in warm[0]
    }
    peak = torch.cuda.max_memory_allocated() / 1e9 if on_gpu else None
    row["peak_gpu_gb"] = None if peak is None else round(peak, 3)
    row["gpu_utilisation"] = statistics.median(busy) if on_gpu and busy else None
    return row


def together_over_one(config: dict[str, Any], file: Path, seeds: int) -> float:
    """Seconds of several seeds in this process over those of one, each loading the panel once."""
    file.write_text(yaml.safe_dump(config))
    seconds = []
    for place, option in enumerate(("--seed_everything=0", f"--seeds=0..{seeds - 1}")):
        root = file.parent / f"{file.stem}-{place}"
        forget()
        begin = time.perf_counter()
        train(["fit", "--config", str(file), option, f"--trainer.default_root_dir={root}"])
        seconds.append(time.perf_counter() - begin)
    forget()
    return round(seconds[1] / seconds[0], 3)


def together_over_apart(config: dict[str, Any], file: Path, seeds: int) -> float:
    """Seconds of one command with several seeds over those of one command a seed."""
    file.write_text(yaml.safe_dump(config))
    chosen = [[f"--seeds=0..{seeds - 1}"], *([f"--seed_everything={r}"] for r in range(seeds))]
    seconds = []
    for place, option in enumerate(chosen):
        folder = [f"--trainer.logger.init_args.{k}" for k in ("save_dir", "name", "version")]
        where = zip(folder, (file.parent, file.stem, f"run{place}"), strict=True)
        line = [sys.executable, "-m", "alpha_lightning", "fit", "--config", str(file), *option]
        begin = time.perf_counter()
        subprocess.run(
            [*line, *(f"{name}={value}" for name, value in where)],
            check=True,
            capture_output=True,
            env=os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())},
        )
        seconds.append(time.perf_counter() - begin)
    return round(seconds[0] / sum(seconds[1:]), 3)


def rows_of(room: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row a unit, number of features, precision and way to run it."""
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    for features in options.features:
        panel = room / f"f{features}" / "panel"
        panel.mkdir(parents=True)
        write_panel(panel, options.dates, options.stocks, features)
        for unit in options.units:
            config = configuration(unit, panel, options)
            for precision in options.precisions:
                for compiled in options.compiled:
                    file = panel.parent / f"{unit}-{precision}-{compiled}.yaml"
                    config_here = bare(config, precision, compiled=compiled)
                    row = {"unit": unit, "features": features, "precision": precision}
                    row |= {"compiled": compiled, **epochs_of(config_here, file)}
                    if options.seeds > 1 and not compiled:
                        ratio = together_over_one(config_here, file, options.seeds)
                        row["seeds_together_over_one"] = ratio
                    if options.apart and not compiled and precision == "32-true":
                        ratio = together_over_apart(config, file, options.seeds)
                        row["seeds_together_over_apart"] = ratio
                    yield row | {
                        "seeds": options.seeds,
                        "residency": options.residency,
                        "stocks": options.stocks,
                        "dates": options.dates,
                        "steps": options.steps,
                        "threads": torch.get_num_threads(),
                        "device": name,
                    }


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    units = sorted(path.stem for path in UNITS.glob("*.yaml"))
    gpu = torch.cuda.is_available()
    parser.add_argument("--device", default="cuda" if gpu else "cpu", choices=["cpu", "cuda"])
    parser.add_argument("--units", nargs="+", default=units, choices=units)
    parser.add_argument("--features", nargs="+", type=int, default=[6, 118])
    default = ["32-true", "bf16-mixed", "16-mixed"] if gpu else ["32-true"]
    parser.add_argument("--precisions", nargs="+", default=default)
    parser.add_argument(
        "--compiled", nargs="+", type=_truth, default=[False, True] if gpu else [False]
    )
    parser.add_argument("--residency", default="device", choices=["device", "host", "mmap"])
    parser.add_argument("--stocks", type=int, default=4500 if gpu else 300)
    parser.add_argument("--dates", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=200 if gpu else 20, help="dates an epoch")
    parser.add_argument("--rounds", type=int, default=3, help="epochs after the first")
    parser.add_argument("--seeds", type=int, default=10, help="0 leaves seeds out")
    parser.add_argument("--apart", type=_truth, default=not gpu, help="also one command a seed")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args()


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def main() -> None:
    """Measure and print."""
    options = read_options()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as room:
        for row in rows_of(Path(room), options):
            rows.append(row)
            print(json.dumps(row), flush=True)
            if options.out:
                with atomic_file(options.out) as draft:
                    draft.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
