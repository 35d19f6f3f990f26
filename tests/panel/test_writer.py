import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.arrays import Grid
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.writer import PanelDraft

DAYS = np.datetime64("2024-01-01") + np.arange(3)
GRID = Grid(DAYS, np.array(["A", "B"]))


def draft(close: float = 10.0) -> PanelDraft:
    panel = PanelDraft(GRID, [{"table": "daily"}], {"rows": 0})
    market = {"close": np.full((3, 2), close), "adj_factor": np.ones((3, 2))}
    traded = np.ones((3, 2), dtype=bool)
    panel.add_market(market, {"traded": traded, "listed": traded})
    return panel


def levels(*rows: tuple[date, str, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["date", "index", "close"], orient="row")


def test_everything_added_is_written_and_described(tmp_path: Path) -> None:
    panel = draft()
    members = np.array([[True, False]] * 3)
    panel.add_index("300", members, None)
    panel.add_index("500", ~members, np.float32(~members))
    panel.add_levels(levels((date(2024, 1, 2), "300", 5.0), (date(2023, 1, 2), "300", 4.0)), GRID)
    panel.add_industries(np.zeros((3, 2), dtype=np.int16), ["banks"])
    panel.add_fundamentals({"roe": np.ones((3, 2))})
    panel.switched_off.append("Something.")
    panel.write(tmp_path)
    files = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.npy")}
    assert files == {
        *("market/close.npy", "market/adj_factor.npy", "flags/traded.npy", "flags/listed.npy"),
        *("members/300.npy", "members/500.npy", "weights/500.npy", "levels/300.npy"),
        *("industry.npy", "fundamentals/roe.npy", "datasets/rawbar.npy"),
    }
    np.testing.assert_array_equal(np.load(tmp_path / "levels" / "300.npy"), [np.nan, 5, np.nan])
    read = Panel.open(tmp_path)
    assert read.indices == ("300", "500")
    assert read.meta["levels"] == ["300"]
    assert read.meta["industries"] == ["banks"]
    assert read.meta["market"] == {
        "close": "currency per share",
        "adj_factor": "1 on each symbol's first day",
    }
    assert read.switched_off == ("Something.",)
    np.testing.assert_array_equal(read.members("500"), ~members)


def test_the_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    prints = []
    for k, panel in enumerate((draft(), draft(), draft(10.5), draft())):
        if k == 1:  # what is made of the market does not change what the market is
            panel.arrays["datasets/rawbar"] += 1
        if k == 3:
            panel.add_industries(np.zeros((3, 2), dtype=np.int16), ["banks"])
        panel.sources.append({"table": str(k)})
        panel.write(tmp_path / str(k))
        prints.append(Panel.open(tmp_path / str(k)).fingerprint)
    assert prints[0] == prints[1]  # whatever the sources were called
    assert len(set(prints)) == 3


def test_the_description_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    save, write_text = np.save, Path.write_text

    def noted_save(file: Path, *given: Any, **options: Any) -> None:
        order.append(file.suffix)
        save(file, *given, **options)

    def noted_text(file: Path, *given: Any, **options: Any) -> int:
        order.append(file.name)
        return write_text(file, *given, **options)

    monkeypatch.setattr(np, "save", noted_save)
    monkeypatch.setattr(Path, "write_text", noted_text)
    draft().write(tmp_path)
    assert order == [".npy"] * 5 + ["panel.json"]
    assert json.loads((tmp_path / "panel.json").read_text())["symbols"] == ["A", "B"]


def test_names_that_no_file_can_have_are_refused(tmp_path: Path) -> None:
    panel = draft()
    panel.add_index("../../elsewhere", np.ones((3, 2), dtype=bool), None)
    with pytest.raises(PanelError, match=r"'\.\./\.\./elsewhere' cannot name a file"):
        panel.write(tmp_path / "panel")
    assert not (tmp_path.parent / "elsewhere.npy").exists()
