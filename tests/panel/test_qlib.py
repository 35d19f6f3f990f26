"""A Qlib data folder through the command line, and what can be wrong with one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.panel.qlib import read_qlib
from alpha_lightning.panel.store import Panel

Ingested = Callable[..., Any]
ALL_DAYS = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
DAYS = ALL_DAYS[np.is_busday(ALL_DAYS)][:30]
SYMBOLS = ("sh600519", "SZ000001", "SH000300")


def write_bin(file: Path, start: float, values: NDArray[Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    np.concatenate([[start], values]).astype("<f4").tofile(file)


def raw_bars(seed: int) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(seed)
    close = np.round(20 * np.exp(np.cumsum(generator.normal(0, 0.02, 30))), 2)
    volume = generator.integers(1_000, 9_000_000, 30).astype(float)
    factor = np.where(np.arange(30) < 12, 3.7, 7.4)
    spread = {"open": close, "high": close + 0.1, "low": close - 0.1, "close": close}
    return spread | {"volume": volume, "factor": factor}


def write_symbol(
    folder: Path, symbol: str, start: int = 0, *, adjusted_volume: bool = True
) -> None:
    bars = raw_bars(sum(map(ord, symbol)))
    if symbol == "SH000300":
        bars["factor"] = np.ones(30)
    for field, values in bars.items():
        scale = bars["factor"] if field in ("open", "high", "low", "close") else np.ones(30)
        if field == "volume" and adjusted_volume:
            scale = 1 / bars["factor"]
        file = folder / "features" / symbol / f"{field}.day.bin"
        write_bin(file, start, (values * scale)[start:])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "qlib"
    (root / "calendars").mkdir(parents=True)
    (root / "calendars" / "day.txt").write_text("\n".join(map(str, DAYS)) + "\n")
    for symbol, start in zip(SYMBOLS, (0, 5, 0), strict=True):
        write_symbol(root, symbol, start)
    spells = {
        "all": [("sh600519", 0, 29), ("SZ000001", 5, 29)],
        "csi300": [("sh600519", 0, 9), ("SH600519", 20, 29), ("SZ000001", 0, 29)],
    }
    (root / "instruments").mkdir()
    for name, rows in spells.items():
        lines = [f"{symbol}\t{DAYS[a]}\t{DAYS[b]}" for symbol, a, b in rows]
        (root / "instruments" / f"{name}.txt").write_text("\n".join(lines) + "\n\n")
    return root


def ingest_ok(ingested: Ingested, folder: Path, *options: str) -> Panel:
    status, message, out = ingested(None, "--qlib", str(folder), *options)
    assert (status, message) == (0, "")
    return Panel.open(out)


@pytest.mark.parametrize("adjusted_volume", [True, False])
def test_a_folder_becomes_a_panel_of_raw_prices_and_shares(
    ingested: Ingested, folder: Path, adjusted_volume: bool
) -> None:
    for symbol, start in zip(SYMBOLS, (0, 5, 0), strict=True):
        write_symbol(folder, symbol, start, adjusted_volume=adjusted_volume)
    panel = ingest_ok(ingested, folder)
    assert panel.dates.tolist() == DAYS.tolist()
    assert panel.symbols.tolist() == ["SH600519", "SZ000001"]
    for column, symbol in enumerate(SYMBOLS[:2]):
        bars = raw_bars(sum(map(ord, symbol)))
        rows = panel.traded[:, column]
        for field in ("open", "high", "low", "close", "volume"):
            np.testing.assert_allclose(
                panel.market(field)[rows, column], bars[field][rows], rtol=3e-7
            )
        jump = panel.market("adj_factor")[12, column] / panel.market("adj_factor")[11, column]
        assert jump == pytest.approx(2)
    assert panel.traded[:, 0].all()
    assert panel.listed[:, 1].tolist() == [False] * 5 + [True] * 25
    said = "multiplied by factor" if adjusted_volume else "taken as raw shares"
    assert any(said in told for told in panel.switched_off)


def test_membership_follows_its_spells(ingested: Ingested, folder: Path) -> None:
    panel = ingest_ok(ingested, folder)
    assert panel.indices == ("csi300",)
    members = panel.members("csi300")
    assert members[:, 0].tolist() == [True] * 10 + [False] * 10 + [True] * 10
    assert members[:, 1].all()


def test_an_index_is_a_level_and_no_stock(ingested: Ingested, folder: Path) -> None:
    panel = ingest_ok(ingested, folder)
    assert panel.meta["levels"] == ["SH000300"]
    expected = raw_bars(sum(map(ord, "SH000300")))["close"]
    np.testing.assert_allclose(np.load(panel.path / "levels" / "SH000300.npy"), expected, rtol=1e-6)
    assert "Taken as index levels, not as stocks: SH000300." in panel.switched_off


def test_only_stocks_and_no_membership(ingested: Ingested, folder: Path) -> None:
    for file in (folder / "features" / "SH000300").iterdir():
        file.unlink()
    (folder / "features" / "SH000300").rmdir()
    (folder / "instruments" / "csi300.txt").unlink()
    panel = ingest_ok(ingested, folder)
    assert panel.indices == ()
    assert panel.meta["levels"] == []


def test_an_empty_list_of_members_is_an_index_nobody_is_in(folder: Path) -> None:
    (folder / "instruments" / "csi300.txt").write_text("\n")
    members = read_qlib(folder).members
    assert members is not None
    assert members.frame.height == 0


def test_side_tables_given_by_hand_come_before_the_folders_own(
    tmp_path: Path, ingested: Ingested, folder: Path
) -> None:
    file = tmp_path / "m.csv"
    file.write_text(f"date,index,symbol\n{DAYS[0]},own,SZ000001\n")
    panel = ingest_ok(ingested, folder, "--tables.index_members", str(file))
    assert panel.indices == ("own",)


def test_the_future_does_not_change_the_past(ingested: Ingested, folder: Path) -> None:
    before = ingest_ok(ingested, folder)
    old = {f: np.array(before.market(f)) for f in before.meta["market"]}
    for symbol, start in (("sh600519", 0), ("SZ000001", 5)):
        for file in (folder / "features" / symbol).iterdir():
            values = np.fromfile(file, dtype="<f4")[1:]
            values[20 - start :] *= 1.5
            write_bin(file, start, values)
    after = ingest_ok(ingested, folder, "--overwrite", "true")
    for field, values in old.items():
        np.testing.assert_array_equal(after.market(field)[:20], values[:20])
    assert not np.array_equal(after.market("close"), old["close"], equal_nan=True)


def test_days_without_a_value_are_suspended(ingested: Ingested, folder: Path) -> None:
    for field in ("open", "high", "low", "close", "volume"):
        file = folder / "features" / "sh600519" / f"{field}.day.bin"
        values = np.fromfile(file, dtype="<f4")[1:]
        values[3] = np.nan
        write_bin(file, 0, values)
    panel = ingest_ok(ingested, folder)
    assert panel.listed[:, 0].all()
    assert np.flatnonzero(~panel.traded[:, 0]).tolist() == [3]


def test_a_missing_factor_leaves_adjusted_prices_right(ingested: Ingested, folder: Path) -> None:
    whole = ingest_ok(ingested, folder).adjusted("close")
    file = folder / "features" / "sh600519" / "factor.day.bin"
    values = np.fromfile(file, dtype="<f4")[1:]
    values[3:6] = np.nan
    write_bin(file, 0, values)
    panel = ingest_ok(ingested, folder, "--overwrite", "true")
    np.testing.assert_allclose(panel.adjusted("close"), whole, rtol=1e-12)
    assert "Qlib factor missing on 3 rows: taken as 1." in panel.switched_off


def test_a_folder_without_factors(ingested: Ingested, folder: Path) -> None:
    for file in folder.glob("features/*/factor.day.bin"):
        file.unlink()
    panel = ingest_ok(ingested, folder)
    assert any("without factor" in told for told in panel.switched_off)
    assert (panel.market("adj_factor") == 1).all()


def test_provenance_names_every_file_below_the_root(ingested: Ingested, folder: Path) -> None:
    prints = ingest_ok(ingested, folder).meta["sources"][0]["files"]
    assert len(prints) == 18
    assert "features/SZ000001/close.day.bin" in prints


def remove(path: str) -> Callable[[Path], Any]:
    return lambda root: (root / path).unlink()


def hide(path: str) -> Callable[[Path], Any]:
    return lambda root: (root / path).rename(root / f"{path}-old")


def folder_at(path: str) -> Callable[[Path], Any]:
    def change(root: Path) -> None:
        (root / path).unlink()
        (root / path).mkdir()

    return change


def floats(*values: float) -> bytes:
    return np.array(values, dtype="<f4").tobytes()


def overwrite(path: str, content: bytes) -> Callable[[Path], Any]:
    return lambda root: (root / path).write_bytes(content)


CLOSE = "features/SZ000001/close.day.bin"
CSI = "instruments/csi300.txt"
BAD_FOLDERS: list[tuple[Callable[[Path], Any], str]] = [
    (remove("calendars/day.txt"), "day.txt cannot be read"),
    (
        overwrite("calendars/day.txt", b"2024-01-01\n2024-01-01\n"),
        "day.txt line 2: 2024-01-01 does",
    ),
    (remove(CLOSE), "SZ000001 lacks close.day.bin: dump the field, or remove the symbol"),
    (overwrite(CLOSE, b""), "close.day.bin is damaged (0 bytes): dump it again"),
    (overwrite(CLOSE, b"\0" * 9), "close.day.bin is damaged (9 bytes)"),
    (
        overwrite(CLOSE, floats(6, *[1] * 25)),
        "25 values from index 6.0 do not fit 30",
    ),
    (overwrite(CLOSE, floats(-1, 1)), "1 values from index -1.0 do not fit"),
    (overwrite(CLOSE, floats(np.nan, 1)), "from index nan do not fit"),
    (
        overwrite(CSI, b"SZ000001 2024-01-01"),
        "csi300.txt line 1: 'SZ000001 2024-01-01' is not symbol",
    ),
    (overwrite(CSI, b"A\t2024-01-01\tnever"), "csi300.txt line 1: 'A\\t2024-01-01\\tnever' is not"),
    (overwrite(CSI, b"\xff\xfe"), "csi300.txt cannot be read"),
    (folder_at(CLOSE), "close.day.bin cannot be read"),
    (hide("features"), "holds no features/<symbol> folder"),
]


@pytest.mark.parametrize(("damage", "told"), BAD_FOLDERS)
def test_bad_folders(
    ingested: Ingested, folder: Path, damage: Callable[[Path], Any], told: str
) -> None:
    damage(folder)
    status, message, _ = ingested(None, "--qlib", str(folder))
    assert status == 1
    assert told in message
    assert len(message.splitlines()) == 1


def test_bad_values_are_listed_by_file_and_date(ingested: Ingested, folder: Path) -> None:
    values = np.fromfile(folder / CLOSE, dtype="<f4")[1:]
    values[2] = -1
    write_bin(folder / CLOSE, 5, values)
    status, message, _ = ingested(None, "--qlib", str(folder))
    assert status == 1
    assert "1 bad row (zero or negative close: 1)" in message
    assert f"features/SZ000001/open.day.bin row 8, {DAYS[7]} SZ000001" in message
    panel = ingest_ok(ingested, folder, "--bad-rows", "mask")
    assert np.flatnonzero(~panel.traded[:, 1]).tolist() == [0, 1, 2, 3, 4, 7]
