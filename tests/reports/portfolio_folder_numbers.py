"""Portfolios of a study with made-up numbers, in the layout in which a study writes them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.backtest.paper_tables import paper_table

DELTAS = (0.05, 0.08, 0.1, 0.2, 0.3, 0.5, 1.0)
PAPER = {100: "fig16_top100", 300: "fig17_top300"}
WARNINGS = (
    "The table has no limit columns: price limits follow the board's rule.",
    "6.1 % of the wanted purchases were blocked.",
)
Table = Any


class Portfolios:
    """Tables with plausible numbers, drawn from a seed.

    Args:
        names: sizes of the portfolios.
        scores: they are chosen by.
        years: first and last.
    """

    def __init__(
        self, names: Any = (100, 300), scores: Any = ("RCTv1",), years: Any = (2017, 2022)
    ) -> None:
        self.random = np.random.default_rng(len(names) + len(scores))
        self.names, self.scores, self.years = names, scores, years
        self.days = pd.bdate_range(f"{years[0]}-01-10", f"{years[1]}-05-27")

    @property
    def tables(self) -> dict[str, Table]:
        found = {self.table(n, s): self.figure(n) for n in self.names for s in self.scores}
        keys = [(s, n) for s in self.scores for n in self.names]
        found["portfolio_summary"] = pd.DataFrame(
            [self.summary(s, n, d) for s, n in keys for d in DELTAS]
        )
        found["portfolio_nav"] = pd.concat([self.nav(s, n) for s, n in keys])
        found["cost_curve"] = self.curve("cost_multiple", (0, 0.5, 1, 1.5, 2, 3), -3.2)
        found["delay_curve"] = self.curve("delay", (1, 2, 3, 5, 10), -1.1)
        capacity = self.curve("capital", (1e7, 1e8, 3e8, 1e9, 3e9, 1e10), -1e-9)
        capacity["filled_pct"] = 100 - 12 * np.log10(capacity["capital"] / 1e7) ** 1.3
        found["capacity_curve"] = capacity.assign(
            impact=1.0, participation=0.1, impact_pct_a_year=1.0
        )
        return found

    def table(self, names: int, score: str) -> str:
        place = self.names.index(names)
        head = f"fig{16 + place}_top{names}" if place < 2 else f"top{names}"
        return head if score == self.scores[0] else f"{head}_{score}"

    @property
    def figures(self) -> list[dict[str, Any]]:
        return [
            {
                "table": self.table(n, s),
                "title": f"TOP-{n} of {s} under turnover limits",
                "names": n,
                "score": s,
            }
            for n in self.names
            for s in self.scores
        ]

    def figure(self, names: int) -> Table:
        theirs = paper_table(PAPER[100 if names <= 100 else 300])
        years = range(self.years[0], self.years[1] + 1)
        own = theirs[["side", "delta", "avgto"]].copy()
        for kind in ("return", "max_drawdown"):
            own[f"{kind}_annual_pct"] = theirs[f"{kind}_annual_pct"] + self.noise(len(own))
            for place, year in enumerate(years):
                column = f"{kind}_{2017 + place % 6}_pct"
                own[f"{kind}_{year}_pct"] = theirs[column] + self.noise(len(own))
        return own

    def noise(self, count: int) -> Any:
        return self.random.normal(0, 0.8, count)

    def summary(self, score: str, names: int, delta: float) -> dict[str, Any]:
        told = {"score": score, "names": names, "delta": delta, "avgto": 1.08 * delta}
        for side, level, fall in (("absolute", 26.0, -27.4), ("relative", 27.0, -9.6)):
            told |= {
                f"{side}_annual_pct": level - names / 100,
                f"{side}_volatility_pct": 22.5 if side == "absolute" else 6.2,
                f"{side}_max_drawdown_pct": fall,
            }
        return told | {
            "information_ratio": 4.12,
            "cost_pct_a_year": 3.3,
            "gross_relative_annual_pct": 31.2,
            "mean_names": names - 0.1,
            "cash_pct": 0.31,
            "coverage_pct": 98.8,
            "size_percentile": 38.0,
            "liquidity_percentile": 61.0,
            "blocked_buys": 1234,
            "blocked_sells": 56,
            "short": 7,
            "held_signals": 2,
            "largest_residual": 3.2e-15,
        }

    def nav(self, score: str, names: int) -> Table:
        count = len(self.days)
        market = self.random.normal(0.0003, 0.013, count)
        ahead = self.random.normal(0.0009, 0.0035, count)
        values = {"benchmark_nav": market, "nav": market + ahead, "relative_nav": ahead}
        told = {name: np.cumprod(1 + moves) for name, moves in values.items()}
        table = pd.DataFrame({"date": self.days.strftime("%Y-%m-%d"), "score": score})
        return table.assign(names=names, delta=0.2, **told)

    def curve(self, name: str, values: Any, slope: float) -> Table:
        rows = [
            {"score": s, "names": n, "delta": 0.2, name: value}
            | {
                "absolute_annual_pct": 24.0,
                "relative_annual_pct": 26 - n / 100 + slope * value,
            }
            for s in self.scores
            for n in self.names
            for value in values
        ]
        return pd.DataFrame(rows)


def write_portfolios(study: Path, made: Portfolios, paper: bool = True) -> Path:
    """Write the folder ``portfolios`` of a study."""
    folder = study / "portfolios"
    (folder / "tables").mkdir(parents=True)
    tables = made.tables
    if paper:
        tables |= {f"paper_{PAPER[n]}": paper_table(PAPER[n]) for n in made.names if n in PAPER}
    for name, table in tables.items():
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    about = {
        "kind": "portfolios",
        "scores": list(made.scores),
        "settings": {"names": list(made.names), "delta": list(DELTAS), "shown": 0.2},
        "period": {"first": f"{made.days[0]:%Y-%m-%d}", "last": f"{made.days[-1]:%Y-%m-%d}"},
        "benchmark": "equal-weighted universe",
        "warnings": list(WARNINGS),
        "figures": made.figures,
    }
    (folder / "portfolios.json").write_text(json.dumps(about))
    return folder
