"""The page printed to PDF by a browser that is at hand."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
    "brave-browser",
    "brave",
)
SECONDS = 120.0
"""How long a browser may take; a page needs two."""


def find_browser(environment: Mapping[str, str]) -> str:
    """Path of a browser that can print: ``$BROWSER`` if it is one of `BROWSERS`, else of ``PATH``.

    Args:
        environment: variables such as ``os.environ``.

    Raises:
        UserError: there is none.
    """
    asked = environment.get("BROWSER", "")
    names = ([asked] if Path(asked).name in BROWSERS else []) + list(BROWSERS)
    for name in names:
        if path := shutil.which(name, path=environment.get("PATH", "")):
            return path
    msg = (
        "no browser is at hand to print a PDF: install Chromium, Chrome, Edge or Brave, or open"
        " report/index.html in any browser and print it there"
    )
    raise UserError(msg)


def print_pdf(page: str | Path, pdf: str | Path, seconds: float = SECONDS) -> Path:
    """Print a page to a PDF file, whole or not at all.

    Args:
        page: an HTML file.
        pdf: the file to write.
        seconds: after which the browser is stopped.

    Returns:
        The PDF file.

    Raises:
        UserError: there is no browser, it fails, writes no PDF, or does not end in time.
    """
    browser = find_browser(os.environ)
    with tempfile.TemporaryDirectory() as profile, atomic_file(pdf) as draft:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={draft.resolve()}",
        ]
        # Chromium's sandbox refuses to work for root, as in a container.
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        said = _run([*command, Path(page).resolve().as_uri()], seconds)
        if not draft.is_file() or not draft.read_bytes().startswith(b"%PDF"):
            raise UserError(_failed(browser, f"it wrote no PDF{said}"))
    return Path(pdf)


def _run(command: list[str], seconds: float) -> str:
    """Run a browser and all that it starts; what it said last, for a message."""
    browser = command[0]
    try:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise UserError(_failed(browser, str(error))) from error
    try:
        _, told = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise UserError(_failed(browser, f"it did not end within {seconds:g} s")) from error
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    lines = told.decode(errors="replace").strip().splitlines()
    said = f": {lines[-1]}" if lines else ""
    if process.returncode:
        raise UserError(_failed(browser, f"it ended with status {process.returncode}{said}"))
    return said


def _failed(browser: str, why: str) -> str:
    return (
        f"{browser} could not print the page ({why}): name another browser in $BROWSER, or open"
        " report/index.html in any browser and print it there"
    )
