"""A build that is killed goes on where it stopped, and a panel is never half changed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.cli import main
from alpha_lightning.panel import assemble as assemble_module
from alpha_lightning.panel.store import Panel

MakeVendor = Callable[..., Any]
EXCHANGE = str(Path(__file__).parents[2] / "configs" / "market" / "cn.yaml")
KILLED = """
import os, signal, sys
from pathlib import Path
from alpha_lightning.cli import main
replace, calls = Path.replace, []
def dying(self, target):
    calls.append(target)
    if len(calls) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = dying
main(sys.argv[2:])
"""


def content(folder: Path) -> dict[str, bytes]:
    files = [f for f in folder.rglob("*") if f.is_file() and not f.name.endswith(".tmp")]
    return {f.relative_to(folder).as_posix(): f.read_bytes() for f in files}


@pytest.fixture
def tables(workplace: Any, vendor: MakeVendor) -> list[str]:
    """Options that name both tables of four days."""
    made = vendor(4)
    workplace.ingest(made.daily)
    minute = workplace.write("minute", made.minute)
    trades = workplace.write("trades", made.trades)
    return ["--minute", str(minute), "--trades", str(trades)]


def killed(workplace: Any, tables: list[str], call: int) -> None:
    given = ["characterise", "--panel", str(workplace.panel), "--exchange", EXCHANGE, *tables]
    command = [sys.executable, "-c", KILLED, str(call), *given]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_kill_among_the_days(workplace: Any, tables: list[str]) -> None:
    before = content(workplace.panel)
    killed(workplace, tables, 5)  # two indexes, two days; the third is written, not yet in place
    days = workplace.days / "mschars"
    stamps = {file.name: file.stat().st_mtime_ns for file in sorted(days.glob("2*.parquet"))}
    assert list(stamps) == ["2024-01-02.parquet", "2024-01-03.parquet"]
    assert content(workplace.panel) == before
    assert workplace.run(*tables) == (0, "")
    assert {name: (days / name).stat().st_mtime_ns for name in stamps} == stamps
    found = content(workplace.panel), content(workplace.days)
    again = workplace.room / "again"
    assert workplace.run(*tables, "--store", str(again)) == (0, "")
    assert (content(workplace.panel), content(again)) == found


@pytest.mark.parametrize("call", [11, 12, 13, 14, 15])
def test_a_kill_while_the_panel_changes(workplace: Any, tables: list[str], call: int) -> None:
    killed(workplace, tables, call)
    panel = Panel.open(workplace.panel)
    for name in panel.datasets:
        dataset = panel.dataset(name)
        assert dataset.array.shape == (4, 4, len(dataset.features))
    assert workplace.run(*tables) == (0, "")
    assert Panel.open(workplace.panel).datasets == ("rawbar", "mschars", "l2chars")


def test_an_array_is_never_described_as_another(
    workplace: Any, tables: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert workplace.run(*tables) == (0, "")
    old = np.array(Panel.open(workplace.panel).dataset("mschars").array)
    third = workplace.room / "minute" / "2024-01-04.parquet"
    third.write_bytes((workplace.room / "minute" / "2024-01-03.parquet").read_bytes())
    replace, calls = Path.replace, list[Path]()

    def dying(self: Path, target: Any) -> Path:
        if Path(target).name.endswith(".npy"):
            calls.append(Path(target))
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", dying)
        exchange = str(workplace.exchange())
        given = ["--panel", str(workplace.panel), "--exchange", exchange, *tables]
        assert main(["characterise", *given]) == 130
    workplace.capsys.readouterr()
    assert len(calls) == 1
    assert "mschars" not in Panel.open(workplace.panel).datasets
    assert workplace.run(*tables) == (0, "")
    assert not np.array_equal(
        Panel.open(workplace.panel).dataset("mschars").array, old, equal_nan=True
    )


def test_a_full_disk_leaves_the_panel(
    workplace: Any, tables: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(assemble_module, "_write_header", full)
    status, message = workplace.run(*tables)
    assert status == 1
    assert "the disk is full: free some space" in message
