"""Tables of parts from small tables by eye."""

from typing import Any

import pandas as pd
import pytest

from alpha_lightning.evaluation.scores import LEVELS
from alpha_lightning.reports.part_tables import (
    oracle_rank_ics,
    share_blocks,
    share_text,
    value_blocks,
    value_scores,
    value_text,
)
from alpha_lightning.weighting.subsets import subsets_by_role

HORIZONS = ("5", "10g")


@pytest.fixture
def value() -> pd.DataFrame:
    """Two scores on two data sets: each data set is worth a point."""
    rows: list[dict[str, Any]] = []
    for score in ("v1", "gru"):
        for subset in subsets_by_role(["rawbar", "mschars"]):
            for place, horizon in enumerate(HORIZONS):
                count = len(subset.datasets)
                row: dict[str, Any] = {"score": score, "role": subset.role, "change": subset.change}
                row |= {"datasets": "+".join(subset.datasets), "horizon": horizon}
                row |= {"rank_ic_pct": 8.0 + count + place, "rank_ic_se_pct": 0.964}
                row |= {"ic_ir": 1.2, "difference_pct": count - 2.0, "difference_se_pct": 0.251}
                rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture
def share() -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for horizon in HORIZONS:
        for level, score, ratio in (
            ("ensemble", "v1", 80.4),
            ("unit", "gru on rawbar, mean of factors", 41.6),
            ("data set", "v1 on rawbar", 60.0),
            ("baseline", "reversal", float("nan")),
            ("oracle", "attainable_10g", 90.0),
        ):
            if level == "oracle" and horizon != "10g":
                continue
            row: dict[str, Any] = {"level": level, "score": score, "horizon": horizon}
            row |= {"rank_ic_pct": ratio / 5, "rank_ic_se_pct": 1.0, "oracle_pct": 20.0}
            row |= {"oracle_se_pct": 1.5, "share_pct": ratio, "share_se_pct": 3.0}
            rows.append(row)
    return pd.DataFrame(rows)


def test_values_stand_in_blocks_by_role(value: pd.DataFrame) -> None:
    assert value_scores(value) == ["v1", "gru"]
    blocks = value_blocks(value, "gru", "10g")
    assert [block.title for block in blocks] == [
        "one alone",
        "added one by one",
        "one left out",
        "all",
    ]
    assert blocks[0].rows == [
        (name, [("10.00", "0.96"), ("1.20", ""), ("−1.00", "0.25")])
        for name in ("rawbar", "mschars")
    ]
    whole = [("11.00", "0.96"), ("1.20", ""), ("–", "")]
    assert blocks[1].rows[1] == ("+mschars", whole)
    assert blocks[3].rows == [("all", whole)]


def test_roles_that_were_not_measured_have_no_block(value: pd.DataFrame) -> None:
    part = value[value["role"].isin(["single", "all"])]
    titles = [block.title for block in value_blocks(part, "v1", "5")]
    assert titles == ["one alone", "all"]


def test_shares_stand_by_level_with_all_horizons(share: pd.DataFrame) -> None:
    blocks = share_blocks(share, "10g", HORIZONS)
    titles = [block.title.partition(":")[0] for block in blocks]
    assert titles == ["unit", "data sets", "ensemble", "baseline", "oracle"]
    assert blocks[2].rows == [("v1", [("16.1", "1.0"), ("80", "3"), ("80", "3")])]
    assert blocks[3].rows == [("reversal", [("–", ""), ("–", ""), ("–", "")])]
    assert blocks[4].rows == [("attainable_10g", [("18.0", "1.0"), ("", ""), ("90", "3")])]
    assert oracle_rank_ics(share, HORIZONS) == [("20.0", "1.5"), ("20.0", "1.5")]


def test_texts_stand_in_columns(value: pd.DataFrame, share: pd.DataFrame) -> None:
    assert value_text(value, "10g").splitlines() == [
        "data sets of v1 at 10g: RankIC %, IC_IR, difference to all",
        "one alone",
        "  rawbar          10.00 ±0.96  1.20  −1.00 ±0.25",
        "  mschars         10.00 ±0.96  1.20  −1.00 ±0.25",
        "added one by one",
        "  rawbar          10.00 ±0.96  1.20  −1.00 ±0.25",
        "  +mschars        11.00 ±0.96  1.20            –",
        "one left out",
        "  −rawbar         10.00 ±0.96  1.20  −1.00 ±0.25",
        "  −mschars        10.00 ±0.96  1.20  −1.00 ±0.25",
        "all",
        "  all             11.00 ±0.96  1.20            –",
    ]
    lines = share_text(share, "10g").splitlines()
    assert lines[0] == "attainable at 10g (oracle RankIC 20.0 ±1.5 %): RankIC %, share %"
    assert lines[2] == f"  {'gru on rawbar, mean of factors':<34}  8.3 ±1.0  42 ±3"
    assert not any("v1 on rawbar" in line for line in lines)
    assert lines[-1].endswith("18.0 ±1.0  90 ±3")


def test_an_oracle_without_a_rank_ic_is_a_dash(share: pd.DataFrame) -> None:
    nothing = share.assign(oracle_pct=float("nan"), share_pct=float("nan"))
    assert oracle_rank_ics(nothing, ["10g"]) == [("–", "")]
    assert share_text(nothing, "10g").startswith("attainable at 10g (oracle RankIC –): ")


def test_every_level_that_the_evaluation_knows_has_a_block(share: pd.DataFrame) -> None:
    first = share[share["score"] == share["score"].iloc[0]]
    known = pd.concat([first.assign(level=level, score=level) for level in LEVELS])
    blocks = share_blocks(known, "10g", HORIZONS)
    assert [name for block in blocks for name, _ in block.rows] == list(LEVELS)
