from pathlib import Path

from alpha_lightning.reports.task_state import failure


def test_a_task_that_failed_or_was_cut_off_says_why(tmp_path: Path) -> None:
    assert failure(tmp_path, "risk") is None, "was never begun"
    task = tmp_path / "tasks" / "risk"
    task.mkdir(parents=True)
    assert failure(tmp_path, "risk") == "their run was cut off, run the study again."
    (task / "failed.json").write_text('{"failure": "no weights"}')
    assert failure(tmp_path, "risk") == "no weights."
    (task / "failed.json").write_text('{"failure": "no weights."}')
    assert failure(tmp_path, "risk") == "no weights."
    (task / "failed.json").write_text("[")
    assert failure(tmp_path, "risk") == "their run was cut off, run the study again."


def test_a_task_that_is_done_has_no_failure(tmp_path: Path) -> None:
    task = tmp_path / "tasks" / "risk"
    task.mkdir(parents=True)
    (task / "done.json").write_text("{}")
    assert failure(tmp_path, "risk") is None
    # Done once, failed since: what lies there is of before.
    (task / "failed.json").write_text('{"failure": "no weights"}')
    assert failure(tmp_path, "risk") == "no weights."
