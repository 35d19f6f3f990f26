import threading
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.copy_ahead import copied_ahead
from alpha_lightning.windows.dataset import CrossSectionDataset, WindowSource
from alpha_lightning.windows.sample import SampleRule

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def dataset(small_path: Path) -> CrossSectionDataset:
    source = WindowSource.open(small_path, "rawbar", SampleRule())
    return CrossSectionDataset(source, np.arange(40, 50), labelled=False)


def test_order_and_content_are_kept_and_cutting_is_elsewhere(dataset: CrossSectionDataset) -> None:
    order, threads = [7, 1, 1, 9], []

    def cut(index: int) -> CrossSection:
        threads.append(threading.current_thread())
        return dataset[index]

    for index, batch in zip(order, copied_ahead(cut, order, CPU), strict=True):
        for ours, theirs in zip(batch, dataset[index], strict=True):
            assert ours.numpy().tobytes() == theirs.numpy().tobytes()
    assert threading.main_thread() not in threads


def test_what_goes_wrong_ahead_is_raised_in_its_turn(dataset: CrossSectionDataset) -> None:
    batches = copied_ahead(dataset.__getitem__, [0, 99], CPU)
    assert int(next(batches).date) == 40
    with pytest.raises(IndexError):
        next(batches)


def test_on_a_stream_of_its_own_nothing_is_used_or_freed_too_early(
    dataset: CrossSectionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CUDA's part played by hand: who waits for whom, and who is told."""
    happened: list[tuple[str, object]] = []
    here = SimpleNamespace(wait_event=lambda event: happened.append(("wait", event)))
    events = iter(range(100))

    class Stream:
        def record_event(self) -> int:
            return next(events)

    def to(tensor: torch.Tensor, device: object, *, non_blocking: bool) -> torch.Tensor:
        assert non_blocking
        return tensor.clone()

    monkeypatch.setattr(torch.cuda, "Stream", lambda _: Stream())
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _: here)
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(torch.Tensor, "to", to)
    monkeypatch.setattr(
        torch.Tensor, "record_stream", lambda _, stream: happened.append(("keep", stream))
    )
    for number, batch in enumerate(copied_ahead(dataset.__getitem__, [3, 8], torch.device("cuda"))):
        assert happened == [("wait", number)] + [("keep", here)] * len(batch)
        happened.clear()
        assert batch.windows.equal(dataset[[3, 8][number]].windows)


@pytest.mark.gpu
def test_on_a_gpu_it_arrives_whole(dataset: CrossSectionDataset) -> None:
    gpu = torch.device("cuda", 0)
    for index, batch in enumerate(copied_ahead(dataset.__getitem__, range(10), gpu)):
        for ours, theirs in zip(batch, dataset[index], strict=True):
            assert ours.device == gpu
            assert ours.stride() == theirs.stride()
            assert ours.cpu().numpy().tobytes() == theirs.numpy().tobytes()
