"""A panel is written whole or not at all: full disks, kills, folders in the way."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel import ingest as ingest_module
from alpha_lightning.panel.store import Panel

Bars = Callable[..., pl.DataFrame]
Ingested = Callable[..., Any]
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
SHORT = OSError("4096 requested and 17 written")  # what np.save says of a full disk
LIMITED = """
import resource, sys
from alpha_lightning.cli import main
import alpha_lightning.panel.ingest
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""
KILLED = """
import os, signal, sys
import numpy as np
from alpha_lightning.cli import main
save, calls = np.save, []
def dying(*given, **options):
    calls.append(given)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    save(*given, **options)
np.save = dying
main(sys.argv[1:])
"""


def everything(folder: Path) -> dict[str, int]:
    return {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*")}


@pytest.mark.parametrize("failure", [FULL, SHORT])
@pytest.mark.parametrize("after", [0, 3, 8])
def test_a_full_disk(
    ingested: Ingested,
    bars: Bars,
    monkeypatch: pytest.MonkeyPatch,
    failure: OSError,
    after: int,
) -> None:
    old = Panel.open(ingested(bars())[2]).fingerprint
    save, calls = np.save, []

    def fill_up(*given: Any, **options: Any) -> None:
        calls.append(given)
        if len(calls) > after:
            raise failure
        save(*given, **options)

    monkeypatch.setattr(np, "save", fill_up)
    status, message, out = ingested(bars(days=40), "--overwrite", "true")
    assert status == 1
    assert "cannot write" in message
    assert "full: free some space or write elsewhere" in message
    assert Panel.open(out).fingerprint == old


@pytest.mark.parametrize("limit", [0, 1000, 30_000])
def test_a_limit_on_file_sizes(tmp_path: Path, bars: Bars, limit: int) -> None:
    bars(days=500, symbols=20).write_parquet(tmp_path / "d.parquet")
    before = everything(tmp_path)
    given = ["ingest", "--daily", str(tmp_path / "d.parquet"), "--out", str(tmp_path / "p" / "q")]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *given],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: cannot write {tmp_path / 'p' / 'q'}")
    assert len(done.stderr.splitlines()) == 1
    assert everything(tmp_path) == before


def test_an_existing_panel_needs_overwrite(ingested: Ingested, bars: Bars) -> None:
    first = Panel.open(ingested(bars())[2]).fingerprint
    status, message, out = ingested(bars(days=40))
    assert status == 1
    assert f"{out} exists: choose another path, or pass --overwrite true" in message
    assert Panel.open(out).fingerprint == first
    assert ingested(bars(days=40), "--overwrite", "true")[0] == 0
    assert len(Panel.open(out).dates) == 40


def test_a_refused_folder_is_refused_before_reading(tmp_path: Path, ingested: Ingested) -> None:
    (tmp_path / "out" / "panel").mkdir(parents=True)
    status, message, _ = ingested(None, "--daily", "no-such-table.parquet")
    assert status == 1
    assert "exists" in message


def test_overwriting_spares_what_is_no_panel(
    tmp_path: Path, ingested: Ingested, bars: Bars
) -> None:
    # The vendor's own folder, given as --out by mistake.
    status, message, _ = ingested(bars(), "--out", str(tmp_path), "--overwrite", "true")
    assert status == 1
    assert "holds other things (no panel.json) and will not be replaced" in message
    file = tmp_path / "daily.parquet"
    status, message, _ = ingested(bars(), "--out", str(file), "--overwrite", "true")
    assert status == 1
    assert "is a file and will not be replaced by a folder" in message
    assert pl.read_parquet(file).height == 90


def test_a_parent_that_is_a_file(tmp_path: Path, ingested: Ingested, bars: Bars) -> None:
    status, message, _ = ingested(bars(), "--out", str(tmp_path / "daily.parquet" / "panel"))
    assert status == 1
    assert "a part of the path is a file, not a folder: choose another path" in message


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written(
    ingested: Ingested, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number), str(self))

    with monkeypatch.context() as patched:
        # The tests may run as root, whom nothing is refused.
        patched.setattr(Path, "mkdir", refuse)
        status, message, _ = ingested(None, "--daily", "x.parquet")
    assert status == 1
    assert "cannot write" in message
    assert "choose a folder you may write to" in message


def test_an_interrupt_keeps_the_old_panel(
    ingested: Ingested, bars: Bars, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = Panel.open(ingested(bars())[2]).fingerprint
    before = everything(tmp_path)

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for place, name in ((ingest_module, "read_vendor_table"), (np, "save"), (Path, "replace")):
        with monkeypatch.context() as patched:
            patched.setattr(place, name, interrupt)
            status, message, out = ingested(bars(), "--overwrite", "true")
        assert (status, message) == (130, "error: interrupted\n")
        assert Panel.open(out).fingerprint == first
        assert everything(tmp_path) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_kill_leaves_what_was_there(
    tmp_path: Path, ingested: Ingested, bars: Bars, overwrite: bool
) -> None:
    out = tmp_path / "out" / "panel"
    options = ["--overwrite", "true"] if overwrite else []
    old = Panel.open(ingested(bars())[2]).fingerprint if overwrite else None
    bars(days=40).write_parquet(tmp_path / "d.parquet")
    given = ["ingest", "--daily", str(tmp_path / "d.parquet"), "--out", str(out), *options]
    killed = subprocess.run([sys.executable, "-c", KILLED, *given], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("out/.panel.*.tmp/market/*.npy"))) == 3  # it was half-way
    assert (Panel.open(out).fingerprint if out.exists() else None) == old
    assert ingested(None, *given[1:3], *options)[0] == 0  # and can be run again
    assert len(Panel.open(out).dates) == 40
