from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.windows import residency
from alpha_lightning.windows.shared import forget

Options = Callable[..., list[str]]
NETWORK = "model.network.init_args."
# Noise by date, two dates a batch and two batches a step.
SETTINGS = {
    f"{NETWORK}layers": 2,
    f"{NETWORK}dropout": 0.2,
    "data.batch.dates": 2,
    "trainer.accumulate_grad_batches": 2,
    "data.valid_step": 5,
}


@pytest.fixture(scope="module")
def from_disk(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disk") / "run"
    assert main(options(folder, **SETTINGS, **{"data.batch.residency": "mmap"})) == 0
    return folder


@pytest.mark.parametrize("place", ["device", "host"])
def test_residency_changes_no_bit_of_a_fit(
    options: Options, from_disk: Path, tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "run"
    assert main(options(folder, **SETTINGS, **{"data.batch.residency": place})) == 0
    assert_same(folder, from_disk)


def assert_same(*folders: Path) -> None:
    logs = [pd.read_csv(folder / "metrics.csv") for folder in folders]
    timed = [name for name in logs[0] if name.endswith("per_s")]
    pd.testing.assert_frame_equal(
        *(log.drop(columns=timed) for log in logs), check_exact=True, check_like=True
    )
    files = [next(folder.rglob("last.ckpt")) for folder in folders]
    ours, theirs = (torch.load(file, weights_only=True)["state_dict"] for file in files)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert value.numpy().tobytes() == theirs[name].numpy().tobytes(), name
    tables = [read_dated_table(folder / "factors.parquet").values for folder in folders]
    assert tables[0].tobytes() == tables[1].tobytes()


def test_processes_that_each_hold_their_own_validate_the_same(
    again: Options, fitted: Path, tmp_path: Path
) -> None:
    logged = []
    for n, place in ((1, "mmap"), (2, "device"), (3, "host")):
        several: dict[str, Any] = {"data.batch.residency": place, "data.valid_step": 3}
        if n > 1:
            several |= {"trainer.strategy": "ddp_fork", "trainer.devices": n}
        assert main(again("validate", fitted, tmp_path / str(n), **several)) == 0
        logged.append(pd.read_csv(tmp_path / str(n) / "run" / "validate" / "metrics.csv"))
    for other in logged[1:]:
        # Sums of float64 in another order, rounded to float32.
        pd.testing.assert_frame_equal(other, logged[0], rtol=1e-6)


def test_what_does_not_fit_is_refused_before_anything_is_written(
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    forget()
    monkeypatch.setattr(residency, "_free_memory", lambda: 10**6)
    assert main(options(tmp_path / "run", **{"data.batch.residency": "host"})) == 1
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("error: data.batch.residency host needs 0.0")
    assert last.endswith(
        "of 0.001 GB free in memory at most 90% may be taken: choose mmap, which fits"
    )
    assert not list(tmp_path.rglob("*.ckpt"))
    assert not list(tmp_path.rglob("factors.parquet"))
