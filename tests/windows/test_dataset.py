import copy
import math
import pickle
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.windows.dataset import CrossSectionDataset, WindowSource
from alpha_lightning.windows.sample import SampleRule

RULE = SampleRule()
CLOSE, VOLUME = 3, 5
Matrix = np.ndarray[tuple[int, ...], np.dtype]


@pytest.fixture(scope="module")
def source(small_path: Path) -> WindowSource:
    return WindowSource.open(small_path, "rawbar", RULE)


def plain_windows(array: Matrix, t: int, assets: list[int]) -> tuple[Matrix, Matrix]:
    """Both stages in float64, one number after another, and the scale of each."""
    stage_one = np.full((len(assets), 30, 6), math.nan)
    for i, n in enumerate(assets):
        for lag in range(30):
            for k in range(6):
                divisor = float(array[t, n, VOLUME if k == VOLUME else CLOSE])
                if k == VOLUME and divisor == 0:
                    divisor = 1.0
                stage_one[i, lag, k] = float(array[t - 29 + lag, n, k]) / divisor
    scaled, inverse = np.zeros_like(stage_one), np.zeros((30, 6))
    for lag in range(30):
        for k in range(6):
            seen = [v for v in stage_one[:, lag, k] if not math.isnan(v)]
            middle = statistics.median(seen)
            spread = 1.4826 * statistics.median(abs(v - middle) for v in seen)
            if spread <= 1e-6 * max(abs(middle), 1e-3):
                continue
            inverse[lag, k] = 1 / spread
            for i, value in enumerate(stage_one[:, lag, k]):
                if not math.isnan(value):
                    scaled[i, lag, k] = min(max((value - middle) / spread, -5), 5)
    return scaled, inverse


@pytest.mark.parametrize("t", [29, 44, 45, 55, 74])
def test_windows_against_a_loop(source: WindowSource, t: int) -> None:
    assets = np.flatnonzero(source.sample.scored[t])
    windows = source.windows(t, assets).numpy()
    expected, inverse = plain_windows(source.dataset.array, t, assets.tolist())
    # A window's float32 rounding, 1e-6 of a price, is magnified by the scale of stage 2.
    error = np.abs(windows - expected) / (1 + inverse)
    assert windows.shape == (len(assets), 30, 6)
    assert error.max() < 1e-6
    assert np.abs(windows).max() <= 5
    assert (np.abs(windows) > 0.1).mean() > 0.5


def test_the_panel_has_what_the_loop_is_about(source: WindowSource) -> None:
    windows = np.lib.stride_tricks.sliding_window_view(source.dataset.array, 30, axis=0)
    scored = source.sample.scored[29:]
    assert np.isnan(windows[scored]).any(), "missing values"
    assert (windows[scored][:, VOLUME] == 0).any(), "suspensions"
    counts = set(scored.sum(axis=1).tolist())
    assert {count % 2 for count in counts} == {0, 1}, "even and odd numbers of stocks"
    last = source.dataset.array[29:]
    assert len(np.unique(last[..., CLOSE][scored])) < scored.sum(), "ties"


def test_training_and_inference_windows_are_the_same_bits(source: WindowSource) -> None:
    dates = source.sample.usable(np.arange(29, 64), 20, labelled=True)
    training = CrossSectionDataset(source, dates, labelled=True)
    inference = CrossSectionDataset(source, dates, labelled=False)
    fewer = 0
    for learnt, scored in ((training[k], inference[k]) for k in range(len(dates))):
        place = torch.searchsorted(scored.assets, learnt.assets)
        assert scored.assets[place].equal(learnt.assets)
        assert bits(scored.windows[place]).equal(bits(learnt.windows))
        assert scored.label[place].equal(learnt.label)
        assert not learnt.label.isnan().any()
        fewer += len(scored.assets) - len(learnt.assets)
    assert fewer > 0, "somebody must be scored and not learnt from"


def bits(values: Tensor) -> Tensor:
    return values.contiguous().view(torch.int32)


def test_a_subset_of_the_stocks_has_the_same_windows(source: WindowSource) -> None:
    assets = np.flatnonzero(source.sample.scored[50])
    whole = source.windows(50, assets)
    for one in range(len(assets)):
        assert bits(source.windows(50, assets[[one]])).equal(bits(whole[[one]]))


def test_an_item_is_one_date(source: WindowSource) -> None:
    dates = np.array([60, 31])
    items = CrossSectionDataset(source, dates, labelled=False)
    assert len(items) == 2
    batch = items[1]
    scored = np.flatnonzero(source.sample.scored[31])
    np.testing.assert_array_equal(batch.assets, scored)
    np.testing.assert_array_equal(batch.label, source.sample.label[31][scored])
    np.testing.assert_array_equal(batch.forward_return, source.sample.forward_return[31][scored])
    assert int(batch.date) == 31
    assert int(batch.universe_size) == source.sample.universe_size[31] >= len(scored)
    assert batch.windows.dtype == torch.float32
    assert batch.windows.isfinite().all()


def test_no_look_ahead(small_path: Path, changed_path: Path) -> None:
    before, after = (WindowSource.open(path, "rawbar", RULE) for path in (small_path, changed_path))
    for t in range(29, 60):
        assets = np.flatnonzero(before.sample.scored[t])
        assert bits(before.windows(t, assets)).equal(bits(after.windows(t, assets)))
    both = np.flatnonzero(before.sample.scored[60] & after.sample.scored[60])
    assert not before.windows(60, both).equal(after.windows(60, both)), "the future did change"


def test_without_stage_two(small_path: Path, source: WindowSource) -> None:
    raw = WindowSource.open(small_path, "rawbar", RULE, cross_section=False)
    assert raw.statistics is None
    assets = np.flatnonzero(raw.sample.scored[50])
    window = raw.dataset.array[21:51][:, assets]
    divisor = window[-1][:, [CLOSE] * VOLUME + [VOLUME]]
    expected = np.nan_to_num(window / divisor).transpose(1, 0, 2)
    windows = raw.windows(50, assets)
    np.testing.assert_allclose(windows, expected, rtol=3e-7)
    np.testing.assert_allclose(windows[:, -1, CLOSE], 1, rtol=2e-7)
    assert not source.windows(50, assets)[:, -1, CLOSE].any()
    raw.switched_on[0] = 0
    switched = raw.windows(50, assets)
    assert not switched[..., 0].any()
    assert switched[..., 1:].equal(windows[..., 1:])


def test_a_switched_off_feature_is_zero_and_the_others_do_not_notice(small_path: Path) -> None:
    source = WindowSource.open(small_path, "rawbar", RULE)
    assets = np.flatnonzero(source.sample.scored[50])
    before = source.windows(50, assets)
    source.switched_on[[1, 4]] = 0
    after = source.windows(50, assets)
    assert before[..., [1, 4]].any()
    assert not after[..., [1, 4]].any()
    assert after[..., [0, 2, 3, 5]].equal(before[..., [0, 2, 3, 5]])


def test_coverage_is_a_share_of_scored_stock_dates(
    own_path: Path, rewrite: Callable[..., None]
) -> None:
    def drop(values: Matrix) -> None:
        values[40:, :13, 1] = np.nan
        values[..., 2] = np.nan

    rewrite(own_path, drop)
    source = WindowSource.open(own_path, "rawbar", RULE)
    # The first 29 dates score nobody: they must not count as missing.
    dates = np.arange(0, 60)
    present, there = np.zeros(6), 0
    for t in dates:
        for n in np.flatnonzero(source.sample.scored[t]):
            present += ~np.isnan(source.dataset.array[t, n])
            there += 1
    np.testing.assert_allclose(source.coverage(dates), present / there, rtol=1e-12)
    assert 0.3 < present[1] / there < 0.9
    assert source.coverage(dates)[2] == 0
    assert source.coverage(dates)[3] == 1, "who is scored has a close"
    np.testing.assert_array_equal(source.coverage(dates[:10]), 0)


def test_pickled_it_is_an_address_and_opens_again(source: WindowSource) -> None:
    changed = replace(source, switched_on=torch.tensor([1.0, 0, 1, 1, 1, 1]))
    items = CrossSectionDataset(changed, np.arange(29, 75), labelled=True)
    assert len(pickle.dumps(items)) < 2500
    # A deep copy goes through the same state as a pickle.
    twin = copy.deepcopy(items)
    assert twin._source is None, "nothing is opened before it is needed"
    assert len(twin) == len(items)
    assert all(ours.equal(theirs) for ours, theirs in zip(items[12], twin[12], strict=True))
    assert not twin[12].windows[..., 1].any()


def test_without_stage_two_a_copy_is_without_it_too(small_path: Path) -> None:
    raw = WindowSource.open(small_path, "rawbar", RULE, cross_section=False)
    items = CrossSectionDataset(raw, np.array([50]), labelled=False)
    assert copy.deepcopy(items)[0].windows.equal(items[0].windows)


def test_a_fresh_process_reads_the_same(source: WindowSource) -> None:
    items = CrossSectionDataset(source, np.array([40, 50]), labelled=False)
    loader = DataLoader(items, batch_size=None, num_workers=1, multiprocessing_context="spawn")
    for k, theirs in enumerate(loader):
        assert theirs.windows.equal(items[k].windows)
        assert theirs.assets.equal(items[k].assets)
        assert int(theirs.date) == (40, 50)[k]


def test_unknown_data_set(small_path: Path) -> None:
    with pytest.raises(UserError, match="no data set 'mschars'; it has rawbar"):
        WindowSource.open(small_path, "mschars", RULE)


def test_nothing_is_materialised(source: WindowSource) -> None:
    array = Panel.open(source.panel.path).dataset("rawbar").array
    assert isinstance(array, np.memmap)
    batch = CrossSectionDataset(source, np.array([50]), labelled=False)[0]
    assert batch.windows.untyped_storage().nbytes() == 30 * len(batch.assets) * 6 * 4
