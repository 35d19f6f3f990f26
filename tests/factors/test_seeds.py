from argparse import Namespace
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.seeds import (
    give_own_folder,
    parse_seeds,
    refuse_seeds_of_a_file,
    take_seeds,
)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0..9", tuple(range(10))), ("3", (3,)), ("0,3,7", (0, 3, 7)), ("[4..5, 1]", (4, 5, 1))],
)
def test_seeds_are_numbers_and_ranges(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "3..1", "0,0", "0..3,2", "-1", "1.5", "0..", "0...2"])
def test_what_is_no_list_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"give different seeds from 0 on, like 0..9"):
        parse_seeds(text)


def test_the_rest_of_the_line_is_left() -> None:
    assert take_seeds(["fit", "--config", "a"]) == (None, ["fit", "--config", "a"])
    for option in (["--seeds", "1,2"], ["--seeds=1,2"]):
        assert take_seeds(["fit", *option, "--x=1"]) == ((1, 2), ["fit", "--x=1"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fit --seeds=1 --seeds 2", "given once"),
        ("validate --seeds 2", "an option of fit"),
        ("fit --seeds 1 --seed_everything=2", "contradict"),
        ("fit --seed_everything 1 --seeds 1", "contradict"),
        ("fit --seeds", "is ''"),
    ],
)
def test_mistakes_are_told(line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        take_seeds(line.split())


def test_a_file_cannot_ask_for_seeds() -> None:
    refuse_seeds_of_a_file(None)
    with pytest.raises(UserError, match=r"says seeds: 0..9: give it on the command line"):
        refuse_seeds_of_a_file("0..9")


def logger(kind: str, version: Any = None) -> Namespace:
    path = f"pytorch_lightning.loggers.{kind}"
    return Namespace(class_path=path, init_args=Namespace(version=version))


def trainer(loggers: Any, callbacks: Any = None, root: str | None = None) -> Namespace:
    return Namespace(logger=loggers, callbacks=callbacks, default_root_dir=root)


def test_every_logger_that_keeps_files_gets_a_folder() -> None:
    versions = [("CSVLogger", None), ("TensorBoardLogger", "a"), ("CSVLogger", 3)]
    settings = trainer([*(logger(*one) for one in versions), logger("WandbLogger")])
    give_own_folder(settings, 7)
    assert [one.init_args.version for one in settings.logger] == [
        "s7",
        "a/s7",
        "version_3/s7",
        None,
    ]
    assert settings.default_root_dir is None
    alone = trainer(logger("CSVLogger"))
    give_own_folder(alone, 7)
    assert alone.logger.init_args.version == "s7"


@pytest.mark.parametrize("none", [None, True, False])
def test_without_a_logger_of_its_own_the_root_is_divided(none: Any) -> None:
    for root, expected in ((None, "./s7"), ("runs", "runs/s7")):
        settings = trainer(none, root=root)
        give_own_folder(settings, 7)
        assert settings.default_root_dir == expected


@pytest.mark.parametrize(("kind", "name"), [("FactorMatrixExport", "path"), ("Check", "dirpath")])
def test_a_path_that_all_would_write_to_is_refused(kind: str, name: str) -> None:
    plain = Namespace(class_path="x.Other")
    given = Namespace(class_path=f"x.{kind}", init_args=Namespace(**{name: "out"}))
    with pytest.raises(UserError, match=f"all seeds would write to the {name} of {kind}"):
        give_own_folder(trainer(logger("CSVLogger"), [plain, given]), 0)
