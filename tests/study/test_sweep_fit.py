"""What a sweep asks of `fit` before anything runs."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.sweep_fit import FitSettings, check_space, trial_options
from alpha_lightning.study.sweep_space import read_space

ROOT = Path(__file__).parents[2]
GRU = ["--config", str(ROOT / "configs/units/gru.yaml"), "--data.panel", "elsewhere"]


def check(rules: dict[str, Any], *options: str) -> FitSettings:
    return check_space(read_space(rules, "a.yaml"), [*GRU, *options], "a.yaml")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model.optimizer.init_args.lr", 0.001),
        ("model.optimizer.lr", 0.001),
        ("model.network.init_args.hidden", 64),
        ("model.network", "alpha_lightning.factors.networks.GRU"),
        ("data.sample.window", 30),
        ("data.sample", None),
        ("model.n_factors", 30),
        ("seed_everything", 0),
        ("model.nothing", None),
        ("model.network.init_args.nothing", None),
    ],
)
def test_values_are_found_by_their_dotted_names(name: str, value: Any) -> None:
    assert FitSettings(GRU).value(name) == value


def test_reading_the_options_draws_nothing_and_opens_no_panel() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    FitSettings([*GRU, "--seed_everything", "3"])
    assert before.equal(torch.get_rng_state())


def test_the_text_is_understood_the_same(tmp_path: Path) -> None:
    options = [*GRU, "--model.optimizer.lr=0.5", "--data.sample.window=20"]
    text = FitSettings(options).text()
    (tmp_path / "best.yaml").write_text(text)
    again = FitSettings(["--config", str(tmp_path / "best.yaml")])
    assert again.text() == text
    assert again.value("model.optimizer.init_args.lr") == 0.5
    assert again.value("data.sample.window") == 20


def test_a_space_that_fit_takes_whole() -> None:
    rules: dict[str, Any] = {
        "model.network.init_args.hidden": {"values": [8, 16]},
        "data.sample.window": {"min": 10, "max": 30},
        "trainer.gradient_clip_val": {"values": [None, 1.0]},
        "model.n_factors": {"value": 4},
    }
    assert check(rules).value("model.n_factors") == 30, "the unit's own"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"model.n_factor": {"value": 3}}, "parameters.model.n_factor: fit does not take 3: "),
        (
            {"model.n_factors": {"value": 3}, "model.network.init_args.width": {"values": [1, 2]}},
            "parameters.model.network.init_args.width: fit does not take 1: ",
        ),
        (
            {"model.n_factors": {"values": [3, 4, "many"]}},
            "parameters.model.n_factors: fit does not take many: ",
        ),
        (
            {"model.n_factors": {"distribution": "q_uniform", "min": 1.0, "max": 3.0}},
            "parameters.model.n_factors: fit does not take 1.0: ",
        ),
        (
            {"model.network.init_args.window": {"values": [20, 30]}},
            "follows from the data: set data.dataset or data.sample.window",
        ),
        (
            {"trainer.logger.init_args.name": {"value": "x"}},
            "trainer.logger.init_args.name cannot be varied",
        ),
        ({"seeds": {"values": ["0..1", "2..3"]}}, "seeds cannot be varied: a trial has one value"),
    ],
)
def test_what_fit_does_not_take_is_named(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        check(rules)
    assert str(error.value).startswith("a.yaml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_option_that_is_both_given_and_varied() -> None:
    with pytest.raises(UserError, match=r"model\.n_factors is varied and given as an option"):
        check({"model.n_factors": {"values": [3, 4]}}, "--model.n_factors=5")


def test_options_that_fit_does_not_take_are_told_without_its_usage() -> None:
    with pytest.raises(UserError) as error:
        check({"model.n_factors": {"values": [3, 4]}}, "--model.nonsense=5")
    assert str(error.value).startswith("unrecognized arguments: --model.nonsense=5")


def test_values_that_only_together_are_wrong() -> None:
    # Two optimisers' settings: each is one that the unit's own optimiser has.
    name = "model.optimizer.class_path"
    rules = {name: {"values": ["torch.optim.SGD"]}, "model.optimizer.amsgrad": {"value": True}}
    with pytest.raises(UserError, match=r"a\.yaml: fit does not take .*SGD .*amsgrad"):
        check(rules)


def test_a_trial_keeps_its_log_in_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "trials" / "t0007"
    line = trial_options(GRU, ["--model.n_factors=4"], folder, "valid/ic")
    settings = FitSettings(line)
    tree = yaml.safe_load(settings.text())
    assert tree["model"]["n_factors"] == 4
    logger = tree["trainer"]["logger"]
    assert logger["class_path"] == "pytorch_lightning.loggers.CSVLogger"
    place = {name: logger["init_args"][name] for name in ("save_dir", "name", "version")}
    assert place == {"save_dir": str(folder.parent), "name": "", "version": "t0007"}
    before = yaml.safe_load(FitSettings(GRU).text())["trainer"]["callbacks"]
    *others, report = tree["trainer"]["callbacks"]
    assert others == before
    assert report == {
        "class_path": "alpha_lightning.factors.pruning.TrialReport",
        "init_args": {"monitor": "valid/ic"},
    }
