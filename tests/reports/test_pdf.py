import os
import shutil
import stat
import time
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.reports.pdf import BROWSERS, find_browser, print_pdf

INSTALLED = any(shutil.which(name) for name in BROWSERS)


def fake(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IEXEC)
    return file


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "index.html"
    file.write_text("<!doctype html><title>a</title><p>Hello")
    return file


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of the PATH for browsers; the shell's own tools stay."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "sleep", "printf", "echo"):
        if path := shutil.which(tool):
            (folder / tool).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("BROWSER", raising=False)
    return folder


WRITE = (
    'for a in "$@"; do case "$a" in --print-to-pdf=*) printf "%%PDF-1.4" > "${a#*=}";; esac; done'
)


@pytest.mark.skipif(not INSTALLED, reason="no browser on this machine")
def test_a_browser_at_hand_prints_the_page(page: Path, tmp_path: Path) -> None:
    pdf = print_pdf(page, tmp_path / "a b" / "report.pdf")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert [file.name for file in pdf.parent.iterdir()] == ["report.pdf"]


def test_the_page_is_handed_over_as_it_must_be(only: Path, page: Path, tmp_path: Path) -> None:
    fake(only, "brave", f'echo "$@" > {tmp_path}/said; {WRITE}')
    print_pdf(page, tmp_path / "out.pdf")
    said = (tmp_path / "said").read_text()
    assert page.as_uri() in said
    assert "--headless" in said
    assert ("--no-sandbox" in said) == (os.geteuid() == 0)
    assert (tmp_path / "out.pdf").read_bytes() == b"%PDF-1.4"


def test_browsers_are_tried_in_order_and_the_user_s_choice_first(only: Path) -> None:
    for name in ("msedge", "google-chrome", "firefox"):
        fake(only, name, "exit 0")
    path = {"PATH": str(only)}
    assert Path(find_browser(path)).name == "google-chrome"
    assert Path(find_browser(path | {"BROWSER": "msedge"})).name == "msedge"
    assert Path(find_browser(path | {"BROWSER": str(only / "msedge")})).name == "msedge"
    # One that cannot print by command is no choice.
    assert Path(find_browser(path | {"BROWSER": "firefox"})).name == "google-chrome"


def test_without_a_browser_it_is_said_what_to_do(only: Path, page: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"install Chromium.*open report/index.html in any browser"):
        print_pdf(page, tmp_path / "out.pdf")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo first >&2; echo no display >&2; exit 3", r"ended with status 3: no display\)"),
        ("exit 4", r"ended with status 4\)"),
        ("exit 0", "wrote no PDF"),
        (WRITE.replace("%%PDF-1.4", "<html>") + "; echo odd >&2", "wrote no PDF: odd"),
        (f"{WRITE}; exit 1", "ended with status 1"),
    ],
)
def test_a_browser_that_fails_leaves_nothing(
    only: Path, page: Path, tmp_path: Path, script: str, words: str
) -> None:
    fake(only, "chromium", script)
    out = tmp_path / "made" / "out.pdf"
    with pytest.raises(UserError, match=words) as caught:
        print_pdf(page, out)
    assert "name another browser in $BROWSER" in str(caught.value)
    assert not out.parent.exists()


def test_a_browser_that_cannot_be_started_is_said(only: Path, page: Path, tmp_path: Path) -> None:
    file = fake(only, "chromium", "")
    file.write_text("#!/nowhere/sh\n")
    with pytest.raises(UserError, match="could not print the page"):
        print_pdf(page, tmp_path / "out.pdf")


def test_a_browser_that_hangs_is_ended_with_all_it_started(
    only: Path, page: Path, tmp_path: Path
) -> None:
    fake(only, "chromium", f"sh -c 'sleep 1; echo alive > {tmp_path}/alive' & sleep 60")
    before = tmp_path / "out.pdf"
    before.write_bytes(b"%PDF old")
    begin = time.monotonic()
    with pytest.raises(UserError, match=r"did not end within 0.3 s"):
        print_pdf(page, before, seconds=0.3)
    assert time.monotonic() - begin < 10
    time.sleep(1.2)
    assert not (tmp_path / "alive").exists()
    assert before.read_bytes() == b"%PDF old"
