"""The command `sweep`: a sweep file of W&B, run on Optuna without any server."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_json
from alpha_lightning.study.sweep_file import SweepFile, read_sweep
from alpha_lightning.study.sweep_space import Parameter, read_space
from alpha_lightning.study.sweep_table import (
    BEST,
    TABLE,
    counts,
    table_text,
    trial_folder,
    write_results,
)
from alpha_lightning.study.sweep_trials import FAILURE, Search, SearchSettings
from alpha_lightning.study.sweep_worker import End, Final, Job, Report, Workers

if TYPE_CHECKING:
    from optuna import Trial

_TRAIN = "alpha_lightning.study.sweep_worker:train_trial"
_PATIENCE = 5  # failures before any success, after which something is wrong with all of them
_USAGE = "alpha-lightning sweep FILE.yaml [--trials N] [--workers N] [--option of fit ...]"


@dataclass(frozen=True)
class SweepRun:
    """A sweep that is ready to run.

    Args:
        sweep: its file.
        space: its parameters.
        options: of `fit`, the same in all trials.
        search: how to search.
        workers: trials at a time.
        threads: of a trial.
        function: ``module:function`` of a trial.
    """

    sweep: SweepFile
    space: Sequence[Parameter]
    options: Sequence[str]
    search: SearchSettings
    workers: int = 1
    threads: int = 1
    function: str = _TRAIN


def sweep(args: list[str]) -> str:
    """Search for the settings of `fit` that do best.

    Args:
        args: the file, our own options, and options of `fit` for all trials.

    Returns:
        What to print: the table of trials, and where the best settings are.

    Raises:
        UserError: the file, an option or a parameter is wrong, or no trial succeeded.
    """
    if args and args[0] in ("-h", "--help"):
        return _parser().format_help().rstrip()
    if not args or args[0].startswith("-"):
        msg = f"sweep needs its file first: {_USAGE}"
        raise UserError(msg)
    if any(arg in ("-h", "--help") for arg in args):
        return _parser().format_help().rstrip()
    own, others = _parser().parse_known_args(args[1:])
    found = read_sweep(args[0])
    space = read_space(found.parameters, str(found.path))
    if all(parameter.constant for parameter in space):
        msg = f"{found.path}: every parameter has one value: there is nothing to search"
        raise UserError(msg)
    return _check_and_run(own, found, space, [*found.options, *others])


def _check_and_run(
    own: argparse.Namespace, found: SweepFile, space: list[Parameter], options: list[str]
) -> str:
    from alpha_lightning.study.sweep_fit import NOT_OF_A_TRIAL, FitSettings, check_space

    strange = [
        (word, why)
        for word in options
        for start, why in NOT_OF_A_TRIAL.items()
        if word.startswith("--") and word[2:].startswith(start)
    ]
    if strange:
        msg = "{} is not for a sweep: {}".format(*strange[0])
        raise UserError(msg)
    plain = check_space(space, options, str(found.path))
    folder = Path(own.out or Path("runs") / "sweeps" / found.path.stem)
    epochs = plain.value("trainer.max_epochs")
    settings = SearchSettings(
        folder,
        own.storage,
        own.trials,
        own.seed,
        own.prune,
        epochs if epochs and epochs > 0 else 100,
    )
    prepared = SweepRun(found, space, options, settings, own.workers, own.threads)
    start = _start(space, plain.value)
    whole = [*options, *(f"--{p.name}={p.choices[0]}" for p in space if p.constant)]
    identity = _identity(prepared, FitSettings(whole).text(), str(plain.value("data.panel")))
    devices = plain.value("trainer.devices")
    search = Search(found, space, settings, identity, start)
    with closing(search):
        if start is None:
            _say("the unit's own settings lie outside the space: none of the trials has them")
        run_trials(
            prepared, search, lambda chosen: FitSettings([*options, *chosen]).text(), devices
        )
        return _verdict(search)


def run_trials(
    prepared: SweepRun,
    search: Search,
    settings: Callable[[list[str]], str],
    devices: Any = 1,
) -> None:
    """Run trials until enough have begun, writing the results after each.

    Args:
        prepared: the sweep.
        search: its trials.
        settings: resolved YAML of `fit` from a trial's own options.
        devices: of a trial; with one, trials share the machine's accelerators out.

    Raises:
        UserError: the first trials failed one and all.
    """
    running: dict[int, _Running] = {}
    with Workers(prepared.workers, prepared.threads) as workers:
        while True:
            while workers.free and (trial := search.ask()) is not None:
                slot = workers.slot() if prepared.workers > 1 and devices in (1, "1") else None
                workers.start(_job(prepared, search, trial, slot))
                running[trial.number] = _Running(trial)
            if not running:
                return
            for job, message in workers.wait():
                one = running[job.number]
                if isinstance(message, Report):
                    go_on = search.report(one.trial, message.epochs, message.value)
                    one.pruned = not go_on
                    workers.answer(job, go_on=go_on)
                elif isinstance(message, Final):
                    one.value = message.value
                else:
                    del running[job.number]
                    _end(search, one, message)
                    search.alone(lambda: write_results(search, settings))
            _refuse_hopeless(search)


@dataclass
class _Running:
    trial: "Trial"
    value: float | None = None
    pruned: bool = False


def _job(prepared: SweepRun, search: Search, trial: "Trial", slot: int | None) -> Job:
    from alpha_lightning.study.sweep_fit import trial_options

    folder = trial_folder(search.settings.folder, trial.number)
    chosen = search.options(trial)
    options = trial_options(prepared.options, chosen, folder, prepared.sweep.metric)
    log = search.settings.folder / "logs" / folder.name
    return Job(trial.number, prepared.function, options, log, prepared.threads, slot)


def _end(search: Search, one: _Running, end: End) -> None:
    failure = None if one.pruned else end.failure
    search.tell(one.trial, end.seconds, one.value, failure, pruned=one.pruned)
    row = search.trials()[one.trial.number]
    failed = row.user_attrs.get(FAILURE)
    ending = f"FAILED, {failed}" if failed else f"{search.sweep.metric} {one.value}"
    ending = "pruned" if one.pruned else ending
    chosen = " ".join(option.removeprefix("--") for option in search.options(row))
    _say(f"trial {one.trial.number}: {ending} in {end.seconds:.1f} s with {chosen}")


def _refuse_hopeless(search: Search) -> None:
    found = counts(search)
    if not found.get("complete") and found.get("failed", 0) >= _PATIENCE:
        raise UserError(_hopeless(search))


def _hopeless(search: Search) -> str:
    failed = [trial for trial in search.trials() if FAILURE in trial.user_attrs]
    first = f": trial {failed[0].number}: {failed[0].user_attrs[FAILURE]}" if failed else ""
    return f"no trial of {search.settings.folder} succeeded{first}"


def _verdict(search: Search) -> str:
    best, folder = search.best(), search.settings.folder
    if best is None:
        raise UserError(_hopeless(search))
    told = ", ".join(f"{number} {state}" for state, number in sorted(counts(search).items()))
    chosen = " ".join(option.removeprefix("--") for option in search.options(best))
    return "\n".join(
        [
            table_text(search),
            "",
            f"{told}; table: {folder / TABLE}",
            f"best: trial {best.number}, {search.sweep.metric} {best.value:.4f} with {chosen}",
            f"train it: alpha-lightning fit --config {folder / BEST}",
        ]
    )


def _start(space: Sequence[Parameter], value: Callable[[str], Any]) -> dict[str, Any] | None:
    varied = [parameter for parameter in space if not parameter.constant]
    drawn = {parameter.name: parameter.drawn(value(parameter.name)) for parameter in varied}
    return None if None in drawn.values() else drawn


def _identity(prepared: SweepRun, fit: str, panel: str) -> str:
    from alpha_lightning.panel.store import Panel

    space = {parameter.name: repr(replace(parameter)) for parameter in prepared.space}
    found = prepared.sweep
    return fingerprint_json(
        [
            [found.method, found.metric, found.maximize, dict(found.early_terminate)],
            [space, fit, Panel.open(panel).fingerprint],
            [prepared.search.seed, prepared.search.prune],
        ]
    )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="alpha-lightning sweep", usage=_USAGE, allow_abbrev=False, add_help=False)
    parser.description = "Options not listed here go to `fit`, the same for all trials."
    add = parser.add_argument
    add(
        "--trials",
        type=_count,
        default=0,
        help="Number of trials, those of before included;"
        " default: run_cap of the file, else the whole grid, else 20.",
    )
    add("--out", help="Folder of the sweep; default: runs/sweeps/NAME.")
    add("--storage", help="URL of a storage of Optuna; default: a file in --out.")
    add("--workers", type=_count, default=1, help="Trials at a time on this machine; default 1.")
    add("--threads", type=_count, default=1, help="Threads of a trial; default 1.")
    add("--seed", type=int, default=0, help="Of what is drawn; default 0.")
    add("--prune", type=_truth, default=True, help="Whether trials that do worse are stopped.")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        msg = f"{text!r} is not a whole number of at least 1"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        msg = f"{text!r} is neither true nor false"
        raise argparse.ArgumentTypeError(msg)
    return text.lower() == "true"
