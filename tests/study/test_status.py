"""How far a study is, while it runs and after."""

import json
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.study.claims import claimed
from alpha_lightning.study.logged import LOG
from alpha_lightning.study.status import FILE, kept_keys, study_status, write_tasks
from alpha_lightning.study.tasks import FAILED, MARKER, Identity, Task

NAMES = ("simulate", "fit/gru/rawbar/v2022/s0", "fit/gru/rawbar/v2022/s1", "fit/lstm/a", "report")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study of five tasks of which none has begun."""
    tasks = [Task(name, "shutil:copyfile", {}) for name in NAMES]
    identities = {name: Identity(name, "", "", "") for name in NAMES}
    write_tasks(tmp_path, tasks, identities)
    for name in NAMES:
        (tmp_path / "tasks" / name).mkdir(parents=True)
    return tmp_path


def finish(folder: Path, name: str, seconds: float = 60.0, key: str = "") -> None:
    key = key or Identity(name, "", "", "").key
    about = {"key": key, "seconds": seconds}
    (folder / "tasks" / name / MARKER).write_text(json.dumps(about))
    (folder / "tasks" / name / LOG).write_text("")


def begin(folder: Path, name: str) -> None:
    (folder / "tasks" / name / LOG).write_text("")


def test_before_anything_has_run(folder: Path) -> None:
    told = study_status(folder)
    assert "not finished, not running, 0 of 5 tasks done" in told
    assert "run the study again" in told


def test_while_it_runs(folder: Path) -> None:
    finish(folder, NAMES[0])
    finish(folder, NAMES[1], seconds=600)
    begin(folder, NAMES[2])
    with locked(folder):
        told = study_status(folder)
    assert ": running, 2 of 5 tasks done" in told
    assert f"running: {NAMES[2]}" in told
    assert "about 10 min left with 1 at once, without 2 tasks of kinds" in told
    fit = next(line for line in told.splitlines() if line.strip().startswith("fit"))
    assert fit.split() == ["fit", "1", "1", "1"]


def test_what_failed_and_what_was_interrupted_is_named_with_its_log(folder: Path) -> None:
    begin(folder, NAMES[2])
    begin(folder, NAMES[3])
    (folder / "tasks" / NAMES[3] / FAILED).write_text('{"failure": "no price", "seconds": 1}')
    told = study_status(folder)
    assert f"failed: {NAMES[3]}: no price\n  log: {folder}/tasks/{NAMES[3]}/{LOG}" in told
    assert f"interrupted: {NAMES[2]}\n" in told
    (folder / "tasks" / NAMES[3] / FAILED).write_text("{")
    assert f"failed: {NAMES[3]}\n" in study_status(folder)


def test_a_new_start_forgets_what_was_cut_off_and_not_what_failed(folder: Path) -> None:
    finish(folder, NAMES[0])
    begin(folder, NAMES[2])
    begin(folder, NAMES[3])
    (folder / "tasks" / NAMES[3] / FAILED).write_text('{"failure": "no price", "seconds": 1}')
    tasks = [Task(name, "shutil:copyfile", {}) for name in NAMES]
    write_tasks(folder, tasks, {name: Identity(name, "", "", "") for name in NAMES})
    with locked(folder):
        told = study_status(folder)
    assert "running: fit" not in told
    assert f"failed: {NAMES[3]}: no price" in told
    assert "1 of 5 tasks done" in told


def test_a_task_done_with_other_settings_waits(folder: Path) -> None:
    finish(folder, NAMES[0], key="of before")
    assert "0 of 5 tasks done" in study_status(folder)


def test_a_task_whose_artefact_could_not_be_made_again_is_told(folder: Path) -> None:
    finish(folder, NAMES[1])
    (folder / "tasks" / NAMES[1] / FAILED).write_text('{"failure": "disk full"}')
    told = study_status(folder)
    assert f"failed: {NAMES[1]}: disk full" in told
    assert "0 of 5 tasks done" in told


def test_after_the_last_task(folder: Path) -> None:
    for name in NAMES:
        finish(folder, name)
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_text("")
    told = study_status(folder)
    assert "finished, 5 of 5 tasks done" in told
    assert told.endswith(f"report: {folder}/report/index.html")


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "does not exist"), ("[", "is damaged"), ('[{"name": "a"}]', "is damaged")],
)
def test_a_folder_without_a_study_is_refused(
    tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / FILE).write_text(content)
    with pytest.raises(ArtefactError, match=words):
        study_status(tmp_path)


def test_while_a_share_runs_only_its_own_tasks_do(folder: Path) -> None:
    begin(folder, NAMES[1])
    begin(folder, NAMES[2])
    with claimed(folder / "tasks" / NAMES[2]):
        told = study_status(folder)
    assert ": running, 0 of 5 tasks done" in told
    assert f"running: {NAMES[2]}" in told
    assert f"interrupted: {NAMES[1]}" in told
    assert kept_keys(folder) == {name: Identity(name, "", "", "").key for name in NAMES}
