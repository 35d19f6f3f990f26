"""Shares of a study: dealt without talking, and beside each other only."""

import fcntl
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import is_locked, locked
from alpha_lightning.study import shards
from alpha_lightning.study.shards import Shard, beside_others
from alpha_lightning.study.tasks import Task


def tasks_of(units: str, seeds: int) -> list[Task]:
    fits = [f"fit/{unit}/rawbar/s{seed}" for seed in range(seeds) for unit in units]
    return [
        Task("simulate", "x:y", {}),
        Task("ingest", "x:y", {}, ("simulate",)),
        Task("prepare/rawbar", "x:y", {}, ("ingest",)),
        Task("prepare/mschars", "x:y", {}, ("ingest",)),
        *(Task(name, "x:y", {}, ("prepare/rawbar",)) for name in fits),
        Task("weigh/a/s0", "x:y", {}, tuple(fits)),
        Task("report", "x:y", {}, ("weigh/a/s0",)),
    ]


@pytest.mark.parametrize("text", ["", "1", "1/", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="give i/n with i from 1 to n"):
        Shard.parse(text)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 20])
def test_every_fit_has_one_owner_and_what_it_needs(count: int) -> None:
    tasks = tasks_of("abcde", 3)
    parts = [[task.name for task in Shard(k + 1, count).of(tasks)] for k in range(count)]
    fits = [[name for name in part if name.startswith("fit/")] for part in parts]
    dealt = sorted(name for own in fits for name in own)
    assert dealt == sorted(t.name for t in tasks if t.name.startswith("fit/"))
    assert max(map(len, fits)) - min(map(len, fits)) <= 1
    for part, own in zip(parts, fits, strict=True):
        before = ["simulate", "ingest", "prepare/rawbar"] if own else []
        assert part == [*before, *own], "in order, with needs, and nothing that is not needed"


def test_no_share_is_all_of_one_unit() -> None:
    # Five jobs, five units: units take unlike times.
    tasks = tasks_of("abcde", 10)
    for number in range(1, 6):
        names = [task.name for task in Shard(number, 5).of(tasks)]
        units = Counter(name.split("/")[1] for name in names if name.startswith("fit/"))
        assert units == dict.fromkeys("abcde", 2)


def test_shares_run_beside_each_other_and_the_first_begins_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_PATIENCE", 0.2)
    folder, began = tmp_path / "study", []

    def begin(first: bool) -> None:
        began.append((first, is_locked(folder)))

    with beside_others(folder, begin):
        with beside_others(folder, begin), beside_others(folder, begin):
            assert began == [(True, True), (False, False), (False, False)]
        with pytest.raises(UserError, match="another process runs the study"), locked(folder):
            pass
        with beside_others(folder, begin):
            assert began[-1] == (False, False)
    with locked(folder):
        words = r"another process runs the whole study in .*/study: wait"
        with pytest.raises(UserError, match=words), beside_others(folder, begin):
            pass
    with beside_others(folder, begin):
        assert began[-1] == (True, True)


def test_a_share_that_waited_for_the_whole_study_is_seen_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ExitStack()
    whole.enter_context(locked(tmp_path))
    # While the share waits the whole study ends, and removes the file of its lock.
    monkeypatch.setattr(time, "sleep", lambda _: whole.close())
    with beside_others(tmp_path, lambda _: None):
        words = "another process runs the study"
        with pytest.raises(UserError, match=words), locked(tmp_path):
            pass


def test_where_the_first_share_dies_at_once_another_one_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / ".lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda _: first.close())
        began: list[bool] = []
        with beside_others(tmp_path, began.append):
            assert began == [True]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("a file")
    words = r"cannot write .*/study \(File exists\): choose another --out"
    with pytest.raises(UserError, match=words), beside_others(tmp_path / "study", lambda _: None):
        pass
