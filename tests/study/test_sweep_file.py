"""The files of sweeps: those that are shipped, W&B's own reading of them, and slips."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cli import main
from alpha_lightning.study.sweep_file import COMMAND, read_sweep, without_loggers
from alpha_lightning.study.sweep_fit import FitSettings
from alpha_lightning.study.sweep_space import read_space

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "configs" / "sweeps").glob("*.yaml"))
Agent = Callable[[dict[str, Any], dict[str, Any]], list[str]]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agent:
    """The command line that the agent of W&B runs, made by its own code."""
    from wandb import wandb_agent

    lines: list[list[str]] = []

    def spy(**started: Any) -> Any:
        lines.append(started["command"])
        return type("Process", (), {})()

    monkeypatch.setattr(wandb_agent, "AgentProcess", spy)
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    for name in ("WANDB_RUN_ID", "WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH"):
        monkeypatch.setenv(name, "none")  # which it sets, and which would outlive the test

    def line(file: dict[str, Any], values: dict[str, Any]) -> list[str]:
        one: Any = object.__new__(wandb_agent.Agent)
        one._sweep_command = list(file["command"])
        one._in_jupyter, one._function, one._forward_signals = False, None, False
        one._run_processes = {}
        arguments = {name: {"value": value} for name, value in values.items()}
        one._command_run({"run_id": "a", "program": file.get("program"), "args": arguments})
        return lines[-1]

    return line


def tree_of(path: Path) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(path.read_text())
    return tree


def ends(rule: dict[str, Any]) -> list[Any]:
    return rule["values"] if "values" in rule else [rule["min"], rule["max"]]


def test_there_is_a_sweep_of_each_unit() -> None:
    assert [path.stem for path in SHIPPED] == ["agru", "gru", "lstm", "restcn", "transformer"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_command_line_of_the_agent_is_understood_as_it_is_meant(
    agent: Agent, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    tree = tree_of(path)
    assert tree["program"] == "alpha_lightning"
    for place in (0, -1):
        values = {name: ends(rule)[place] for name, rule in tree["parameters"].items()}
        line = agent(tree, values)
        assert line[:5] == ["/usr/bin/env", "python", "-m", "alpha_lightning", "fit"]
        settings = FitSettings(line[5:])
        assert {name: settings.value(name) for name in values} == values
        logger = settings.value("trainer.logger")
        assert logger == "pytorch_lightning.loggers.WandbLogger"
        assert settings.value("trainer.logger.init_args.name") is None
        # A sweep without a server begins from the same network, on the same terms.
        own = read_sweep(path)
        found = {p.name: p for p in read_space(own.parameters, str(path))}
        assert found.keys() == values.keys()
        unit = FitSettings(own.options)
        assert unit.value("model.network").rpartition(".")[2].lower() == path.stem
        assert all(found[name].drawn(unit.value(name)) is not None for name in found)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_files_maximise_what_is_validated(path: Path) -> None:
    sweep = read_sweep(path)
    assert (sweep.method, sweep.metric, sweep.maximize) == ("bayes", "valid/rank_ic", True)
    assert sweep.options == (f"--config=configs/units/{path.stem}.yaml",)
    assert sweep.run_cap == 30
    assert sweep.early_terminate == {"type": "hyperband", "min_iter": 3, "eta": 3}


@pytest.mark.parametrize(
    ("name", "value", "understood"),
    [
        ("data.batch", None, None),
        ("trainer.gradient_clip_val", None, None),
        ("trainer.gradient_clip_val", 8.0, 8.0),
        ("trainer.deterministic", True, True),
        ("model.optimizer.init_args.lr", 1e-05, 1e-05),
        ("model.optimizer.init_args.betas", [0.5, 0.9], [0.5, 0.9]),
        ("seed_everything", 3, 3),
        ("data.sample.window", 20, 20),
        ("data", {"date_step": 5}, 5),
    ],
)
def test_every_form_of_argument_arrives(
    agent: Agent,
    name: str,
    value: Any,
    understood: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    line = agent(tree_of(SHIPPED[1]), {name: value})
    with pytest.raises(SystemExit) as ended:
        main([*line[4:], "--print_config"])
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    node = yaml.safe_load(out)
    for key in ("data.date_step" if name == "data" else name).split("."):
        node = node[key]
    assert node == understood


def test_variables_stand_for_what_they_hold(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANEL", "the/panel")
    monkeypatch.delenv("ABSENT", raising=False)
    tree = tree_of(SHIPPED[0])
    tree["command"][-1:] = ["--data.panel=${envvar:PANEL}", "--data.dataset=${envvar:ABSENT}"]
    tree["command"] += ["${args}"]
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(tree))
    options = read_sweep(path).options
    assert options[1:] == ("--data.panel=the/panel", "--data.dataset=ABSENT")
    assert agent(tree, {})[-2:] == list(options[1:])


def test_options_of_loggers_are_left_out_with_their_values() -> None:
    given = ["--a=1", "--trainer.logger", "X", "--trainer.logger.init_args.name=y", "--b", "2"]
    assert without_loggers([*given, "--trainer.logger+=Z"]) == ("--a=1", "--b", "2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "anneal"}, "method is 'anneal': choose one of grid, random, bayes"),
        ({"metric": None}, "metric is None: it should be a mapping"),
        ({"metric": {}}, "metric.name is None: name a metric that `fit` logs"),
        ({"metric": {"name": "valid/ic", "goal": "max"}}, "metric.goal is 'max': choose one of"),
        ({"parameters": {}}, "no parameters: name at least one option of `fit` to vary"),
        ({"parameters": [1]}, "parameters is [1]: it should be a mapping"),
        (
            {"parameters": {"model": {"parameters": {"n_factors": {"value": 3}}}}},
            "parameters.model is nested: give each option of `fit` its dotted name, model.NAME",
        ),
        ({"command": None}, 'command should run `fit` with its arguments: command: ["${env}'),
        ({"command": ["fit"]}, "command should run `fit` with its arguments"),
        (
            {"command": ["fit", "${args_no_hyphens}", "${args}"]},
            "command has ${args_no_hyphens}, which is no option of `fit`: use ${args}",
        ),
        ({"paramters": {}}, "unknown key 'paramters'; a sweep has"),
        ({"run_cap": 0}, "run_cap is 0: it must be a whole number of at least 1"),
        ({"early_terminate": {"type": "envelope"}}, "early_terminate.type is 'envelope'"),
        ({"early_terminate": {"type": "hyperband"}}, "needs either min_iter or max_iter and s"),
        (
            {"early_terminate": {"type": "hyperband", "max_iter": 9}},
            "needs either min_iter or max_iter and s, in epochs",
        ),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 1, "eta": 1}},
            "eta is 1: it must be at least 2",
        ),
        (
            {"early_terminate": {"type": "hyperband", "least": 1}},
            "unknown key 'least'; hyperband has min_iter",
        ),
    ],
)
def test_slips_are_told_in_a_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(tree_of(SHIPPED[0]) | change))
    with pytest.raises(UserError) as error:
        read_sweep(path)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_command_that_is_recommended_is_yaml_and_understood(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    tree = tree_of(SHIPPED[0])
    del tree["command"]
    path.write_text(f"{yaml.safe_dump(tree)}command: {COMMAND}\n")
    assert read_sweep(path).options == ("--config=UNIT.yaml",)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.yaml cannot be read .*: name the sweep's YAML file"):
        read_sweep(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("b: 1\na: [${env}]")
    with pytest.raises(UserError, match=r"a\.yaml cannot be read .*, line 2\): mend the YAML"):
        read_sweep(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("- a")
    with pytest.raises(UserError, match=r"a\.yaml is \['a'\]: it should be a mapping"):
        read_sweep(tmp_path / "a.yaml")


def test_without_a_word_on_the_goal_less_is_better_as_for_wandb(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(tree_of(SHIPPED[0]) | {"metric": {"name": "valid/loss"}}))
    assert not read_sweep(path).maximize
