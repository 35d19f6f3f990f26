"""Simulated markets that several tests look at."""

from pathlib import Path

import pytest

from alpha_lightning.simulation.market import Market, MarketDay
from alpha_lightning.simulation.settings import ListingSettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate

LIVELY = MarketSettings(
    stocks=60,
    days=260,
    listings=ListingSettings(
        initial_share=0.6,
        listing_wait=150,
        delisting=0.3,
        suspension=0.01,
        long_share=0.4,
        splits=1.0,
        dividends=1.5,
        industry_changes=0.3,
    ),
)
"""A market in which everything that can happen to a stock happens often."""


@pytest.fixture(scope="session")
def lively() -> Market:
    return Market(LIVELY, seed=3)


@pytest.fixture(scope="session")
def lively_days(lively: Market) -> list[MarketDay]:
    return list(lively)


@pytest.fixture(scope="session")
def lively_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(str(tmp_path_factory.mktemp("vendor") / "lively"), LIVELY, seed=3)
