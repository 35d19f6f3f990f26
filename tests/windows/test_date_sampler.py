import itertools

import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.date_sampler import DateSampler


@pytest.mark.parametrize(("dates", "processes"), [(1, 1), (5, 2), (6, 2), (7, 3), (4, 4)])
def test_every_date_is_dealt_out_once(dates: int, processes: int) -> None:
    shares = [DateSampler(dates, rank=rank, processes=processes) for rank in range(processes)]
    dealt = [list(share) for share in shares]
    assert sorted(itertools.chain(*dealt)) == list(range(dates))
    assert [len(share) for share in shares] == [len(share) for share in dealt]
    assert all(share == sorted(share) for share in dealt)


@pytest.mark.parametrize(("dates", "processes"), [(5, 2), (7, 3), (6, 3)])
def test_training_shares_are_equal_and_disjoint(dates: int, processes: int) -> None:
    left_out = set()
    for number in range(30):
        dealt = []
        for rank in range(processes):
            share = DateSampler(dates, shuffle=True, seed=1, rank=rank, processes=processes)
            share.set_epoch(number)
            dealt.append(list(share))
            assert len(dealt[-1]) == len(share) == dates // processes
        seen = list(itertools.chain(*dealt))
        assert len(set(seen)) == len(seen) == dates // processes * processes
        left_out |= set(range(dates)) - set(seen)
    assert left_out == (set(range(dates)) if dates % processes else set()), "another each epoch"


def test_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, number: int) -> tuple[int, ...]:
        sampler = DateSampler(20, shuffle=True, seed=seed)
        sampler.set_epoch(number)
        return tuple(sampler)

    orders = {(s, e): order(s, e) for s in (0, 1, 2**32 - 1) for e in range(5)}
    assert len(set(orders.values())) == len(orders)
    assert orders == {key: order(*key) for key in orders}


def test_more_processes_than_dates() -> None:
    with pytest.raises(PanelError, match="3 processes for 2 dates: use at most 2"):
        DateSampler(2, processes=3)


def dealt(dates: int, epoch: int, processes: int, step: int) -> list[list[int]]:
    shares = []
    for rank in range(processes):
        settings = {"rank": rank, "processes": processes, "step": step}
        sampler = DateSampler(dates, shuffle=True, seed=4, **settings)
        sampler.set_epoch(epoch)
        shares.append(list(sampler))
        assert len(sampler) == len(shares[-1])
    return shares


@pytest.mark.parametrize(("dates", "step"), [(25, 6), (24, 6), (6, 6), (13, 12)])
def test_a_step_holds_the_same_dates_however_it_is_split(dates: int, step: int) -> None:
    left_out = set()
    for epoch in range(40):
        (whole,) = dealt(dates, epoch, 1, step)
        assert len(whole) == dates // step * step
        left_out |= set(range(dates)) - set(whole)
        blocks = [set(whole[k : k + step]) for k in range(0, len(whole), step)]
        for processes in (2, 3, 6):
            each = step // processes
            shares = dealt(dates, epoch, processes, step)
            for number, block in enumerate(blocks):
                parts = [share[number * each : (number + 1) * each] for share in shares]
                assert all(len(part) == each for part in parts)
                assert set(itertools.chain(*parts)) == block
    assert (len(left_out) > dates % step) == (dates % step > 0), "others each epoch"


def test_place_in_the_order_follows_from_share_and_rank() -> None:
    (whole,) = dealt(25, 3, 1, 6)
    for rank, share in enumerate(dealt(25, 3, 3, 6)):
        assert [whole[k * 3 + rank] for k in range(len(share))] == share


def test_only_training_has_steps() -> None:
    shares = [list(DateSampler(7, rank=rank, processes=2, step=4)) for rank in range(2)]
    assert shares == [[0, 2, 4, 6], [1, 3, 5]]


def test_more_dates_in_a_step_than_there_are() -> None:
    message = r"takes 12 dates, 3 processes of 4 each \(trainer.accumulate.* there are 11: lower"
    with pytest.raises(PanelError, match=message):
        DateSampler(11, shuffle=True, processes=3, step=12)
    assert len(DateSampler(11, processes=3, step=12)) == 4, "validation has no steps"


@pytest.mark.parametrize("step", [0, 5])
def test_a_step_that_cannot_be_shared_out(step: int) -> None:
    with pytest.raises(ValueError, match="cannot be shared out to 2 processes"):
        DateSampler(20, shuffle=True, processes=2, step=step)


def test_identity_tells_splits_apart() -> None:
    assert DateSampler(9, step=3).identity != DateSampler(9).identity
    assert DateSampler(9, processes=3).identity["step"] == 3
