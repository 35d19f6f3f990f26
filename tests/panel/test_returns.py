from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.returns import EVALUATION_RETURNS, LABEL, Horizon, forward_return
from alpha_lightning.panel.store import Panel


def plain_return(panel: Panel, horizon: int, gap: int) -> Any:
    close, factor = panel.market("close"), panel.market("adj_factor")
    result = np.full(close.shape, np.nan)
    for t in range(len(panel.dates) - horizon - gap):
        first, last = t + gap, t + gap + horizon
        for n in range(len(panel.symbols)):
            if panel.traded[first, n] and panel.traded[last, n]:
                start = close[first, n] * factor[first, n]
                result[t, n] = close[last, n] * factor[last, n] / start - 1
    return result


@pytest.mark.parametrize(("horizon", "gap"), [*EVALUATION_RETURNS, (1, 0), (3, 4)])
def test_returns_are_a_loop_over_dates_and_stocks(panel_path: Path, horizon: int, gap: int) -> None:
    panel = Panel.open(panel_path)
    expected = plain_return(panel, horizon, gap)
    result = forward_return(panel, horizon, gap)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-15)
    assert np.isnan(result[-(horizon + gap) :]).all()
    assert np.isfinite(result[: -(horizon + gap)]).mean() > 0.5


ROWS = (
    slice(0, 5),
    slice(100, 130),
    slice(880, 900),
    slice(895, 2000),
    slice(7, 7),
    slice(-3, None),
)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(("horizon", "gap"), [(5, 0), (20, 1)])
def test_some_rows_are_rows_of_all(panel_path: Path, rows: slice, horizon: int, gap: int) -> None:
    panel = Panel.open(panel_path)
    expected = forward_return(panel, horizon, gap)[rows]
    np.testing.assert_array_equal(forward_return(panel, horizon, gap, rows), expected)


def test_the_label_is_close_t11_over_close_t1(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    column = int(np.flatnonzero(panel.traded.all(axis=0))[0])
    close = panel.adjusted("close")[:, column]
    label = forward_return(panel, *LABEL)[:, column]
    np.testing.assert_allclose(label[:-11], close[11:] / close[1:-10] - 1, rtol=1e-12)
    assert LABEL in EVALUATION_RETURNS


def test_a_split_is_no_return(ingested: Callable[..., Any], bars: Callable[..., Any]) -> None:
    half = pl.col("date") >= pl.col("date").unique().sort().gather(10)
    scale = pl.when(half).then(0.5).otherwise(1.0)
    plain = bars()
    split = plain.with_columns(
        *(pl.col(c) * scale for c in ("open", "high", "low", "close")), adj_factor=1 / scale
    )
    panels = []
    for frame in (plain, split):
        assert ingested(frame, "--overwrite", "true")[0] == 0
        panels.append(forward_return(Panel.open(ingested(frame, "--overwrite", "true")[2]), 5, 0))
    np.testing.assert_allclose(panels[1], panels[0], rtol=1e-12)


def test_a_label_longer_than_the_data_is_refused(
    ingested: Callable[..., Any], bars: Callable[..., Any]
) -> None:
    panel = Panel.open(ingested(bars(days=11))[2])
    with pytest.raises(PanelError, match=r"10 days after a gap of 1 needs more than 11 dates;.*11"):
        forward_return(panel, *LABEL)
    assert np.isfinite(forward_return(panel, 10, 0)).sum() == 3


@pytest.mark.parametrize(("days", "gap"), [(0, 0), (-1, 0), (5, -1)])
def test_impossible_horizons_are_refused(days: int, gap: int) -> None:
    with pytest.raises(PanelError, match=f"not days={days} gap={gap}"):
        Horizon(days, gap)


def test_horizons_have_the_papers_names() -> None:
    names = [str(Horizon(*pair)) for pair in (*EVALUATION_RETURNS, (10, 2))]
    assert names == ["5", "10", "20", "5g", "10g", "20g", "10g2"]
    assert Horizon(*LABEL).span == 11
