from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.program import RELAXED_FIRST, Limits


def test_the_papers_limits() -> None:
    settings = IndexEnhanced("000300")
    assert settings.limits(first=False) == Limits(0.04, 0.2, 0.5, 0.02)
    assert settings.limits(first=True) == Limits(0.04, None, 0.5, 0.02)
    assert settings.order == RELAXED_FIRST
    assert IndexEnhanced("000905", floor=0.8, active=0.01).limits(first=True) == Limits(
        0.04, None, 0.5, 0.02, 0.8, 0.01
    )


def test_its_name_tells_the_index_and_the_floor() -> None:
    assert IndexEnhanced("000300").title("GRU") == "Enhanced 000300 of GRU"
    title = IndexEnhanced("000905", floor=0.85).title("GRU")
    assert title == "Enhanced 000905 (85 % constituents) of GRU"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tracking_error": -0.01}, "enhanced.tracking_error is -0.01: it must be 0 or more, or"),
        ({"turnover": -0.1}, "enhanced.turnover is -0.1: it must be 0 or more, or null"),
        ({"turnover": float("nan")}, "enhanced.turnover is nan: it must be 0 or more"),
        ({"style": float("inf")}, "enhanced.style is inf"),
        ({"industry": -1.0}, "enhanced.industry is -1.0"),
        ({"active": -1.0}, "enhanced.active is -1.0"),
        ({"floor": 1.2}, "enhanced.floor is 1.2: it must lie between 0 and 1"),
        ({"min_coverage": 2.0}, "enhanced.min_coverage is 2.0"),
        ({"min_benchmark": -0.5}, "enhanced.min_benchmark is -0.5"),
        ({"max_age": 0}, "enhanced.max_age is 0: it must be 1 or more, or null"),
        ({"relax": ["turnover", "moon"]}, "enhanced.relax has 'moon': choose each once from turn"),
        ({"relax": ["floor", "floor"]}, "enhanced.relax names a limit twice"),
    ],
)
def test_settings_out_of_range(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        IndexEnhanced("000300", **changes)
    assert "\n" not in str(raised.value)


def test_limits_without_an_index_are_not_of_no_effect() -> None:
    assert IndexEnhanced().index == ""
    for changes in ({"floor": 0.8}, {"turnover": 0.1}, {"relax": ["floor"]}):
        with pytest.raises(UserError, match=r"enhanced\.index is not given: name an index"):
            IndexEnhanced(**changes)
