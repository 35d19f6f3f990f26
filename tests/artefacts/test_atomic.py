import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.artefacts import atomic
from alpha_lightning.artefacts.atomic import atomic_file, atomic_folder
from alpha_lightning.artefacts.errors import ArtefactError


def tree(root: Path) -> dict[str, str]:
    """Texts of all files below a folder, and empty ones of empty folders."""
    leaves = [p for p in root.rglob("*") if p.is_file() or not any(p.iterdir())]
    return {str(p.relative_to(root)): p.read_text() if p.is_file() else "" for p in leaves}


def write_file(path: Path, text: str, failure: BaseException | None = None) -> None:
    with atomic_file(path) as draft:
        draft.write_text(text)
        if failure:
            raise failure


def write_folder(
    path: Path, text: str, failure: BaseException | None = None, **options: Any
) -> None:
    with atomic_folder(path, **options) as draft:
        (draft / "sub").mkdir()
        (draft / "sub" / "a").write_text(text)
        if failure:
            raise failure


def test_a_file_appears_only_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_file(target) as draft:
        draft.write_text("whole")
        assert not target.exists()
        assert draft.parent == target.parent  # else the rename could cross file systems
    assert tree(tmp_path) == {"new/a.txt": "whole"}


@pytest.mark.parametrize("failure", [RuntimeError(), KeyboardInterrupt(), SystemExit()])
def test_an_error_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, failure: BaseException
) -> None:
    write_file(tmp_path / "a.txt", "old")
    write_folder(tmp_path / "panel", "old")
    with pytest.raises(type(failure)):
        write_file(tmp_path / "a.txt", "half", failure)
    with pytest.raises(type(failure)):
        write_folder(tmp_path / "panel", "half", failure, overwrite=True)
    assert tree(tmp_path) == {"a.txt": "old", "panel/sub/a": "old"}


def test_folders_made_on_the_way_go_again_after_an_error(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    for write in (write_file, write_folder):
        with pytest.raises(RuntimeError):
            write(tmp_path / "kept" / "new" / "newer" / "panel", "half", RuntimeError())
    assert tree(tmp_path) == {"kept": ""}


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    target = tmp_path / "panel"
    with atomic_folder(target) as draft:
        (draft / "old").write_text("1")
    with atomic_folder(target, overwrite=True) as draft:
        (draft / "new").write_text("2")
    assert tree(tmp_path) == {"panel/new": "2"}


def test_an_existing_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"exists: choose .* --overwrite true"):
        write_folder(tmp_path, "new", AssertionError("the block must not run"))


def test_overwriting_never_touches_what_is_not_ours(tmp_path: Path) -> None:
    write_file(tmp_path / "data" / "thesis.txt", "years of work")
    write_file(tmp_path / "notes.txt", "more of it")
    before = tree(tmp_path)
    for name, words in (("data", "holds other things"), ("notes.txt", "is a file")):
        with pytest.raises(ArtefactError, match=words):
            write_folder(tmp_path / name, "new", overwrite=True, marker="panel.json")
    assert tree(tmp_path) == before


def test_an_empty_or_marked_folder_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "panel").mkdir()
    for text in ("1", "2"):
        with atomic_folder(tmp_path / "panel", overwrite=True, marker="panel.json") as draft:
            (draft / "panel.json").write_text(text)
    assert tree(tmp_path) == {"panel/panel.json": "2"}


def test_a_link_to_a_folder_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    write_folder(tmp_path / "disk", "old")
    (tmp_path / "panel").symlink_to(tmp_path / "disk")
    write_folder(tmp_path / "panel", "new", overwrite=True)
    assert tree(tmp_path) == {"disk/sub/a": "old", "panel/sub/a": "new"}
    assert not (tmp_path / "panel").is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["disk", "panel"]


@pytest.mark.parametrize("number", [n for n in atomic._REMEDY if n is not None])
def test_refusals_of_the_system_name_the_path_and_a_remedy(tmp_path: Path, number: int) -> None:
    write_file(tmp_path / "a", "old")
    refusal = OSError(number, os.strerror(number))
    with pytest.raises(
        ArtefactError, match=r"cannot write .*/a: .*: (free|raise|choose|remove)"
    ) as told:
        write_file(tmp_path / "a", "half", refusal)
    assert told.value.__cause__ is refusal
    assert tree(tmp_path) == {"a": "old"}


def test_a_short_write_without_a_number_is_taken_for_a_full_disk(tmp_path: Path) -> None:
    short = OSError("8 requested and 3 written")
    with pytest.raises(ArtefactError, match=r"\(8 requested and 3 written\).* probably full"):
        write_folder(tmp_path / "panel", "half", short)
    assert tree(tmp_path) == {}


def test_other_errors_of_the_system_stay_themselves(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):  # a defect of the caller, not of the user's disk
        write_file(tmp_path / "a", "half", FileNotFoundError(errno.ENOENT, "none"))
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("path", ["file/panel", "file/deep/panel", "n" * 255])
def test_paths_that_cannot_be(tmp_path: Path, path: str) -> None:
    write_file(tmp_path / "file", "")
    for write in (write_file, write_folder):
        with pytest.raises(ArtefactError, match=r"choose a(nother path| shorter one)"):
            write(tmp_path / path, "new")
    assert tree(tmp_path) == {"file": ""}


def test_a_file_onto_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ArtefactError, match="a folder of that name is in the way"):
        write_file(tmp_path / "a", "new")
    assert tree(tmp_path) == {"a": ""}


@pytest.mark.parametrize("failure", [OSError(errno.EACCES, "no"), KeyboardInterrupt()])
def test_a_swap_that_fails_in_the_middle_puts_the_old_folder_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    write_folder(tmp_path / "panel", "old")
    replace = Path.replace

    def second_fails(self: Path, target: Path) -> Path:
        if self.name.endswith(".tmp"):
            assert not target.exists()  # the old folder has stepped aside
            raise failure
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    with pytest.raises((ArtefactError, KeyboardInterrupt)):
        write_folder(tmp_path / "panel", "new", overwrite=True)
    assert tree(tmp_path) == {"panel/sub/a": "old"}


def test_a_first_write_whose_rename_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Path) -> Path:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ArtefactError, match="disk is full"):
        write_folder(tmp_path / "panel", "new")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_leaves_the_old_folder(tmp_path: Path, stop: signal.Signals) -> None:
    write_folder(tmp_path / "panel", "old")
    program = (
        "import os, sys\n"
        "from alpha_lightning.artefacts.atomic import atomic_folder\n"
        "with atomic_folder(sys.argv[1], overwrite=True) as draft:\n"
        "    (draft / 'a').write_text('half')\n"
        f"    os.kill(os.getpid(), {int(stop)})\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "panel")], check=False)
    assert done.returncode == -stop
    assert tree(tmp_path / "panel") == {"sub/a": "old"}
