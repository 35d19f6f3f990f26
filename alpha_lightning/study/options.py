"""Options as people type them, for a parser that is stricter."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from alpha_lightning.artefacts.errors import UserError


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


def flagged(args: Sequence[str], function: Callable[..., Any]) -> list[str]:
    """Options that are yes or no may stand without a value, which then is yes.

    Args:
        args: options and their values.
        function: whose type hints say which options are yes or no.

    Example:
        >>> def report(study: str, pdf: bool = False) -> None: ...
        >>> flagged(["--pdf", "--study", "runs/demo"], report)
        ['--pdf=true', '--study', 'runs/demo']
    """
    yes = {f"--{name}" for name, hint in get_type_hints(function).items() if hint is bool}
    following = [*args, "--"][1:]
    return [
        f"{arg}=true" if arg in yes and after.startswith("--") else arg
        for arg, after in zip(args, following, strict=True)
    ]


def nested(args: Sequence[str], option: str) -> tuple[list[str], dict[str, Any]]:
    """Split off the options below one that takes a tree of settings.

    Args:
        args: options and their values.
        option: of the tree.

    Returns:
        The other arguments, and the tree that those below ``option`` make.

    Raises:
        UserError: an option without a value, or a value that is not YAML.

    Example:
        >>> nested(["--jobs", "2", "--fit.data.date_step", "5", "--fit.data.sample.gap=1"], "fit")
        (['--jobs', '2'], {'data': {'date_step': 5, 'sample': {'gap': 1}}})
    """
    tree: dict[str, Any] = {}
    others: list[str] = []
    rest = list(args)
    while rest:
        arg = rest.pop(0)
        name, equals, value = arg.partition("=")
        if not name.startswith(f"--{option}."):
            others.append(arg)
            continue
        if not equals and not rest:
            msg = f"{name} has no value: write {name}=VALUE"
            raise UserError(msg)
        branch = parse_yaml(value if equals else rest.pop(0), name)
        for key in reversed(name.removeprefix(f"--{option}.").split(".")):
            branch = {key: branch}
        tree = merge(tree, branch)
    return others, tree


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with others laid over them; dictionaries merge, everything else replaces.

    Example:
        >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
        {'a': {'b': 1, 'c': 3}}
    """
    merged = dict(lower)
    for key, value in upper.items():
        inner = merged.get(key)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            merged[key] = merge(inner, value)
        else:
            merged[key] = value
    return merged


def parse_yaml(text: str, where: str) -> Any:
    """Parse YAML as the configurations of Lightning are: ``1e-3`` is a number, a date is text.

    Args:
        text: YAML.
        where: it comes from, for the message.

    Raises:
        UserError: not YAML.
    """
    import yaml
    from jsonargparse import get_loader

    try:
        return get_loader("yaml")(text)
    except yaml.YAMLError as error:
        reason = str(error).partition("\n")[0]
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        msg = f"{where} cannot be read ({reason}{place}): mend the YAML"
        raise UserError(msg) from error


def _list_options(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, hint in get_type_hints(settings).items():
        # The lists in a mapping are the values of its keys, and no option of their own.
        parts = () if get_origin(hint) is dict else (hint, *get_args(hint))
        for part in parts:
            if get_origin(part) is list:
                yield prefix + name, get_args(part)[0]
            elif is_dataclass(part):
                yield from _list_options(part, f"{prefix}{name}.")


def _bracket(values: list[str], element: Any) -> str:
    if len(values) == 1 and (values[0].startswith("[") or values[0] in ("", "null")):
        return values[0]
    words = values if element is int else map(json.dumps, values)
    return f"[{', '.join(words)}]"
