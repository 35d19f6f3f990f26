import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors import networks
from alpha_lightning.factors.card import write_card
from alpha_lightning.factors.unit import FactorUnit

UNITS = Path(__file__).parents[2] / "configs" / "units"


class LastDays(nn.Module):
    """A user's own network: a linear map of the last days."""

    def __init__(self, n_features: int, days: int = 3) -> None:
        super().__init__()
        self.days = days
        self.map = nn.Linear(days * n_features, 4)

    def forward(self, windows: Tensor) -> Tensor:
        """Factors ``(B, 4)``."""
        factors: Tensor = self.map(windows[:, -self.days :].flatten(1))
        return factors


class WholeWindow(nn.Module):
    """Gives windows instead of factors, or fails."""

    def __init__(self, what: str = "windows") -> None:
        super().__init__()
        self.what = what

    def forward(self, windows: Tensor) -> Any:
        """Something else than factors."""
        if self.what == "fails":
            msg = "shapes\ndo not fit"
            raise RuntimeError(msg)
        return {"windows": windows, "text": "factors", "detached": windows[:, 0].detach()}[
            self.what
        ]


def shipped(unit: str) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((UNITS / f"{unit}.yaml").read_text())
    return config


def own(name: str, **settings: Any) -> dict[str, Any]:
    network = {"class_path": f"{__name__}.{name}", "init_args": settings}
    return {"model": {"network": network, "n_factors": 5}, "data": {"sample": {"window": 8}}}


def card(panel: Path, config: dict[str, Any], out: Path) -> dict[str, Any]:
    path = write_card(str(panel), config, ["rawbar"], str(out / "card.json"))
    told: dict[str, Any] = json.loads(path.read_text())
    return told


@pytest.mark.parametrize("unit", ["gru", "agru", "lstm", "restcn", "transformer"])
def test_parameters_are_those_of_the_unit_and_every_day_reaches_the_output(
    unit: str, panel_path: Path, tmp_path: Path
) -> None:
    config = shipped(unit)
    told = card(panel_path, config, tmp_path)
    settings = config["model"]["network"]["init_args"]
    kind = getattr(networks, told["type"])
    twin = FactorUnit(kind(n_features=6, window=30, **settings), n_factors=30)
    count = sum(weight.numel() for weight in twin.parameters())
    assert told["datasets"] == [
        {"name": "rawbar", "features": 6, "parameters": count, "trainable": count}
    ]
    reach = told["receptive_field"]
    assert (reach["steps"], reach["first_step"], len(reach["by_step"])) == (30, 0, 30)
    assert reach["theoretical"] == (61 if unit == "restcn" else None)
    tops = [layer for layer in told["layers"] if layer["depth"] == 0]
    assert [layer["name"] for layer in tops] == ["network", "head"]
    assert sum(layer["parameters"]["rawbar"] for layer in tops) == count
    assert tops[1]["output"] == "B × 30"
    assert told["reference"]
    assert told["summary"].endswith(".")


def test_shapes_kernels_and_dilations_of_the_restcn_are_told_in_days(
    panel_path: Path, tmp_path: Path
) -> None:
    told = card(panel_path, shipped("restcn"), tmp_path)
    by_name = {layer["name"]: layer for layer in told["layers"]}
    for level in range(4):
        settings = by_name[f"tcn.blocks.{level}.first"]["settings"]
        assert (settings["kernel"], settings["dilation"]) == (3, 2**level)
        assert settings["weight_norm"] is True
    assert by_name["residual.0"]["output"] == "B × 30 × 64"
    assert by_name["residual.0.layers.0"]["type"] == "CausalConvolution"
    assert by_name["tcn"]["output"] is None
    assert told["paper"]["figures"] == [2, 3]
    assert "only the last time step" in told["paper"]["fixed"]


def test_a_network_of_the_user_s_own_is_measured_as_it_is(panel_path: Path, tmp_path: Path) -> None:
    told = card(panel_path, own("LastDays", days=3), tmp_path)
    assert told["type"] == "LastDays"
    assert told["summary"] == "A user's own network: a linear map of the last days."
    assert told["paper"] == {"figures": [], "fixed": ""}
    assert told["datasets"][0]["parameters"] == 4 * (3 * 6 + 1)
    reach = told["receptive_field"]
    # Five of eight days reach nothing, and the card says so.
    assert (reach["window"], reach["steps"], reach["first_step"]) == (8, 3, 5)
    assert [size > 0 for size in reach["by_step"]] == [False] * 5 + [True] * 3
    # It says no width, so no head follows and what it gives out are the factors.
    assert [layer["name"] for layer in told["layers"]] == ["network", "map"]


def test_random_numbers_are_left_where_they_are(panel_path: Path, tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = card(panel_path, shipped("transformer"), tmp_path)
    assert torch.equal(torch.rand(3), expected)
    assert card(panel_path, shipped("transformer"), tmp_path) == first


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "model.network.class_path is missing"),
        ({"model": {"network": {"init_args": {}}}}, "model.network.class_path is missing"),
        ({"model": {"network": "nowhere.Net"}}, "nowhere.Net cannot be built"),
        ({"model": {"network": "GRU"}}, "GRU cannot be built"),
        (own("LastDays", weeks=3), "cannot be built .*weeks"),
        (own("LastDays", days=9), "fails on windows"),
        (own("WholeWindow"), r"maps windows \(17, 8, 6\) to \(17, 8, 6\): it must give"),
        (own("WholeWindow", what="text"), "to str: it must give"),
        (own("WholeWindow", what="fails"), "RuntimeError: shapes do not fit"),
        (own("WholeWindow", what="detached"), "do not depend on its windows by a gradient"),
    ],
)
def test_what_is_no_network_of_windows_is_said(
    config: dict[str, Any], words: str, panel_path: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        card(panel_path, config, tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_the_network_refuses_is_its_own_message(
    panel_path: Path, tmp_path: Path
) -> None:
    config = shipped("restcn")
    config["model"]["network"]["init_args"]["levels"] = 2
    with pytest.raises(UserError, match="sees 13 days of a window of 30"):
        card(panel_path, config, tmp_path)


def test_data_sets_must_be_in_the_panel(panel_path: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "card.json")
    with pytest.raises(UserError, match="no data set"):
        write_card(str(panel_path), shipped("gru"), ["nothing"], out)
    with pytest.raises(UserError, match="name one that the unit is trained on"):
        write_card(str(panel_path), shipped("gru"), [], out)
