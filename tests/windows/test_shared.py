import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from alpha_lightning.windows import dataset, shared
from alpha_lightning.windows.sample import SampleRule, take_sample
from alpha_lightning.windows.shared import forget, held_bytes, shared_rows, shared_source

CPU = torch.device("cpu")
RULE = SampleRule()


@pytest.fixture(autouse=True)
def _afresh() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The rules for which labels were computed."""
    asked: list[object] = []

    def counted(panel: Any, rule: SampleRule) -> Any:
        asked.append(rule)
        return take_sample(panel, rule)

    monkeypatch.setattr(dataset, "take_sample", counted)
    return asked


def test_the_same_panel_is_opened_once(own_path: Path, labelled: list[object]) -> None:
    first, second = (shared_source(own_path, "rawbar", RULE) for _ in range(2))
    assert first.sample is second.sample
    assert len(labelled) == 1
    first.switched_on[0] = 0
    assert second.switched_on.tolist() == [1] * 6, "a vintage's own"
    assert shared_source(own_path, "rawbar", RULE).switched_on.tolist() == [1] * 6


@pytest.mark.parametrize("change", ["rule", "scaling", "path", "content", "members"])
def test_another_panel_is_opened(
    own_path: Path, small_path: Path, labelled: list[object], change: str
) -> None:
    first = shared_source(own_path, "rawbar", RULE)
    path, rule, cross_section = own_path, RULE, True
    description = own_path / "panel.json"
    if change == "rule":
        rule = SampleRule(horizon=5)
    elif change == "scaling":
        cross_section = False
    elif change == "path":
        path = small_path
    elif change == "content":
        old = first.panel.fingerprint
        description.write_text(description.read_text().replace(old, "0" * len(old)))
    else:
        # Whoever writes members writes the description again, with the same content perhaps.
        os.utime(description, ns=(1, 1))
    second = shared_source(path, "rawbar", rule, cross_section=cross_section)
    assert second.sample is not first.sample
    assert len(labelled) == 2
    again = shared_source(own_path, "rawbar", RULE)
    assert again.sample is not first.sample, "one is kept"


def test_rows_are_loaded_once_and_serve_what_lies_in_them(own_path: Path) -> None:
    source = shared_source(own_path, "rawbar", RULE)
    wide = shared_rows(source, range(5, 70), CPU)
    other = shared_source(own_path, "rawbar", RULE)
    assert shared_rows(other, range(5, 70), CPU) is wide
    assert shared_rows(other, range(20, 60), CPU) is wide
    assert held_bytes(CPU) == wide.nbytes
    assert held_bytes(torch.device("meta")) == 0
    wider = shared_rows(other, range(4, 70), CPU)
    assert wider.rows == range(4, 70)
    assert shared_rows(other, range(5, 71), CPU).rows == range(5, 71)
    assert len(shared._rows) == 1, "one is kept"


def test_rows_of_another_panel_are_its_own(own_path: Path) -> None:
    source = shared_source(own_path, "rawbar", RULE)
    rows = shared_rows(source, range(70), CPU)
    unscaled = shared_source(own_path, "rawbar", RULE, cross_section=False)
    assert held_bytes(CPU) == 0, "given back before there is need for more"
    other = shared_rows(unscaled, range(70), CPU)
    assert other is not rows
    assert other.statistics is None
