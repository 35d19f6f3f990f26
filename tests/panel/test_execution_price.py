import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.panel import execution_price
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.execution_price import adjusted_twap, missing_vwap
from alpha_lightning.panel.store import Panel


def test_the_share_of_missing_vwap_is_counted_over_traded_days_of_the_period(
    market: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = market(30, 25, seed=5)
    vwap = given.vwap.copy()
    vwap[7:20, 3] = np.nan
    panel = replace(given, vwap=vwap).write(tmp_path)
    traded = np.isfinite(given.close)
    for first, last in ((0, 29), (5, 12), (21, 29), (10, 10)):
        days = slice(first, last + 1)
        gaps = (traded[days] & np.isnan(vwap[days])).sum() / traded[days].sum()
        for block in (1, 4, 64):
            monkeypatch.setattr(execution_price, "_BLOCK", block)
            np.testing.assert_allclose(missing_vwap(panel, first, last), gaps, atol=1e-15)
    assert missing_vwap(panel, 7, 12) > 0


def test_without_a_vwap_all_is_missing(market: Callable[..., Any], tmp_path: Path) -> None:
    given = market(30, 25)
    panel = replace(given, vwap=np.full_like(given.vwap, np.nan)).write(tmp_path)
    assert missing_vwap(panel, 0, 29) == 1.0


def with_mschars(panel: Panel, values: Any, names: list[str]) -> Panel:
    np.save(panel.path / "datasets" / "mschars.npy", values)
    meta = json.loads((panel.path / "panel.json").read_text(encoding="utf-8"))
    features = [{"name": name, "kind": "price"} for name in names]
    meta["datasets"]["mschars"] = {"features": features, "fingerprint": "f"}
    (panel.path / "panel.json").write_text(json.dumps(meta), encoding="utf-8")
    return Panel(panel.path)


def test_the_twap_is_a_column_of_mschars(market: Callable[..., Any], tmp_path: Path) -> None:
    panel = market(12, 5).write(tmp_path)
    assert adjusted_twap(panel) is None
    values = np.random.default_rng(0).random((12, 5, 3)).astype(np.float32)
    twap = adjusted_twap(with_mschars(panel, values, ["close", "twap", "vwap"]))
    np.testing.assert_array_equal(twap, values[:, :, 1])
    assert twap is not None
    assert twap.base is not None


def test_mschars_without_twap_is_refused(market: Callable[..., Any], tmp_path: Path) -> None:
    panel = with_mschars(market(12, 5).write(tmp_path), np.zeros((12, 5, 1), np.float32), ["vwap"])
    with pytest.raises(PanelError, match="has no twap: characterise"):
        adjusted_twap(panel)
