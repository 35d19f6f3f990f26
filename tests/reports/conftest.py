"""A small evaluated study of a simulated market, through the real chain."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import yaml
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.evaluation.evaluate import evaluate
from alpha_lightning.evaluation.paper_figures import paper_table
from alpha_lightning.factors.card import write_card
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.simulation.settings import IntradaySettings, MarketSettings
from alpha_lightning.simulation.simulate import simulate
from tests.reports.enhanced_folder_numbers import Enhanced, write_enhanced
from tests.reports.portfolio_folder_numbers import Portfolios, write_portfolios

_DAILY_ONLY = IntradaySettings(minute=False, trades=False)
Array = NDArray[Any]
NAME = "<b>gru</b> $x_1$ & co"


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a simulated market and its panel."""
    root = tmp_path_factory.mktemp("study")
    market = MarketSettings(stocks=40, start="2021-06-01", days=330, intraday=_DAILY_ONLY)
    simulate(str(root / "vendor"), market)
    # A vendor who does not tell of special treatment.
    daily = pl.read_parquet(root / "vendor" / "daily.parquet").drop("st")
    daily.write_parquet(root / "daily.parquet")
    ingest(str(root / "panel"), daily=str(root / "daily.parquet"))
    return root


def written_score(root: Path, name: str, values: Array, **about: Any) -> str:
    panel = Panel.open(root / "panel")
    date, symbol = np.nonzero(np.isfinite(values))
    about = {"kind": "score", "name": name, "panel_fingerprint": panel.fingerprint} | about
    rows = values[date, symbol, None].astype(np.float32)
    file = root / f"{len(list(root.glob('*.parquet')))}.parquet"
    keys = panel.dates[date], panel.symbols[symbol]
    write_dated_table(file, DatedTable(*keys, rows, ("score",), about))
    return str(file)


def reversal_of(root: Path, noise: float, seed: int = 0) -> Array:
    panel = Panel.open(root / "panel")
    close = panel.adjusted("close")
    values = np.full(close.shape, np.nan)
    values[5:] = 1 - close[5:] / close[:-5]
    return values + np.random.default_rng(seed).normal(0, noise, close.shape)


@pytest.fixture(scope="session")
def finished_study(root: Path) -> Path:
    about: dict[str, Any] = {"units": ["gru"], "seeds": [0, 1]}
    files = [
        written_score(root, "reversal", reversal_of(root, 0), scheme="baseline", **about),
        written_score(root, NAME, reversal_of(root, 0.02), scheme="oos_lagged", **about),
    ]
    study = root / "study"
    evaluate(str(root / "panel"), files, str(study / "evaluation"), since=["2022-01-01"])
    (study / "study.yaml").write_text("name: Small <study>\nseeds: [0, 1]\n")
    (study / "timings.csv").write_text("task,seconds\nfit <gru>/rawbar,12.34\n")
    return study


@pytest.fixture(scope="session")
def finished_study_of_data_sets(root: Path) -> Path:
    """Two data sets, one of them a proxy; an ensemble, a model, their parts, and the oracle."""
    shown, also = [], []
    for name, units in (("gru", ["gru"]), ("v1", ["gru", "lstm"])):
        about: dict[str, Any] = {"units": units, "scheme": "oos_lagged", "proxies": ["l2chars"]}
        values = reversal_of(root, 0.01, len(units))
        shown.append(written_score(root, name, values, datasets=["l2chars", "rawbar"], **about))
        for k, dataset in enumerate(("rawbar", "l2chars")):
            part = reversal_of(root, 0.03, 10 + k)
            also.append(
                written_score(root, f"{name} on {dataset}", part, datasets=[dataset], **about)
            )
    unit = {"units": ["gru"], "datasets": ["rawbar"], "weighting": "mean"}
    mean = "gru on rawbar, mean of factors"
    also.append(written_score(root, mean, reversal_of(root, 0.05, 20), **unit))
    study = root / "data sets"
    oracle = str(root / "vendor" / "oracle.parquet")
    evaluate(str(root / "panel"), shown, str(study / "evaluation"), also=also, oracle=oracle)
    (study / "study.yaml").write_text("name: data sets\n")
    return study


@pytest.fixture
def study(finished_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_study, tmp_path / "study"))


@pytest.fixture
def study_of_data_sets(finished_study_of_data_sets: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_study_of_data_sets, tmp_path / "study"))


MODELS = ("gru", "agru", "lstm", "restcn", "transformer")
INTEGRATIONS = {
    name: MODELS[: 3 if "RNN" in name else 5] for name in ("RNNv0", "RNNv1", "RCTv0", "RCTv1")
}
BASELINES = ("reversal", "summary")
ALL = (*MODELS, *INTEGRATIONS, *BASELINES)
HORIZONS = ("5", "10", "20", "5g", "10g", "20g")
DATASETS = ("rawbar", "mschars", "l2chars")
GROUPS = [f"g{place:02d}_pct" for place in range(1, 21)]
SINCE = ("2017-01-03", "2020-01-01")


class Numbers:
    """Tables of the whole study of the paper with plausible numbers, drawn from a seed."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)

    def near(self, centre: float, spread: float = 0.3) -> float:
        return float(centre + spread * self.random.standard_normal())

    def level(self, score: str) -> float:
        return {"reversal": 5.0, "summary": 8.0}.get(score, 16.3 if score.endswith("v1") else 14.6)

    def measure(self, scores: Any, name: str, unit: str, scale: float) -> pd.DataFrame:
        rows = []
        for score in scores:
            centre = self.level(score) * scale
            row = {f"{name}_{h}{unit}": self.near(centre, 0.03 * centre) for h in HORIZONS}
            rows.append(
                {"score": score} | row | {f"{name}_{h}_se{unit}": centre / 15 for h in HORIZONS}
            )
        return pd.DataFrame(rows)

    def groups(self, scores: Any, since: Any = SINCE) -> pd.DataFrame:
        rows = []
        for date in since:
            for score in scores:
                slope = self.level(score) / 16
                values = [
                    slope * self.near(45 * (1 - 2 * k / 19) - 10 * (k > 15), 1) for k in range(20)
                ]
                row = {"score": score, "since": date, "turnover": self.near(0.6, 0.02)}
                rows.append(row | dict(zip(GROUPS, values, strict=True)))
        return pd.DataFrame(rows)

    def summary(self, scores: Any) -> pd.DataFrame:
        rows = [
            {"score": s, "horizon": h, "days": int(h.strip("g")), "gap": int("g" in h)}
            | {"mean_pct": self.near(self.level(s)), "std_pct": 9.4, "ic_ir": self.near(1.5, 0.1)}
            | {
                "se_plain_pct": 0.6,
                "se_newey_west_pct": 0.8,
                "se_bootstrap_pct": 0.8,
                "ic_ir_se": 0.1,
            }
            | {
                "dates": 270,
                "skipped": 0,
                "return_unknown": 2,
                "newey_west_lag": 1,
                "bootstrap_block": 4,
            }
            for s in scores
            for h in HORIZONS
        ]
        return pd.DataFrame(rows)

    def matrix(self, scores: Any, apart: float, own: float) -> pd.DataFrame:
        table = pd.DataFrame({"score": scores})
        for k, score in enumerate(scores):
            table[f"{score}_pct"] = [
                own if k == j else apart - abs(k - j) for j in range(len(scores))
            ]
        return table

    def by_date(self, scores: Any) -> pd.DataFrame:
        dates = pd.date_range("2017-01-06", "2022-05-27", freq="W-FRI").strftime("%Y-%m-%d")
        rows = [(d, s, "10g", self.near(self.level(s), 9)) for d in dates for s in scores]
        return pd.DataFrame(rows, columns=["date", "score", "horizon", "rank_ic_pct"])

    def nav(self, scores: Any) -> pd.DataFrame:
        days = pd.date_range("2017-01-03", "2022-05-31", freq="B").strftime("%Y-%m-%d")
        parts = []
        for score in scores:
            grown = {"date": days, "score": score}
            for name, rate in (("g01", 0.0015), ("g20", -0.004)):
                moves = rate + 0.004 * self.random.standard_normal(len(days))
                grown[name] = np.cumprod(1 + moves)
            parts.append(pd.DataFrame(grown))
        return pd.concat(parts)

    def ensemble(self) -> pd.DataFrame:
        rows = []
        for score in (*MODELS, *INTEGRATIONS):
            what = "models" if score.endswith("v1") else "runs"
            for count in (len(INTEGRATIONS[score]),) if what == "models" else range(1, 11):
                single, rho = self.near(13.2), 0.83 if what == "runs" else 0.92
                told = single / np.sqrt((1 - rho) / count + rho)
                rows.append(
                    {
                        "score": score,
                        "members": "a b",
                        "what": what,
                        "count": count,
                        "horizon": "10g",
                    }
                    | {"single_pct": single, "correlation_pct": 100 * rho, "predicted_pct": told}
                    | {
                        "measured_pct": told + 0.03,
                        "measured_se_pct": 0.7,
                        "difference_pct": 0.03,
                        "difference_se_pct": 0.02,
                    }
                )
        return pd.DataFrame(rows)

    def importance(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        keys = ["score", "unit", "dataset", "factor"]
        rows = [
            (score, unit, dataset, f"f{k:02d}", float(self.random.exponential()))
            for score, units in (("gru", MODELS[:1]), ("RCTv0", MODELS))
            for unit in units
            for dataset in DATASETS
            for k in range(12)
        ]
        factors = pd.DataFrame(rows, columns=[*keys, "gain_pct"])
        factors["gain_pct"] *= 100 / factors.groupby("score")["gain_pct"].transform("sum")
        factors["shap"], factors["months"] = factors["gain_pct"] / 100, 64
        whole = factors.groupby(keys[:3], sort=False, as_index=False)["gain_pct"].sum()
        whole["shap_pct"] = whole["gain_pct"]
        return whole, factors

    def variants(self) -> dict[str, pd.DataFrame]:
        weightings = [
            {
                "score": s,
                "weighting": w,
                "horizon": "10g",
                "rank_ic_pct": self.near(14),
                "rank_ic_se_pct": 0.7,
            }
            | {
                "ic_ir": 1.5,
                "difference_pct": 0.0 if w == "lightgbm" else -0.62,
                "difference_se_pct": 0.2,
            }
            | {"dates": 270}
            for s in ("gru", "RCTv0")
            for w in ("lightgbm", "linear", "equal")
        ]
        gap = [
            {"score": s, "horizon": "10g", "oos_lagged_pct": 14.1, "in_sample_pct": 13.2}
            | {"difference_pct": -0.9, "difference_se_pct": 0.3, "oos_promised_pct": 14.8}
            | {"in_sample_promised_pct": 31.4, "dates": 270}
            for s in ("gru", "transformer")
        ]
        return {"weighting_value": pd.DataFrame(weightings), "stacking_gap": pd.DataFrame(gap)}

    def claims(self) -> pd.DataFrame:
        rows = [
            (
                "RESTCN is not weaker than the RNNs",
                "RankIC of restcn less mean of RNN",
                0.4,
                0.3,
                "undecided",
            ),
            ("v1 is better than v0", "RankIC of RCTv1 less RCTv0", 0.5, 0.1, "holds"),
            ("AGRU is not better than GRU", "RankIC of agru less gru", 0.6, 0.2, "does not hold"),
            ("RCTv1 is better since 2020", None, np.nan, np.nan, "not measured"),
        ]
        table = pd.DataFrame(rows, columns=["claim", "measure", "value", "se", "verdict"])
        table.insert(4, "unit", ["%", "%", "%", None])
        return table

    def by_time(self) -> dict[str, pd.DataFrame]:
        days = [(s, k) for s in ALL for k in range(21)]
        years = [(s, str(y)) for s in ALL for y in range(2017, 2023)]
        decay = pd.DataFrame(days, columns=["score", "lag"])
        decay["rank_ic_pct"] = [self.level(s) * 0.96**k for s, k in days]
        again = pd.DataFrame([(s, k, 5 * k, 100 * 0.7**k) for s in ALL for k in range(1, 9)])
        again.columns = pd.Index(["score", "steps", "days", "correlation_pct"])
        by_year = pd.DataFrame(years, columns=["score", "year"]).assign(horizon="10g")
        by_year["mean_pct"] = [self.near(self.level(s), 2) for s, _ in years]
        whole = [*years, *((s, "all") for s in ALL)]
        top = pd.DataFrame(whole, columns=["score", "year"])
        return {
            "rank_ic_by_date": self.by_date(ALL),
            "rank_ic_by_year": by_year.assign(se_plain_pct=1.2),
            "group_nav": self.nav(ALL),
            "top_group": top.assign(return_pct=31.2, max_drawdown_pct=-6.1),
            "decay": decay.assign(rank_ic_se_pct=0.7, dates=270),
            "autocorrelation": again.assign(dates=270),
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        importance, factors = self.importance()
        members = pd.DataFrame({"score": "RNNv1", "member": MODELS[:3], "weight": 1 / 3})
        found = self.by_time() | {
            "rank_ic_summary": self.summary(ALL),
            "groups": self.groups(ALL),
            "score_correlation": self.matrix(ALL, 92, 100),
            "coverage": pd.DataFrame({"score": ALL, "signals": 270, "compared_stocks": 3500.0}),
            "fig10_correlation_single_run": self.matrix(MODELS, 80, 84),
            "fig11_correlation_average": self.matrix(MODELS, 94, 100),
            "ensemble": self.ensemble(),
            "importance": importance,
            "importance_factors": factors,
            "claims": self.claims(),
            "optimal_weights": members.assign(
                ic_pct=15.9, predicted_equal_pct=16.3, predicted_optimal_pct=16.4
            ),
        }
        for first, scores in ((6, MODELS), (12, tuple(INTEGRATIONS))):
            found[f"fig{first:02d}_rank_ic"] = self.measure(scores, "rank_ic", "_pct", 1.0)
            found[f"fig{first + 1:02d}_ic_ir"] = self.measure(scores, "ic_ir", "", 0.1)
            found[f"fig{first + 2:02d}_groups"] = self.groups(scores, SINCE[:1])
            found[f"fig{first + 3:02d}_groups"] = self.groups(scores, SINCE[1:])
        found |= {f"paper_{name}": paper_table(name) for name in found if name.startswith("fig")}
        return found | self.variants()


def about_the_scores() -> list[dict[str, Any]]:
    scores = []
    for name in ALL:
        made: dict[str, Any] = {"scheme": "baseline", "units": []}
        if name not in BASELINES:
            units = list(INTEGRATIONS.get(name, (name,)))
            made = {"scheme": "oos_lagged", "units": units, "datasets": list(DATASETS)}
            made |= {
                "proxies": ["l2chars"],
                "seeds": list(range(10)),
                "vintages": list(range(2017, 2023)),
            }
        about = {
            "name": name,
            "baseline": name in BASELINES,
            "metadata": made,
            "fingerprint": "0123456789abcdef",
        }
        scores.append(about)
    return scores


def write_paper_study(source: Path, target: Path, units: Path) -> Path:
    """The study of the paper with made-up numbers, beside the description of a real evaluation."""
    shutil.copytree(source, target)
    tables = target / "evaluation" / "tables"
    shutil.rmtree(tables)
    tables.mkdir()
    for name, table in Numbers().tables().items():
        table.to_csv(tables / f"{name}.csv", index=False)
    file = target / "evaluation" / "evaluation.json"
    about = json.loads(file.read_text())
    warnings = [
        "l2chars is a proxy made from minute bars, not Level-2 data.",
        "Stacking in sample is shown.",
    ]
    check = dict.fromkeys(ALL, -0.0012)
    about |= {"scores": about_the_scores(), "warnings": warnings, "groups_check": check}
    file.write_text(json.dumps(about))
    for name in MODELS:
        config = yaml.safe_load((units / f"{name}.yaml").read_text())
        write_card(about["panel"], config, ["rawbar"], str(target / "units" / name / "card.json"))
    write_portfolios(target, Portfolios())
    write_enhanced(target, Enhanced())
    return target


@pytest.fixture(scope="session")
def finished_paper_study(finished_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    units = Path(__file__).parents[2] / "configs" / "units"
    return write_paper_study(finished_study, tmp_path_factory.mktemp("paper") / "study", units)


@pytest.fixture
def paper_study(finished_paper_study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_paper_study, tmp_path / "study"))
