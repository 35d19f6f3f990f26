"""The file of a sweep, in the format of W&B: what it may say, and which `fit` it runs."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.options import parse_yaml

METHODS = ("grid", "random", "bayes")
COMMAND = '["${env}", "${interpreter}", -m, alpha_lightning, fit, --config=UNIT.yaml, "${args}"]'
_OF_THE_SERVER = {"program", "name", "description", "project", "entity", "controller", "settings"}
_KEYS = {"method", "metric", "parameters", "command", "early_terminate", "run_cap"}
_GOALS = ("maximize", "minimize")
_LOGGERS = "--trainer.logger"
_VARIABLE = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")


@dataclass(frozen=True)
class SweepFile:
    """A sweep.

    Args:
        path: of the file.
        method: ``grid``, ``random`` or ``bayes``.
        metric: its objective, a name that `fit` logs after each validation.
        maximize: whether more of it is better.
        parameters: what W&B says of each, by the dotted name of an option of `fit`.
        options: of `fit`, the same in every trial; those of its loggers left out.
        early_terminate: the ``early_terminate`` of W&B.
        run_cap: number of trials, if it says so.
    """

    path: Path
    method: str
    metric: str
    maximize: bool
    parameters: Mapping[str, Mapping[str, Any]]
    options: tuple[str, ...]
    early_terminate: Mapping[str, Any] = field(default_factory=dict)
    run_cap: int | None = None


def read_sweep(path: str | Path) -> SweepFile:
    """Read and check a sweep's file.

    Raises:
        UserError: no such file, no YAML, or keys and values that it cannot have.
    """
    file = Path(path)
    try:
        tree = parse_yaml(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read ({error}): name the sweep's YAML file"
        raise UserError(msg) from error
    tree = _mapping(tree, f"{file}")
    unknown = sorted(set(map(str, tree)) - _KEYS - _OF_THE_SERVER)
    if unknown:
        msg = f"{file}: unknown key {unknown[0]!r}; a sweep has {', '.join(sorted(_KEYS))}"
        raise UserError(msg)
    metric = _mapping(tree.get("metric", {}), f"{file}: metric")
    goal = metric.get("goal", "minimize")  # W&B's own default
    return SweepFile(
        path=file,
        method=str(_one_of(tree.get("method"), METHODS, f"{file}: method")),
        metric=_text(metric.get("name"), f"{file}: metric.name"),
        maximize=_one_of(goal, _GOALS, f"{file}: metric.goal") == "maximize",
        parameters=_parameters(tree.get("parameters"), file),
        options=_fit_options(tree.get("command"), file),
        early_terminate=_early(tree.get("early_terminate"), file),
        run_cap=_count(tree.get("run_cap"), f"{file}: run_cap"),
    )


def _parameters(given: Any, file: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for name, said in _mapping(given, f"{file}: parameters").items():
        where = f"{file}: parameters.{name}"
        rule = _mapping(said, where)
        if "parameters" in rule:
            msg = f"{where} is nested: give each option of `fit` its dotted name, {name}.NAME"
            raise UserError(msg)
        found[str(name)] = rule
    if not found:
        msg = f"{file}: no parameters: name at least one option of `fit` to vary"
        raise UserError(msg)
    return found


def _fit_options(command: Any, file: Path) -> tuple[str, ...]:
    words = [str(word) for word in command] if isinstance(command, list) else []
    if "fit" not in words or "${args}" not in words:
        msg = f"{file}: command should run `fit` with its arguments: command: {COMMAND}"
        raise UserError(msg)
    rest = words[words.index("fit") + 1 :]
    known = ("${args}", "${envvar:")
    macros = [word for word in rest if word.startswith("${") and not word.startswith(known)]
    if macros:
        msg = f"{file}: command has {macros[0]}, which is no option of `fit`: use ${{args}}"
        raise UserError(msg)
    # A variable that is not set is its own name, as W&B has it.
    words = [_VARIABLE.sub(lambda name: os.environ.get(name[1], name[1]), word) for word in rest]
    return without_loggers([word for word in words if word != "${args}"])


def without_loggers(options: Sequence[str]) -> tuple[str, ...]:
    """Options of `fit` but those of its loggers, which of a trial are the sweep's.

    Example:
        >>> without_loggers(["--config=a.yaml", "--trainer.logger", "X", "--trainer.devices=1"])
        ('--config=a.yaml', '--trainer.devices=1')
    """
    kept: list[str] = []
    skipping = False
    for word in options:
        if word.startswith("--"):
            skipping = word.startswith(_LOGGERS)
        if not skipping:
            kept.append(word)
    return tuple(kept)


def _early(given: Any, file: Path) -> dict[str, Any]:
    if given is None:
        return {}
    where = f"{file}: early_terminate"
    rule = _mapping(given, where)
    _one_of(rule.get("type"), ("hyperband",), f"{where}.type")
    unknown = sorted(set(rule) - {"type", "min_iter", "max_iter", "s", "eta", "strict"})
    if unknown:
        msg = f"{where}: unknown key {unknown[0]!r}; hyperband has min_iter, max_iter, s, eta"
        raise UserError(msg)
    for name in ("min_iter", "max_iter", "s", "eta"):
        _count(rule.get(name), f"{where}.{name}")
    if ("min_iter" in rule) == ("max_iter" in rule) or ("max_iter" in rule) != ("s" in rule):
        msg = f"{where} needs either min_iter or max_iter and s, in epochs"
        raise UserError(msg)
    if rule.get("eta", 3) < 2:
        msg = f"{where}.eta is {rule['eta']}: it must be at least 2"
        raise UserError(msg)
    return rule


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        msg = f"{where} is {value!r}: it should be a mapping"
        raise UserError(msg)
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        msg = f"{where} is {value!r}: name a metric that `fit` logs, such as valid/rank_ic"
        raise UserError(msg)
    return value


def _count(value: Any, where: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        msg = f"{where} is {value!r}: it must be a whole number of at least 1"
        raise UserError(msg)
    return value


def _one_of(value: Any, choices: Sequence[str], where: str) -> Any:
    if value not in choices:
        msg = f"{where} is {value!r}: choose one of {', '.join(choices)}"
        raise UserError(msg)
    return value
