import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.dataset import CrossSectionDataset, WindowSource
from alpha_lightning.windows.date_sampler import DateSampler
from alpha_lightning.windows.loader import CrossSectionLoader
from alpha_lightning.windows.sample import SampleRule

DATES = np.arange(40, 50)


@pytest.fixture(scope="module")
def dataset(small_path: Path) -> CrossSectionDataset:
    source = WindowSource.open(small_path, "rawbar", SampleRule())
    return CrossSectionDataset(source, DATES, labelled=False)


def loader(dataset: CrossSectionDataset, workers: int = 0, **changes: Any) -> CrossSectionLoader:
    sampler = DateSampler(**{"dates": len(dataset), "shuffle": True, "seed": 3} | changes)
    return CrossSectionLoader(dataset, sampler, workers)


def epoch(batches: CrossSectionLoader, number: int) -> list[int]:
    batches.sampler.set_epoch(number)
    return [int(batch.date) for batch in batches]


def test_one_item_is_one_date(dataset: CrossSectionDataset) -> None:
    batches = loader(dataset, shuffle=False)
    assert len(batches) == 10
    assert epoch(batches, 0) == DATES.tolist()
    first = next(iter(batches))
    assert first.windows.shape == (len(first.assets), 30, 6)


def test_workers_read_the_same(dataset: CrossSectionDataset) -> None:
    alone, helped = loader(dataset), loader(dataset, workers=1)
    for number in range(2):
        alone.sampler.set_epoch(number)
        helped.sampler.set_epoch(number)
        for ours, theirs in zip(alone, helped, strict=True):
            assert int(ours.date) == int(theirs.date)
            assert ours.windows.equal(theirs.windows)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("done", [0, 1, 4, 9])
def test_resume_goes_on_with_the_dates_not_seen(
    dataset: CrossSectionDataset, workers: int, done: int
) -> None:
    whole = loader(dataset)
    orders = [epoch(whole, number) for number in range(4)]
    interrupted = loader(dataset, workers)
    assert epoch(interrupted, 1) == orders[1]
    interrupted.sampler.set_epoch(2)
    seen = [int(batch.date) for batch in itertools.islice(interrupted, done)]
    assert seen == orders[2][:done]
    state = interrupted.state_dict()
    resumed = loader(dataset, workers)
    resumed.load_state_dict(state)
    # Lightning makes the iterator before it tells the epoch.
    resumed.sampler.set_epoch(2)
    rest = [int(batch.date) for batch in resumed]
    assert seen + rest == orders[2]
    assert epoch(resumed, 3) == orders[3], "only the interrupted epoch is shorter"
    assert resumed.state_dict()["done"] == 0


def test_state_after_the_last_batch_begins_the_next_epoch(dataset: CrossSectionDataset) -> None:
    batches = loader(dataset)
    batches.sampler.set_epoch(5)
    states = [batches.state_dict()["done"] for _ in batches]
    assert states == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    state = batches.state_dict()
    resumed = loader(dataset)
    resumed.load_state_dict(state)
    assert len(epoch(resumed, 6)) == 10


def test_an_epoch_cut_short_does_not_shorten_the_next(dataset: CrossSectionDataset) -> None:
    # trainer.limit_train_batches, or a look at the first batch.
    batches = loader(dataset)
    whole = [epoch(loader(dataset), number) for number in range(2)]
    batches.sampler.set_epoch(0)
    assert [int(b.date) for b in itertools.islice(batches, 4)] == whole[0][:4]
    cut_short = batches.state_dict()
    assert epoch(batches, 1) == whole[1]
    resumed = loader(dataset)
    resumed.load_state_dict(cut_short)
    assert epoch(resumed, 1) == whole[1], "a checkpoint after the cut epoch begins the next one"


@pytest.mark.parametrize("change", [{"seed": 4}, {"dates": 9}, {"processes": 2}])
def test_resume_in_another_order_is_refused(
    dataset: CrossSectionDataset, change: dict[str, int]
) -> None:
    state = loader(dataset).state_dict()
    with pytest.raises(PanelError, match=f"{next(iter(change))}.*this run has.*: resume with"):
        loader(dataset, **change).load_state_dict(state)


def test_lightning_cannot_take_it_apart(dataset: CrossSectionDataset) -> None:
    batches = loader(dataset)
    assert DataLoader not in type(batches).__mro__
    assert batches.sampler.identity == {"dates": 10, "seed": 3, "processes": 1, "step": 1}
