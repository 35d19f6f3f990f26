"""One entry point: each command is a typed function, or one of LightningCLI's four."""

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from alpha_lightning import __version__
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.options import bracketed, flagged, underscored

TRAINING = "alpha_lightning.factors.training_cli:train"
COMMANDS = {
    "simulate": ("alpha_lightning.simulation.simulate:simulate", "vendor tables of a market"),
    "ingest": ("alpha_lightning.panel.ingest:ingest", "vendor tables -> panel"),
    "characterise": (
        "alpha_lightning.panel.characterise:characterise",
        "intraday tables -> data sets",
    ),
    "fit": (TRAINING, "panel -> trained factor unit and its factor matrix"),
    "validate": (TRAINING, "metrics of a checkpoint on the validation dates"),
    "test": (TRAINING, "metrics of a checkpoint on the year it serves"),
    "predict": (TRAINING, "checkpoint -> factor matrix"),
    "weigh": ("alpha_lightning.weighting.weigh:weigh", "factor matrices -> score"),
    "combine": ("alpha_lightning.weighting.combine:combine", "scores -> their average"),
    "evaluate": ("alpha_lightning.evaluation.evaluate:evaluate", "scores -> RankIC, groups"),
    "risk": ("alpha_lightning.risk.risk:risk", "panel -> factor risk model"),
    "construct": ("alpha_lightning.backtest.construct:construct", "score -> target weights"),
    "backtest": (
        "alpha_lightning.backtest.backtest:backtest",
        "target weights, or a policy and a score -> trades, holdings, results",
    ),
    "report": ("alpha_lightning.reports.report:report", "study -> one self-contained page"),
    "study": ("alpha_lightning.study.command:study", "the whole chain: study run FILE.yaml"),
    "sweep": (
        "alpha_lightning.study.sweep:sweep",
        "the settings of `fit` that do best: sweep FILE",
    ),
    "inspect": ("alpha_lightning.study.inspect:inspect", "what an artefact is and holds"),
}
_WHOLE_LINE = ("study", "sweep", "inspect")  # commands that read their arguments themselves


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: command and options; those of the process when None.

    Returns:
        The exit status: 0, or 1 after a mistake of the user, told in one message on stderr.
    """
    given = list(sys.argv[1:] if args is None else args)
    if not given or given[0] in ("-h", "--help", "help"):
        print(_help())
        return 0
    if given[0] in ("-V", "--version"):
        print(f"alpha_lightning {__version__}")
        return 0
    command = given[0]
    if command not in COMMANDS:
        known = ", ".join(COMMANDS)
        print(f"error: unknown command {command!r}: choose one of {known}", file=sys.stderr)
        return 1
    try:
        written = _run(command, given)
        told = None if written is None else _told(command, written)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    if told is not None:
        _print(told)
    return 0


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Whoever read it has seen enough, as `head` does; Python would flush again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(command: str, given: list[str]) -> Any:
    function = _load(COMMANDS[command][0])
    options = [underscored(arg) for arg in given[1:]]
    if any(option == "-h" or option.endswith("help") for option in options):
        with _every_text():
            return _call(command, function, options)
    return _call(command, function, options)


@contextlib.contextmanager
def _every_text() -> Iterator[None]:
    from jsonargparse import set_parsing_settings

    # The texts below the fields of settings; to read them makes each parser four times as slow.
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    try:
        yield
    finally:
        set_parsing_settings(docstring_parse_attribute_docstrings=False)


def _call(command: str, function: Any, options: list[str]) -> Any:
    if COMMANDS[command][0] == TRAINING:
        # The agent of W&B writes Python's None for a null.
        spelt = [f"{option[:-5]}=null" if _is_none(option) else option for option in options]
        function([command, *spelt])
        return None
    if command in _WHOLE_LINE:
        return function(options)
    from jsonargparse import ArgumentParser, auto_cli

    class Parser(ArgumentParser):  # type: ignore[misc]
        # YAML reads the index 000300 as the octal number 192.
        def error(self, message: str, ex: Exception | None = None) -> None:
            if re.search(r"Expected a <class 'str'>\. Got value: -?[\d.]+$", message):
                message += ', a number: a name of digits needs quotes in YAML, such as "000300"'
            super().error(message, ex)

    prog = f"alpha-lightning {command}"
    return auto_cli(
        function,
        args=bracketed(flagged(options, function), function),
        prog=prog,
        parser_class=Parser,
        as_positional=False,
        allow_abbrev=False,
    )


def _is_none(option: str) -> bool:
    return option.startswith("--") and option.endswith("=None")


def _told(command: str, written: Any) -> str:
    # What was switched off, done to bad rows or could not be traded must not wait to be asked for.
    if command in ("ingest", "characterise", "risk", "construct", "backtest"):
        return str(_load(COMMANDS["inspect"][0])([str(written)]))
    return str(written)


def _load(target: str) -> Any:
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)


def _help() -> str:
    lines = [f"  {name:<12} {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: alpha-lightning COMMAND [--config FILE.yaml] [--option value ...]",
            "",
            "The commands, in the order of the chain:",
            *lines,
            "",
            "alpha-lightning COMMAND --help lists a command's options.",
        ]
    )
