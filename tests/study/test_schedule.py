"""The order of tasks on workers that are lists."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from alpha_lightning.study.logged import LOG, Ended
from alpha_lightning.study.schedule import Outcome, run_on
from alpha_lightning.study.tasks import Identity, Task

ANY = Identity("code", "settings", "inputs", "needs")
GOOD, BAD, LOST = Ended(1.0, None), Ended(2.0, "no price"), Ended(0.0, "gone", lost=True)


class Listed:
    """Workers that end tasks in the order of their start, as a script says."""

    def __init__(self, script: dict[str, list[Ended]], places: int = 1) -> None:
        self.script, self.places = script, places
        self.started: list[str] = []
        self.now: list[Task] = []
        self.left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.left = True

    @property
    def running(self) -> int:
        return len(self.now)

    def room(self, task: Task) -> bool:  # noqa: ARG002
        return len(self.now) < self.places

    def start(self, task: Task, folder: Path, identity: Identity) -> None:
        assert identity is ANY
        assert folder == Path("tasks") / task.name
        self.started.append(task.name)
        self.now.append(task)

    def wait(self) -> Iterator[tuple[Task, Ended]]:
        task = self.now.pop(0)
        yield task, self.script[task.name].pop(0)


def order(workers: Listed, tasks: list[Task], retries: int = 0) -> list[Outcome]:
    keys = dict.fromkeys((task.name for task in tasks), ANY)
    return list(run_on(workers, tasks, keys, Path("tasks"), retries))


def test_what_was_lost_is_tried_again_and_what_failed_is_not() -> None:
    a, b, c = Task("a", "x:y", {}), Task("b", "x:y", {}, ("a",)), Task("c", "x:y", {})
    workers = Listed({"a": [LOST, LOST, GOOD], "b": [GOOD], "c": [BAD]})
    ends = order(workers, [a, b, c], retries=2)
    assert workers.started == ["a", "c", "a", "a", "b"]
    told = [(end.task.name, end.failure, end.again) for end in ends]
    assert told == [
        ("a", "gone", True),
        ("c", "no price", False),
        ("a", "gone", True),
        ("a", None, False),
        ("b", None, False),
    ]
    assert ends[1].seconds == 2.0
    assert ends[1].log == Path("tasks/c") / LOG
    assert workers.left


def test_what_is_lost_once_too_often_takes_down_what_needs_it() -> None:
    a, b = Task("a", "x:y", {}), Task("b", "x:y", {}, ("a",))
    ends = order(Listed({"a": [LOST, LOST]}), [a, b], retries=1)
    assert [(end.task.name, end.again) for end in ends] == [("a", True), ("a", False)]
    assert [end.again for end in order(Listed({"a": [LOST]}), [a, b])] == [False]


def test_a_task_without_room_lets_others_pass() -> None:
    class Narrow(Listed):
        def room(self, task: Task) -> bool:
            alone = not any(running.name.startswith("fit") for running in self.now)
            return super().room(task) and (alone or not task.name.startswith("fit"))

    tasks = [Task(name, "x:y", {}) for name in ("fit/a", "fit/b", "weigh", "fit/c")]
    workers = Narrow({task.name: [GOOD] for task in tasks}, places=2)
    assert len(order(workers, tasks)) == 4
    assert workers.started == ["fit/a", "weigh", "fit/b", "fit/c"]


def test_what_comes_after_a_failure_runs_all_the_same() -> None:
    a, b = Task("a", "x:y", {}), Task("b", "x:y", {}, ("a",))
    c, d = Task("c", "x:y", {}), Task("d", "x:y", {}, ("c",), after=("b",))
    tasks = [a, b, c, d]

    def started(places: int = 2, **ends: list[Ended]) -> list[str]:
        workers = Listed({name: [GOOD] for name in "abcd"} | ends, places)
        order(workers, tasks, retries=1)
        return workers.started

    assert started() == ["a", "c", "b", "d"]
    assert started(b=[LOST, GOOD]) == ["a", "c", "b", "b", "d"], "it waits until b has ended"
    assert started(b=[BAD]) == ["a", "c", "b", "d"]
    assert started(b=[LOST, LOST]) == ["a", "c", "b", "b", "d"]
    assert started(a=[BAD]) == ["a", "c", "d"], "b will never run"
    assert started(c=[BAD]) == ["a", "c", "b"]
