from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from alpha_lightning.evaluation.attainable import STRANGE
from alpha_lightning.evaluation.remarks import remarks
from alpha_lightning.evaluation.scores import Score


def told(
    metadata: dict[str, Any],
    *,
    weeks: int = 30,
    compared: float = 1.0,
    missed: int = 0,
    later: int = 179,
    constant: tuple[str, ...] = (),
    **tables: Any,
) -> list[str]:
    score = Score("gru", np.zeros((1, 1), dtype=np.float32), metadata, "")
    members = np.ones((weeks, 100), dtype=bool)
    mask = members & (np.arange(100) < 100 * compared)
    sample: Any = SimpleNamespace(
        scores=(score,), masks=(mask,), members=members, weekly=np.ones(weeks, dtype=bool)
    )
    groups = {"gru": SimpleNamespace(missed=missed, rows=np.arange(290, 300))}
    measured: Any = SimpleNamespace(
        whole=sample,
        sample=sample,
        groups=groups,
        since={"2020-01-02": 290, "2021": later},
        runs=SimpleNamespace(constant=constant),
    )
    prices: Any = SimpleNamespace(warnings=("Prices are odd.",))
    return remarks(measured, prices, tables)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"metadata": {}, "compared": 0.79}, "Only 79% of the universe is compared"),
        ({"metadata": {}, "weeks": 25}, "Only 25 weekly signal dates"),
        ({"metadata": {}, "later": 180}, "since 2021 are held for 120 trading days only"),
        ({"metadata": {}, "constant": ("gru/s3", "lstm/s0")}, "of runs: gru/s3, lstm/s0"),
        ({"metadata": {}, "missed": 3}, "kept their old books: gru 3"),
        ({"metadata": {"proxies": ["l2chars"]}}, "l2chars is a proxy"),
        ({"metadata": {"scheme": "in_sample"}}, "Stacked in sample: gru"),
        ({"metadata": {"scheme": "in_sample+oos_lagged"}}, "Stacked in sample: gru"),
    ],
)
def test_each_cause_has_its_sentence(given: dict[str, Any], words: str) -> None:
    first, *rest = told(**given)
    assert first == "Prices are odd."
    assert len(rest) == 1
    assert words in rest[0]


def test_nothing_is_said_of_what_is_in_order() -> None:
    assert told({"scheme": "oos_lagged"}, compared=0.8, weeks=26) == ["Prices are odd."]


def test_a_strange_oracle_is_told() -> None:
    import pandas as pd

    share = pd.DataFrame({"level": ["model"], "oracle_pct": [0.1], "oracle_se_pct": [1.0]})
    assert told({}, share_of_attainable=share)[1] == STRANGE
