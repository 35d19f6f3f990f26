import json
import shutil
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.cli import main
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Feature, Panel


@pytest.fixture
def copy(panel_path: Path, tmp_path: Path) -> Path:
    """A panel that a test may damage."""
    return Path(shutil.copytree(panel_path, tmp_path / "panel"))


def test_arrays_are_mapped_read_only_and_date_major(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    close = panel.market("close")
    assert isinstance(close, np.memmap)
    assert close.flags.c_contiguous
    assert not close.flags.writeable
    assert close.dtype == np.float64
    dataset = panel.dataset("rawbar")
    assert isinstance(dataset.array, np.memmap)
    assert dataset.array.dtype == np.float32
    assert dataset.array.shape == (len(panel.dates), len(panel.symbols), 6)
    assert dataset.array[3:33].flags.c_contiguous  # a window is one slab
    assert dataset.features[3] == Feature("close", "price")
    assert np.load(dataset.path).shape == dataset.array.shape


def test_the_missing_are_missing_and_idle_volumes_zero(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    suspended = panel.listed & ~panel.traded
    assert suspended.any()
    for field in ("open", "high", "low", "close", "vwap"):
        np.testing.assert_array_equal(np.isfinite(panel.market(field)), panel.traded)
    assert (panel.market("volume")[suspended] == 0).all()
    assert (panel.market("volume")[panel.traded] > 0).all()
    assert np.isnan(panel.market("volume")[~panel.listed]).all()


def test_why_a_data_set_is_not_there_is_said_where_it_is_known(copy: Path) -> None:
    file = copy / "panel.json"
    about = json.loads(file.read_text())
    assert Panel.open(copy).why_without("l2chars") == ""
    about["datasets"]["rawbar"]["lacking"] = ["No proxy l2chars: no money.", "No closing auction."]
    file.write_text(json.dumps(about))
    assert Panel.open(copy).why_without("l2chars") == " (No proxy l2chars: no money)"
    assert Panel.open(copy).why_without("mschars") == ""
    with pytest.raises(PanelError, match=r"it has rawbar \(No proxy l2chars: no money\)"):
        Panel.open(copy).dataset("l2chars")


def test_adjusted_prices_are_raw_ones_times_the_factor(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    for field in ("open", "vwap"):
        np.testing.assert_array_equal(
            panel.adjusted(field), panel.market(field) * panel.market("adj_factor")
        )
        few = slice(5, 9)
        np.testing.assert_array_equal(panel.adjusted(field, few), panel.adjusted(field)[few])


def test_rows_and_columns_are_found(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    rows, columns = panel.locate(panel.dates[[5, 0, 7]], panel.symbols[[3, 3, 1]])
    assert rows.tolist() == [5, 0, 7]
    assert columns.tolist() == [3, 3, 1]
    rows, _ = panel.locate(panel.dates[:0], panel.symbols[:0])
    assert rows.shape == (0,)


@pytest.mark.parametrize("unknown", ["2000-01-01", "2019-01-05", "2100-01-01"])
def test_unknown_dates_are_named(panel_path: Path, unknown: str) -> None:
    panel = Panel.open(panel_path)
    dates = np.array([str(panel.dates[0]), unknown, unknown])
    with pytest.raises(PanelError, match=rf"date {unknown} \(2 rows in all\) is not in the panel"):
        panel.locate(dates, np.repeat(panel.symbols[:1], 3))


@pytest.mark.parametrize("unknown", ["", "S00000x", "zz"])
def test_unknown_symbols_are_named(panel_path: Path, unknown: str) -> None:
    panel = Panel.open(panel_path)
    symbols = np.array([panel.symbols[0], unknown])
    with pytest.raises(PanelError, match=rf"symbol {unknown} \(1 rows in all\) is not in"):
        panel.locate(panel.dates[:2], symbols)


def test_unknown_fields_are_refused_with_the_known_ones(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    assert panel.has("close")
    assert not panel.has("turnover")
    with pytest.raises(PanelError, match=r"no market field 'turnover'; it has open, .*adj_factor"):
        panel.market("turnover")
    with pytest.raises(PanelError, match="no data set 'mschars'; it has rawbar"):
        panel.dataset("mschars")


def test_a_panel_says_what_it_is(panel_path: Path) -> None:
    panel = Panel.open(panel_path)
    assert "900 dates 2019-01-02 to" in repr(panel)
    assert repr(panel).endswith(f"{len(panel.symbols)} symbols)")
    assert len(panel.fingerprint) == 16


def test_a_panel_travels_to_other_processes(panel_path: Path) -> None:
    panel = ForkingPickler.loads(ForkingPickler.dumps(Panel.open(panel_path)))
    assert panel.market("close").shape == panel.traded.shape


def test_a_panel_is_the_same_wherever_it_lies(panel_path: Path, copy: Path) -> None:
    assert Panel.open(copy).fingerprint == Panel.open(panel_path).fingerprint


def edit(panel: Path, **values: Any) -> None:
    file = panel / "panel.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def hide(panel: Path) -> None:
    (panel / "panel.json").unlink()
    (panel / "panel.json").mkdir()


DAMAGE: list[tuple[Callable[[Path], Any], str]] = [
    (shutil.rmtree, "is not a panel (no panel.json): name the folder that `ingest` wrote"),
    (lambda p: (p / "panel.json").unlink(), "is not a panel (no panel.json)"),
    (lambda p: (p / "panel.json").write_text('{"form'), "is damaged (Unterminated string"),
    (lambda p: (p / "panel.json").write_bytes(b"\xff\xfe"), "is damaged ("),
    (lambda p: (p / "panel.json").write_text("[1]"), "has panel format None, this version reads 1"),
    (
        lambda p: edit(p, format_version=99),
        "has panel format 99, this version reads 1: ingest again",
    ),
    (hide, "cannot be read or is damaged"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGE)
def test_what_is_no_panel_is_refused(copy: Path, damage: Callable[[Path], Any], told: str) -> None:
    damage(copy)
    with pytest.raises(ArtefactError) as refused:
        Panel.open(copy)
    assert told in str(refused.value)
    assert str(copy) in str(refused.value)


def test_a_file_is_no_panel(panel_path: Path) -> None:
    with pytest.raises(ArtefactError, match="is not a panel"):
        Panel.open(panel_path / "panel.json")


def test_damaged_arrays_are_named(copy: Path) -> None:
    panel = Panel.open(copy)
    file = copy / "market" / "close.npy"
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:20], b"", b"not an array"):
        file.write_bytes(content)
        with pytest.raises(ArtefactError, match=r"close\.npy is missing or damaged .*ingest"):
            panel.market("close")
    file.unlink()
    with pytest.raises(ArtefactError, match=r"close\.npy is missing"):
        panel.market("close")


def test_the_command_line_tells_of_another_version(
    copy: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    edit(copy, format_version=99)
    given = ["evaluate", "--panel", str(copy), "--scores", "x", "--out", str(tmp_path / "e")]
    assert main(given) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert "has panel format 99" in message
    assert not (tmp_path / "e").exists()


def test_what_a_data_set_lacks_and_whether_it_stands_in_for_another(copy: Path) -> None:
    plain = Panel.open(copy).dataset("rawbar")
    assert (plain.proxy, plain.lacking) == (False, ())  # a panel of before says neither
    meta = json.loads((copy / "panel.json").read_text())
    meta["datasets"]["rawbar"] |= {"proxy": True, "lacking": ["no bars for A."]}
    (copy / "panel.json").write_text(json.dumps(meta))
    told = Panel.open(copy).dataset("rawbar")
    assert (told.proxy, told.lacking) == (True, ("no bars for A.",))
