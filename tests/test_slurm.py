"""The scripts for SLURM, with stand-ins of its commands: what is inside parses and may be ended."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from alpha_lightning.cli import main
from alpha_lightning.study.command import parse

ROOT = Path(__file__).parents[1]
FIT, STUDY = ROOT / "scripts/slurm_fit.sbatch", ROOT / "scripts/slurm_study.sbatch"
DEMO = "configs/studies/demo.yaml"
FAKE = """#!/bin/bash
{{ printf '%s\\0' "$(basename "$0")" "$@"; printf '\\1'; }} >> "{calls}"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stand-ins of SLURM's commands, and of ours, note how they were called."""
    for name in ("srun", "sbatch", "scontrol", "alpha-lightning"):
        more = {"sbatch": "echo '71;here'", "alpha-lightning": '. "$BEHAVIOUR"'}.get(name, "")
        (tmp_path / name).write_text(FAKE.format(calls=tmp_path / "calls") + more)
        (tmp_path / name).chmod(0o755)
    behaviour = tmp_path / "behaviour"
    behaviour.write_text("true")
    monkeypatch.setenv("BEHAVIOUR", str(behaviour))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("SETUP", "SBATCH_OPTIONS", *(n for n in os.environ if n.startswith("SLURM_"))):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "calls"


def called(calls: Path) -> list[list[str]]:
    lines = calls.read_text().split("\1")[:-1]
    return [line.split("\0")[:-1] for line in lines]


def run(script: Path, *args: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", str(script), *args],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("script", [FIT, STUDY], ids=lambda path: path.name)
def test_a_script_is_bash_and_wants_its_arguments(script: Path, calls: Path) -> None:
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    text = script.read_text().splitlines()
    assert text[0] == "#!/bin/bash"
    asked = [line for line in text if line.startswith("#SBATCH")]
    assert any("--signal" in line for line in asked)
    assert "#SBATCH --requeue" in asked
    told = run(script)
    assert told.returncode == 2
    assert told.stderr.startswith("usage: ")
    assert not calls.exists()


def test_the_fit_inside_parses(
    calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = tmp_path / "setup"
    setup.write_text("export FROM_SETUP=1")
    options = ["--data.panel", "some where", "--trainer.max_epochs=7"]
    about = {"SLURM_JOB_ID": "12", "SLURM_NTASKS_PER_NODE": "4", "SLURM_NNODES": "2"}
    told = run(FIT, "configs/units/gru.yaml", *options, SETUP=str(setup), **about)
    assert told.returncode == 0, told.stderr
    (command,) = called(calls)
    assert command[0] == "srun"
    ours = command[command.index("alpha-lightning") + 1 :]
    with pytest.raises(SystemExit) as end:
        main([*ours, "--print_config"])
    assert end.value.code in (0, None)
    config = yaml.safe_load(capsys.readouterr().out)
    trainer = config["trainer"]
    # Lightning reads a number in quotes as a number.
    assert (trainer["devices"], trainer["num_nodes"], trainer["strategy"]) == ("4", 2, "ddp")
    assert (trainer["accelerator"], trainer["max_epochs"]) == ("gpu", 7)
    places = [logger["init_args"] for logger in trainer["logger"]]
    assert len(places) == 2
    for place in places:
        kept = (place["save_dir"], place["name"], place["version"])
        assert kept == ("runs/slurm", "gru", "job12")
    assert config["data"]["panel"] == "some where"
    assert config["resume"] is True


def test_an_array_and_what_waits_for_it_are_submitted(calls: Path) -> None:
    told = run(STUDY, DEMO, "8", "--fit.trainer.max_epochs", "9", SBATCH_OPTIONS="-A us -p gpu")
    assert told.returncode == 0, told.stderr
    array, rest = called(calls)
    more = [str(STUDY), DEMO, "8", "--fit.trainer.max_epochs", "9"]
    assert array == ["sbatch", "--parsable", "-A", "us", "-p", "gpu", "--array=1-8", *more]
    assert rest[:7] == [*array[:6], "--dependency=afterany:71"]
    assert rest[-5:] == more
    assert "array 71 of 8 jobs, then 71" in told.stdout


def test_the_study_inside_parses(calls: Path) -> None:
    element = {"SLURM_JOB_ID": "80", "SLURM_ARRAY_JOB_ID": "71", "SLURM_ARRAY_TASK_ID": "3"}
    assert run(STUDY, DEMO, "8", "--fit.trainer.max_epochs", "9", **element).returncode == 0
    assert run(STUDY, DEMO, "8", SLURM_JOB_ID="90").returncode == 0
    share, rest = called(calls)
    assert share[:3] == rest[:3] == ["alpha-lightning", "study", "run"]
    settings, execution, _ = parse(share[3:])
    assert execution.shard == "3/8"
    assert settings.fit["trainer"]["max_epochs"] == 9
    assert parse(rest[3:])[1].part is None


@pytest.mark.parametrize("state", ["", "RUNNING", "CANCELLED"])
@pytest.mark.parametrize("job", ["71_3", "90"])
def test_a_job_that_is_asked_to_go_saves_and_waits_in_the_queue_again(
    calls: Path, tmp_path: Path, job: str, state: str
) -> None:
    if state:
        with (tmp_path / "scontrol").open("a") as file:
            file.write(f"echo '   JobState={state} Reason=None Dependency=(null)'\n")
    saves = f"trap 'sleep 0.3; touch {tmp_path}/saved; exit 1' TERM; touch {tmp_path}/runs\n"
    Path(os.environ["BEHAVIOUR"]).write_text(saves + "while true; do sleep 0.05; done")
    about = {"SLURM_JOB_ID": "90"}
    if "_" in job:
        about |= {"SLURM_ARRAY_JOB_ID": "71", "SLURM_ARRAY_TASK_ID": "3"}
    command = ["bash", str(STUDY), DEMO, "8"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | about) as process:
        end = time.monotonic() + 30
        while not (tmp_path / "runs").exists() and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) != 0
    assert (tmp_path / "saved").exists()
    requeued = ["scontrol", "requeue", job] in called(calls)
    assert requeued == (state != "CANCELLED"), "who cancels a job does not want it back"


def test_a_study_that_fails_is_not_tried_for_ever(calls: Path) -> None:
    Path(os.environ["BEHAVIOUR"]).write_text("exit 1")
    assert run(STUDY, DEMO, "8", SLURM_JOB_ID="90").returncode == 1
    assert len(called(calls)) == 1
