"""Options as people type them, for a parser that is stricter."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints


def underscored(arg: str) -> str:
    """``--bad-rows`` and ``--bad_rows`` are the same option; values stay as they are.

    Example:
        >>> underscored("--bad-rows=my-rows")
        '--bad_rows=my-rows'
    """
    if not arg.startswith("--"):
        return arg
    option, equals, value = arg.partition("=")
    return "--" + option[2:].replace("-", "_") + equals + value


def bracketed(args: Sequence[str], settings: Callable[..., Any]) -> list[str]:
    """Options that take a list accept one or more words instead of a list in brackets.

    Args:
        args: options and their values.
        settings: the function or dataclass whose type hints say which options are lists.

    Example:
        >>> def average(scores: list[str], seeds: list[int]) -> None: ...
        >>> bracketed(["--scores", "a.parquet", "--seeds", "0", "1"], average)
        ['--scores=["a.parquet"]', '--seeds=[0, 1]']
    """
    elements = dict(_list_options(settings))
    spelt: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        option, equals, value = arg.partition("=")
        values = [value] if equals else []
        if option.startswith("--") and option[2:] in elements:
            while not equals and rest and not rest[0].startswith("--"):
                values.append(rest.pop(0))
            arg = f"{option}={_bracket(values, elements[option[2:]])}" if values else option
        spelt.append(arg)
    return spelt


def _list_options(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(settings).items():
        for part in (hint, *get_args(hint)):
            if get_origin(part) is list:
                yield prefix + name, get_args(part)[0]
            elif is_dataclass(part):
                yield from _list_options(part, f"{prefix}{name}.")


def _bracket(values: list[str], element: Any) -> str:
    if len(values) == 1 and (values[0].startswith("[") or values[0] in ("", "null")):
        return values[0]
    words = values if element is int else map(json.dumps, values)
    return f"[{', '.join(words)}]"
