"""The table of trials, and the best settings."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.study import sweep_table
from alpha_lightning.study.sweep_file import SweepFile
from alpha_lightning.study.sweep_space import read_space
from alpha_lightning.study.sweep_table import (
    counts,
    rows_of,
    table_text,
    trial_folder,
    write_results,
)
from alpha_lightning.study.sweep_trials import Search, SearchSettings


@pytest.fixture
def search(tmp_path: Path) -> Iterator[Search]:
    """Trials of each kind: 0.5, failed, 0.75, pruned, killed, running; one waits."""
    rules: dict[str, dict[str, Any]] = {
        "a": {"distribution": "q_uniform", "min": 0.0, "max": 0.6, "q": 0.1},
        "b": {"value": 1},
    }
    file = SweepFile(
        Path("toy.yaml"), "grid", "valid/ic", maximize=True, parameters=rules, options=()
    )
    space = read_space(rules, "toy.yaml")
    settings = SearchSettings(tmp_path)
    found = Search(file, space, settings, "identity")
    for value, failure, pruned in ((0.5, None, False), (None, "x, y", False), (0.75, None, False)):
        trial = found.ask()
        assert trial is not None
        if value is not None:
            found.report(trial, 2, value)
        found.tell(trial, 1.25, value, failure, pruned=pruned)
    pruned_one = found.ask()
    assert pruned_one is not None
    found.report(pruned_one, 1, 0.9)
    found.tell(pruned_one, 2.0, None, pruned=True)
    other = Search(file, space, settings, "identity")
    other.ask()
    other.close()
    found.ask()
    yield found
    found.close()


def test_a_row_a_trial(search: Search, tmp_path: Path) -> None:
    write_results(search, lambda options: f"options: {options}\n")
    with (tmp_path / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ["trial", "state", "valid/ic", "epochs", "seconds", "again", "a", "failure"]
    assert list(rows[0]) == names
    states = ["complete", "failed", "complete", "pruned", "killed", "running"]
    assert [row["state"] for row in rows] == states
    assert [row["valid/ic"] for row in rows] == ["0.5", "", "0.75", "0.9", "", ""]
    assert [row["epochs"] for row in rows] == ["2", "0", "2", "1", "0", "0"]
    assert [row["a"] for row in rows] == ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]
    assert rows[1]["failure"] == "x, y"
    assert [row["trial"] for row in rows] == [str(row["trial"]) for row in rows_of(search)]
    assert counts(search) == {name: states.count(name) for name in states}
    best = (tmp_path / "best.yaml").read_text()
    assert best == "# Trial 2 of toy.yaml: valid/ic 0.75.\noptions: ['--a=0.2', '--b=1']\n"


def test_the_text_has_the_best_first_and_what_has_no_value_last(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, *lines = table_text(search).splitlines()
    assert head.split() == ["trial", "state", "valid/ic", "epochs", "seconds", "a"]
    assert [line.split()[:2] for line in lines[:3]] == [
        ["2", "complete"],
        ["0", "complete"],
        ["3", "pruned"],
    ]
    assert len({len(line) for line in [head, *lines]}) == 1
    monkeypatch.setattr(sweep_table, "_SHOWN", 2)
    assert table_text(search).splitlines()[3:] == ["... 4 more in trials.csv"]


def test_a_sweep_that_has_not_begun(tmp_path: Path) -> None:
    rules = {"a": {"min": 1, "max": 2}}
    file = SweepFile(
        Path("toy.yaml"), "random", "valid/ic", maximize=True, parameters=rules, options=()
    )
    found = Search(file, read_space(rules, "x"), SearchSettings(tmp_path), "identity")
    write_results(found, str)
    assert (tmp_path / "trials.csv").read_text() == "trial\n"
    assert not (tmp_path / "best.yaml").exists()
    assert table_text(found) == ""
    trial = found.ask()
    assert trial is not None
    found.report(trial, 1, math.nan)
    assert rows_of(found)[0]["valid/ic"] == ""
    found.close()


def test_folders_of_trials_sort_as_their_numbers() -> None:
    assert trial_folder(Path("a"), 12) == Path("a/trials/t0012")
