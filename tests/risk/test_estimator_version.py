"""The version of the code: its numbers, not its words."""

from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.risk.estimator_version import estimator_version


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    estimator_version()  # kept from now on: that of the package as it is
    for file in resources.files("alpha_lightning.risk").iterdir():
        if file.name.endswith(".py"):
            (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"))
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)
    return tmp_path


def versions(file: Path, change: Any) -> tuple[str, str]:
    before = estimator_version.__wrapped__()
    file.write_text(change(file.read_text()))
    return before, estimator_version.__wrapped__()


def test_a_changed_number_is_another_version(copied: Path) -> None:
    before, after = versions(
        copied / "regression.py", lambda text: text.replace("_ITERATIONS = 100", "_ITERATIONS = 9")
    )
    assert before != after
    assert before == estimator_version()


def test_words_are_none(copied: Path) -> None:
    before, after = versions(
        copied / "regression.py",
        lambda text: text.replace('"""Returns', '"""What is left of returns').replace(
            "# ", "# Why: "
        ),
    )
    assert before == after


def test_what_only_reads_is_none(copied: Path) -> None:
    before, after = versions(copied / "diagnostics.py", lambda text: text + "\nX = 1\n")
    assert before == after
