from pathlib import Path
from typing import Any

import pytest
import torch

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.checkpoint import (
    PROVENANCE,
    read_checkpoint,
    refuse_other_data,
    refuse_other_settings,
    refuse_other_weights,
)

DATA = {
    "dataset": "rawbar",
    "proxy": False,
    "features": ["open", "close"],
    "switched_off": [],
    "window": 30,
    "cross_section": True,
    "universe": "all",
    "vintage": 2021,
    "scheme": "oos_lagged",
    "panel_fingerprint": "a",
}
UNIT = {"network": {"class_path": "GRU", "init_args": {"hidden": 8}}, "n_factors": 4}


def test_read(tmp_path: Path) -> None:
    file = tmp_path / "unit.ckpt"
    torch.save({"state_dict": {"w": torch.ones(2)}, PROVENANCE: DATA}, file)
    checkpoint = read_checkpoint(file)
    assert checkpoint["state_dict"]["w"].equal(torch.ones(2))
    assert checkpoint[PROVENANCE] == DATA


class Harmful:
    """Unpickled, it runs a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (eval, ("1 / 0",))


def test_nothing_is_executed(tmp_path: Path) -> None:
    file = tmp_path / "harmful.ckpt"
    torch.save({"state_dict": {}, "x": Harmful()}, file)
    with pytest.raises(UserError, match=r"harmful\.ckpt is damaged .*plain values only"):
        read_checkpoint(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist: check --ckpt_path"),
        (b"", r"is damaged or not a checkpoint \(\w+"),
        (b"noise", r"is damaged or not a checkpoint \(\w+"),
    ],
)
def test_unreadable(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "bad.ckpt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_checkpoint(file)
    with pytest.raises(UserError, match="is damaged or not a checkpoint"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [torch.zeros(2), {"model": 1}])
def test_something_else(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "else.ckpt"
    torch.save(content, file)
    with pytest.raises(UserError, match=r"else\.ckpt is not a checkpoint of a factor unit"):
        read_checkpoint(file)


def test_same_settings_pass_whatever_else_either_side_knows() -> None:
    refuse_other_settings(UNIT, UNIT)
    refuse_other_settings({}, UNIT)
    refuse_other_settings({**UNIT, "_instantiator": "cli"}, {**UNIT, "loss": {"weight": 1.0}})
    refuse_other_settings(
        {"optimizer": {"betas": [0.9, 0.99]}}, {"optimizer": {"betas": (0.9, 0.99)}}
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"n_factors": 5}, "model.n_factors = 4, the configuration asks for 5"),
        ({"network": {"class_path": "LSTM"}}, "model.network.class_path = GRU, .* for LSTM"),
        ({"network": {"init_args": {"hidden": 9}}}, "model.network.init_args.hidden = 8, .* 9"),
        ({"n_factors": None}, "for None"),
    ],
)
def test_other_settings(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"{message}: use the config.yaml beside"):
        refuse_other_settings(UNIT, asked)


@pytest.mark.parametrize("key", sorted(DATA.keys() - {"panel_fingerprint"}))
def test_other_data(key: str) -> None:
    refuse_other_data(DATA, dict(DATA))
    with pytest.raises(UserError, match=f"trained with {key} .*, this run has another"):
        refuse_other_data(DATA, {**DATA, key: "another"})


def test_the_panel_may_have_grown() -> None:
    refuse_other_data(DATA, {**DATA, "panel_fingerprint": "b"})


def test_provenance_of_before_is_no_excuse() -> None:
    older = {key: value for key, value in DATA.items() if key != "vintage"}
    with pytest.raises(UserError, match="trained with vintage None, this run has 2021"):
        refuse_other_data(older, DATA)


def test_other_weights() -> None:
    own = {"a": torch.zeros(2), "b": torch.zeros(3, 4)}
    refuse_other_weights({"b": torch.ones(3, 4), "a": torch.ones(2)}, own)
    with pytest.raises(UserError, match=r"checkpoint's b is \(4, 3\), the unit's is \(3, 4\)"):
        refuse_other_weights({**own, "b": torch.zeros(4, 3)}, own)
    with pytest.raises(UserError, match=r"checkpoint's a is absent, the unit's is \(2,\): it is a"):
        refuse_other_weights({"b": own["b"]}, own)
    with pytest.raises(UserError, match=r"checkpoint's c is \(1,\), the unit's is absent"):
        refuse_other_weights({**own, "c": torch.zeros(1)}, own)
