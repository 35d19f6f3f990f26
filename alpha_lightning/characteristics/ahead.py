"""Work on the next thing while the last one is being used."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def one_ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of work on each item, in order, made by a thread that is one item ahead.

    NumPy and Polars let other threads run while they work; to be further ahead would only fill the
    memory. An error of the work is raised in its turn, one of the items as soon as it is met.

    Args:
        work: on one item.
        items: taken one after another, as they are begun.

    Example:
        >>> list(one_ahead(len, ["to", "be", "read"]))
        [2, 2, 4]
    """
    begun: Future[Result] | None = None
    with ThreadPoolExecutor(1) as thread:
        for item in items:
            done, begun = begun, thread.submit(work, item)
            if done is not None:
                yield done.result()
        if begun is not None:
            yield begun.result()
