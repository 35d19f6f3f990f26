"""What can be said of a risk model, a line a fact."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from alpha_lightning.risk.diagnostics import factor_return_summary
from alpha_lightning.risk.model import RiskModel

Facts = Iterator[tuple[str, str]]
_SHOWN = 8


def of_risk_model(path: Path) -> Facts:
    """Facts of a folder that `risk` wrote.

    Raises:
        UserError: damaged.
    """
    model = RiskModel.open(path)
    meta, rows = model.meta, model.rows
    for sentence in model.warnings or ("none",):
        yield "warnings", sentence
    dates = model.dates
    yield "dates", f"{len(dates):,}, {dates[0]} to {dates[-1]}"
    begin = f"{len(rows):,} dates, from {dates[rows[0]]}" if len(rows) else "of no date"
    yield "risk told on", begin
    yield "stocks", f"{len(model.symbols):,}, {model.symbols[0]} to {model.symbols[-1]}"
    covered, listed = meta["covered"], meta["listed"]
    share = f"{covered / listed:.1%}" if listed else "undefined"
    yield "covered", f"{covered:,} of {listed:,} listed stock-dates, {share}"
    yield "styles", ", ".join(model.styles) or "none"
    names = model.industries
    told = ", ".join(names[:_SHOWN]) + f" and {len(names) - _SHOWN} more" * (len(names) > _SHOWN)
    yield "industries", f"{len(names)}: {told}" if names else "none"
    yield "R2 adjusted", _r_squared(model)
    yield from _factors(model)
    if len(rows):
        yield "volatility", _volatility(model, int(rows[-1]))
    yield "settings", ", ".join(f"{name}={_plain(v)}" for name, v in meta["settings"].items())
    yield "panel", str(meta["panel_fingerprint"])
    versions = meta.get("software", {}).items()
    yield "software", ", ".join(f"{name} {version}" for name, version in versions)


def _r_squared(model: RiskModel) -> str:
    told = model.fits("adjusted_r_squared")
    told = told[np.isfinite(told)]
    if not len(told):
        return "undefined"
    low, high = np.quantile(told, [0.05, 0.95])
    text = f"{told.mean():.1%} on average, {low:.1%} to {high:.1%} on nine dates of ten"
    return f"{text}, {model.fits('stocks')[1:].mean():,.0f} stocks a date"


def _factors(model: RiskModel) -> Facts:
    table = factor_return_summary(model)
    for k, name in enumerate(table["factor"]):
        if table["kind"][k] != "industry" and table["days"][k]:
            numbers = (table[column][k] for column in ("annual_return", "volatility", "t"))
            a_year, volatility, t = numbers
            told = f"{a_year:.2%} a year, volatility {volatility:.2%}, t {t:.1f}"
            yield "factor", f"{name}: {told}"


def _volatility(model: RiskModel, row: int) -> str:
    market = np.sqrt(model.covariance[row, -1, -1])
    own = np.sqrt(model.specific_variance[row])
    own = own[np.isfinite(own)]
    typical = f"{np.median(own):.1%}" if len(own) else "undefined"
    return f"on {model.dates[row]}: market {market:.1%}, specific {typical} (median)"


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
