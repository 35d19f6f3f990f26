from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from alpha_lightning.windows.batch_rule import BatchRule
from alpha_lightning.windows.datamodule import CrossSectionDataModule
from alpha_lightning.windows.memory_advice import memory_advice
from alpha_lightning.windows.residency import Placement


def last(data: CrossSectionDataModule) -> str:
    stocks = max(len(batch.assets) for batch in data.output_dataloader(in_sample=True))
    return (
        f"a date of {stocks} stocks is {4 * stocks * 30 * 6 / 1e9:.3g} GB before the network"
        " multiplies it: a smaller network, --trainer.precision bf16-mixed or a universe of fewer"
        " stocks"
    )


def data_of(path: Path, **batch: Any) -> CrossSectionDataModule:
    return CrossSectionDataModule(str(path), vintage=2022, batch=BatchRule(**batch))


@pytest.mark.parametrize(
    ("place", "device", "first"),
    [
        ("device", "cuda", ["--data.batch.residency host takes the panel's 5 GB off the device"]),
        ("device", "cpu", ["--data.batch.residency mmap leaves the panel's 5 GB on disk"]),
        ("host", "cuda", ["--data.batch.residency mmap leaves the panel's 5 GB on disk"]),
        ("mmap", "cuda", []),
    ],
)
def test_the_panel_goes_first(
    market_panel: Path, place: Any, device: str, first: list[str]
) -> None:
    data = data_of(market_panel)
    told = last(data)
    data.placement = Placement(place, torch.device(device), 5 * 10**9, "auto")
    assert memory_advice(data).split("; or ") == [*first, told]


def test_then_the_batch(market_panel: Path) -> None:
    data = data_of(market_panel, dates=3, workers=2)
    one = "--data.batch.dates 1 --trainer.accumulate_grad_batches {} makes the same steps"
    parts = memory_advice(data).split("; or ")
    assert parts == [
        one.format(3) + " of one date at a time",
        "--data.batch.workers 0 reads no batches ahead",
        last(data_of(market_panel)),
    ]
    data.trainer = SimpleNamespace(accumulate_grad_batches=4)  # type: ignore[assignment]
    assert one.format(12) in memory_advice(data)
