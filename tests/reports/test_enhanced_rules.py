from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.reports.enhanced_folder import EnhancedFolder, read_enhanced
from alpha_lightning.reports.enhanced_rules import benchmark_words, enhanced_rules, shared_limits
from tests.reports.enhanced_folder_numbers import Enhanced, write_enhanced


@pytest.fixture
def folder(tmp_path: Path) -> EnhancedFolder:
    made = Enhanced(indices=("000300", "mine"), years=(2022, 2022))
    found = read_enhanced(write_enhanced(tmp_path, made))
    assert found is not None
    return found


def told(folder: EnhancedFolder, **settings: Any) -> str:
    about = {**folder.about, "settings": {**folder.settings, **settings}}
    return " ".join(enhanced_rules(replace(folder, about=about)))


def test_limits_are_told_by_their_settings(folder: EnhancedFolder) -> None:
    words = told(folder)
    assert "tracking error a year, ex ante: 4 % for CSI300, 6 % for mine;" in words
    assert "each style within 0.5 standard deviations; each industry's weight within 2 %" in words
    assert "where 80 % is named, at least so much in constituents" in words
    assert "give way in this order, as little as can be: turnover, tracking error, style" in words
    assert "what cannot be bought stays cash until the next signal" in words
    assert "each stock's weight" not in words
    policy: dict[str, Any] = {"style": None, "industry": None, "active": 0.01, "relax": []}
    words = told(folder, policy=policy, floors=[0.0], signals={"every": 2})
    assert "each stock's weight within 1 %" in words
    assert "No limit gives way" in words
    assert "(weekly, one in 2)" in words
    for absent in ("each style", "industry", "constituents"):
        assert absent not in words


def test_settings_of_a_policy_need_no_index(folder: EnhancedFolder) -> None:
    assert shared_limits({})["style"] == 0.5
    assert shared_limits({"policy": {"style": 0.3}})["style"] == 0.3
    assert "within 0.3 standard deviations" in told(folder, policy={"style": 0.3})


def test_price_index_and_total_return_are_told_apart(folder: EnhancedFolder) -> None:
    words = benchmark_words(folder)
    assert "published level of CSI300, a price index; dividends that the portfolio" in words
    assert "total return of mine, rebuilt from its weights" in words
    bare = {name: value for name, value in folder.about.items() if name != "benchmarks"}
    assert "level of the index" in benchmark_words(replace(folder, about=bare))
    bare["settings"] = {"total_return": True}
    assert "total return of the index" in benchmark_words(replace(folder, about=bare))
