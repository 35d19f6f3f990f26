"""The script that shows parity: that it finds what is the same, and what is not."""

import importlib.util
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from alpha_lightning.factors.step_statistics import StepStatistics
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.windows.date_sampler import DateSampler

SCRIPT = Path(__file__).parents[1] / "scripts" / "parity.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def panel(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(script.make_panel(tmp_path_factory.mktemp("parity")))


@pytest.mark.parametrize(
    "units",
    [
        ["RESTCN"],  # normalisation and dropout
        pytest.param(["GRU", "AGRU", "LSTM", "Transformer"], marks=pytest.mark.slow),
    ],
)
def test_the_table(
    script: ModuleType,
    panel: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    units: list[str],
) -> None:
    out = tmp_path / "parity.json"
    settings = ["--step=6", "--date_step=12", f"--out={out}"]
    rows = script.main(["--panel", panel, "--units", *units, *settings])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-len(rows) - 1].split()[:4] == ["unit", "way", "loss", "metrics"]
    assert len(json.loads(out.read_text())) == len(rows) == len(units) * (8 + 3 + 3)
    assert {(row.unit, row.way) for row in rows} >= {(units[0], "3 x 1 x 2")}
    for row in rows:
        given = "weights given" in row.way
        residency = row.way.startswith("1 x 1 x 1")
        assert (row.factors is not None) == given
        # Float32: the sum of six gradients in another order, and five steps after it.
        for name in ("gradients", "statistics", "later", "weights"):
            bound = 0.0 if residency else 1e-5
            assert given or getattr(row, name) <= bound, (row, name)
        assert row.loss <= (0.0 if residency else 1e-5)
        assert row.metrics <= (0.0 if residency else 1e-4)
        assert row.factors in (None, 0.0), "of given weights the same bits"


def test_nothing_divides_by_the_processes_or_the_step(script: ModuleType, panel: str) -> None:
    data = script.make_data(panel, script.Split(), 8)
    for loader in (data.val_dataloader(), data.predict_dataloader()):
        assert all(len(loader) % processes for processes in (2, 3)), len(loader)
    for date_step in (8, 12):
        assert len(script.make_data(panel, script.Split(), date_step).train_dataloader()) % 6


def changed(script: ModuleType, panel: str, unit: str, accumulated: int = 1) -> Any:
    """The second row of a comparison of one process with two."""
    ways = [script.Split(1, 2 * accumulated), script.Split(2, accumulated)]
    return script.compare_trainings(panel, unit, ways, 24)[1]


def test_statistics_of_rank_0_alone_would_show(
    script: ModuleType, panel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed(script, panel, "RESTCN").statistics <= 1e-6
    monkeypatch.setattr(StepStatistics, "date", lambda _: nullcontext())
    row = changed(script, panel, "RESTCN")
    assert row.statistics > 1e-3
    assert row.gradients < 1e-6, "running statistics are not read while training"


def test_noise_by_batch_would_show(
    script: ModuleType, panel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert changed(script, panel, "Transformer").gradients <= 1e-6

    def by_batch(self: FactorUnit, number: int) -> None:
        torch.manual_seed(number)

    monkeypatch.setattr(FactorUnit, "_draw_noise_of", by_batch)
    assert changed(script, panel, "Transformer").gradients > 1e-3


def test_other_dates_would_show(
    script: ModuleType, panel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_blocks(self: DateSampler) -> Any:
        order = self._order()[: len(self) * self.processes]
        return iter(order[self.rank * len(self) :][: len(self)])

    monkeypatch.setattr(DateSampler, "__iter__", in_blocks)
    row = changed(script, panel, "GRU")
    assert row.gradients > 1e-3
    assert row.weights > 1e-5


def test_every_split_is_listed_once(script: ModuleType) -> None:
    ways = script.splits_of(6, [1, 2, 3, 4])
    assert len(set(ways)) == len(ways) == 8
    assert {way.processes * way.accumulated * way.dates for way in ways} == {6}
    assert ways[0] == script.Split(1, 6, 1)


def test_differences_are_over_the_size(script: ModuleType) -> None:
    reference = torch.tensor([-4.0, 1.0])
    assert script.difference(torch.tensor([-4.0, 2.0]), reference) == 0.25
    assert script.difference(reference, reference) == 0
    assert script.difference(torch.zeros(2), torch.zeros(2)) == 0
    assert script.difference(torch.zeros(3), reference) == float("inf")
    assert script.difference(torch.zeros(0), torch.zeros(0)) == 0
