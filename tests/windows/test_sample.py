from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.windows.sample import SampleRule, take_sample


@pytest.fixture
def panel(small_path: Path) -> Panel:
    return Panel.open(small_path)


@pytest.mark.parametrize(
    "rule",
    [
        SampleRule(),
        SampleRule(universe="big", min_traded=29),
        SampleRule(window=5, min_traded=1, horizon=3, gap=0, winsorise_mads=2.0),
    ],
)
def test_against_a_loop_over_dates_and_stocks(panel: Panel, rule: SampleRule) -> None:
    sample = take_sample(panel, rule)
    close, traded = panel.adjusted("close"), panel.traded
    members = panel.listed & (traded if rule.universe == "all" else panel.members("big"))
    n_dates, n_assets = close.shape
    scored = np.zeros_like(traded)
    raw = np.full(close.shape, np.nan)
    for t in range(n_dates):
        first, last = t + rule.gap, t + rule.gap + rule.horizon
        for n in range(n_assets):
            if last < n_dates and traded[first, n] and traded[last, n]:
                raw[t, n] = close[last, n] / close[first, n] - 1
            if t < rule.window - 1:
                continue
            days = sum(bool(traded[s, n]) for s in range(t - rule.window + 1, t + 1))
            scored[t, n] = members[t, n] and traded[t, n] and days >= rule.min_traded
    label = np.full(close.shape, np.nan)
    for t in range(n_dates):
        known = scored[t] & ~np.isnan(raw[t])
        if known.any():
            y = raw[t][known]
            middle = np.median(y)
            reach = rule.winsorise_mads * np.median(np.abs(y - middle))
            y = np.clip(y, middle - reach, middle + reach)
            label[t][known] = (y - y.mean()) / y.std()
    np.testing.assert_array_equal(sample.scored, scored)
    np.testing.assert_array_equal(sample.universe_size, members.sum(axis=1))
    np.testing.assert_allclose(sample.forward_return, raw, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(sample.label, label, rtol=1e-6, atol=1e-6)
    assert 0 < scored.sum() < members.sum(), "the rule must leave somebody out"


def test_no_look_ahead_in_who_is_scored(small_path: Path, changed_path: Path) -> None:
    before, after = (
        take_sample(Panel.open(path), SampleRule()) for path in (small_path, changed_path)
    )
    np.testing.assert_array_equal(before.scored[:60], after.scored[:60])
    np.testing.assert_array_equal(before.universe_size[:60], after.universe_size[:60])
    np.testing.assert_array_equal(before.label[:49], after.label[:49])
    assert (before.scored[60:] != after.scored[60:]).any(), "the future did change"
    assert not np.array_equal(before.label[49:60], after.label[49:60], equal_nan=True)


def test_usable_dates(panel: Panel) -> None:
    sample = take_sample(panel, SampleRule())
    dates = np.arange(40, 75)
    counts = sample.scored[dates].sum(axis=1)
    smallest = int(np.median(counts))
    np.testing.assert_array_equal(
        sample.usable(dates, smallest, labelled=False), dates[counts >= smallest]
    )
    labelled = sample.usable(dates, 3, labelled=True)
    assert labelled[-1] == 75 - 1 - 11, "the last eleven dates have no label"
    assert sample.usable(dates, 3, labelled=False)[-1] == 74


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 1},
        {"min_traded": 0},
        {"min_traded": 31},
        {"min_stocks": 2},
        {"winsorise_mads": 0.0},
    ],
)
def test_impossible_rules(wrong: dict[str, Any]) -> None:
    with pytest.raises(PanelError, match=f"{next(iter(wrong))}="):
        replace(SampleRule(), **wrong)


def test_unknown_universe_and_endless_label(panel: Panel, ingest_bars: Callable[..., Path]) -> None:
    with pytest.raises(PanelError, match="no universe 'csi'; it has all, big"):
        take_sample(panel, SampleRule(universe="csi"))
    with pytest.raises(PanelError, match=r"return over 74 days .* needs more than 75 dates"):
        take_sample(panel, SampleRule(horizon=74, gap=1))
    with pytest.raises(PanelError, match="days=0"):
        take_sample(panel, SampleRule(horizon=0))
