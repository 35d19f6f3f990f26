import threading
from collections.abc import Iterator

import pytest

from alpha_lightning.characteristics.ahead import one_ahead


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(one_ahead(str, range(20))) == [str(k) for k in range(20)]
    assert list(one_ahead(str, [])) == []


def test_one_item_is_begun_before_the_last_is_used_and_no_more() -> None:
    taken = []

    def items() -> Iterator[int]:
        for k in range(5):
            taken.append(k)
            yield k

    for k in one_ahead(int, items()):
        assert taken == list(range(min(k + 2, 5)))


def test_work_goes_on_while_the_last_result_is_used() -> None:
    begun = [threading.Event() for _ in range(3)]
    results = one_ahead(lambda k: begun[k].set(), range(3))
    for k, _ in enumerate(results):
        # Waits for ever if the next item were begun only when it is asked for.
        assert begun[min(k + 1, 2)].wait(timeout=10)


def test_steps_in_a_row_make_a_line() -> None:
    assert list(one_ahead(float, one_ahead(int, ["1", "2"]))) == [1.0, 2.0]


def test_an_error_is_raised_in_its_turn() -> None:
    results = one_ahead(lambda k: 1 // k, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
