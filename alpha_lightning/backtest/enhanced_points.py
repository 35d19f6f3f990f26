"""What an enhanced grid runs: one portfolio for each score, index, floor and turnover limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_settings import EnhancedGrid, LimitSettings
from alpha_lightning.backtest.grid_points import delta_name
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced

INDEX_WORDS = {"000300": "CSI300", "000905": "CSI500"}
"""Indices that the paper calls by a name of their own."""
PAPER = {
    ("000300", 0.0): "fig18_csi300",
    ("000300", 0.8): "fig19_csi300_80",
    ("000905", 0.0): "fig20_csi500",
    ("000905", 0.8): "fig21_csi500_80",
}
"""The paper's figure of an index and a floor."""
PAPER_LIMITS = {"000300": 0.04, "000905": 0.05}
"""The paper's limits of tracking error."""
OTHER_TABLES = (
    *("enhanced_summary", "front_page", "enhanced_nav", "relaxations", "tracking_error"),
    *("active_exposures", "risk_r_squared", "risk_factor_returns", "risk_factor_paths"),
    *("risk_bias", "risk_volatility"),
)
"""Tables of all portfolios together."""


@dataclass(frozen=True)
class EnhancedPoint:
    """One portfolio.

    Args:
        score: what is maximised.
        index: held against.
        tracking_error: limit, a year's.
        floor: least weight of constituents, 0 for none.
        delta: turnover limit.
    """

    score: str
    index: str
    tracking_error: float
    floor: float
    delta: float

    @property
    def folder(self) -> str:
        """Where its result goes, below the grid's folder."""
        return f"{self.score}/{file_name(self.index, self.floor)}_d{delta_name(self.delta)}"

    @property
    def columns(self) -> dict[str, Any]:
        """Its first columns in a table."""
        return {
            "score": self.score,
            "index": self.index,
            "floor": self.floor,
            "delta": self.delta,
        }

    @property
    def words(self) -> str:
        """The portfolio for sentences, without its score and turnover limit."""
        return portfolio_words(self.index, self.floor)

    def policy(self, shared: LimitSettings) -> IndexEnhanced:
        """Its limits, with those that all portfolios have."""
        return shared.of(self.index, self.tracking_error, self.floor, self.delta)


def enhanced_points(settings: EnhancedGrid, scores: Sequence[str]) -> list[EnhancedPoint]:
    """Every score, index, floor and turnover limit, in the order of the tables."""
    return [
        EnhancedPoint(score, index, limit, floor, delta)
        for score in scores
        for index, limit in settings.indices.items()
        for floor in settings.floor_values
        for delta in settings.deltas
    ]


def file_name(index: str, floor: float) -> str:
    """What files of an index and a floor are called.

    Example:
        >>> file_name("000300", 0), file_name("000905", 0.8), file_name("mine", 0.825)
        ('csi300', 'csi500_80', 'mine_82.5')
    """
    return INDEX_WORDS.get(index, index).lower() + (f"_{100 * floor:.10g}" if floor else "")


def portfolio_words(index: str, floor: float) -> str:
    """An index and a floor for sentences.

    Example:
        >>> portfolio_words("000300", 0.8), portfolio_words("mine", 0)
        ('CSI300 80 %', 'mine free')
    """
    held = f"{100 * floor:.10g} %" if floor else "free"
    return f"{INDEX_WORDS.get(index, index)} {held}"


def enhanced_figures(settings: EnhancedGrid, scores: Sequence[str]) -> list[dict[str, Any]]:
    """Which table shows which portfolios: table, title, index, floor, score, number.

    The paper's indices and floors have the paper's figures, by the first score.

    Example:
        >>> [one["table"] for one in enhanced_figures(EnhancedGrid({"000905": 0.05}), ["a", "b"])]
        ['fig20_csi500', 'fig21_csi500_80', 'csi500_b', 'csi500_80_b']
    """
    made = []
    for score in scores:
        for index, limit in settings.indices.items():
            for floor in settings.floor_values:
                own = PAPER.get((index, floor)) if score == scores[0] else None
                plain = file_name(index, floor) + ("" if score == scores[0] else f"_{score}")
                title = (
                    f"{portfolio_words(index, floor)} enhanced by {score} after cost, tracking"
                    f" error {100 * limit:.4g} %, by turnover limit"
                )
                made.append(
                    {
                        "table": own or plain,
                        "title": title,
                        "number": int(own[3:5]) if own else None,
                        "index": index,
                        "floor": floor,
                        "score": score,
                    }
                )
    return made


def refuse_same_files(settings: EnhancedGrid, scores: Sequence[str]) -> None:
    """Check that no portfolio would be written over another.

    Raises:
        UserError: two indices lead to files of one name, as csi300 and 000300 do, or an index to
            the name of another table.
    """
    taken = dict.fromkeys(OTHER_TABLES, "a table of all portfolios")
    for figure in enhanced_figures(settings, scores):
        plain = file_name(figure["index"], figure["floor"])
        own = f"{figure['index']} of {figure['score']}"
        for name in dict.fromkeys((figure["table"], f"{figure['score']}/{plain}")):
            if name in taken:
                msg = f"enhanced.indices: {own} and {taken[name]} would both be called {name}"
                raise UserError(f"{msg}: leave one out")
            taken[name] = own
