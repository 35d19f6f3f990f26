"""Index-enhanced portfolios of a study with made-up numbers, in the layout of a study."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha_lightning.backtest.enhanced_points import PAPER, file_name
from alpha_lightning.backtest.paper_tables import paper_table

DELTAS = (0.1, 0.2, 0.3, 0.5)
LIMITS = {"000300": 0.04, "000905": 0.05, "mine": 0.06}
STYLES = ("size", "beta", "trend", "volatility", "liquidity", "value")
INDUSTRIES = ("bank", "food & drink", "steel", "electronics", "media")
WARNINGS = ("000300: 0.6 % of the index's weight is not in the panel; the rest is renormalised.",)
SLACKS = ("turnover", "tracking_error", "style", "industry", "floor", "active")
Table = Any


class Enhanced:
    """Tables with plausible numbers, drawn from a seed.

    Args:
        indices: held against.
        floors: least weights of constituents.
        scores: the portfolios are made from.
        deltas: turnover limits.
        relaxed: signal dates of each portfolio on which a limit gave way.
        years: first and last.
    """

    def __init__(
        self,
        indices: Any = ("000300", "000905"),
        floors: Any = (0.0, 0.8),
        scores: Any = ("RCTv1",),
        deltas: Any = DELTAS,
        relaxed: int = 2,
        years: Any = (2017, 2022),
    ) -> None:
        self.random = np.random.default_rng(len(indices) + len(scores))
        self.indices, self.floors, self.scores, self.deltas = indices, floors, scores, deltas
        self.relaxed = relaxed
        self.days = pd.bdate_range(f"{years[0]}-01-10", f"{years[1]}-05-27")
        self.years = range(years[0], years[1] + 1)
        self.signals = self.days[4::5]
        self.keys = [(s, i, f) for s in scores for i in indices for f in floors]

    def place(self, key: Any, delta: float) -> dict[str, Any]:
        score, index, floor = key
        return {"score": score, "index": index, "floor": floor, "delta": delta}

    def table(self, key: Any) -> str:
        score, index, floor = key
        own = PAPER.get((index, floor)) if score == self.scores[0] else None
        return own or file_name(index, floor) + ("" if score == self.scores[0] else f"_{score}")

    @property
    def figures(self) -> list[dict[str, Any]]:
        found = []
        for key in self.keys:
            score, index, floor = key
            table = self.table(key)
            number = int(table[3:5]) if table.startswith("fig") else None
            told = {"table": table, "title": f"{index} enhanced by {score}", "number": number}
            found.append(told | {"index": index, "floor": floor, "score": score})
        return found

    @property
    def tables(self) -> dict[str, Table]:
        found = {self.table(key): self.figure() for key in self.keys}
        every = [(key, delta) for key in self.keys for delta in self.deltas]
        shown = [(key, self.shown) for key in self.keys]
        found["enhanced_summary"] = pd.DataFrame([self.summary(k, d) for k, d in every])
        found["enhanced_nav"] = pd.concat([self.nav(k, d) for k, d in shown])
        found["tracking_error"] = pd.concat([self.errors(k, d) for k, d in every])
        found["active_exposures"] = pd.concat([self.exposures(k, d) for k, d in shown])
        columns = ["score", "index", "floor", "delta", "date", "status", "reason"]
        columns += [f"slack_{name}" for name in SLACKS]
        gave = [row for k, d in every for row in self.slacks(k, d)]
        found["relaxations"] = pd.DataFrame(gave, columns=columns)
        found |= risk_numbers(self)
        found["front_page"] = pd.DataFrame([self.place(k, d) for k, d in shown])
        return found

    @property
    def shown(self) -> float:
        return 0.2 if 0.2 in self.deltas else float(self.deltas[0])

    def figure(self) -> Table:
        rows = []
        for delta in self.deltas:
            told: dict[str, float] = {"delta": delta, "avgto": 1.03 * delta}
            told["hedged_annual_pct"] = 10.4 + self.noise()
            told |= {f"hedged_{year}_pct": 9 + 4 * self.noise() for year in self.years}
            told |= {f"absolute_{year}_pct": 12 + 20 * self.noise() for year in self.years}
            told |= {"hedged_volatility_pct": 4.9, "hedged_max_drawdown_pct": -6.2}
            told |= {"absolute_annual_pct": 14.5, "absolute_volatility_pct": 19.0}
            rows.append(told | {"absolute_max_drawdown_pct": -25.3})
        return pd.DataFrame(rows)

    def noise(self) -> float:
        return float(self.random.standard_normal())

    def summary(self, key: Any, delta: float) -> dict[str, Any]:
        told = self.place(key, delta) | {"avgto": 1.03 * delta}
        for side, level, fall in (("absolute", 14.5, -25.3), ("relative", 10.4, -6.2)):
            told |= {
                f"{side}_annual_pct": level,
                f"{side}_volatility_pct": 19.0 if side == "absolute" else 4.9,
                f"{side}_max_drawdown_pct": fall,
            }
        limit = 100 * LIMITS[key[1]]
        told |= {"information_ratio": 2.12, "cost_pct_a_year": 1.6}
        told |= {"gross_relative_annual_pct": 12.2, "te_limit_pct": limit}
        told |= {"ex_ante_te_pct": 0.97 * limit, "ex_post_te_pct": 1.13 * limit}
        told |= {"mean_names": 163.2, "cash_pct": 0.02, "constituents_pct": 84.1}
        told |= {"signals": len(self.signals), "relaxed_dates": self.relaxed, "failed_dates": 0}
        told |= {"held_signals": 0, "covered_benchmark_pct": 99.4, "blocked_buys": 12}
        return told | {"blocked_sells": 3, "largest_violation": 2e-9, "largest_residual": 3e-15}

    def nav(self, key: Any, delta: float) -> Table:
        count = len(self.days)
        market = self.random.normal(0.0003, 0.012, count)
        ahead = self.random.normal(0.0004, 0.003, count)
        values = {"nav": market + ahead, "benchmark_nav": market, "relative_nav": ahead}
        told = {name: np.cumprod(1 + moves) for name, moves in values.items()}
        dates = self.days.strftime("%Y-%m-%d")
        return pd.DataFrame({"date": dates, **self.place(key, delta), **told})

    def errors(self, key: Any, delta: float) -> Table:
        limit, count = 100 * LIMITS[key[1]], len(self.signals)
        post = limit * (1.1 + 0.2 * np.sin(np.arange(count) / 17))
        post[:12] = np.nan
        told = {"ex_ante_te_pct": 0.98 * limit, "ex_post_te_pct": post}
        dates = self.signals.strftime("%Y-%m-%d")
        return pd.DataFrame({**self.place(key, delta), "date": dates, **told})

    def exposures(self, key: Any, delta: float) -> Table:
        parts, dates = [], self.signals.strftime("%Y-%m-%d")
        count = len(dates)
        for factor in (*STYLES, *INDUSTRIES, "market"):
            level = 1.0 if factor == "market" else 0.2
            spread = 0.0 if factor == "market" else 0.3 if factor in STYLES else 0.015
            index = level + 0.3 * spread * np.sin(np.arange(count) / 40)
            held = index + spread * np.sin(np.arange(count) / 9 + len(factor))
            told = {"date": dates, "factor": factor, "portfolio": held, "benchmark": index}
            parts.append(pd.DataFrame({**self.place(key, delta), **told}))
        return pd.concat(parts)

    def slacks(self, key: Any, delta: float) -> list[dict[str, Any]]:
        found = []
        for place in range(self.relaxed):
            told = self.place(key, delta) | {"date": str(self.signals[10 + 7 * place].date())}
            told |= {"status": "relaxed", "reason": "no weights keep all limits"}
            told |= {f"slack_{name}": 0.0 for name in SLACKS}
            told |= {"slack_turnover": 0.113} if place else {"slack_turnover": 0.2}
            found.append(told | ({"slack_tracking_error": 0.0041} if place else {}))
        return found


def risk_numbers(made: Enhanced) -> dict[str, Table]:
    """Tables of the risk model that the portfolios were run with."""
    months = pd.date_range(made.days[0], made.days[-1], freq="ME").strftime("%Y-%m-%d")
    count = len(months)
    fit = 0.3 + 0.1 * np.sin(np.arange(count) / 5)
    told = {"date": months, "r_squared_pct": 100 * fit, "adjusted_r_squared_pct": 99 * fit}
    kinds = dict.fromkeys(STYLES, "style") | dict.fromkeys(INDUSTRIES, "industry")
    kinds["market"] = "market"
    returns = [
        {"factor": name, "kind": kind, "days": 1300, "annual_return_pct": 1.0 + k}
        | {"volatility_pct": 3.1, "t": np.nan if name == "media" else 0.7 + k}
        for k, (name, kind) in enumerate(kinds.items())
    ]
    paths = [
        pd.DataFrame({"date": months, "factor": name, "cumulative_pct": np.linspace(0, k, count)})
        for k, name in enumerate(kinds)
    ]
    names = {"random long-only": "random", "cap-weighted market": "portfolio", "size": "style"}
    names |= {"CSI300 free relative": "enhanced"}
    bias = [
        {"what": what, "kind": kind, "periods": 59, "bias": 1.04 + k / 9}
        | {"low": 0.91 if kind == "random" else np.nan, "high": 1.2 if not k else np.nan}
        | {"forecast_pct": 21.0 / (k + 1), "realised_pct": 22.0 / (k + 1)}
        for k, (what, kind) in enumerate(names.items())
    ]
    years = [
        {"what": what, "year": year, "days": 243, "forecast_pct": 20.0, "realised_pct": 21.5}
        for what in names
        for year in made.years
        if (what, year) != ("size", made.years[0])
    ]
    return {
        "risk_r_squared": pd.DataFrame({**told, "stocks": 3500.0}),
        "risk_factor_returns": pd.DataFrame(returns),
        "risk_factor_paths": pd.concat(paths),
        "risk_bias": pd.DataFrame(bias),
        "risk_volatility": pd.DataFrame(years),
    }


def write_enhanced(study: Path, made: Enhanced, paper: bool = True) -> Path:
    """Write the folder ``enhanced`` of a study."""
    folder = study / "enhanced"
    (folder / "tables").mkdir(parents=True)
    tables = made.tables
    if paper:
        twins = {name: paper_table(name) for name in tables if name.startswith("fig")}
        tables |= {f"paper_{name}": table for name, table in twins.items()}
    for name, table in tables.items():
        table.to_csv(folder / "tables" / f"{name}.csv", index=False)
    about = {
        "kind": "enhanced",
        "scores": list(made.scores),
        "settings": {
            "indices": {index: LIMITS[index] for index in made.indices},
            "floors": list(made.floors),
            "deltas": list(made.deltas),
            "shown": made.shown,
        },
        "period": {"first": f"{made.days[0]:%Y-%m-%d}", "last": f"{made.days[-1]:%Y-%m-%d}"},
        "benchmarks": {
            index: {"name": index, "total_return": index == "mine"} for index in made.indices
        },
        "traded_at": "vwap",
        "risk": {
            "settings": {"kind": "dfq"},
            "factors": [*STYLES, *INDUSTRIES, "market"],
            "kinds": ["style"] * len(STYLES) + ["industry"] * len(INDUSTRIES) + ["market"],
            "dropped": {"soe": "soe is dropped: the panel has no field state_share."},
            "notes": None,
            "warnings": ["soe is dropped: the panel has no field state_share.", "2 thin."],
        },
        "warnings": list(WARNINGS),
        "figures": made.figures,
    }
    (folder / "enhanced.json").write_text(json.dumps(about))
    return folder
