"""What is shown and kept while a study runs: the bar, timings, failures."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from tqdm.auto import tqdm

from alpha_lightning.artefacts.atomic import atomic_file
from alpha_lightning.study.claims import leave_failure
from alpha_lightning.study.logged import Ended
from alpha_lightning.study.schedule import Outcome
from alpha_lightning.study.tasks import FAILED, Task, read_marker, spent


class Progress:
    """The bar, ``timings.csv``, which the report reads, and ``failed.json`` of tasks that failed.

    Args:
        folder: of the study.
        tasks: all of them, in order.
        todo: those that run now.
        whole: False for a share of a study: what other shares still need stays, and the times are
            left to whoever runs the rest.
    """

    def __init__(
        self, folder: Path, tasks: Sequence[Task], todo: Sequence[Task], *, whole: bool = True
    ) -> None:
        self.folder, self.tasks, self.whole = folder, tasks, whole
        self.unfinished = {task.name for task in todo}
        done = [task.name for task in tasks if task.name not in self.unfinished]
        markers = {name: read_marker(folder / "tasks" / name) for name in done}
        self.seconds = {name: float(marker["seconds"]) for name, marker in markers.items()}
        for name in done:
            # Of a way back to an artefact that nothing wants any more.
            (folder / "tasks" / name / FAILED).unlink(missing_ok=True)
        self._drop_spent()
        self.failures: list[Outcome] = []
        self.ended = 0
        self.ran: set[str] = set()
        self.bar = tqdm(total=len(tasks), initial=len(done), unit="task", desc="study")
        if done:
            self.bar.write(f"{len(done)} tasks done before, {len(todo)} to run")

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *failure: object) -> None:
        self.bar.close()

    def add(self, outcome: Outcome) -> None:
        """Show how a task ended, and drop artefacts that only it still needed."""
        name = outcome.task.name
        if outcome.again:
            self.bar.write(f"{name}: tried again, {outcome.failure}")
            return
        self.ended += 1
        self.bar.update()
        if outcome.failure is None:
            self.unfinished.discard(name)
            self.ran.add(name)
            self.seconds[name] = outcome.seconds
            self.bar.write(f"{name}: {outcome.seconds:.1f} s")
            self._write_timings()
            self._drop_spent()
        else:
            self.failures.append(outcome)
            self.bar.write(f"{name}: FAILED, {outcome.failure}")
            place = self.folder / "tasks" / name
            leave_failure(place, Ended(outcome.seconds, outcome.failure))

    def failure(self) -> str:
        """What failed, with its log, and what did not run for it."""
        wanted = self.ended + len(self.unfinished) - len(self.failures)
        lines = [f"{len(self.failures)} of {wanted} tasks failed; run again to retry:"]
        lines += [f"  {o.task.name}: {o.failure} (log: {o.log})" for o in self.failures]
        if waiting := wanted - self.ended:
            lines.append(f"  {waiting} that need them did not run")
        if "report" in self.ran:
            lines.append(f"  the report says what it lacks: {self.folder / 'report/index.html'}")
        return "\n".join(lines)

    def _drop_spent(self) -> None:
        if not self.whole:
            return
        for path in spent(self.tasks, self.unfinished):
            path.unlink()

    def _write_timings(self) -> None:
        if not self.whole:
            return
        table = io.StringIO()
        rows = csv.writer(table, lineterminator="\n")
        rows.writerow(["task", "seconds"])
        names = [task.name for task in self.tasks if task.name in self.seconds]
        rows.writerows((name, f"{self.seconds[name]:.3f}") for name in names)
        with atomic_file(self.folder / "timings.csv") as draft:
            draft.write_text(table.getvalue())
