"""Names of scores are read back as they were given."""

import pytest

from alpha_lightning.weighting.subsets import subset_name
from alpha_lightning.weighting.variants import (
    EQUAL,
    IN_SAMPLE,
    LINEAR,
    integrated_name,
    model_of,
    run_name,
    variant_name,
    variant_of,
)


@pytest.mark.parametrize("model", ["gru", "RNNv0", "gru on rawbar+mschars", "lab/s2x", "a/s1/b"])
@pytest.mark.parametrize("seed", [0, 7, 12])
def test_the_model_of_a_run_is_read_off_its_name(model: str, seed: int) -> None:
    assert run_name(model, seed) == f"{model}/s{seed}"
    assert model_of(run_name(model, seed)) == model


@pytest.mark.parametrize("name", ["gru", "gru/seed", "gru/s", "s0", "gru/s0, linear weighting"])
def test_a_name_that_is_no_run_is_its_own_model(name: str) -> None:
    assert model_of(name) == name


def test_the_texts_are_those_that_tables_show() -> None:
    assert (LINEAR, EQUAL, IN_SAMPLE) == (
        "linear weighting",
        "equal weighting",
        "in-sample stacking",
    )


@pytest.mark.parametrize("variant", [LINEAR, EQUAL, IN_SAMPLE])
@pytest.mark.parametrize("model", ["gru", "gru/s3", "a, b"])
def test_a_variant_is_read_off_its_name(model: str, variant: str) -> None:
    assert variant_name(model, variant) == f"{model}, {variant}"
    assert variant_of(variant_name(model, variant)) == (model, variant)


@pytest.mark.parametrize("name", ["gru", LINEAR, "gru on rawbar, mean of factors"])
def test_other_names_are_no_variant(name: str) -> None:
    assert variant_of(name) == (name, "")
    assert variant_of(subset_name("gru", ["rawbar"])) == ("gru on rawbar", "")


def test_an_integration_is_named_by_its_group() -> None:
    assert integrated_name("RNN", "v0") == "RNNv0"
    assert integrated_name("RNN", "opt") == "RNNopt"
    assert integrated_name("", "v1") == "v1"
