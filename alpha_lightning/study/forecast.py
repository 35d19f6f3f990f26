"""What a study will cost before anything runs: networks, dates, bytes, hours."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.enhanced_points import INDEX_WORDS, enhanced_points
from alpha_lightning.backtest.grid_points import every_point
from alpha_lightning.panel.vintages import Vintage, VintageRule, cut_vintage
from alpha_lightning.study.fit_tasks import Network, networks_of
from alpha_lightning.study.horizon import Extent
from alpha_lightning.study.options import merge
from alpha_lightning.study.panel_tasks import read_yaml
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.weighting.design_matrix import design_bytes
from alpha_lightning.weighting.subsets import proper_subsets

# Stock-windows a second through training on one thread of a 2-core machine, 6 features, hidden 64:
# scripts/bench_training.py. Without gradients a network is about three times as fast.
SPEEDS = {"GRU": 15_000, "AGRU": 13_700, "LSTM": 13_900, "RESTCN": 4_400, "Transformer": 3_100}
_FORWARD = 3.0
# Cells (rows x columns) a second of one LightGBM fit with 300 rounds at most, on one thread.
_WEIGHING = 3e6
# Seconds of a day of a portfolio: of any, and of each name that it holds.
_PORTFOLIO_DAY, _PORTFOLIO_NAME = 150e-6, 1e-6
# Seconds of an optimisation: of any, and of each stock that it might hold; of a day of the risk
# model, the same.
_SOLVE, _SOLVE_STOCK = 0.02, 20e-6
_RISK_DAY, _RISK_STOCK = 0.01, 30e-6
_EPOCHS = 100  # when neither the unit nor the study says
_FACTORS = 30
_BYTES = {"float32": 4, "float16": 2}


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Args:
        factor_bytes: of all factor matrices on disk.
        one_matrix: of a single one.
        panel_bytes: of the data sets.
        weighing_bytes: at the peak of the largest weighing.
        weighing: which that is.
        fit_hours: of all networks on one thread, every epoch run.
        weigh_hours: of all weighings on one thread.
        fits: LightGBM fits.
        strange: networks whose speed is not known.
    """

    factor_bytes: float
    one_matrix: float
    panel_bytes: float
    weighing_bytes: float
    weighing: str
    fit_hours: float
    weigh_hours: float
    fits: int
    strange: tuple[str, ...]


def cuts_of(study: StudySettings, extent: Extent) -> dict[tuple[str, int], Vintage | str]:
    """Each vintage by scheme and year, or why it cannot be."""
    found: dict[tuple[str, int], Vintage | str] = {}
    rule = study.fit.get("data", {}).get("rule", {}) or {}
    if not isinstance(rule, dict) or set(rule) - set(VintageRule.__dataclass_fields__):
        known = ", ".join(VintageRule.__dataclass_fields__)
        msg = f"study {study.name}: fit.data.rule is {rule}: it may hold {known}"
        raise UserError(msg)
    for scheme in study.schemes:
        for year in study.vintages:
            try:
                cut = cut_vintage(extent.dates, year, VintageRule(**{**rule, "scheme": scheme}))
                found[scheme, year] = cut
            except (UserError, TypeError) as error:
                found[scheme, year] = str(error)
    return found


def cost_of(study: StudySettings, extent: Extent, cuts: Sequence[Vintage]) -> Cost:
    """Bytes and hours of a study, as if all of its vintages were like the mean of some.

    Args:
        study: settings.
        extent: of the data.
        cuts: vintages that can be cut, at least one.
    """
    configs = dict(zip(study.unit_names, map(read_yaml, study.units), strict=True))
    networks = list(networks_of(study))
    output = sum(len(cut.output) for cut in cuts) / len(cuts)
    settled = {name: merge(config, study.fit) for name, config in configs.items()}
    factors = {n: int(_number(n, c, "model", "n_factors", _FACTORS)) for n, c in settled.items()}
    per_value = _BYTES[study.factors.precision]
    sizes = [output * extent.stocks * factors[one.unit] * per_value for one in networks]
    seconds, strange = 0.0, set()
    for name, config in settled.items():
        speed, known = _speed_of(config)
        strange |= set() if known else {name}
        own = sum(1 for one in networks if one.unit == name)
        seconds += own * sum(_windows(name, config, cut) for cut in cuts) / len(cuts) / speed
    weighings = _weighings(study, factors)
    months = math.ceil(12 / study.weighting.refit_every) * len(study.vintages)
    rows = study.weighting.window * extent.stocks
    largest = max(weighings, key=lambda name: weighings[name][0])
    cells = sum(columns * count for columns, count in weighings.values()) * rows
    width = sum(extent.features.get(dataset, 0) for dataset in study.datasets)
    return Cost(
        factor_bytes=sum(sizes),
        one_matrix=max(sizes),
        panel_bytes=4.0 * len(extent.dates) * extent.symbols * width,
        weighing_bytes=design_bytes(int(output * extent.stocks), weighings[largest][0]),
        weighing=largest,
        fit_hours=seconds * extent.stocks / 3600,
        weigh_hours=cells * months / _WEIGHING / 3600,
        fits=sum(count for _, count in weighings.values()) * months,
        strange=tuple(sorted(strange)),
    )


def portfolio_words(study: StudySettings, days: int) -> str:
    """How many portfolios are run and how long that takes.

    Args:
        study: settings.
        days: trading days that are scored; 0 when not known.
    """
    asked = study.portfolios
    points = every_point(asked, study.held_scores).values()
    seconds = days * sum(_PORTFOLIO_DAY + _PORTFOLIO_NAME * point.names for point in points)
    sizes = " and ".join(f"TOP-{names}" for names in asked.names)
    of = f"{sizes} of {', '.join(study.held_scores)}"
    time = f", about {max(seconds / 60, 1):.0f} min" if days else ""
    limits = f"{len(asked.delta)} turnover limit{'s' * (len(asked.delta) > 1)}"
    return f"{of} at {limits}, with their curves {len(points)} in one pass{time}"


def enhanced_words(study: StudySettings, days: int, extent: Extent) -> str:
    """How many index-enhanced portfolios are run and how long they and their risk model take.

    Args:
        study: settings.
        days: trading days that are scored; 0 when not known.
        extent: of the data.
    """
    asked = study.enhanced
    points = enhanced_points(asked, study.enhanced_scores)
    indices = " and ".join(
        f"{INDEX_WORDS.get(name, name)} at {100 * limit:.4g} %"
        for name, limit in asked.indices.items()
    )
    parts = [
        f"{len(values)} {what}{'s' * (len(values) > 1)}"
        for what, values in (("floor", asked.floors), ("turnover limit", asked.deltas))
    ]
    told = f"{indices} by {', '.join(study.enhanced_scores)} with {' and '.join(parts)}"
    told += f", {len(points)} in one pass"
    if not days or not extent.stocks:
        return told
    signals = days / {"daily": 1, "weekly": 5, "monthly": 20}[asked.signals.frequency]
    solves = len(points) * signals / asked.signals.every
    seconds = solves * (_SOLVE + _SOLVE_STOCK * extent.stocks)
    model = len(extent.dates) * (_RISK_DAY + _RISK_STOCK * extent.symbols)
    minutes = [f"{max(time / 60, 1):.0f} min" for time in (seconds, model)]
    return f"{told}, about {minutes[0]}; their risk model about {minutes[1]}, beside the networks"


def _windows(unit: str, config: dict[str, Any], cut: Vintage) -> float:
    # Equivalents of a stock's window through training, over all epochs and the export.
    train = len(cut.train) / _number(unit, config, "data", "date_step", 1)
    valid = len(cut.valid) / _number(unit, config, "data", "valid_step", 1) / _FORWARD
    epochs = _number(unit, config, "trainer", "max_epochs", _EPOCHS)
    return (train + valid) * epochs + len(cut.output) / _FORWARD


def _number(unit: str, config: dict[str, Any], section: str, key: str, default: int) -> int:
    value = (config.get(section) or {}).get(key)
    if value is None or (value == -1 and key == "max_epochs"):
        return default  # -1: without end, but for early stopping
    if not isinstance(value, int) or value < 1:
        msg = f"unit {unit}: {section}.{key} is {value!r}: it must be a whole number from 1"
        raise UserError(msg)
    return value


def _speed_of(config: dict[str, Any]) -> tuple[float, bool]:
    network = (config.get("model") or {}).get("network")
    path = network.get("class_path", "") if isinstance(network, dict) else str(network)
    name = str(path).rpartition(".")[2]
    return float(SPEEDS.get(name, min(SPEEDS.values()))), name in SPEEDS


def _weighings(study: StudySettings, factors: dict[str, int]) -> dict[str, tuple[int, int]]:
    # Columns and number of fits a month of each score that LightGBM makes.
    sets, runs = len(study.datasets), len(study.seeds)
    ways = 1 + len(study.schemes[1:])
    found = {name: (sets * count, runs * ways) for name, count in factors.items()}
    if study.evaluation.dataset_value:
        parts = sum(len(subset) for subset in proper_subsets(study.datasets))
        subsets = len(proper_subsets(study.datasets))
        for name, count in factors.items() if subsets else ():
            # Of different widths: their mean, which gives the right sum.
            found[f"{name} on some data sets"] = (parts * count // subsets, runs * subsets)
    if "v0" in study.integration:
        for group, members in study.members.items():
            columns = sets * sum(factors[unit] for unit in members)
            found[f"{group}v0"] = (columns, runs)
    return found


def network_words(networks: Sequence[Network]) -> str:
    """Number of networks by what they multiply to.

    Example:
        >>> network_words([Network("gru", "rawbar", 2022, seed, "oos_lagged") for seed in (0, 1)])
        '1 unit x 1 data set x 1 vintage x 2 seeds = 2 networks'
    """
    axes = ("unit", "data set", "vintage", "seed", "scheme")
    counts = {name: len({one[k] for one in networks}) for k, name in enumerate(axes)}
    if counts["scheme"] == 1:
        del counts["scheme"]
    told = " x ".join(f"{count} {name}{'s' * (count > 1)}" for name, count in counts.items())
    return f"{told} = {len(networks)} network{'s' * (len(networks) > 1)}"
