"""Real signals: the state is saved, the process goes, and the run ends as if nothing had been."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning import Trainer

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.cli import main
from alpha_lightning.factors.preemption import PreemptedError, Preemption, requeue
from alpha_lightning.factors.unit import FactorUnit

Options = Callable[..., list[str]]
STATE = "checkpoints/last.ckpt"


def saved(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = torch.load(run / STATE, weights_only=True)
    return content


def signalled(
    monkeypatch: pytest.MonkeyPatch, hook: str, when: Callable[[FactorUnit, int], bool], number: int
) -> None:
    """Send a signal to this process from within a step of the unit."""
    step = getattr(FactorUnit, hook)

    def sends(self: FactorUnit, batch: Any, index: int) -> Any:
        if when(self, index):
            os.kill(os.getpid(), number)
        return step(self, batch, index)

    monkeypatch.setattr(FactorUnit, hook, sends)


@pytest.mark.parametrize(
    ("hook", "when", "number", "accumulate", "after"),
    [
        ("training_step", lambda u, _: u.global_step == 17, signal.SIGTERM, 1, 18),
        pytest.param(
            *("training_step", lambda u, _: u.global_step == 17, signal.SIGUSR1, 1, 18),
            marks=pytest.mark.slow,
        ),
        # Four batches a step, of which the second gets the signal: the step is made first.
        ("training_step", lambda u, i: (u.current_epoch, i) == (1, 5), signal.SIGTERM, 4, 5),
        ("training_step", lambda u, i: (u.current_epoch, i) == (1, 14), signal.SIGTERM, 1, 30),
        ("validation_step", lambda u, i: (u.current_epoch, i) == (1, 3), signal.SIGTERM, 1, 30),
        pytest.param(
            *(
                "validation_step",
                lambda u, i: (u.current_epoch, i) == (2, 9),
                signal.SIGTERM,
                1,
                45,
            ),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_signal_saves_between_two_steps_and_the_run_goes_on(
    options: Options,
    whole: Callable[[dict[str, Any]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    hook: str,
    when: Callable[[FactorUnit, int], bool],
    number: signal.Signals,
    accumulate: int,
    after: int,
) -> None:
    settings = {"trainer.max_epochs": 3, "trainer.accumulate_grad_batches": accumulate}
    line = options(tmp_path / "run", **settings)
    before = signal.getsignal(number)
    with pytest.MonkeyPatch.context() as patch:
        signalled(patch, hook, when, number)
        with pytest.raises(PreemptedError) as ended:
            main(line)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == before
    error = capsys.readouterr().err
    assert f"error: stopped by {number.name}; the state after step {after} is in" in error
    assert "give the same command with --resume true to go on" in error
    assert saved(tmp_path / "run")["global_step"] == after
    assert main([*line, "--resume=true"]) == 0
    assert_same_weights_and_factors(whole(settings), tmp_path / "run")


@pytest.fixture(scope="module")
def whole(
    options: Options, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[dict[str, Any]], Path]:
    """Folder of an uninterrupted run, made when first asked for."""
    done: dict[str, Path] = {}

    def make(settings: dict[str, Any]) -> Path:
        if str(settings) not in done:
            done[str(settings)] = tmp_path_factory.mktemp("whole") / "run"
            assert main(options(done[str(settings)], **settings)) == 0
        return done[str(settings)]

    return make


def assert_same_weights_and_factors(whole: Path, run: Path) -> None:
    first, second = (saved(folder)["state_dict"] for folder in (whole, run))
    assert all(first[name].equal(second[name]) for name in first)
    tables = [read_dated_table(folder / "factors.parquet") for folder in (whole, run)]
    assert tables[0].values.tobytes() == tables[1].values.tobytes()


def test_when_training_is_done_it_goes_at_once(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = options(tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:
        path = "alpha_lightning.factors.export._restore_best"
        patch.setattr(path, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(PreemptedError):
            main(line)
    assert "stopped by SIGTERM; training is done, its state is in" in capsys.readouterr().err
    assert not (tmp_path / "run" / "factors.parquet").exists()
    assert main([*line, "--resume=true"]) == 0
    assert (tmp_path / "run" / "factors.parquet").exists()


STARTED = """
import os, sys, time
from alpha_lightning.cli import main
from alpha_lightning.factors.unit import FactorUnit

step = FactorUnit.training_step
def tells(self, batch, index):
    if self.global_step == 8 and self.global_rank == 0:
        open(os.environ["READY"], "w").close()
        time.sleep(1.0)
    return step(self, batch, index)
FactorUnit.training_step = tells
sys.exit(main())
"""


def forked(line: list[str], plant: Callable[[pytest.MonkeyPatch], None] | None = None) -> int:
    child = os.fork()
    if child == 0:
        with pytest.MonkeyPatch.context() as patch:
            if plant is not None:
                plant(patch)
            try:
                status = main(line)
            except BaseException:
                status = 9
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_signal_of_one_process_stops_all_of_them_at_one_step(
    options: Options, tmp_path: Path
) -> None:
    settings = {"trainer.devices": 2, "trainer.strategy": "ddp_fork", "collective_timeout": 30}
    settings |= {"trainer.max_epochs": 2}
    line = options(tmp_path / "run", **settings)

    def plant(patch: pytest.MonkeyPatch) -> None:
        def second_process(unit: FactorUnit, index: int) -> bool:
            return unit.global_rank == 1 and unit.global_step == 9

        signalled(patch, "training_step", second_process, signal.SIGTERM)

    assert forked(line, plant) != 0
    # They ask each other now and then, and where an epoch begins.
    assert 10 <= saved(tmp_path / "run")["global_step"] <= 15
    assert forked([*line, "--resume=true"]) == 0
    assert forked(options(tmp_path / "whole", **settings)) == 0
    assert_same_weights_and_factors(tmp_path / "whole", tmp_path / "run")


def test_what_comes_before_we_listen_is_heard() -> None:
    trainer: Any = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer._signal_connector.register_signal_handlers()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert trainer.received_sigterm
        preemption = Preemption()
        preemption.listen(trainer)
        assert preemption.number == signal.SIGTERM
        assert not trainer.received_sigterm
    finally:
        trainer._signal_connector.teardown()


def test_who_comes_to_no_end_of_a_step_dies_of_the_signal_in_the_end() -> None:
    strategy = SimpleNamespace(_timeout=timedelta(seconds=0.2))
    plugins = SimpleNamespace(cluster_environment=None)
    trainer: Any = SimpleNamespace(
        received_sigterm=False, strategy=strategy, _accelerator_connector=plugins
    )
    child = os.fork()
    if child == 0:
        Preemption().listen(trainer)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM


def test_who_has_answered_does_not() -> None:
    strategy = SimpleNamespace(_timeout=timedelta(seconds=0.1))
    plugins = SimpleNamespace(cluster_environment=None)
    trainer: Any = SimpleNamespace(
        received_sigterm=False, strategy=strategy, _accelerator_connector=plugins
    )
    before = signal.getsignal(signal.SIGTERM)
    preemption = Preemption()
    preemption.listen(trainer)
    os.kill(os.getpid(), signal.SIGTERM)
    preemption.rest()
    time.sleep(0.3)
    assert preemption.number == signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) == before


def test_off_the_main_thread_nothing_is_heard() -> None:
    before = signal.getsignal(signal.SIGTERM)
    trainer: Any = SimpleNamespace(received_sigterm=False)
    thread = threading.Thread(target=Preemption().listen, args=(trainer,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == before


SCONTROL = '#!/bin/sh\necho "$@" >> {out}\nexit {status}\n'


def slurm(folder: Path, status: int = 0) -> dict[str, str]:
    script = folder / "scontrol"
    script.write_text(SCONTROL.format(out=folder / "called", status=status))
    script.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("job", "called"),
    [
        ({"SLURM_JOB_ID": "12"}, "requeue 12\n"),
        (
            {"SLURM_JOB_ID": "14", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"},
            "requeue 12_3\n",
        ),
        ({}, None),
        ({"SLURM_JOB_ID": "; rm"}, None),
    ],
)
def test_the_job_is_put_into_the_queue_again(
    tmp_path: Path, job: dict[str, str], called: str | None
) -> None:
    requeue(slurm(tmp_path) | job)
    file = tmp_path / "called"
    assert (file.read_text() if file.exists() else None) == called


def test_a_queue_that_refuses_or_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requeue(slurm(tmp_path, status=1) | {"SLURM_JOB_ID": "12"})
    requeue({"SLURM_JOB_ID": "13", "PATH": str(tmp_path / "nowhere")})
    error = capsys.readouterr().err
    assert "job 12 could not be put into the queue again" in error
    assert "job 13 could not be put into the queue again" in error


def test_under_slurm_the_signal_of_the_queue_requeues(
    options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"SLURM_JOB_ID": "12", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    job |= {"SLURM_NODEID": "0", "SLURM_JOB_NAME": "fit", "SLURM_NTASKS_PER_NODE": "1"}
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    path = slurm(tmp_path)["PATH"]
    monkeypatch.setenv("PATH", f"{path}:{os.environ['PATH']}")
    monkeypatch.setattr(SLURMEnvironment, "_validate_srun_used", staticmethod(lambda: None))
    signalled(monkeypatch, "training_step", lambda u, _: u.global_step == 3, signal.SIGUSR1)
    with pytest.raises(PreemptedError) as ended:
        main(options(tmp_path / "run"))
    assert ended.value.code == 128 + signal.SIGUSR1
    assert (tmp_path / "called").read_text() == "requeue 12\n"
    assert saved(tmp_path / "run")["global_step"] == 4
    assert not list(tmp_path.rglob("hpc_ckpt*"))


@pytest.mark.slow
def test_the_real_command_on_two_processes(options: Options, tmp_path: Path) -> None:
    script, ready = tmp_path / "fit.py", tmp_path / "ready"
    script.write_text(STARTED)
    settings = {"trainer.devices": 2, "trainer.strategy": "ddp", "collective_timeout": 60}
    line = options(tmp_path / "run", **settings, **{"trainer.max_epochs": 2})
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(script), *line],
        env=os.environ | {"OMP_NUM_THREADS": "1", "READY": str(ready)},
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        begin = time.monotonic()
        while not ready.exists() and time.monotonic() - begin < 120:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)  # as a batch system does to the one it knows
        _, error = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 128 + signal.SIGTERM, error
    assert error.count("error: stopped by SIGTERM; the state after step") == 1
    assert 9 <= saved(tmp_path / "run")["global_step"] <= 15
