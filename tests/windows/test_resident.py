from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from alpha_lightning.panel.store import Feature
from alpha_lightning.windows import resident
from alpha_lightning.windows.dataset import CrossSectionDataset, WindowSource
from alpha_lightning.windows.resident import ResidentDataset, ResidentRows, resident_bytes
from alpha_lightning.windows.sample import SampleRule
from alpha_lightning.windows.scaling import WindowScaling
from alpha_lightning.windows.yardsticks import Yardsticks

CPU = torch.device("cpu")
ROWS = range(11, 70)
DATES = np.arange(40, 64)


def source_of(path: Path, **changes: Any) -> WindowSource:
    source = WindowSource.open(path, "rawbar", SampleRule(), **changes)
    source.switched_on[1] = 0
    return source


def against_means(source: WindowSource) -> WindowSource:
    """The same panel, its features measured against the window's mean day."""
    kinds = ("price", "volume", "shares", "amount", "ratio", "moment")
    scaling = WindowScaling.of([Feature(kind, kind) for kind in kinds])
    yardsticks = Yardsticks(source.panel, source.rule.window, means=True)
    changed = {**vars(source), "scaling": scaling, "yardsticks": yardsticks}
    return WindowSource(**changed)


@pytest.mark.parametrize("cross_section", [True, False])
@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("means", [True, False])
def test_cross_sections_are_those_of_the_disk_bit_for_bit(
    small_path: Path, cross_section: bool, labelled: bool, means: bool
) -> None:
    source = source_of(small_path, cross_section=cross_section)
    if means:
        source = against_means(source)
    here = ResidentDataset(ResidentRows.load(source, ROWS, CPU), source, DATES, labelled=labelled)
    there = CrossSectionDataset(source, DATES, labelled=labelled)
    assert len(here) == len(there) == 24
    for k in range(len(DATES)):
        ours, theirs = here[k], there[k]
        for name, value in ours._asdict().items():
            other = getattr(theirs, name)
            assert value.dtype == other.dtype
            assert value.shape == other.shape
            # Bytes, for a NaN is to be equal to a NaN.
            assert value.numpy().tobytes() == other.numpy().tobytes(), (k, name)
        assert ours.windows.stride() == theirs.windows.stride()
    assert (torch.cat([here[k].windows.flatten() for k in range(3)]) != 0).any()


def test_a_cross_section_leaves_the_rows_as_they_were(small_path: Path) -> None:
    source = source_of(small_path)
    rows = ResidentRows.load(source, ROWS, CPU)
    items = ResidentDataset(rows, source, DATES, labelled=False)
    first = items[5].windows.clone()
    assert items[5].windows.equal(first)
    raw = torch.from_numpy(np.array(source.dataset.array[11:70]))
    assert rows.array.numpy().tobytes() == raw.numpy().tobytes()


@pytest.mark.parametrize("cross_section", [True, False])
def test_bytes_are_told_before_they_are_taken(small_path: Path, cross_section: bool) -> None:
    source = source_of(small_path, cross_section=cross_section)
    rows = ResidentRows.load(source, ROWS, CPU)
    items = ResidentDataset(rows, source, np.arange(40, 70), labelled=False)
    taken = rows.nbytes + sum(assets.nbytes for assets in items._assets)
    told = resident_bytes(source, ROWS)
    # Every stock is counted as scored on every date, which here most are.
    assert 0.9 * told < taken <= told


def test_rows_loaded_in_inference_mode_can_be_trained_on(small_path: Path) -> None:
    source = source_of(small_path)
    with torch.inference_mode():
        rows = ResidentRows.load(source, ROWS, CPU)
        items = ResidentDataset(rows, source, DATES, labelled=True)
    batch = items[3]
    weights = torch.ones(6, requires_grad=True)
    loss = (batch.windows @ weights * batch.label[:, None]).sum()
    assert torch.autograd.grad(loss, weights)[0].isfinite().all()


def test_rows_are_copied_a_block_at_a_time(
    small_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(small_path)
    whole = ResidentRows.load(source, ROWS, CPU)
    monkeypatch.setattr(resident, "_BLOCK", 7)
    assert ResidentRows.load(source, ROWS, CPU).array.numpy().tobytes() == (
        whole.array.numpy().tobytes()
    )


def test_no_dates_are_no_items(small_path: Path) -> None:
    source = source_of(small_path)
    rows = ResidentRows.load(source, ROWS, CPU)
    assert len(ResidentDataset(rows, source, np.array([], dtype=int), labelled=True)) == 0


@pytest.mark.gpu
@pytest.mark.parametrize("means", [True, False])
def test_an_accelerator_cuts_and_scales_the_same(small_path: Path, means: bool) -> None:
    source = source_of(small_path)
    if means:
        source = against_means(source)
    gpu = torch.device("cuda", 0)
    here, there = (
        ResidentDataset(ResidentRows.load(source, ROWS, device), source, DATES, labelled=True)
        for device in (gpu, CPU)
    )
    for k in range(len(DATES)):
        assert all(tensor.device == gpu for tensor in here[k])
        torch.testing.assert_close(here[k].windows.cpu(), there[k].windows, rtol=1e-6, atol=1e-6)
        assert here[k].assets.cpu().equal(there[k].assets)
        assert here[k].label.cpu().equal(there[k].label)


@pytest.mark.parametrize("cross_section", [True, False])
def test_no_look_ahead(small_path: Path, changed_path: Path, cross_section: bool) -> None:
    # Rows after those asked for are resident too: none may show. Stage 2 alone would hide the
    # last day of these bars, whose features stand in one ratio.
    dates = np.arange(40, 61)
    before, after = (
        ResidentDataset(ResidentRows.load(source, ROWS, CPU), source, dates, labelled=False)
        for source in (
            source_of(p, cross_section=cross_section) for p in (small_path, changed_path)
        )
    )
    for place in range(len(dates) - 1):
        ours, theirs = before[place], after[place]
        assert ours.assets.equal(theirs.assets)
        assert ours.windows.equal(theirs.windows)
    ours, theirs = before[len(dates) - 1], after[len(dates) - 1]
    same = ours.windows.shape == theirs.windows.shape and ours.windows.equal(theirs.windows)
    assert not same, "the future did change"
