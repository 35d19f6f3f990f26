"""The section on the risk model: what its template is given."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from alpha_lightning.reports import risk_figures as figures
from alpha_lightning.reports import risk_tables as tables
from alpha_lightning.reports.risk_folder import RiskFolder
from alpha_lightning.reports.styles import days_of
from alpha_lightning.reports.tables import number
from alpha_lightning.risk.settings import RiskSettings

Table = Any
"""A pandas DataFrame."""
SOURCE = 21.4
"""Adjusted R2 in per cent that the model's source reports for all stocks."""
_KINDS = {
    "dfq": "variances by ARMA(1,1)-GARCH(1,1), correlations of the standardised shocks constant",
    "simple": "variances and correlations exponentially weighted, with Newey-West lags, shrunk",
}
_PATHS = ("style", "market")
_MARKS = 30


@dataclass(frozen=True)
class RiskSection:
    """All that the page shows of the risk model.

    Args:
        warnings: what was dropped and what is told, to be read first.
        sentences: how the model is estimated.
        fit: its R2 against its source's, in a sentence; empty where nobody measured.
        fit_lines: drawing of the R2 by month, likewise.
        factors: rows of styles and market.
        industries: rows of the industries.
        paths: drawing of the factor returns, summed; empty where nobody told them.
        bias: rows of forecasts against what came.
        marks: drawing of both volatilities, likewise.
        years: columns and rows of both volatilities by year.
    """

    warnings: Sequence[str]
    sentences: Sequence[str]
    fit: str
    fit_lines: str
    factors: Sequence[Any]
    industries: Sequence[Any]
    paths: str
    bias: Sequence[Sequence[str]]
    marks: str
    years: tuple[Sequence[str], Sequence[Any]]

    @property
    def factor_header(self) -> Sequence[str]:
        """Columns of the factors."""
        return tables.FACTOR_HEADER

    @property
    def bias_header(self) -> Sequence[str]:
        """Columns of forecasts against what came."""
        return tables.BIAS_HEADER


def risk_section(folder: RiskFolder | None) -> RiskSection | None:
    """What the section shows, or None where a study has no risk model.

    Args:
        folder: read back.
    """
    if folder is None:
        return None
    fit, paths = (_rows(folder, f"risk_{name}") for name in ("r_squared", "factor_paths"))
    returns, bias = (_rows(folder, f"risk_{name}") for name in ("factor_returns", "bias"))
    return RiskSection(
        warnings=folder.warnings,
        sentences=risk_sentences(folder),
        fit="" if fit is None else fit_text(fit),
        fit_lines=_fit_lines(fit),
        factors=[] if returns is None else tables.factor_rows(returns, _PATHS),
        industries=[] if returns is None else tables.factor_rows(returns, ("industry",)),
        paths=_paths(paths, returns),
        bias=[] if bias is None else tables.bias_rows(bias),
        marks="" if bias is None else _marks(bias),
        years=tables.year_rows(_rows(folder, "risk_volatility")),
    )


_SKEWED = (
    "Huber's loss gives the largest returns of a day less weight: where returns are skewed, mean"
    " factor returns are not what portfolios of these exposures have earned."
)


def risk_sentences(folder: RiskFolder) -> list[str]:
    """Factors, regression and forecast of the model, as sentences."""
    settings = asdict(RiskSettings()) | dict(folder.about.get("settings") or {})
    styles, industries = folder.factors("style"), folder.factors("industry")
    huber = settings["regression"] == "huber"
    by = "Huber's loss" if huber else "least squares"
    named = f" ({', '.join(styles).replace('_', ' ')})" if styles else ""
    return [
        f"Model {settings['kind']}: {len(styles)} style{'s' * (len(styles) != 1)}{named},"
        f" {len(industries)} {'industry' if len(industries) == 1 else 'industries'} and the"
        f" market. Each day's returns are regressed by {by} on the exposures of the close before.",
        *[_SKEWED] * huber,
        f"Risk is that of the next {settings['horizon']} trading days, a year's worth, told from at"
        f" most {settings['window']} days before: {_KINDS[settings['kind']]}. It begins after"
        f" {settings['min_days']} days.",
    ]


def fit_text(table: Table) -> str:
    """Mean adjusted R2 here, and its source's.

    Args:
        table: ``risk_r_squared``.
    """
    own = number(float(table["adjusted_r_squared_pct"].mean()))
    return (
        f"Mean adjusted R² here: {own} %. The source reports 21.4 % over all stocks, 35.4 % within"
        " CSI300 and 18.6 % within CSI500, of its own data and years."
    )


def _rows(folder: RiskFolder, name: str) -> Table | None:
    table = folder.tables.get(name)
    return None if table is None or not len(table) else table


def _fit_lines(table: Table | None) -> str:
    if table is None or len(table) < 2:
        return ""
    names = {"adjusted": "adjusted_r_squared_pct", "R²": "r_squared_pct"}
    lines = {name: table[column].to_numpy(dtype=float) for name, column in names.items()}
    if not all(np.isfinite(line).any() for line in lines.values()):
        return ""
    return figures.r_squared_lines(days_of(table), lines, SOURCE)


def _paths(table: Table | None, returns: Table | None) -> str:
    if table is None or returns is None:
        return ""
    kinds: Mapping[str, str] = dict(zip(returns["factor"], returns["kind"], strict=True))
    shown = [name for name in dict.fromkeys(table["factor"]) if kinds.get(name) in _PATHS]
    return figures.factor_lines(table, shown, "cumulative_pct") if shown else ""


def _marks(table: Table) -> str:
    known = table.dropna(subset=["forecast_pct", "realised_pct"]).head(_MARKS)
    rows = [
        (str(row["what"]).replace("_", " "), float(row["forecast_pct"]), float(row["realised_pct"]))
        for _, row in known.iterrows()
    ]
    return figures.volatility_marks(rows) if rows else ""
