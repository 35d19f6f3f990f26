"""Which styles a panel can tell, from what, and what is dropped, in words."""

from dataclasses import dataclass

from alpha_lightning.risk.stock_days import StockDays

PUBLISHED = {
    "value": ("book_equity", "net_profit_ttm"),
    "growth": ("book_equity", "net_profit_ttm", "sales_ttm", "net_assets"),
    "soe": ("state_share",),
    "certainty": ("fund_share", "coverage"),
}
"""Published numbers that a style is told from."""
_NEEDS_CAP = ("size", "cubic_size", "liquidity", "value")
_DESCRIPTORS: dict[str, dict[str, tuple[str, ...]]] = {
    "value": {
        "book value per market value": ("book_equity",),
        "earnings per market value": ("net_profit_ttm",),
    },
    "growth": {
        "change of the return on equity": ("book_equity", "net_profit_ttm"),
        "growth of sales": ("sales_ttm",),
        "growth of net assets": ("net_assets",),
    },
    "soe": {"share of the state": ("state_share",)},
    "certainty": {"share of funds": ("fund_share",), "coverage by analysts": ("coverage",)},
}


@dataclass(frozen=True)
class StyleSources:
    """What is kept.

    Args:
        styles: that can be told, in the order of the factors.
        dropped: by style that was wanted, why it cannot.
        notes: sentences on descriptors that are left out or stood in for.
    """

    styles: tuple[str, ...]
    dropped: dict[str, str]
    notes: tuple[str, ...]


def numbers_of(styles: tuple[str, ...]) -> tuple[str, ...]:
    """Published numbers that styles are told from, each once."""
    wanted = [name for style in styles for name in PUBLISHED.get(style, ())]
    # What is cheap is also what the residual of volatility is told beyond.
    wanted += ["book_equity"] if "volatility" in styles else []
    return tuple(dict.fromkeys(wanted))


def style_sources(days: StockDays, wanted: tuple[str, ...]) -> StyleSources:
    """What a panel can tell of the styles that are wanted.

    Age alone does not tell certainty: panels begin with most of their stocks, of unknown age.
    """
    dropped, notes = {}, _notes_on_caps(days)
    for style in wanted:
        lacking = _lacking(days, style)
        if lacking:
            dropped[style] = f"style {style} is dropped: the panel has {lacking}"
            continue
        notes += [
            f"style {style} is told without {name}: the panel has no {_either(gone, 'and')}"
            for name, fields in _DESCRIPTORS.get(style, {}).items()
            if (gone := [field for field in fields if field not in days.published])
        ]
    if "volatility" in wanted:
        notes += _notes_on_residuals(days)
    if "certainty" in wanted and "certainty" not in dropped and days.cap_field is None:
        notes.append("style certainty is told without coverage by analysts, for want of sizes")
    return StyleSources(tuple(s for s in wanted if s not in dropped), dropped, tuple(notes))


def _lacking(days: StockDays, style: str) -> str:
    if style in _NEEDS_CAP and days.cap_field is None:
        return "neither total_cap nor float_cap in its daily bars: ingest them with one of both"
    descriptors = _DESCRIPTORS.get(style)
    fields = {name: set(need) for name, need in (descriptors or {}).items()}
    if style == "certainty" and days.cap_field is None:
        del fields["coverage by analysts"]
    if descriptors is None or any(need <= set(days.published) for need in fields.values()):
        return ""
    gone = [name for name in PUBLISHED[style] if name not in days.published]
    return f"no published {_either(gone, 'and no')}: ingest fundamentals with such columns"


def _either(names: list[str], word: str) -> str:
    return f" {word} ".join(names)


def _notes_on_caps(days: StockDays) -> list[str]:
    if days.cap_field is None:
        return ["the panel has no market values: every stock weighs the same in the risk model"]
    if days.cap_field == "float_cap":
        return ["the panel has no total_cap: float_cap stands for it in the risk model"]
    return []


def _notes_on_residuals(days: StockDays) -> list[str]:
    if days.cap_field is None:
        return ["style volatility: residuals are beyond the market alone, for want of sizes"]
    if "book_equity" not in days.published:
        return [
            "style volatility: residuals are beyond the market and size, for want of book_equity"
        ]
    return []
