"""Options as people type them."""

from dataclasses import dataclass, field
from typing import Literal

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.options import bracketed, flagged, merge, nested, underscored


@dataclass(frozen=True)
class Inner:
    kinds: list[Literal["a", "b"]] = field(default_factory=list)
    number: int = 0


@dataclass(frozen=True)
class Outer:
    name: str
    files: list[str]
    years: list[int]
    since: list[str] | None = None
    inner: Inner = Inner()


@pytest.mark.parametrize(
    ("arg", "expected"),
    [
        ("--bad-rows", "--bad_rows"),
        ("--data.date-step=3", "--data.date_step=3"),
        ("--out=a-b=c-d", "--out=a-b=c-d"),
        ("some-file.yaml", "some-file.yaml"),
        ("-c", "-c"),
        ("--", "--"),
    ],
)
def test_dashes_in_options_not_in_values(arg: str, expected: str) -> None:
    assert underscored(arg) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--files a b --name x", ['--files=["a", "b"]', "--name", "x"]),
        ("--files a", ['--files=["a"]']),
        ("--files=a", ['--files=["a"]']),
        ("--files [a,b]", ["--files=[a,b]"]),
        ("--files 12 13", ['--files=["12", "13"]']),
        ("--years 2022 2023", ["--years=[2022, 2023]"]),
        ("--years -1", ["--years=[-1]"]),
        ("--since null", ["--since=null"]),
        ("--since 2020-01-01", ['--since=["2020-01-01"]']),
        ("--inner.kinds a b --inner.number 3", ['--inner.kinds=["a", "b"]', "--inner.number", "3"]),
        ("--files --name x", ["--files", "--name", "x"]),
        ("--files+ a --files+=b", ["--files+", "a", "--files+=b"]),
        ("--name a b", ["--name", "a", "b"]),
    ],
)
def test_words_become_lists_where_a_list_is_due(given: str, expected: list[str]) -> None:
    assert bracketed(given.split(), Outer) == expected


def test_names_with_brackets_and_quotes_survive() -> None:
    assert bracketed(["--files", 'a "b", c', "d]"], Outer) == [r'--files=["a \"b\", c", "d]"]']


def test_lists_in_a_mapping_are_no_option_of_their_own() -> None:
    def study(units: list[str], groups: dict[str, list[str]]) -> None: ...

    given = ["--groups", "{RNN: [gru, lstm]}", "--units", "a", "b"]
    assert bracketed(given, study) == [*given[:2], '--units=["a", "b"]']


def test_a_tree_of_settings_is_split_off() -> None:
    given = "run.yaml --fit.a.b 1 --jobs 2 --fit.a.c=1e-3 --fit.d=[x,2020-01-01] --fitting 3"
    args = given.split()
    others, tree = nested(args, "fit")
    assert others == ["run.yaml", "--jobs", "2", "--fitting", "3"]
    assert tree == {"a": {"b": 1, "c": 0.001}, "d": ["x", "2020-01-01"]}


@pytest.mark.parametrize("args", [["--fit.a.b"], ["--fit.a.b=[1"]])
def test_a_tree_with_a_broken_value_is_refused(args: list[str]) -> None:
    with pytest.raises(UserError, match=r"--fit\.a\.b"):
        nested(args, "fit")


def test_merging_touches_neither_side() -> None:
    lower, upper = {"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": {"e": 3}}
    assert merge(lower, upper) == {"a": {"b": 1, "d": 2}, "c": {"e": 3}}
    assert (lower, upper) == ({"a": {"b": 1}, "c": [1]}, {"a": {"d": 2}, "c": {"e": 3}})


def test_a_flag_needs_no_value_and_may_have_one() -> None:
    def evaluate(panel: str, overwrite: bool = False, paper: bool = False) -> None: ...

    assert flagged([], evaluate) == []
    assert flagged(["--overwrite", "--panel", "p", "--paper"], evaluate) == [
        "--overwrite=true",
        "--panel",
        "p",
        "--paper=true",
    ]
    given = ["--overwrite", "false", "--paper=true", "--panel", "--odd"]
    assert flagged(given, evaluate) == given
