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
