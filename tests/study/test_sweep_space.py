"""The space of a sweep: what is drawn, how it is spelt, and back."""

import math
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.sweep_space import Parameter, grid, read_space, spelt


def parameter(**rule: Any) -> Parameter:
    return read_space({"x": rule}, "a.yaml")[0]


@pytest.mark.parametrize(
    ("rule", "distribution"),
    [
        ({"min": 1, "max": 4}, IntDistribution(1, 4)),
        ({"min": 1, "max": 4.0}, FloatDistribution(1, 4)),
        ({"distribution": "uniform", "min": 1, "max": 4}, FloatDistribution(1, 4)),
        ({"distribution": "int_uniform", "min": 1, "max": 4}, IntDistribution(1, 4)),
        (
            {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
            FloatDistribution(1e-4, 1e-2, log=True),
        ),
        (
            {"distribution": "q_uniform", "min": 8, "max": 64, "q": 8},
            IntDistribution(8, 64, step=8),
        ),
        (
            {"distribution": "q_uniform", "min": 0.0, "max": 0.5, "q": 0.25},
            FloatDistribution(0, 0.5, step=0.25),
        ),
    ],
)
def test_the_distributions_are_those_of_the_optuna_scheduler_of_wandb(
    rule: dict[str, Any], distribution: Any
) -> None:
    # Its module cannot be imported without its own extra everywhere; where it can, it is the judge.
    assert parameter(**rule).distribution == distribution
    scheduler = pytest.importorskip("wandb.sdk.sweeps.scheduler.optuna")
    assert scheduler.sweep_parameter_to_distribution(rule) == distribution


def test_choices_are_kept_as_they_are_spelt() -> None:
    found = parameter(values=[32, 1e-05, None, True, "stack", [1, 2], {"a": None}])
    texts = ("32", "1e-05", "null", "true", "stack", "[1, 2]", '{"a": null}')
    assert found.choices == texts == tuple(found.examples())
    assert found.distribution == CategoricalDistribution(texts)
    assert [found.spell(text) for text in texts] == list(texts)
    assert found.drawn(32) == "32"
    assert found.drawn(None) == "null"
    assert found.drawn("stack") == "stack"
    assert found.drawn(33) is None
    assert not found.constant
    assert parameter(value=3).constant
    assert parameter(distribution="constant", value=3).choices == ("3",)


@pytest.mark.parametrize(
    ("rule", "drawn", "text"),
    [
        ({"min": 1, "max": 4}, 3, "3"),
        ({"min": 0.0, "max": 4}, 0.1, "0.1"),
        ({"distribution": "log_uniform_values", "min": 1e-9, "max": 1}, 1e-05, "1e-05"),
        ({"distribution": "inv_log_uniform_values", "min": 0.1, "max": 1}, 0.5, "0.5"),
        ({"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.1}, 0.1 + 0.2, "0.3"),
        ({"distribution": "q_log_uniform_values", "min": 8, "max": 256, "q": 8}, 17.3, "16"),
        ({"distribution": "q_log_uniform_values", "min": 0.1, "max": 9, "q": 0.5}, 1.3, "1.5"),
        ({"distribution": "normal", "mu": 2, "sigma": 3}, 0.5, "2.0"),
        ({"distribution": "q_normal", "mu": 20, "sigma": 3, "q": 4}, 0.5, "20"),
        ({"distribution": "log_normal", "mu": 0, "sigma": 3}, 0.5, "1.0"),
    ],
)
def test_numbers_are_spelt_as_fit_reads_them(rule: dict[str, Any], drawn: Any, text: str) -> None:
    assert parameter(**rule).spell(drawn) == text


def test_exponents_and_quantiles_in_closed_form() -> None:
    exponents = parameter(distribution="log_uniform", min=-2, max=1)
    assert exponents.distribution == FloatDistribution(math.exp(-2), math.e, log=True)
    normal = parameter(distribution="normal", mu=5.0, sigma=2.0)
    # 97.5 % of a normal distribution lie below its mean and 1.96 standard deviations.
    assert float(normal.spell(0.975)) == pytest.approx(5 + 2 * 1.959964, rel=1e-6)
    logarithm = parameter(distribution="log_normal", mu=0.0, sigma=1.0)
    assert float(logarithm.spell(0.975)) == pytest.approx(math.exp(1.959964), rel=1e-6)


@pytest.mark.parametrize(
    "rule",
    [
        {"min": 1, "max": 9},
        {"min": 0.5, "max": 9.5},
        {"distribution": "q_uniform", "min": 1, "max": 9, "q": 0.5},
        {"distribution": "q_uniform", "min": 1, "max": 9, "q": 2},
        {"distribution": "log_uniform_values", "min": 0.5, "max": 64},
        {"distribution": "q_log_uniform_values", "min": 1, "max": 64},
        {"distribution": "log_uniform", "min": -1, "max": 4},
        {"distribution": "normal", "mu": 4, "sigma": 2},
        {"distribution": "log_normal", "mu": 1, "sigma": 1},
    ],
)
def test_the_units_own_value_is_found_again(rule: dict[str, Any]) -> None:
    found = parameter(**rule)
    assert float(found.spell(found.drawn(4))) == pytest.approx(4)
    assert found.drawn(1e6) is None
    assert found.drawn(-9.0) is None
    assert found.drawn("4") is None
    assert found.drawn(True) is None


def test_a_value_between_the_steps_is_not_in_the_space() -> None:
    assert parameter(distribution="q_uniform", min=0, max=10, q=5).drawn(4) is None
    assert parameter(min=0, max=10).drawn(4.5) is None


def test_the_steps_are_multiples_of_q_wherever_min_lies() -> None:
    found = parameter(distribution="q_uniform", min=3, max=21, q=8)
    assert found.cells() == [8, 16]
    assert found.examples() == ["8", "16"]


def test_a_grid_has_every_combination_once() -> None:
    rules: dict[str, Any] = {
        "a": {"values": [1, 2]},
        "b": {"value": "fixed"},
        "c": {"min": 3, "max": 5},
        "d": {"distribution": "q_uniform", "min": 0.0, "max": 0.2, "q": 0.1},
    }
    cells = list(grid(read_space(rules, "a.yaml")))
    assert len(cells) == 2 * 3 * 3
    assert cells[:4] == [
        {"a": "1", "c": 3, "d": 0.0},
        {"a": "1", "c": 3, "d": 0.1},
        {"a": "1", "c": 3, "d": 0.2},
        {"a": "1", "c": 4, "d": 0.0},
    ]
    with pytest.raises(UserError, match=r"parameters\.x: a grid needs values"):
        list(grid([parameter(min=0.0, max=1.0)]))


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "needs value, values, min and max, or a distribution"),
        ({"min": 1}, "needs value, values, min and max, or a distribution"),
        ({"values": []}, "values is []: it should be a list"),
        ({"values": 3}, "values is 3: it should be a list"),
        ({"values": [1, 1]}, "names a value twice: 1, 1"),
        ({"distribution": "beta", "a": 1, "b": 1}, "distribution 'beta' is not supported"),
        ({"distribution": "uniform", "min": 0}, "distribution uniform lacks max"),
        ({"values": [1], "probabilities": [1]}, "categorical does not know probabilities"),
        ({"min": 2, "max": 1}, "min is 2 and max 1: min must be below max"),
        ({"min": "a", "max": 1}, "min is 'a': it should be a number"),
        ({"min": math.nan, "max": 1}, "min is nan: it should be a number"),
        ({"distribution": "int_uniform", "min": 0.5, "max": 2}, "int_uniform needs whole numbers"),
        (
            {"distribution": "log_uniform_values", "min": 0, "max": 2},
            "min must be below max and both above 0",
        ),
        ({"distribution": "q_uniform", "min": 0, "max": 2, "q": 0}, "q is 0: it must be above 0"),
        ({"distribution": "normal", "sigma": 0}, "sigma is 0: it must be above 0"),
    ],
)
def test_rules_that_make_no_sense(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        parameter(**rule)
    assert str(error.value).startswith("a.yaml: parameters.x")
    assert message in str(error.value)


def test_floats_survive_the_way_through_text() -> None:
    assert float(spelt(0.1 + 0.2)) == 0.1 + 0.2
