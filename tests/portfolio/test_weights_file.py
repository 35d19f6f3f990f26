"""Target weights on disk: the same decisions again, and mistakes in a user's own file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from alpha_lightning.artefacts.dated_table import METADATA_KEY, read_metadata
from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.portfolio.policy import Hold, Observation, Target
from alpha_lightning.portfolio.weights_file import read_weights, write_weights

NONE = np.empty(0, dtype=np.intp)


@pytest.fixture(scope="module")
def panel(panel_path: Path) -> Panel:
    return Panel.open(panel_path)


def on(panel: Panel, row: int) -> Observation:
    n = np.zeros(len(panel.symbols))
    return Observation(
        panel.dates[row], panel.symbols, n, n > 0, n > 0, n, n, 1.0, lambda *_: n
    )  # fmt: skip


def assert_same(one: Target | Hold, other: Target | Hold) -> None:
    if isinstance(one, Hold) or isinstance(other, Hold):
        assert one == other
        return
    assert one.max_names == other.max_names
    for name in ("columns", "weights", "keep", "reserves"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_the_facts_of_decisions_come_back_in_their_order(tmp_path: Path, panel: Panel) -> None:
    facts = {"status": "relaxed", "slack_turnover": 0.1 + 0.2, "columns": 7, "objective": None}
    exposure = {"size": 1 / 3, "banks": 0.0, "market": 1.0}
    bought = Target(np.array([7]), np.ones(1), np.zeros(1, np.bool_), NONE, None, facts)
    held = Hold("stopped", {"status": "failed", "exposure": exposure})
    file = tmp_path / "weights.parquet"
    decisions: Sequence[tuple[int, Target | Hold]]
    decisions = [(4, bought), (9, held), (14, Hold("none"))]
    write_weights(file, panel.dates, panel.symbols, decisions, {})
    assert read_metadata(file)["decisions"][str(panel.dates[4])] == facts
    _, policy, _ = read_weights(file, panel)
    first, second, third = (policy.decide(on(panel, row)) for row in (4, 9, 14))
    assert dict(first.facts) == facts
    assert second == held
    assert list(second.facts["exposure"]) == ["size", "banks", "market"]
    assert third == Hold("none")
    write_weights(file, panel.dates, panel.symbols, decisions[2:], {})
    assert "decisions" not in read_metadata(file)


def test_decisions_come_back_bit_by_bit(tmp_path: Path, panel: Panel) -> None:
    third = np.array([1 / 3, 0.1 + 0.2, 1e-17])
    first = Target(np.array([7, 2, 5]), third, third > 1, np.array([9, 3]), 3)
    second = Target(np.array([2, 11]), np.array([0.9, 0.05]), np.array([True, False]), NONE, 3)
    empty = Target(NONE, np.empty(0), np.empty(0, np.bool_), NONE, 3)
    none, few = Hold("no scores"), Hold("few")
    decisions: Sequence[tuple[int, Target | Hold]]
    decisions = [(4, first), (9, none), (14, second), (19, empty), (24, few)]
    file = tmp_path / "weights.parquet"
    about = {"panel_fingerprint": panel.fingerprint, "policy": {"names": 3}}
    assert write_weights(file, panel.dates, panel.symbols, decisions, about) == file
    rows, policy, metadata = read_weights(file, panel)
    assert rows.tolist() == [4, 9, 14, 19, 24]
    for row, decision in decisions:
        assert_same(policy.decide(on(panel, row)), decision)
    assert policy.decide(on(panel, 5)) == Hold("no target weights for the date")
    assert metadata["kind"] == "target_weights"
    assert (metadata["policy"], metadata["max_names"]) == ({"names": 3}, 3)
    assert metadata == read_metadata(file)
    again = tmp_path / "again.parquet"
    write_weights(again, panel.dates, panel.symbols, decisions, about)
    assert again.read_bytes() == file.read_bytes()


def test_the_file_opens_without_our_code(tmp_path: Path, panel: Panel) -> None:
    target = Target(np.array([7, 2]), np.array([0.6, 0.4]), np.zeros(2, np.bool_), np.array([4]))
    file = write_weights(tmp_path / "w.parquet", panel.dates, panel.symbols, [(4, target)], {})
    table = pl.read_parquet(file)
    assert table.columns == ["date", "symbol", "weight", "rank", "keep", "reserve"]
    assert table["symbol"].to_list() == [str(panel.symbols[k]) for k in (2, 4, 7)]
    assert table["rank"].to_list() == [1, 2, 0]
    assert table["weight"].to_list() == [0.4, 0.0, 0.6]
    assert table["reserve"].to_list() == [False, True, False]


def test_weights_without_any_date(tmp_path: Path, panel: Panel) -> None:
    file = write_weights(tmp_path / "w.parquet", panel.dates, panel.symbols, [], {})
    with pytest.raises(UserError, match="has no weights: write at least one date"):
        read_weights(file, panel)


Rows = list[tuple[Any, ...]]


def own(folder: Path, panel: Panel, rows: Rows, kind: str = "csv") -> Path:
    """A user's file of (panel row or date, symbol's column or symbol, weight)."""
    dates = [str(panel.dates[d]) if isinstance(d, int) else d for d, *_ in rows]
    symbols = [str(panel.symbols[s]) if isinstance(s, int) else s for _, s, *_ in rows]
    frame = pl.DataFrame({"date": dates, "symbol": symbols, "weight": [float(r[2]) for r in rows]})
    file = folder / f"own.{kind}"
    if kind == "csv":
        frame.write_csv(file)
    else:
        frame.with_columns(pl.col("date").str.to_date()).write_parquet(file)
    return file


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_users_own_file(kind: str, tmp_path: Path, panel: Panel) -> None:
    rows: Rows = [(4, 3, 0.25), (4, 1, 0.75), (9, 2, 1.0)]
    found, policy, about = read_weights(own(tmp_path, panel, rows, kind), panel)
    assert (found.tolist(), about) == ([4, 9], {})
    target = policy.decide(on(panel, 4))
    assert isinstance(target, Target)
    # Bought in the order of the rows.
    assert (target.columns.tolist(), target.weights.tolist()) == ([3, 1], [0.25, 0.75])
    assert not target.keep.any()
    assert (len(target.reserves), target.max_names) == (0, None)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(4, 1, 0.5), (4, 2, 0.6)], "{4} sum to 1.1, not to 1 \\(1 such dates\\): scale them$"),
        ([(4, 1, 0.5), (9, 1, 0.9)], "{4} sum to 0.5, .*2 such dates.*--partial true"),
        ([(4, 1, 1.5), (4, 2, -0.5)], "weight of {s2} on {4} is -0.5 .*numbers from 0 to 1"),
        ([(4, 1, 1.0), (4, 2, "nan")], "weight of {s2} on {4} is nan"),
        ([(4, 1, "inf")], "weight of {s1} on {4} is inf"),
        ([(4, "TSLA", 1.0)], "symbol TSLA on {4} is not in .*spell symbols as the panel does"),
        ([(4, 1, 0.5), (4, 1, 0.5)], "{s1} on {4} more than once"),
        ([(9, 1, 1.0), (4, 1, 1.0)], "{4} comes after {9} \\(row 2\\): sort the rows by date"),
        ([("2019-01-05", 1, 1.0)], "2019-01-05 is no trading day of"),
        ([], "has no weights"),
    ],
)
def test_mistakes_are_named(rows: Rows, told: str, tmp_path: Path, panel: Panel) -> None:
    file = own(tmp_path, panel, rows)
    days = {row: str(panel.dates[row]) for row in (4, 9)}
    for row, day in days.items():
        told = told.replace(f"{{{row}}}", day)
    told = told.replace("{s1}", str(panel.symbols[1])).replace("{s2}", str(panel.symbols[2]))
    with pytest.raises(UserError, match=told) as raised:
        read_weights(file, panel)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("miss", "fine"), [(9e-7, True), (-9e-7, True), (2e-6, False)])
def test_a_sum_is_one_within_its_tolerance(
    *, miss: float, fine: bool, tmp_path: Path, panel: Panel
) -> None:
    file = own(tmp_path, panel, [(4, 1, 0.5), (4, 2, 0.5 + miss)])
    if fine:
        read_weights(file, panel)
        return
    with pytest.raises(UserError, match="sum to"):
        read_weights(file, panel)


def test_cash_is_asked_for(tmp_path: Path, panel: Panel) -> None:
    rows: Rows = [(4, 1, 0.5), (9, 1, 0.0)]
    found, policy, _ = read_weights(own(tmp_path, panel, rows), panel, partial=True)
    target = policy.decide(on(panel, int(found[1])))
    assert isinstance(target, Target)
    assert target.weights.tolist() == [0.0]
    over = own(tmp_path, panel, [(4, 1, 0.5), (4, 2, 0.51)])
    with pytest.raises(UserError, match=r"sum to 1.01, not to 1 .*: scale them$"):
        read_weights(over, panel, partial=True)


def test_weights_that_are_kept_stand_for_themselves(tmp_path: Path, panel: Panel) -> None:
    keep = np.array([True, False])
    target = Target(np.array([1, 2]), np.array([0.8, 0.5]), keep, NONE)
    file = write_weights(tmp_path / "w.parquet", panel.dates, panel.symbols, [(4, target)], {})
    assert_same(read_weights(file, panel)[1].decide(on(panel, 4)), target)


def test_a_reserve_has_no_weight(tmp_path: Path, panel: Panel) -> None:
    file = tmp_path / "w.csv"
    day, (one, other) = panel.dates[4], panel.symbols[:2]
    lines = ["date,symbol,weight,reserve", f"{day},{one},1,false", f"{day},{other},0.1,true"]
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=f"{other} on {day} is 0.1 .*a reserve has the weight 0"):
        read_weights(file, panel)


def test_weights_of_another_panel_or_no_weights_at_all(
    tmp_path: Path, panel: Panel, write_score: Any
) -> None:
    target = Target(np.array([1]), np.ones(1), np.zeros(1, np.bool_), NONE)
    other = {"panel_fingerprint": "0" * 16}
    file = tmp_path / "w.parquet"
    write_weights(file, panel.dates, panel.symbols, [(4, target)], other)
    with pytest.raises(UserError, match="was made from panel 0000000000000000"):
        read_weights(file, panel)
    score = write_score(panel, np.ones((len(panel.dates), len(panel.symbols))))
    with pytest.raises(UserError, match="no column weight: it is a score of date, symbol, score"):
        read_weights(score, panel)
    kind = {METADATA_KEY: b'{"kind": "vote"}'}
    pq.write_table(pq.read_table(file).replace_schema_metadata(kind), file)
    with pytest.raises(UserError, match="is a vote, not target weights: name a file that"):
        read_weights(file, panel)


def test_a_hold_on_a_strange_date(tmp_path: Path, panel: Panel) -> None:
    file = tmp_path / "w.parquet"
    write_weights(file, panel.dates - 7000, panel.symbols, [(4, Hold("no scores"))], {})
    with pytest.raises(UserError, match=r"is no trading day of .*name the panel it was made from"):
        read_weights(file, panel)


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path, panel: Panel) -> None:
    target = Target(np.array([1]), np.ones(1), np.zeros(1, np.bool_), NONE)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match="cannot write"):
        write_weights(
            tmp_path / "file" / "w.parquet", panel.dates, panel.symbols, [(4, target)], {}
        )
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
