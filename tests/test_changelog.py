"""One version everywhere."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from alpha_lightning import __version__

ROOT = Path(__file__).parents[1]


def test_the_newest_entry_is_the_version() -> None:
    headings = re.findall(r"^## \[(.+?)\](.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0][0] == "Unreleased"
    version, rest = headings[1]
    assert version == __version__
    assert re.fullmatch(r" - \d{4}-\d{2}-\d{2}", rest), "a release has an ISO date"
    numbers = [tuple(map(int, name.split("."))) for name, _ in headings[1:]]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_package_takes_its_version_from_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    dynamic = project["tool"]["setuptools"]["dynamic"]["version"]
    assert dynamic == {"attr": "alpha_lightning.__version__"}
    assert metadata.version("alpha_lightning") == __version__
