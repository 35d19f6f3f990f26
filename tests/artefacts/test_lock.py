"""One process at a time, and no drafts of dead ones."""

from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.lock import is_locked, locked


def test_the_second_is_refused_and_the_first_can_be_seen(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "study")
    with locked(tmp_path / "study"):
        assert is_locked(tmp_path / "study")
        with (
            pytest.raises(UserError, match="another process runs the study"),
            locked(tmp_path / "study"),
        ):
            pass
    assert not is_locked(tmp_path / "study")


def test_drafts_of_killed_tasks_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in (".factors.parquet.0123abcd.tmp", ".hidden", "kept.tmp"):
        (tmp_path / name).write_text("")
    (tmp_path / ".report.0123abcd.tmp-old").mkdir()
    with locked(tmp_path):
        names = {path.name for path in tmp_path.iterdir()}
    assert names == {".lock", ".hidden", "kept.tmp"}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --out"), locked(tmp_path / "file" / "x"):
        pass
