"""Subsets of data sets, by which the value of each data set is measured."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_FROM_COARSE_TO_FINE = ("rawbar", "mschars", "l2chars")
Role = Literal["single", "cumulative", "drop-one", "all"]


@dataclass(frozen=True)
class Subset:
    """Some data sets of several, and what they are compared for.

    Args:
        role: ``single``, ``cumulative`` (added one by one), ``drop-one`` or ``all``.
        change: the data set that stands alone, is added (``+``) or is left out (``−``).
        datasets: that are used.
    """

    role: Role
    change: str
    datasets: tuple[str, ...]


def in_order(datasets: Iterable[str]) -> tuple[str, ...]:
    """Data sets from coarse to fine, unknown ones last by name.

    Example:
        >>> in_order(["l2chars", "other", "mschars", "rawbar"])
        ('rawbar', 'mschars', 'l2chars', 'other')
    """
    given = set(datasets)
    known = [name for name in _FROM_COARSE_TO_FINE if name in given]
    return (*known, *sorted(given - set(known)))


def subsets_by_role(datasets: Iterable[str]) -> tuple[Subset, ...]:
    """What the value of several data sets is read off; none for a single one.

    Example:
        >>> for subset in subsets_by_role(["rawbar", "mschars"]):
        ...     print(subset.role, subset.change, subset.datasets)
        single rawbar ('rawbar',)
        single mschars ('mschars',)
        cumulative rawbar ('rawbar',)
        cumulative +mschars ('rawbar', 'mschars')
        drop-one −rawbar ('mschars',)
        drop-one −mschars ('rawbar',)
        all all ('rawbar', 'mschars')
    """
    whole = in_order(datasets)
    if len(whole) < 2:
        return ()
    added = [name if place == 0 else f"+{name}" for place, name in enumerate(whole)]
    return (
        *(Subset("single", name, (name,)) for name in whole),
        *(Subset("cumulative", text, whole[: k + 1]) for k, text in enumerate(added)),
        *(Subset("drop-one", f"−{out}", tuple(n for n in whole if n != out)) for out in whole),
        Subset("all", "all", whole),
    )


def proper_subsets(datasets: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Every subset of `subsets_by_role` but the whole, each once: all six of three data sets.

    Example:
        >>> ["+".join(subset) for subset in proper_subsets(["a", "b", "c"])]
        ['a', 'b', 'c', 'a+b', 'b+c', 'a+c']
    """
    given = tuple(datasets)
    found = dict.fromkeys(subset.datasets for subset in subsets_by_role(given))
    return tuple(subset for subset in found if len(subset) < len(set(given)))


def subset_name(score: str, datasets: Iterable[str]) -> str:
    """What a score is called when it is made from some of its data sets only.

    Example:
        >>> subset_name("gru", ["mschars", "rawbar"])
        'gru on rawbar+mschars'
    """
    return f"{score} on {'+'.join(in_order(datasets))}"
