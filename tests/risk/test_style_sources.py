from pathlib import Path

import pytest

from alpha_lightning.risk.settings import STYLES
from alpha_lightning.risk.stock_days import StockDays
from alpha_lightning.risk.style_sources import StyleSources, numbers_of, style_sources
from tests.risk.styles_market import CAPS, NUMBERS, style_market

MARKET = style_market(rows=3)


def sources(folder: Path, *without: str) -> StyleSources:
    panel = MARKET.without(*without).write(folder)
    return style_sources(StockDays(panel, numbers_of(STYLES)), STYLES)


def test_a_whole_panel_lacks_nothing(tmp_path: Path) -> None:
    assert sources(tmp_path) == StyleSources(STYLES, {}, ())
    assert set(numbers_of(STYLES)) == set(NUMBERS)


@pytest.mark.parametrize(
    ("without", "dropped"),
    [
        (CAPS, {"size", "cubic_size", "liquidity", "value"}),
        (("total_cap",), set()),
        (("float_cap",), set()),
        (("book_equity",), set()),
        (("book_equity", "net_profit_ttm"), {"value"}),
        (("net_profit_ttm", "sales_ttm"), set()),
        (("net_profit_ttm", "sales_ttm", "net_assets"), {"growth"}),
        (("state_share",), {"soe"}),
        (("fund_share",), set()),
        (("fund_share", "coverage"), {"certainty"}),
        ((*CAPS, "fund_share"), {"size", "cubic_size", "liquidity", "value", "certainty"}),
    ],
)
def test_a_style_without_any_descriptor_is_dropped(
    without: tuple[str, ...], dropped: set[str], tmp_path: Path
) -> None:
    made = sources(tmp_path, *without)
    assert set(made.dropped) == dropped
    assert made.styles == tuple(style for style in STYLES if style not in dropped)


def test_what_is_lacking_is_named(tmp_path: Path) -> None:
    made = sources(tmp_path, "book_equity", "fund_share", "state_share", "total_cap")
    assert made.dropped == {
        "soe": (
            "style soe is dropped: the panel has no published state_share: ingest fundamentals"
            " with such columns"
        )
    }
    assert made.notes == (
        "the panel has no total_cap: float_cap stands for it in the risk model",
        "style value is told without book value per market value: the panel has no book_equity",
        "style growth is told without change of the return on equity: the panel has no book_equity",
        "style certainty is told without share of funds: the panel has no fund_share",
        "style volatility: residuals are beyond the market and size, for want of book_equity",
    )


def test_certainty_without_sizes_is_that_of_funds_and_age(tmp_path: Path) -> None:
    made = sources(tmp_path, *CAPS)
    assert "certainty" in made.styles
    assert "style certainty is told without coverage by analysts, for want of sizes" in made.notes


def test_volatility_asks_for_book_equity_too() -> None:
    assert numbers_of(("volatility",)) == ("book_equity",)
    assert numbers_of(("size", "beta")) == ()
