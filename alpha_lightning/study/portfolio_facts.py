"""What can be said of target weights and of backtests, a line a fact."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.portfolio.weight_rows import read_weight_rows

Facts = Iterator[tuple[str, str]]


def of_weights(path: Path) -> Facts:
    """Facts of target weights that `construct` wrote.

    Raises:
        UserError: damaged, or a column is missing.
    """
    rows = read_weight_rows(path)
    about = rows.metadata
    wanted = ~rows.reserve
    dates, counts = np.unique(rows.dates[wanted], return_counts=True)
    yield "name", str(about.get("name", path.stem))
    if len(dates):
        yield "dates", f"{len(dates):,}, {dates[0]} to {dates[-1]}"
        yield (
            "stocks a date",
            f"{counts.min():,} to {counts.max():,}, {counts.mean():,.1f} on average",
        )
        sums = np.bincount(np.searchsorted(dates, rows.dates[wanted]), rows.weights[wanted])
        yield "sum of weights", f"{sums.min():.6g} to {sums.max():.6g}"
        kept = int(rows.keep.sum())
        yield "left as they are", f"{kept:,} of {int(wanted.sum()):,} stock-dates"
        yield "reserves", f"{int(rows.reserve.sum()) / len(dates):,.1f} a date"
    yield "held until", str(about.get("last_date", "not said"))
    yield "no trade", _no_trade(list(about.get("holds", {}).items()))
    for name in ("policy", "signals", "execution", "costs"):
        yield name, _settings(about.get(name))
    if "scores" in about:
        yield "score", _origin(about["scores"])
    yield from _risk_model(about)
    yield "panel", str(about.get("panel_fingerprint", "not said"))
    for sentence in about.get("warnings") or ("none",):
        yield "warnings", str(sentence)


def of_backtest(path: Path) -> Facts:
    """Facts of a folder that `backtest` wrote.

    Raises:
        UserError: damaged.
    """
    from alpha_lightning.backtest.result_folder import read_summary

    about = read_summary(path)
    results, trading = about["results"], about["results"]["trading"]
    for sentence in about["warnings"] or ("none",):
        yield "warnings", str(sentence)
    yield "name", str(about["name"])
    yield "dates", f"{about['first']} to {about['last']}"
    yield "held against", str(about["benchmark"])
    for label, what in (("portfolio", "absolute"), ("benchmark",) * 2, ("relative",) * 2):
        yield label, _returns(results[what])
    yield "information ratio", _number(results["information_ratio"], "z.2f")
    yield from _decisions(about)
    turnover = _number(results["avgto"], "z.1%")
    yield "turnover", f"{turnover} one-way, mean of {results['rebalances']:,} trade days"
    cost = _number(results["cost_a_year"], "z.2%")
    yield "cost", f"{cost} a year, of which impact {_number(results['impact_a_year'], 'z.2%')}"
    names, cash = (
        _number(results[k], f) for k, f in (("mean_names", "z,.1f"), ("cash_share", "z.2%"))
    )
    yield "holdings", f"{names} stocks and {cash} cash on average"
    for side in ("buys", "sells"):
        blocked = trading[f"blocked_{side}"]
        counts = "".join(f", {reason} {count:,}" for reason, count in blocked.items())
        yield side, f"{trading[side]:,} tried, {sum(blocked.values()):,} blocked{counts}"
    yield "short", f"{trading['short']:,} purchases without a substitute"
    yield "no trade", _no_trade(trading["held"])
    for name, settings in about.get("settings", {}).items():
        # What it is held against stands above.
        if settings is not None and name != "benchmark":
            yield name, _settings(settings)
    for what in ("scores", "weights"):
        if what in about:
            yield what, _origin(about[what])
    yield from _risk_model(about)
    yield "panel", str(about.get("panel_fingerprint", "not said"))
    yield "accounts", f"differ by {_number(results['residual'], '.1e')} of value at most"
    versions = about["software"].items()
    yield "software", ", ".join(f"{name} {version}" for name, version in versions)


def of_portfolios(path: Path) -> Facts:
    """Facts of a folder of portfolios, those of a study.

    Raises:
        ArtefactError: damaged.
    """
    file = path / "portfolios.json"
    try:
        about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        settings, period = about["settings"], about["period"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        msg = f"{file} is damaged ({error!r}): run the portfolios again"
        raise ArtefactError(msg) from error
    for sentence in about.get("warnings") or ("none",):
        yield "warnings", str(sentence)
    yield "dates", f"{period['first']} to {period['last']}, {about['signals']:,} signals"
    yield "held against", str(about["benchmark"])
    for what in ("names", "delta"):
        yield what, ", ".join(str(value) for value in settings[what])
    for score in about["scores"]:
        yield "score", _origin(score)
    yield "tables", ", ".join(sorted(file.stem for file in (path / "tables").glob("*.csv")))
    yield "panel", str(about["panel_fingerprint"])


def of_enhanced(path: Path) -> Facts:
    """Facts of a folder of index-enhanced portfolios, those of a study.

    Raises:
        ArtefactError: damaged.
    """
    file = path / "enhanced.json"
    try:
        about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        settings, period, against = about["settings"], about["period"], about["benchmarks"]
        indices = settings["indices"].items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{file} is damaged ({error!r}): run the index-enhanced portfolios again"
        raise ArtefactError(msg) from error
    for sentence in about.get("warnings") or ("none",):
        yield "warnings", str(sentence)
    yield "dates", f"{period['first']} to {period['last']}, {about['signals']:,} signals"
    for name, limit in indices:
        yield "index", f"{name}, tracking error {limit:.2%}, against {against[name]['name']}"
    for what in ("floors", "deltas"):
        yield what, ", ".join(str(value) for value in settings[what])
    yield "policy", _settings(settings["policy"])
    for score in about["scores"]:
        yield "score", _origin(score)
    yield "risk model", str(about["risk"]["path"])
    yield "tables", ", ".join(sorted(file.stem for file in (path / "tables").glob("*.csv")))
    yield "panel", str(about["panel_fingerprint"])


def _decisions(about: Mapping[str, Any]) -> Facts:
    if enhanced := about.get("enhanced"):
        before, after = (_number(enhanced[f"ex_{k}_te"], "z.2%") for k in ("ante", "post"))
        yield "tracking error", f"{before} ex ante, {after} ex post"
        named = ("solved", "relaxed", "failed", "held")
        yield "decisions", ", ".join(f"{enhanced[f'{how}_dates']:,} {how}" for how in named)


def _risk_model(about: Mapping[str, Any]) -> Facts:
    if model := about.get("risk"):
        kind, file = model["settings"]["kind"], model["file"]
        yield "risk model", f"{kind}, {'estimated for the run' if file is None else file}"


def _no_trade(held: Sequence[Sequence[str]]) -> str:
    if not held:
        return "on 0 signals"
    date, reason = held[0]
    return f"on {len(held):,} signals, first on {date}: {reason}"


def _returns(of: Mapping[str, Any]) -> str:
    a_year, volatility, worst = (
        _number(of[name], "z.2%") for name in ("annual_return", "volatility", "max_drawdown")
    )
    return f"{a_year} a year, volatility {volatility}, max drawdown {worst}"


def _number(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)


def _settings(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={part}" for key, part in value.items())
    return "not said" if value is None else str(value)


def _origin(about: Mapping[str, Any]) -> str:
    name = f"{about['name']} " if "name" in about else ""
    return f"{name}{about.get('fingerprint', '')}: {about.get('file', '')}"
