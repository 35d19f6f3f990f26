"""Who runs the tasks."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.execution import Execution
from alpha_lightning.study.shards import Shard
from alpha_lightning.study.tasks import Task, identify


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"jobs": -1}, "--jobs is -1"),
        ({"retries": -2}, "--retries is -2"),
        ({"gpus_per_fit": 1.5}, r"--gpus_per_fit is 1\.5: a fit of a study trains on one device"),
        ({"gpus_per_fit": -0.1}, "--gpus_per_fit is -0.1"),
        ({"gpus_per_fit": 1e-9}, r"--gpus_per_fit is 1e-09: .*; give 0, or 0\.01 to 1"),
        ({"address": "auto"}, "--address auto is of a cluster: add --engine ray"),
        ({"engine": "ray", "shard": "1/2"}, "--shard is for arrays"),
        ({"shard": "3/2"}, "--shard is 3/2: give i/n"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        Execution(**given)


def test_a_share_is_told() -> None:
    assert Execution().part is None
    assert Execution(shard="2/3").part == Shard(2, 3)


def test_processes_are_counted_where_the_system_cannot_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Execution(jobs=7).at_once == 7
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5})
    assert Execution().at_once == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert Execution().at_once == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert Execution().at_once == 1


def test_a_share_of_a_gpu_is_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(UserError, match="this machine has no GPU"):
        Execution(gpus_per_fit=0.5).run([], {}, tmp_path)


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    task = Task("a", "shutil:copyfile", {})
    ends = Execution(engine="ray").run([task], identify([task], tmp_path), tmp_path)
    with pytest.raises(UserError, match=r"needs Ray: pip install 'alpha_lightning\[ray\]'"):
        next(ends)
    assert list(tmp_path.iterdir()) == []


def test_with_nothing_to_do_no_cluster_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    cluster = Execution(engine="ray", address="127.0.0.1:1", gpus_per_fit=0.5)
    assert list(cluster.run([], {}, tmp_path)) == []
    task = Task("a", "shutil:copyfile", {})
    with pytest.raises(UserError, match=r"no Ray cluster at 127\.0\.0\.1:1 "):
        cluster.run([task], {}, tmp_path)
