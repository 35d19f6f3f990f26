import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.dataset import CrossSectionDataset, WindowSource
from alpha_lightning.windows.date_sampler import DateSampler
from alpha_lightning.windows.loader import CrossSectionLoader
from alpha_lightning.windows.resident import ResidentDataset, ResidentRows
from alpha_lightning.windows.sample import SampleRule

CPU = torch.device("cpu")
DATES = np.arange(40, 50)
PLACES = ("mmap", "device", "host")


@pytest.fixture(scope="module")
def dataset(small_path: Path) -> CrossSectionDataset:
    source = WindowSource.open(small_path, "rawbar", SampleRule())
    return CrossSectionDataset(source, DATES, labelled=False)


@pytest.fixture(scope="module")
def resident(dataset: CrossSectionDataset) -> ResidentDataset:
    rows = ResidentRows.load(dataset.source, range(60), CPU)
    return ResidentDataset(rows, dataset.source, DATES, labelled=False)


def sampler(**changes: Any) -> DateSampler:
    return DateSampler(**{"dates": len(DATES), "shuffle": True, "seed": 3} | changes)


def loader(dataset: CrossSectionDataset, workers: int = 0, **changes: Any) -> CrossSectionLoader:
    return CrossSectionLoader(dataset, sampler(**changes), workers)


def epoch(batches: CrossSectionLoader, number: int) -> list[int]:
    batches.sampler.set_epoch(number)
    return [int(batch.date) for batch in one_by_one(batches)]


def one_by_one(batches: CrossSectionLoader) -> Iterator[CrossSection]:
    for batch in batches:
        assert isinstance(batch, CrossSection)
        yield batch


def grouped(batches: CrossSectionLoader, number: int) -> list[list[int]]:
    batches.sampler.set_epoch(number)
    dates = []
    for batch in batches:
        assert isinstance(batch, list)
        dates.append([int(one.date) for one in batch])
    return dates


def several(
    dataset: CrossSectionDataset | ResidentDataset, dates: int, place: str, **changes: Any
) -> CrossSectionLoader:
    device = CPU if place == "host" else None
    order = sampler(**{"step": dates} | changes)
    return CrossSectionLoader(dataset, order, dates=dates, device=device)


def test_one_item_is_one_date(dataset: CrossSectionDataset) -> None:
    batches = loader(dataset, shuffle=False)
    assert len(batches) == 10
    assert epoch(batches, 0) == DATES.tolist()
    first = next(one_by_one(batches))
    assert first.windows.shape == (len(first.assets), 30, 6)


def test_workers_read_the_same(dataset: CrossSectionDataset) -> None:
    alone, helped = loader(dataset), loader(dataset, workers=1)
    for number in range(2):
        alone.sampler.set_epoch(number)
        helped.sampler.set_epoch(number)
        for ours, theirs in zip(one_by_one(alone), one_by_one(helped), strict=True):
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
    seen = [int(batch.date) for batch in itertools.islice(one_by_one(interrupted), done)]
    assert seen == orders[2][:done]
    state = interrupted.state_dict()
    resumed = loader(dataset, workers)
    resumed.load_state_dict(state)
    # Lightning makes the iterator before it tells the epoch.
    resumed.sampler.set_epoch(2)
    rest = [int(batch.date) for batch in one_by_one(resumed)]
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
    assert [int(b.date) for b in itertools.islice(one_by_one(batches), 4)] == whole[0][:4]
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


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dates", [1, 2, 3])
def test_every_residency_hands_out_the_same_batches(
    dataset: CrossSectionDataset, resident: ResidentDataset, place: str, dates: int
) -> None:
    plain = loader(dataset, step=dates)
    batches = several(dataset if place == "mmap" else resident, dates, place)
    for number in range(2):
        order = epoch(plain, number)
        assert len(order) == 10 // dates * dates
        pairs = [order[k : k + dates] for k in range(0, len(order), dates)]
        assert len(batches) == len(pairs)
        told = [[d] for d in epoch(batches, number)] if dates == 1 else grouped(batches, number)
        assert told == pairs


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("done", [0, 1, 4])
def test_resume_of_batches_of_several_dates(
    dataset: CrossSectionDataset, resident: ResidentDataset, place: str, done: int
) -> None:
    items = dataset if place == "mmap" else resident
    whole = [grouped(several(items, 2, place), number) for number in range(2)]
    interrupted = several(items, 2, place)
    for _ in itertools.islice(interrupted, done):
        pass
    state = interrupted.state_dict()
    assert state["done"] == done, "what was only cut ahead has not been handed out"
    resumed = several(items, 2, place)
    resumed.load_state_dict(state)
    assert grouped(resumed, 0) == whole[0][done:]
    assert grouped(resumed, 1) == whole[1]


def test_a_step_split_into_other_batches_is_another_order(dataset: CrossSectionDataset) -> None:
    state = several(dataset, 2, "mmap", step=4).state_dict()
    with pytest.raises(PanelError, match=r"'batch_dates': 2.* this run has.*'batch_dates': 4"):
        several(dataset, 4, "mmap", step=4).load_state_dict(state)


@pytest.mark.parametrize("dates", [3, 4])
def test_without_whole_steps_the_last_batch_is_shorter(
    dataset: CrossSectionDataset, dates: int
) -> None:
    batches = several(dataset, dates, "mmap", shuffle=False, step=1)
    told = grouped(batches, 0)
    assert len(told) == len(batches)
    assert list(itertools.chain.from_iterable(told)) == DATES.tolist()
    assert len(told[-1]) == 10 % dates
