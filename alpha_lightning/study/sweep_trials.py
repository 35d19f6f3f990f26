"""The trials of a sweep: what comes next, what is pruned, what a killed process left behind."""

import json
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.sweep_file import SweepFile
from alpha_lightning.study.sweep_space import Parameter, grid
from alpha_lightning.study.sweep_storage import FileLock, open_storage

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

CARD = "sweep.json"
"""What a sweep keeps of its settings, in its folder."""
DEFAULT_TRIALS = 20
_STRIDE = 1_000_003
_WARM = 5  # trials, and epochs of a trial, before the median prunes
_ATTEMPTS = 3  # of a trial whose whole sweep is killed again and again
_QUEUED = "fixed_params"  # Optuna's mark of a trial that was enqueued
FAILURE = "failure"
"""What a trial keeps of why it failed."""


@dataclass(frozen=True)
class SearchSettings:
    """How a sweep searches.

    Args:
        folder: of the sweep.
        storage: of Optuna, None for a file in the folder.
        trials: number of them, those of before included; 0 for what the file or the grid says.
        seed: of what is drawn.
        prune: whether trials that do worse than others are stopped.
        epochs: of a trial at most.
    """

    folder: Path
    storage: str | None = None
    trials: int = 0
    seed: int = 0
    prune: bool = True
    epochs: int = 100


class Search:
    """Trials of one sweep, shared by all processes that work on its folder.

    What is drawn depends on the seed and on the trials that ended before, never on where or how
    often the sweep was begun again.

    Args:
        sweep: its file.
        space: its parameters.
        settings: how to search.
        identity: of all that a trial's value depends on beside its parameters.
        start: values of the unit itself, as Optuna would draw them; None if it never would.

    Raises:
        UserError: the folder holds another sweep.
    """

    def __init__(
        self,
        sweep: SweepFile,
        space: Sequence[Parameter],
        settings: SearchSettings,
        identity: str,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        self.sweep, self.settings = sweep, settings
        self.varied = [parameter for parameter in space if not parameter.constant]
        self.fixed = [parameter for parameter in space if parameter.constant]
        try:
            (settings.folder / ".workers").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"cannot write {settings.folder} ({error.strerror}): choose another --out"
            raise UserError(msg) from error
        self._alone = FileLock(settings.folder / ".sweep.lock")
        self._owner = uuid.uuid4().hex
        self._alive = FileLock(self._worker(self._owner))
        self._alive.acquire()
        try:
            with self._alone:
                self.study = self._open(identity, start)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """This process works on the sweep no more."""
        self._alive.release()
        self._worker(self._owner).unlink(missing_ok=True)

    def ask(self) -> "Trial | None":
        """The next trial; None when enough have begun."""
        with self._alone:
            self._take_back()
            trials = self.trials()
            begun = [trial for trial in trials if not waits(trial)]
            whole_grid = self.sweep.method == "grid" and len(begun) == len(trials)
            if whole_grid or sum(not lost(trial) for trial in begun) >= self._wanted():
                return None
            # A search that is begun again must not draw what it drew at first.
            drawn = sum(_QUEUED not in t.system_attrs and self._complete(t.params) for t in begun)
            self.study.sampler = self._sampler(self.settings.seed * _STRIDE + drawn)
            trial = self.study.ask({p.name: p.distribution for p in self.varied})
            trial.set_user_attr("owner", self._owner)
            return trial

    def options(self, trial: "Trial | FrozenTrial") -> list[str]:
        """A trial's own options of `fit`."""
        values = {p.name: p.spell(trial.params[p.name]) for p in self.varied}
        values |= {p.name: p.choices[0] for p in self.fixed}
        return [f"--{name}={value}" for name, value in values.items()]

    def report(self, trial: "Trial", epochs: int, value: float) -> bool:
        """Note a trial's metric after so many epochs; whether it goes on."""
        with self._alone:
            trial.report(value, epochs)
            return not (self.settings.prune and trial.should_prune())

    def tell(
        self,
        trial: "Trial",
        seconds: float,
        value: float | None,
        failure: str | None = None,
        *,
        pruned: bool = False,
    ) -> None:
        """Note how a trial ended.

        Args:
            trial: which.
            seconds: it took.
            value: of the metric, of the weights it keeps.
            failure: one line, if it failed.
            pruned: whether it was stopped because others did better.
        """
        from optuna.trial import TrialState

        if not pruned and failure is None and (value is None or not math.isfinite(value)):
            failure = f"{self.sweep.metric} is {value}"
        with self._alone:
            trial.set_user_attr("seconds", round(seconds, 1))
            if pruned:
                self.study.tell(trial, state=TrialState.PRUNED)
            elif failure is not None:
                trial.set_user_attr(FAILURE, failure)
                self.study.tell(trial, state=TrialState.FAIL)
            else:
                self.study.tell(trial, value)

    def trials(self) -> "list[FrozenTrial]":
        """All trials so far."""
        return list(self.study.get_trials(deepcopy=False))

    def best(self) -> "FrozenTrial | None":
        """The trial whose value is best, the first of several; None if none is complete."""
        complete = [trial for trial in self.trials() if trial.state.name == "COMPLETE"]
        sign = -1 if self.sweep.maximize else 1
        return min(complete, key=lambda trial: sign * (trial.value or 0.0), default=None)

    def alone(self, write: Callable[[], None]) -> None:
        """Write into the folder while no other process of the sweep does."""
        with self._alone:
            write()

    def _wanted(self) -> float:
        if self.settings.trials or self.sweep.run_cap:
            return self.settings.trials or self.sweep.run_cap or 0
        return math.inf if self.sweep.method == "grid" else DEFAULT_TRIALS

    def _complete(self, values: Mapping[str, Any]) -> bool:
        return all(parameter.name in values for parameter in self.varied)

    def _worker(self, owner: str) -> Path:
        return self.settings.folder / ".workers" / owner

    def _take_back(self) -> None:
        # Trials of processes that are no more; what they had drawn is tried again.
        from optuna.trial import TrialState

        followed = {trial.user_attrs.get("again") for trial in self.trials()}
        for trial in self.trials():
            owner = str(trial.user_attrs.get("owner", ""))
            if trial.state != TrialState.RUNNING or (
                owner and FileLock(self._worker(owner)).held()
            ):
                continue
            attempts = int(trial.user_attrs.get("attempt", 1))
            values = trial.system_attrs.get(_QUEUED, trial.params)
            # First, or a kill in between would lose it: a grid would lack a cell.
            if self._complete(values) and attempts < _ATTEMPTS and trial.number not in followed:
                again = {"attempt": attempts + 1, "again": trial.number}
                self.study.enqueue_trial(dict(values), user_attrs=again)
            self.study.tell(trial.number, state=TrialState.FAIL)
            if owner:
                self._worker(owner).unlink(missing_ok=True)

    def _open(self, identity: str, start: Mapping[str, Any] | None) -> "Study":
        import optuna

        folder, url = self.settings.folder, self.settings.storage
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        card = {"identity": identity, "storage": url.partition(":")[0] if url else None}
        new = self._is_new(card)
        storage = open_storage(folder, url)
        # Hyperband deals trials to brackets by the study's name.
        name = f"{self.sweep.path.stem}-{identity}"
        try:
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize" if self.sweep.maximize else "minimize",
                pruner=self._pruner(),
                load_if_exists=not new or url is None,
            )
        except optuna.exceptions.DuplicatedStudyError as error:
            msg = (
                f"the storage has this sweep already, and its trials do not lie in {folder}: give"
                " the --out of it, or another --seed"
            )
            raise UserError(msg) from error
        if new:
            for values in self._queue(start):
                # Again, if the first start was killed in between.
                study.enqueue_trial(values, skip_if_exists=True)
            with atomic_file(folder / CARD) as draft:
                draft.write_text(json.dumps(card, indent=1))
        return study

    def _is_new(self, card: Mapping[str, Any]) -> bool:
        path = self.settings.folder / CARD
        try:
            before = json.loads(path.read_text())
        except (OSError, ValueError):
            return True
        for part, told in (("storage", "in another storage"), ("identity", "of other settings")):
            if before.get(part) != card[part]:
                msg = (
                    f"{path.parent} holds a sweep {told}: choose another --out, or give the file"
                    " and the options of before"
                )
                raise UserError(msg)
        return False

    def _queue(self, start: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        first = [dict(start)] if start is not None else []
        if self.sweep.method != "grid":
            return first
        cells = list(grid(self.varied))
        return [cell for cell in first if cell in cells] + [c for c in cells if c not in first]

    def _sampler(self, seed: int) -> "BaseSampler":
        from optuna import samplers

        if self.sweep.method == "bayes":
            return samplers.TPESampler(seed=seed % (1 << 32), constant_liar=True)
        return samplers.RandomSampler(seed=seed % (1 << 32))

    def _pruner(self) -> "BasePruner":
        from optuna import pruners

        rule = self.sweep.early_terminate
        if not rule:
            return pruners.MedianPruner(n_startup_trials=_WARM, n_warmup_steps=_WARM)
        eta = rule.get("eta", 3)
        longest = rule.get("max_iter", self.settings.epochs)
        least = rule.get("min_iter") or max(1, longest // eta ** rule["s"])
        return pruners.HyperbandPruner(least, max(longest, least), eta)


def waits(trial: "FrozenTrial") -> bool:
    """Whether nobody has begun a trial yet."""
    return str(trial.state.name) == "WAITING"


def lost(trial: "FrozenTrial") -> bool:
    """Whether a trial ended because the sweep itself was killed."""
    return str(trial.state.name) == "FAIL" and FAILURE not in trial.user_attrs
