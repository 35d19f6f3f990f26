"""One process or several, batches split one way or another, data here or there: the same numbers?

    python scripts/parity.py --out parity.json

Simulates a small market (or reads ``--panel``), and for each unit

* trains one epoch of steps of ``--step`` dates, split in every listed way into processes x
  accumulated batches x dates of a batch; the dates do not divide by the step;
* validates and exports with one set of weights on 1, 2 and 3 processes, whose numbers do not divide
  the dates either;
* trains with the panel on disk, in memory and on the device.

Prints a table and writes JSON, one row per unit and way of doing it. All columns are differences
from the first row of the same kind, over the largest absolute value of that row: ``loss`` of the
epoch, ``metrics`` the largest over all logged numbers, ``gradients`` and ``statistics`` (running,
of normalisation layers) at the end of the first step, ``later`` the same two at the end of any
step, when rounding has been through the optimiser, ``weights`` after the last, ``factors`` of the
factor matrix. Empty where a way of doing it has no such number.
"""

import argparse
import json
import logging
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.factors import networks
from alpha_lightning.factors.export import FactorMatrixExport
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate
from alpha_lightning.windows.batch_rule import BatchRule, Residency
from alpha_lightning.windows.datamodule import CrossSectionDataModule

WIDTH = {
    "GRU": {"hidden": 8},
    "AGRU": {"hidden": 8, "attention": 8},
    "LSTM": {"hidden": 8},
    "RESTCN": {"hidden": 8},
    "Transformer": {"hidden": 8, "heads": 2, "feedforward": 16},
}
RESIDENCIES: tuple[Residency, ...] = ("mmap", "host", "device")


@dataclass(frozen=True)
class Split:
    """How the dates of a step are shared out."""

    processes: int = 1
    accumulated: int = 1
    dates: int = 1
    residency: Residency = "mmap"


@dataclass
class Row:
    """What a way of doing it differs by, see the head of this file."""

    unit: str
    way: str
    loss: float | None = None
    metrics: float | None = None
    gradients: float | None = None
    statistics: float | None = None
    later: float | None = None
    weights: float | None = None
    factors: float | None = None


class Recorder(pl.Callback):
    """Keeps gradients, running statistics and what was logged, in a file of rank 0."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.gradients: list[Tensor] = []
        self.statistics: list[Tensor] = []

    def on_before_optimizer_step(self, *given: Any) -> None:
        """The step's gradients, added up over processes and batches."""
        self.gradients.append(_flat(p.grad for p in given[1].parameters() if p.grad is not None))

    def on_train_batch_end(self, *given: Any) -> None:
        """Statistics, once the step is done."""
        if len(self.statistics) < len(self.gradients):
            self.statistics.append(_statistics(given[1]))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write it down; the processes of a fork end here."""
        if trainer.is_global_zero:
            kept = {
                "gradients": torch.stack(self.gradients),
                "statistics": torch.stack(self.statistics),
                "weights": _flat(pl_module.parameters()),
                "metrics": {n: float(v) for n, v in trainer.callback_metrics.items()},
                "state": {n: v.clone() for n, v in pl_module.state_dict().items()},
            }
            torch.save(kept, self.file)


def splits_of(step: int, processes: Iterable[int]) -> list[Split]:
    """Every way to split a step over so many processes, one date at a time in one process first."""
    ways = []
    for p in processes:
        if step % p == 0:
            each = step // p
            ways += [Split(p, each // d, d) for d in range(1, each + 1) if each % d == 0]
    return ways


def make_unit(name: str) -> FactorUnit:
    """A small unit of a network, always with the same weights.

    SGD does not, as Adam does, turn the rounding of a small gradient into a whole step.
    """
    torch.manual_seed(0)
    network: nn.Module = getattr(networks, name)(n_features=6, window=30, **WIDTH[name])
    return FactorUnit(network, optimizer=partial(torch.optim.SGD, lr=0.05), n_factors=4)


def make_trainer(split: Split, **settings: Any) -> pl.Trainer:
    """A silent trainer on the CPU, its processes forked."""
    quiet: dict[str, Any] = {"enable_progress_bar": False, "enable_model_summary": False}
    return pl.Trainer(
        accelerator="cpu",
        devices=split.processes,
        strategy="ddp_fork" if split.processes > 1 else "auto",
        accumulate_grad_batches=split.accumulated,
        max_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        logger=False,
        **quiet | settings,
    )


def make_data(panel: str, split: Split, date_step: int) -> CrossSectionDataModule:
    """The cross-sections of a vintage, split so."""
    batch = BatchRule(dates=split.dates, residency=split.residency)
    return CrossSectionDataModule(
        panel, vintage=2021, date_step=date_step, valid_step=2, seed=3, batch=batch
    )


def train(panel: str, unit: str, split: Split, date_step: int) -> dict[str, Any]:
    """One epoch: what `Recorder` keeps."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "kept.pt")
        trainer = make_trainer(split, callbacks=[recorder])
        trainer.fit(make_unit(unit), datamodule=make_data(panel, split, date_step))
        kept: dict[str, Any] = torch.load(recorder.file, weights_only=True)
    return kept


def serve(
    panel: str, unit: str, state: dict[str, Tensor], processes: int
) -> tuple[dict[str, float], Tensor]:
    """Validation metrics and factor matrix of given weights."""
    split, model = Split(processes), make_unit(unit)
    model.load_state_dict(state)
    metrics = make_trainer(split).validate(model, make_data(panel, split, 1), verbose=False)[0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "factors.parquet"
        trainer = make_trainer(split, callbacks=[FactorMatrixExport(path=str(file))])
        trainer.predict(model, make_data(panel, split, 1), return_predictions=False)
        factors = torch.from_numpy(read_dated_table(file).values)
    return dict(metrics), factors


def compare_trainings(panel: str, unit: str, ways: list[Split], date_step: int) -> list[Row]:
    """Rows of trainings of one unit."""
    rows: list[Row] = []
    reference: dict[str, Any] = {}
    for split in ways:
        kept = train(panel, unit, split, date_step)
        reference = reference or kept
        row = Row(unit, _name(split))
        row.loss = _apart(kept, reference, "metrics", "train/loss")
        row.metrics = max(_apart(kept, reference, "metrics", n) for n in reference["metrics"])
        row.gradients = _apart(kept, reference, "gradients", 0)
        row.statistics = _apart(kept, reference, "statistics", 0)
        steps = range(len(reference["gradients"]))
        parts = ("gradients", "statistics")
        row.later = max(_apart(kept, reference, part, k) for part in parts for k in steps)
        row.weights = difference(kept["weights"], reference["weights"])
        rows.append(row)
    return rows


def compare_servings(panel: str, unit: str, processes: list[int], date_step: int) -> list[Row]:
    """Rows of validations and factor matrices of one set of weights."""
    state = train(panel, unit, Split(), date_step)["state"]
    metrics, factors = serve(panel, unit, state, 1)
    rows = []
    for number in processes:
        its, matrix = serve(panel, unit, state, number)
        row = Row(unit, f"weights given, {number} process{'es' * (number > 1)}")
        row.loss = _apart({"m": its}, {"m": metrics}, "m", "valid/loss")
        row.metrics = max(_apart({"m": its}, {"m": metrics}, "m", name) for name in metrics)
        row.factors = difference(matrix, factors)
        rows.append(row)
    return rows


def difference(value: Tensor, reference: Tensor) -> float:
    """Largest absolute difference over the largest absolute value; infinite for other shapes."""
    if value.shape != reference.shape:
        return float("inf")
    if reference.numel() == 0:
        return 0.0
    apart = (value.double() - reference.double()).abs().max()
    size = reference.double().abs().max()
    return float(apart / size) if apart > 0 else float(apart)


def table(rows: list[Row]) -> str:
    """The rows as text."""
    names = [field.name for field in fields(Row)]
    cells = [[_cell(getattr(row, name)) for name in names] for row in rows]
    widths = [max(len(line[k]) for line in [names, *cells]) for k in range(len(names))]
    lines = [[n.ljust(w) for n, w in zip(line, widths, strict=True)] for line in [names, *cells]]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def make_panel(folder: Path) -> str:
    """A simulated market of 40 stocks on 711 days, ingested."""
    intraday = IntradaySettings(minute=False, trades=False)
    settings = MarketSettings(
        stocks=40, start="2019-01-02", days=711, industries=5, intraday=intraday
    )
    market = simulate(str(folder / "vendor"), settings, seed=1)
    return str(ingest(str(folder / "panel"), daily=str(market / "daily.parquet")))


def main(args: list[str] | None = None) -> list[Row]:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--panel", help="a panel with a vintage 2021; simulated when not given")
    parser.add_argument("--units", nargs="+", choices=list(WIDTH), default=list(WIDTH))
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--step", type=int, default=6, help="dates of a step")
    parser.add_argument("--date_step", type=int, default=8, help="every so many-th training date")
    parser.add_argument("--out", type=Path, help="JSON file of the rows")
    given = parser.parse_args(args)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        panel = given.panel or make_panel(Path(folder))
        for unit in given.units:
            ways = splits_of(given.step, given.processes)
            rows += compare_trainings(panel, unit, ways, given.date_step)
            rows += compare_servings(panel, unit, given.processes, given.date_step)
            places = [Split(residency=place) for place in RESIDENCIES]
            rows += compare_trainings(panel, unit, places, given.date_step)
    print(table(rows))
    if given.out:
        given.out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    return rows


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().reshape(-1).double() for tensor in tensors])


def _statistics(unit: nn.Module) -> Tensor:
    layers = [module for module in unit.modules() if isinstance(module, _NormBase)]
    return _flat(buffer for layer in layers for buffer in layer.buffers())


def _apart(kept: dict[str, Any], reference: dict[str, Any], part: str, key: Any) -> float:
    pair = (torch.as_tensor(side[part][key]) for side in (kept, reference))
    return difference(*pair)


def _name(split: Split) -> str:
    parts = f"{split.processes} x {split.accumulated} x {split.dates}"
    return parts if split.residency == "mmap" else f"{parts}, {split.residency}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.1e}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
