"""A study by Ray with a killed worker, and by two shares at once: the scores of one machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.status import study_status

ROOT = Path(__file__).parents[2]


def scores(folder: Path) -> dict[str, Any]:
    files = sorted((folder / "scores").rglob("*.parquet"))
    files = [file for file in files if ".importance." not in file.name]
    return {str(file.relative_to(folder)): read_dated_table(file) for file in files}


def agree(first: Path, second: Path) -> None:
    expected, found = scores(first), scores(second)
    assert set(expected) == set(found)
    assert len(expected) == 24
    for name, table in expected.items():
        assert np.array_equal(table.values, found[name].values), name
        assert table.metadata == found[name].metadata


def again(finished: StudySettings, name: str) -> tuple[Path, Path]:
    folder = finished.folder.parent / name
    file = finished.folder.parent / f"{name}.yaml"
    tree = yaml.safe_load((finished.folder / "study.yaml").read_text())
    file.write_text(yaml.safe_dump(tree | {"out": str(folder)}))
    return file, folder


def start(file: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "alpha_lightning", "study", "run", str(file), *options]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def working_in(folder: Path) -> list[int]:
    """Processes that hold a file of a fit open."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            held = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(path.startswith(f"{folder}/tasks/fit/") for path in held):
            found.append(int(process.name))
    return found


@pytest.mark.slow
def test_ray_with_a_killed_worker_gives_the_scores_of_this_machine(
    finished: StudySettings,
) -> None:
    file, folder = again(finished, "ray")
    with start(file, "--engine", "ray", "--address", "local", "--jobs", "2") as process:
        end = time.monotonic() + 180
        while not (victims := working_in(folder)) and time.monotonic() < end:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.05)
        os.kill(victims[0], signal.SIGKILL)
        told = process.communicate(timeout=400)[0]
    assert process.returncode == 0, told
    assert "tried again, its process or node was lost" in told
    agree(finished.folder, folder)


@pytest.mark.slow
def test_two_shares_at_once_give_the_scores_of_one_run(finished: StudySettings) -> None:
    file, folder = again(finished, "shares")
    shares = [start(file, "--jobs", "1", "--shard", f"{k}/2") for k in (1, 2)]
    for number, process in enumerate(shares, 1):
        told = process.communicate(timeout=300)[0]
        assert process.returncode == 0, told
        assert f"share {number}/2 of tiny: its 1 fits are done" in told
    assert not scores(folder)
    assert "not finished, not running" in study_status(folder)
    with start(file, "--jobs", "2") as process:
        told = process.communicate(timeout=300)[0]
    assert process.returncode == 0, told
    agree(finished.folder, folder)
