"""The command `inspect` on every artefact of the chain, and on everything else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.backtest import backtest
from alpha_lightning.backtest.construct import construct
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.study.inspect import inspect
from alpha_lightning.study.settings import StudySettings


def told(path: Path) -> list[str]:
    text = inspect([str(path)])
    lines = text.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert all(len(line) <= 106 for line in lines[1:]), "too wide to read"
    assert all(line.startswith("  ") for line in lines[1:])
    # Aligned: every fact begins in the column of the first one.
    column = lines[1].index("  ", 2 + len(lines[1].split()[0]))
    values = len(lines[1]) - len(lines[1][column:].lstrip())
    assert all(line[values - 2 : values] == "  " for line in lines[1:])
    assert all(line[values] != " " for line in lines[1:])
    return lines


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("vendor", "vendor tables"),
        ("panel", "panel"),
        ("units/gru/rawbar/v2022/s0/factors.parquet", "factor matrix"),
        ("units/gru/rawbar/v2022/s0/checkpoints/best.ckpt", "checkpoint"),
        ("scores/v1.parquet", "score"),
        ("scores/reversal.parquet", "score"),
        ("evaluation", "evaluation"),
        ("", "study"),
    ],
)
def test_every_artefact_is_recognised(finished: StudySettings, path: str, kind: str) -> None:
    artefact = finished.folder / path
    assert told(artefact)[0] == f"{kind} {artefact}"


def test_a_label_that_repeats_is_said_once(finished: StudySettings) -> None:
    lines = told(finished.folder / "evaluation")
    assert sum(line.startswith("  score ") for line in lines) == 1
    assert sum("scores/" in line for line in lines) == 7


def test_what_fits_rest_on(finished: StudySettings) -> None:
    path = finished.folder / "scores" / "gru" / "s0.importance.parquet"
    assert told(path)[0] == f"importance {path}"


def test_a_run_folder_says_what_it_holds(finished: StudySettings) -> None:
    folder = finished.folder / "units" / "gru" / "rawbar" / "v2022" / "s0"
    with pytest.raises(UserError) as refused:
        inspect([str(folder)])
    for name in ("factors.parquet", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
        assert str(folder / name) in str(refused.value)


def test_weights_and_their_backtest(
    panel_path: Path, write_score: Callable[..., str], tmp_path: Path
) -> None:
    panel = Panel.open(panel_path)
    drawn = np.random.default_rng(0).normal(size=(len(panel.dates), len(panel.symbols)))
    drawn[300:] = np.nan
    score, policy = write_score(panel, drawn), TopN(names=10)
    weights = construct(str(panel_path), score, str(tmp_path / "w.parquet"), policy=policy)
    assert told(weights)[0] == f"target weights {weights}"
    folder = backtest(str(panel_path), str(tmp_path / "out"), weights=str(weights))
    assert told(folder)[0] == f"backtest {folder}"
    with pytest.raises(UserError, match=f"is a part of a backtest: name its folder {folder}"):
        inspect([str(folder / "nav.parquet")])


def test_whatever_is_no_artefact_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.parquet").write_text("not Parquet")
    (tmp_path / "c.ckpt").write_text("not a checkpoint")
    (tmp_path / "empty").mkdir()
    for name, words in {
        "a.txt": "is no artefact of alpha_lightning: name the vendor tables",
        "b.parquet": "cannot be read as Parquet",
        "c.ckpt": "damaged or not a checkpoint",
        "empty": "or a study",
        "nowhere": "does not exist",
    }.items():
        with pytest.raises(UserError, match=words) as refused:
            inspect([str(tmp_path / name)])
        assert name in str(refused.value)
    with pytest.raises(UserError) as refused:
        inspect([str(tmp_path / "empty")])
    assert str(refused.value).endswith("or a study")


@pytest.mark.parametrize("args", [[], ["a", "b"]])
def test_one_path_is_needed(args: list[str]) -> None:
    with pytest.raises(UserError, match="inspect needs one path: alpha-lightning inspect PATH"):
        inspect(args)


def test_help_is_given() -> None:
    assert inspect(["--help"]).startswith("usage: alpha-lightning inspect PATH")
