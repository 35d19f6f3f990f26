"""Figure 1: the framework of the paper, drawn from what a study is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.reports.diagrams import Box, Flow
from alpha_lightning.weighting.subsets import in_order


@dataclass(frozen=True)
class Parts:
    """What the scores of a study are made of.

    Args:
        datasets: names, from coarse to fine.
        proxies: those that are stand-ins for Level-2 data.
        units: names of the factor units.
        seeds: runs of each.
        vintages: years.
        integrations: members by the name of an integration.
        weighting: what makes factors into scores, in words.
    """

    datasets: tuple[str, ...]
    proxies: tuple[str, ...]
    units: tuple[str, ...]
    seeds: tuple[Any, ...]
    vintages: tuple[Any, ...]
    integrations: Mapping[str, tuple[str, ...]]
    weighting: str = "LightGBM"

    @property
    def networks(self) -> int:
        """Networks that had to be trained."""
        sizes = (self.units, self.datasets, self.seeds, self.vintages)
        number = 1
        for size in sizes:
            number *= max(len(size), 1)
        return number


def parts_of(scores: Sequence[Mapping[str, Any]]) -> Parts:
    """Read the parts off the scores of an evaluation.

    Args:
        scores: entries ``scores`` of ``evaluation.json``: name, baseline and metadata.
    """
    models = [score for score in scores if not score["baseline"]]

    def named(key: str) -> list[Any]:
        return [value for score in models for value in score["metadata"].get(key) or ()]

    return Parts(
        datasets=in_order(named("datasets")),
        proxies=in_order(named("proxies")),
        units=tuple(dict.fromkeys(named("units"))),
        seeds=tuple(sorted(set(named("seeds")))),
        vintages=tuple(sorted(set(named("vintages")))),
        integrations={
            score["name"]: tuple(score["metadata"]["units"])
            for score in models
            if len(score["metadata"].get("units") or ()) > 1
        },
        weighting=_weighting({score["metadata"].get("weighting") for score in models}),
    )


def framework(
    parts: Parts, widths: Mapping[str, int], n_factors: int | None, window: int | None = None
) -> Flow:
    """The way from data to scores.

    Args:
        parts: of the study.
        widths: number of features by data set, where known.
        n_factors: factors of a unit, where known.
        window: days that a network reads, where known.
    """
    data = [
        Box(name, _features(name, widths, parts.proxies), "data") for name in parts.datasets
    ] or [Box("data", "", "data")]
    units = [Box(unit, "", "key") for unit in parts.units] or [Box("units", "", "key")]
    factors = f"{n_factors} factors" if n_factors else "Its factors"
    runs = f"{_count(len(parts.seeds), 'run')} × {_count(len(parts.vintages), 'vintage')}"
    rows = [
        data,
        [
            Box(
                f"windows of {window} days" if window else "windows of days",
                "scaled inside the window, then across the stocks of the date",
            )
        ],
        units,
        [
            Box(
                f"{factors} of each unit on each data set",
                f"{_count(len(parts.units), 'unit')} × {_count(len(parts.datasets), 'data set')} ×"
                f" {runs} = {_count(parts.networks, 'network')}",
            )
        ],
        [
            Box(
                f"{parts.weighting}, a model and run at a time",
                "on the factors of all data sets, on a short recent window",
            )
        ],
        [Box("mean over runs", "the score of each model", "key")],
    ]
    if parts.integrations:
        rows.append([Box(n, _members(n, parts), "key") for n in parts.integrations])
    return Flow([*rows, [Box("RankIC, groups, correlations", "figures 6 to 15", "data")]])


def _features(name: str, widths: Mapping[str, int], proxies: Sequence[str]) -> str:
    told = f"{widths[name]} features a day" if name in widths else ""
    return f"{told} (proxy)".strip() if name in proxies else told


def _members(name: str, parts: Parts) -> str:
    members = parts.integrations[name]
    listed = "all models" if set(members) == set(parts.units) else " ".join(members)
    if name.endswith("v0"):
        return f"one {parts.weighting} on the factors of {listed}"
    return f"{'weighted' if name.endswith('opt') else 'equal'} mean of {listed}"


def _weighting(named: set[Any]) -> str:
    plain = {"linear": "linear model", "equal": "mean with equal weights"}
    return plain.get(str(next(iter(named))), "LightGBM") if len(named) == 1 else "LightGBM"


def _count(number: int, word: str) -> str:
    return f"{max(number, 1):,} {word}{'' if number <= 1 else 's'}"
