"""How close a real training epoch comes to pure compute, and how fast windows are cut.

    python scripts/bench_training.py --unit gru --stocks 1000 --dates 8000

Writes a synthetic panel to a temporary folder, trains a unit on it through Lightning, and after
each epoch times the same steps on resident random tensors: same network, same shapes, same process,
turn and turn about, so that a machine that drifts drifts for both. Prints one JSON line a round and
the summary, medians over the rounds, last.

Keys: ``samples_per_s`` stock-windows a second of the training epoch; ``compute_samples_per_s`` of
forward, backward, clipping and the optimiser's step alone; ``epoch_over_compute`` their ratio;
``gather_windows_per_s`` windows cut and scaled on one thread; ``peak_extra_over_panel`` peak
anonymous memory beyond that after the imports, over the bytes of the panel, which is memory-mapped.
"""

import argparse
import copy
import json
import statistics
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import yaml

from alpha_lightning.factors.training_cli import TrainingCLI
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.panel.arrays import Grid
from alpha_lightning.panel.writer import PanelDraft
from alpha_lightning.windows.datamodule import CrossSectionDataModule
from alpha_lightning.windows.dataset import WindowSource
from alpha_lightning.windows.sample import SampleRule

UNITS = Path(__file__).parents[1] / "configs" / "units"


def write_panel(folder: Path, dates: int, stocks: int, features: int) -> int:
    """A panel of random walks with a data set of so many features.

    Returns:
        Its size in bytes.
    """
    rng = np.random.default_rng(0)
    days = np.arange(np.datetime64("2000-01-03"), np.datetime64("2060-01-01"))
    days = days[np.is_busday(days)][:dates]
    grid = Grid(days, np.array([f"S{k:05d}" for k in range(stocks)]))
    close = 20 * np.exp(np.cumsum(rng.normal(0, 0.02, grid.shape), axis=0))
    market = {
        "open": close * 0.99,
        "high": close * 1.02,
        "low": close * 0.98,
        "close": close,
        "vwap": close * 1.001,
        "volume": rng.lognormal(12, 1, grid.shape),
        "adj_factor": np.ones(grid.shape),
    }
    market["amount"] = market["volume"] * market["vwap"]
    everywhere = np.ones(grid.shape, dtype=bool)
    draft = PanelDraft(grid, [], {"mode": "refuse", "rows": 0})
    draft.add_market(market, {"traded": everywhere, "listed": everywhere})
    draft.write(folder)
    if features != 6:
        _widen(folder, features)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _widen(folder: Path, features: int) -> None:
    # More features of the same kinds: the width is what is measured, not the meaning.
    narrow = np.load(folder / "datasets" / "rawbar.npy")
    wide = np.concatenate([narrow] * (-(-features // 6)), axis=2)[..., :features]
    np.save(folder / "datasets" / "rawbar.npy", np.ascontiguousarray(wide))
    meta = json.loads((folder / "panel.json").read_text())
    declared = meta["datasets"]["rawbar"]["features"]
    names = [dict(declared[k % 6]) for k in range(features)]
    for k, feature in enumerate(names[6:], 6):
        feature["name"] += f"_{k}"
    meta["datasets"]["rawbar"] = {"features": names, "fingerprint": f"wide{features}"}
    (folder / "panel.json").write_text(json.dumps(meta))


class Rounds(pl.Callback):
    """Times each training epoch, then the same number of steps of pure compute."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._samples = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Start the clock."""
        del trainer, pl_module
        self._samples, self._steps, self._begin = 0, 0, time.perf_counter()

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
        del trainer
        compute = compute_seconds(pl_module, self._shape, self._steps)
        row = {
            "samples_per_s": self._samples / epoch,
            "compute_samples_per_s": self._samples / compute,
            "epoch_over_compute": compute / epoch,
        }
        self.rows.append(row)
        print(json.dumps({"round": len(self.rows)} | {k: round(v, 3) for k, v in row.items()}))


def compute_seconds(unit: pl.LightningModule, shape: torch.Size, steps: int) -> float:
    """Seconds of so many optimisation steps on a resident random cross-section ``(N, L, F)``."""
    assert isinstance(unit, FactorUnit)  # noqa: S101
    twin = FactorUnit(copy.deepcopy(unit.network), copy.deepcopy(unit.loss)).to(unit.device)
    twin.train()
    optimizer = unit.make_optimizer(twin.parameters())
    # The layout that the loader delivers: a view of (L, N, F) storage.
    slab = torch.randn(shape[1], shape[0], shape[2], device=unit.device)
    windows, label = slab.transpose(0, 1), torch.randn(shape[0], device=unit.device)
    begin = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad()
        twin.loss(twin(windows), label).backward()
        torch.nn.utils.clip_grad_norm_(twin.parameters(), 3.0)
        optimizer.step()
    _synchronise(unit.device)
    return time.perf_counter() - begin


def gather_windows_per_s(panel: Path, seconds: float = 3.0) -> float:
    """Windows cut and scaled a second, on one thread, dates in random order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    source = WindowSource.open(panel, "rawbar", SampleRule())
    dates = np.random.default_rng(0).permutation(np.arange(29, len(source.panel.dates)))
    assets = np.arange(len(source.panel.symbols))
    done, begin = 0, time.perf_counter()
    for date in np.resize(dates, 1_000_000):
        done += len(source.windows(int(date), assets))
        if time.perf_counter() - begin > seconds:
            break
    rate = done / (time.perf_counter() - begin)
    torch.set_num_threads(threads)
    return rate


class PeakMemory(threading.Thread):
    """Samples the anonymous memory of this process; pages of mapped files are not counted."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.first = self.peak = _anonymous_bytes()
        self.start()

    def run(self) -> None:
        """Look twenty times a second."""
        while True:
            self.peak = max(self.peak, _anonymous_bytes())
            time.sleep(0.05)


def _anonymous_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def train(unit: str, panel: Path, options: argparse.Namespace) -> tuple[Rounds, PeakMemory]:
    """Train a shipped unit through LightningCLI for so many short epochs."""
    config = yaml.safe_load((UNITS / f"{unit}.yaml").read_text())
    dates = CrossSectionDataModule(str(panel), vintage=2004).dates
    config["data"] |= {"panel": str(panel), "vintage": int(str(dates[-1])[:4])}
    config["trainer"] |= {
        "max_epochs": options.rounds,
        "limit_train_batches": options.steps,
        "limit_val_batches": 0,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "callbacks": [],
        "accelerator": "gpu" if options.device == "cuda" else "cpu",
        "deterministic": False,
        "default_root_dir": str(panel.parent),
    }
    file = panel.parent / "unit.yaml"
    file.write_text(yaml.safe_dump(config))
    memory, rounds = PeakMemory(), Rounds()
    cli = TrainingCLI(["--config", str(file)], run=False)
    cli.trainer.callbacks.append(rounds)  # type: ignore[attr-defined]
    cli.trainer.fit(cli.model, cli.datamodule)
    return rounds, memory


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--unit", default="gru", choices=sorted(p.stem for p in UNITS.glob("*")))
    parser.add_argument("--features", type=int, default=6)
    parser.add_argument("--stocks", type=int, default=1000)
    parser.add_argument("--dates", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=40, help="training dates an epoch")
    parser.add_argument("--rounds", type=int, default=5, help="epochs")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as room:
        panel = Path(room) / "panel"
        panel.mkdir()
        size = write_panel(panel, options.dates, options.stocks, options.features)
        rounds, memory = train(options.unit, panel, options)
        gather = gather_windows_per_s(panel)
    keys = ("samples_per_s", "compute_samples_per_s", "epoch_over_compute")
    medians = {key: statistics.median(row[key] for row in rounds.rows) for key in keys}
    summary = {key: round(value, 4) for key, value in medians.items()} | {
        "gather_windows_per_s": round(gather),
        "peak_extra_over_panel": round((memory.peak - memory.first) / size, 4),
        "panel_mb": round(size / 1e6),
        "unit": options.unit,
        "features": options.features,
        "stocks": options.stocks,
        "dates": options.dates,
        "threads": options.threads,
        "device": options.device,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
