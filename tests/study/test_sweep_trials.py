"""The order of trials: reproducible, resumable, shared, pruned."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from optuna.pruners import HyperbandPruner, MedianPruner

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.sweep_file import SweepFile
from alpha_lightning.study.sweep_space import read_space
from alpha_lightning.study.sweep_trials import Search, SearchSettings, lost, waits

RULES: Mapping[str, Mapping[str, Any]] = {
    "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1.0},
    "hidden": {"values": [8, 16, 32]},
    "fixed": {"value": "a"},
}
START = {"lr": 0.01, "hidden": "16"}


def sweep(method: str = "bayes", **settings: Any) -> SweepFile:
    given = {"parameters": RULES, "options": (), **settings}
    return SweepFile(Path("toy.yaml"), method, "valid/rank_ic", maximize=True, **given)


@contextmanager
def search(folder: Path, file: SweepFile | None = None, **settings: Any) -> Iterator[Search]:
    file = file or sweep()
    space = read_space(file.parameters, "toy.yaml")
    start = settings.pop("start", START)
    identity = settings.pop("identity", "identity")
    found = Search(file, space, SearchSettings(folder, **settings), identity, start)
    try:
        yield found
    finally:
        found.close()


def objective(trial: Any) -> float:
    """Best at lr = 0.1 and hidden = 32."""
    return -abs(math.log10(float(trial.params["lr"])) + 1) - 0.1 * float(
        trial.params["hidden"] != "32"
    )


def run(found: Search, number: float = math.inf, value: Callable[[Any], float] = objective) -> None:
    while number > 0 and (trial := found.ask()) is not None:
        found.report(trial, 1, value(trial))
        found.tell(trial, 1.0, value(trial))
        number -= 1


def params(found: Search, *, of_lost: bool = False) -> list[dict[str, Any]]:
    return [trial.params for trial in found.trials() if of_lost or not lost(trial)]


@pytest.mark.parametrize("method", ["bayes", "random"])
def test_the_unit_comes_first_and_the_seed_says_what_follows(tmp_path: Path, method: str) -> None:
    drawn = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        with search(tmp_path / name, sweep(method), trials=14, seed=seed) as found:
            run(found)
            drawn.append(params(found))
    assert drawn[0][0] == START
    assert len(drawn[0]) == 14
    assert drawn[0] == drawn[1]
    assert drawn[0][1:] != drawn[2][1:]
    assert len({str(values) for values in drawn[0]}) > 12, "no value is drawn again and again"


def test_what_is_learnt_is_used(tmp_path: Path) -> None:
    best = {}
    for method in ("bayes", "random"):
        with search(tmp_path / method, sweep(method), trials=40, start=None) as found:
            run(found)
            values = [trial.value or 0.0 for trial in found.trials()]
            best[method] = sum(values[20:]) / 20
            top = found.best()
            assert top is not None
            assert top.value == max(values)
    assert best["bayes"] > best["random"] + 0.3


@pytest.mark.parametrize("killed_at", [0, 1, 5, 12])
def test_a_killed_search_goes_on_as_if_nothing_had_been(tmp_path: Path, killed_at: int) -> None:
    with search(tmp_path / "whole", trials=14) as found:
        run(found)
        whole = params(found)
    with search(tmp_path / "killed", trials=14) as found:
        run(found, killed_at)
        orphan = found.ask()
        assert orphan is not None
    with search(tmp_path / "killed", trials=14) as found:
        run(found)
        assert params(found) == whole
        assert [t.number for t in found.trials() if lost(t)] == [orphan.number]
        again = found.trials()[orphan.number + 1] if killed_at else found.trials()[1]
        assert again.params == orphan.params
        assert again.user_attrs["again"] == orphan.number
        done = [trial.value for trial in found.trials()][:killed_at]
    with search(tmp_path / "killed", trials=14) as found:
        assert found.ask() is None
        assert [trial.value for trial in found.trials()][:killed_at] == done


def test_a_trial_killed_while_it_was_drawn_is_drawn_again(tmp_path: Path) -> None:
    with search(tmp_path / "whole", trials=4) as found:
        run(found)
        whole = params(found)
    with search(tmp_path / "killed", trials=4) as found:
        run(found, 2)
        found.study.ask()  # without any value, and without an owner
    with search(tmp_path / "killed", trials=4) as found:
        run(found)
        assert params(found) == whole


@pytest.mark.parametrize("call", ["tell", "enqueue_trial"])
def test_a_kill_while_orphans_are_taken_back_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    grid = sweep("grid", parameters={"hidden": {"values": [8, 16, 32]}})
    with search(tmp_path, grid, start=None) as found:
        found.ask()
    with search(tmp_path, grid, start=None) as found, monkeypatch.context() as patched:

        def killed(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patched.setattr(found.study, call, killed)
        with pytest.raises(KeyboardInterrupt):
            found.ask()
    with search(tmp_path, grid, start=None) as found:
        run(found, value=lambda _: 0.0)
        done = [trial.params["hidden"] for trial in found.trials() if not lost(trial)]
    assert sorted(done) == ["16", "32", "8"]


def test_a_trial_that_kills_its_sweep_is_not_tried_for_ever(tmp_path: Path) -> None:
    for _ in range(3):
        with search(tmp_path, trials=2) as found:
            trial = found.ask()
            assert trial is not None
            assert trial.params == START
    with search(tmp_path, trials=2) as found:
        other = found.ask()
        assert other is not None
        assert other.params != START


def test_more_trials_may_be_asked_for_later(tmp_path: Path) -> None:
    for trials, number in ((3, 3), (3, 3), (5, 5)):
        with search(tmp_path, trials=trials) as found:
            run(found)
            assert len(found.trials()) == number


def test_two_processes_share_trials_and_neither_takes_the_others(tmp_path: Path) -> None:
    with search(tmp_path, trials=5) as first, search(tmp_path, trials=5) as second:
        running = [(first, first.ask()), (second, second.ask()), (first, first.ask())]
        for found, trial in running:
            assert trial is not None
            found.tell(trial, 1.0, objective(trial))
        run(first, 1)
        run(second)
        assert first.ask() is None
        assert len(params(first)) == len({str(p) for p in params(first, of_lost=True)}) == 5


def test_a_grid_runs_each_cell_once_from_the_units_own_on(tmp_path: Path) -> None:
    rules = {"lr": {"values": [0.1, 0.01]}, "hidden": {"values": [8, 16, 32]}}
    file = sweep("grid", parameters=rules)
    start = {"lr": "0.01", "hidden": "16"}
    with search(tmp_path, file, start=start) as found:
        run(found, 2, lambda _: 1.0)
        assert found.ask() is not None  # and is killed
    with search(tmp_path, file, start=start) as found:
        run(found, value=lambda _: 1.0)
        cells = [(p["lr"], p["hidden"]) for p in params(found)]
    assert cells[0] == ("0.01", "16")
    assert sorted(cells) == sorted((a, b) for a in ("0.1", "0.01") for b in ("8", "16", "32"))
    with search(tmp_path / "part", file, start={"lr": "7", "hidden": "8"}, trials=4) as found:
        run(found, value=lambda _: 1.0)
        begun = [trial for trial in found.trials() if not waits(trial)]
        assert next((t.params["lr"], t.params["hidden"]) for t in begun) == ("0.1", "8")
        assert len(begun) == 4


def test_the_number_of_trials_is_the_files_unless_told(tmp_path: Path) -> None:
    for name, cap, number in (("cap", 3, 3), ("none", None, 20)):
        with search(tmp_path / name, sweep("random", run_cap=cap)) as found:
            run(found)
            assert len(found.trials()) == number


def test_failures_count_and_have_no_value(tmp_path: Path) -> None:
    with search(tmp_path, trials=4) as found:
        for value, failure in ((1.0, "out of memory"), (math.nan, None), (None, None)):
            trial = found.ask()
            assert trial is not None
            found.tell(trial, 1.0, value, failure)
        assert found.best() is None
        run(found)
        states = [trial.state.name for trial in found.trials()]
        assert states == ["FAIL", "FAIL", "FAIL", "COMPLETE"]
        told = [trial.user_attrs["failure"] for trial in found.trials()[:3]]
        assert told == ["out of memory", "valid/rank_ic is nan", "valid/rank_ic is None"]
        assert not any(map(lost, found.trials()))
        best = found.best()
        assert best is not None
        assert best.number == 3


def test_the_best_is_the_least_where_less_is_better(tmp_path: Path) -> None:
    file = replace(sweep("random"), maximize=False)
    with search(tmp_path, file, trials=6) as found:
        run(found)
        values = [trial.value for trial in found.trials() if trial.value is not None]
        best = found.best()
        assert best is not None
        assert best.value == min(values) == found.study.best_value


def epochs_until_pruned(found: Search, value: float, longest: int) -> int:
    trial = found.ask()
    assert trial is not None
    for epoch in range(1, longest + 1):
        if not found.report(trial, epoch, value):
            found.tell(trial, 1.0, None, pruned=True)
            return epoch
    found.tell(trial, 1.0, value)
    return longest


def test_worse_than_the_median_is_pruned_once_there_is_one(tmp_path: Path) -> None:
    with search(tmp_path, trials=10) as found:
        assert isinstance(found.study.pruner, MedianPruner)
        lengths = [epochs_until_pruned(found, value, 8) for value in (5, 1, 2, 3, 4, 1, 9)]
        # Five trials and five epochs are waited for; the sixth trial is the worst but one.
        assert lengths == [8, 8, 8, 8, 8, 5, 8]
        assert [trial.state.name for trial in found.trials()][5] == "PRUNED"
    with search(tmp_path / "not", trials=10, prune=False) as found:
        assert {epochs_until_pruned(found, -value, 8) for value in range(9)} == {8}


def test_hyperband_is_that_of_the_file(tmp_path: Path) -> None:
    rule = {"type": "hyperband", "min_iter": 3, "eta": 2}
    with search(tmp_path / "a", sweep(early_terminate=rule), epochs=3) as found:
        pruner = found.study.pruner
        assert isinstance(pruner, HyperbandPruner)
        # One bracket, whose first rung is after three epochs: of each two trials one goes on.
        lengths = [epochs_until_pruned(found, value, 5) for value in (3, 1, 2, 4)]
        assert lengths == [5, 3, 3, 5]
    rule = {"type": "hyperband", "max_iter": 27, "s": 2}
    with search(tmp_path / "b", sweep(early_terminate=rule)) as found:
        pruner = found.study.pruner
        given = (pruner._min_resource, pruner._max_resource, pruner._reduction_factor)
        assert given == (3, 27, 3)


def test_options_are_spelt_with_the_constants(tmp_path: Path) -> None:
    with search(tmp_path) as found:
        trial = found.ask()
        assert trial is not None
        assert found.options(trial) == ["--lr=0.01", "--hidden=16", "--fixed=a"]


def test_a_folder_holds_one_sweep(tmp_path: Path) -> None:
    with search(tmp_path):
        pass
    with pytest.raises(UserError, match="holds a sweep of other settings: choose another --out"):
        search(tmp_path, identity="other").__enter__()
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with pytest.raises(UserError, match="holds a sweep in another storage"):
        search(tmp_path, storage=url).__enter__()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another --out"):
        search(tmp_path / "file" / "below").__enter__()


def test_a_storage_that_has_the_sweep_of_another_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with search(tmp_path / "first", storage=url, trials=2) as found:
        run(found)
    with search(tmp_path / "first", storage=url, trials=3) as found:
        run(found)
        assert len(found.trials()) == 3
    with pytest.raises(UserError, match="the storage has this sweep already"):
        search(tmp_path / "second", storage=url).__enter__()


def test_a_first_start_that_was_killed_half_way_is_made_whole(tmp_path: Path) -> None:
    with search(tmp_path):
        pass
    (tmp_path / "sweep.json").unlink()
    with search(tmp_path, trials=3) as found:
        run(found)
        assert params(found).count(START) == 1
    card = json.loads((tmp_path / "sweep.json").read_text())
    assert card == {"identity": "identity", "storage": None}
