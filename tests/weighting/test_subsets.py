"""Subsets of data sets: the roles they play, and the fewest that play them all."""

import itertools

import pytest

from alpha_lightning.weighting.subsets import (
    in_order,
    proper_subsets,
    subset_name,
    subsets_by_role,
)

THREE = ("rawbar", "mschars", "l2chars")


def test_three_data_sets_need_every_subset() -> None:
    wanted = {part for size in (1, 2) for part in itertools.combinations(THREE, size)}
    found = proper_subsets(reversed(THREE))
    assert set(found) == wanted
    assert len(found) == 6


def test_roles_of_three_data_sets() -> None:
    by_role: dict[str, list[str]] = {}
    for subset in subsets_by_role(THREE):
        by_role.setdefault(subset.role, []).append(subset.change)
        assert subset.datasets == in_order(subset.datasets)
    assert by_role == {
        "single": list(THREE),
        "cumulative": ["rawbar", "+mschars", "+l2chars"],
        "drop-one": ["−rawbar", "−mschars", "−l2chars"],
        "all": ["all"],
    }


@pytest.mark.parametrize("count", [4, 5])
def test_more_data_sets_grow_by_a_line_not_by_doubling(count: int) -> None:
    names = [f"d{k}" for k in range(count)]
    # Each alone, each left out, and those added one by one that are neither.
    assert len(proper_subsets(names)) == 2 * count + count - 3


def test_a_single_data_set_has_nothing_to_compare() -> None:
    assert subsets_by_role(["rawbar"]) == ()
    assert proper_subsets(["rawbar"]) == ()


def test_names_do_not_depend_on_the_order_given() -> None:
    assert subset_name("v1", ["l2chars", "rawbar"]) == subset_name("v1", ["rawbar", "l2chars"])
    assert subset_name("v1", ["rawbar"]) == "v1 on rawbar"
    assert in_order(iter(THREE[::-1])) == THREE
