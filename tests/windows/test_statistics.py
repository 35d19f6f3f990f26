import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.store import Panel
from alpha_lightning.windows import statistics
from alpha_lightning.windows.sample import SampleRule, take_sample
from alpha_lightning.windows.scaling import WindowScaling, location_and_inverse_scale
from alpha_lightning.windows.statistics import cut_slab, load_statistics, statistics_path
from alpha_lightning.windows.yardsticks import Yardsticks

RULE = SampleRule()


def load(path: Path, rule: SampleRule = RULE) -> np.ndarray[tuple[int, ...], np.dtype]:
    panel = Panel.open(path)
    scored = take_sample(panel, rule).scored
    return load_statistics(panel, panel.dataset("rawbar"), rule, scored)


def kept(path: Path) -> set[str]:
    return {file.name for file in (path / "datasets").iterdir()} - {"rawbar.npy"}


def test_of_every_date_over_its_scored_stocks(own_path: Path) -> None:
    rule = SampleRule(min_stocks=24)
    panel = Panel.open(own_path)
    scored = take_sample(panel, rule).scored
    values = load(own_path, rule)
    assert values.shape == (75, 2, 30, 6)
    assert values.dtype == np.float32
    counts = scored.sum(axis=1)
    assert (counts[29:] < 24).any(), "some dates must be too small"
    scaling = WindowScaling.of(panel.dataset("rawbar").features)
    yardsticks = Yardsticks(panel, rule.window)
    for t in range(75):
        if counts[t] < 24:
            assert not values[t].any()
            continue
        slab = cut_slab(panel.dataset("rawbar").array, t, np.flatnonzero(scored[t]), 30)
        assets = np.flatnonzero(scored[t])
        stage_one = scaling.within_window(slab, yardsticks.at(t, assets)).numpy()
        np.testing.assert_array_equal(values[t], location_and_inverse_scale(stage_one))


def test_cut_slab_is_a_copy_of_the_window(own_path: Path) -> None:
    array = Panel.open(own_path).dataset("rawbar").array
    slab = cut_slab(array, 40, np.array([3, 7]), 30)
    np.testing.assert_array_equal(slab.numpy(), array[11:41][:, [3, 7]])
    slab.zero_()
    assert array[11:41][:, [3, 7]].any()


def test_kept_beside_the_data_set_and_not_computed_twice(
    own_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(own_path)
    assert len(kept(own_path)) == 1
    monkeypatch.setattr(statistics, "_compute", lambda *_: pytest.fail("computed twice"))
    np.testing.assert_array_equal(load(own_path), first)


def test_another_rule_universe_or_content_is_another_file(
    own_path: Path, rewrite: Callable[..., None]
) -> None:
    whole = load(own_path)
    variants = [
        replace(RULE, universe="big"),
        replace(RULE, min_traded=28),
        replace(RULE, window=10, min_traded=5),
        replace(RULE, min_stocks=26),
    ]
    for n, rule in enumerate(variants, 2):
        values = load(own_path, rule)
        assert len(kept(own_path)) == n
        assert values.shape != whole.shape or (values != whole).any()
    # The label has no say in who is scored.
    load(own_path, replace(RULE, horizon=5, winsorise_mads=1.0))
    assert len(kept(own_path)) == 5
    rewrite(own_path, lambda values: np.multiply(values, 1.5, out=values, where=values > 11))
    assert (load(own_path) != whole).any()
    assert len(kept(own_path)) == 6


def test_another_kind_of_feature_is_another_file(own_path: Path) -> None:
    panel = Panel.open(own_path)
    dataset = panel.dataset("rawbar")
    other = (*dataset.features[:-1], replace(dataset.features[-1], kind="price"))
    paths = {
        statistics_path(panel, replace(dataset, features=f), RULE)
        for f in (dataset.features, other)
    }
    assert len(paths) == 2


def test_a_panel_that_cannot_be_written_to(own_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = np.array(load(own_path))
    for name in kept(own_path):
        (own_path / "datasets" / name).unlink()

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(np, "save", refuse)
    values = load(own_path)
    assert not kept(own_path)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "shape"])
def test_a_damaged_file_is_named(own_path: Path, damage: str) -> None:
    load(own_path)
    file = own_path / "datasets" / kept(own_path).pop()
    content = file.read_bytes()
    if damage == "shape":
        with file.open("wb") as opened:
            np.save(opened, np.zeros((3, 2, 30, 6), dtype=np.float32))
    else:
        file.write_bytes({"empty": b"", "cut": content[:5000], "noise": b"no array"}[damage])
    with pytest.raises(ArtefactError, match=r"rawbar\.scale-\w+\.npy is damaged: remove it"):
        load(own_path)
    file.unlink()
    load(own_path)
    assert file.read_bytes() == content


def test_no_look_ahead(small_path: Path, changed_path: Path) -> None:
    before, after = load(small_path), load(changed_path)
    np.testing.assert_array_equal(before[:60], after[:60])
    assert (before[60:] != after[60:]).any()
