"""Tables of what scores are made of: the worth of data sets, the share of the attainable."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alpha_lightning.reports.tables import number

Table = Any
"""A pandas DataFrame written by the evaluation."""
_ROLES = {
    "single": "one alone",
    "cumulative": "added one by one",
    "drop-one": "one left out",
    "all": "all",
}
_LEVELS = {
    "unit": "unit: mean of its factors",
    "data set": "data sets: LightGBM on some",
    "weighting": "weighting: another model on all",
    "stacking": "stacking: LightGBM in sample",
    "model": "model: LightGBM on all",
    "ensemble": "ensemble: several models",
    "baseline": "baseline",
    "oracle": "oracle: a part of what can be known",
}


@dataclass(frozen=True)
class Block:
    """Rows of a table under a title.

    Args:
        title: of the rows.
        rows: the name of each, and its cells: a number and its standard error, empty if it has
            none.
    """

    title: str
    rows: list[tuple[str, list[tuple[str, str]]]]


def value_scores(value: Table) -> list[str]:
    """Scores whose data sets are valued, ensembles first."""
    return list(dict.fromkeys(value["score"]))


def value_blocks(value: Table, score: str, horizon: str) -> list[Block]:
    """RankIC, IC_IR and difference to all data sets, by what is compared.

    Args:
        value: table ``dataset_value``.
        score: the one shown.
        horizon: the one shown.
    """
    part = value[(value["score"] == score) & (value["horizon"] == horizon)]
    blocks = []
    for role, title in _ROLES.items():
        rows: list[tuple[str, list[tuple[str, str]]]] = []
        for _, row in part[part["role"] == role].iterrows():
            whole = row["datasets"] == part["datasets"].iloc[-1]
            difference = _pair(row, "difference_pct", "difference_se_pct", 2)
            cells = [_pair(row, "rank_ic_pct", "rank_ic_se_pct", 2), (number(row["ic_ir"], 2), "")]
            # By definition, and not by measurement.
            rows.append((row["change"], [*cells, ("–", "") if whole else difference]))
        blocks.append(Block(title, rows))
    return [block for block in blocks if block.rows]


def share_blocks(share: Table, horizon: str, horizons: Sequence[str]) -> list[Block]:
    """RankIC at one horizon and share of the attainable at all, by level of the chain.

    Args:
        share: table ``share_of_attainable``.
        horizon: whose RankIC is shown.
        horizons: whose shares are shown.
    """
    blocks = []
    for level, title in _LEVELS.items():
        part = share[share["level"] == level]
        rows = []
        for name in dict.fromkeys(part["score"]):
            own = part[part["score"] == name].set_index("horizon")
            cells = [_cell(own, h, "share_pct", "share_se_pct", 0) for h in horizons]
            rows.append((name, [_cell(own, horizon, "rank_ic_pct", "rank_ic_se_pct", 1), *cells]))
        blocks.append(Block(title, rows))
    return [block for block in blocks if block.rows]


def oracle_rank_ics(share: Table, horizons: Sequence[str]) -> list[tuple[str, str]]:
    """RankIC of the oracle itself and its error, on what most scores are compared on.

    Args:
        share: table ``share_of_attainable``.
        horizons: in the order of the result.
    """
    first = share[share["score"] == share["score"].iloc[0]].set_index("horizon")
    return [_cell(first, horizon, "oracle_pct", "oracle_se_pct", 1) for horizon in horizons]


def value_text(value: Table, horizon: str) -> str:
    """The value of the data sets of the first score, for a terminal.

    Args:
        value: table ``dataset_value``.
        horizon: the one shown.
    """
    score = value_scores(value)[0]
    title = f"data sets of {score} at {horizon}: RankIC %, IC_IR, difference to all"
    return "\n".join([title, *_lines(value_blocks(value, score, horizon))])


def share_text(share: Table, horizon: str) -> str:
    """RankIC and share of the attainable at one horizon, for a terminal; subsets are left out.

    Args:
        share: table ``share_of_attainable``.
        horizon: the one shown.
    """
    ((best, error),) = oracle_rank_ics(share, [horizon])
    told = f"{best} ±{error} %" if error else best
    title = f"attainable at {horizon} (oracle RankIC {told}): RankIC %, share %"
    part = share[share["level"] != "data set"]
    return "\n".join([title, *_lines(share_blocks(part, horizon, [horizon]))])


def _lines(blocks: Sequence[Block]) -> Iterator[str]:
    spelt = [
        (name, [f"{value} ±{error}" if error else value for value, error in cells])
        for block in blocks
        for name, cells in [(block.title, []), *((f"  {name}", c) for name, c in block.rows)]
    ]
    width = max(len(name) for name, _ in spelt)
    columns = max(len(cells) for _, cells in spelt)
    widths = [max(len(c[k]) for _, c in spelt if len(c) > k) for k in range(columns)]
    for name, cells in spelt:
        padded = (f"  {cell:>{widths[k]}}" for k, cell in enumerate(cells))
        yield (name.ljust(width) + "".join(padded)).rstrip()


def _cell(own: Table, horizon: str, value: str, error: str, digits: int) -> tuple[str, str]:
    return _pair(own.loc[horizon], value, error, digits) if horizon in own.index else ("", "")


def _pair(row: Any, value: str, error: str, digits: int) -> tuple[str, str]:
    text = number(float(row[value]), digits)
    return (text, "") if text == "–" else (text, number(float(row[error]), digits))
