import pandas as pd
import pytest

from alpha_lightning.reports import tables


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(14.46, 1, "14.5"), (-0.04, 1, "0.0"), (-1234.5, 0, "−1,234"), (0.05, 1, "0.1")],
)
def test_numbers(value: float, digits: int, text: str) -> None:
    assert tables.number(value, digits) == text


def test_missing_and_infinite_numbers_are_a_dash() -> None:
    assert [tables.number(x) for x in (float("nan"), float("inf"))] == ["–", "–"]


@pytest.fixture
def summary() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "score": ["a", "a", "long name", "long name"],
            "horizon": ["5", "5g", "5", "5g"],
            "mean_pct": [14.51, -3.2, 1.0, float("nan")],
            "se_newey_west_pct": [0.96, 10.0, 0.04, float("nan")],
            "ic_ir": [1.468, -0.3, 0.1, float("nan")],
        }
    )


def test_headline_rows_keep_the_given_order(summary: pd.DataFrame) -> None:
    horizons, rows = tables.headline_rows(summary, ["long name", "a"], ["a"])
    assert horizons == ("5", "5g")
    assert [(row.score, row.baseline) for row in rows] == [("long name", False), ("a", True)]
    assert rows[1].rank_ic == ("14.5", "−3.2")
    assert rows[1].error == ("1.0", "10.0")
    assert rows[0].ic_ir == ("0.10", "–")


def test_headline_text_stands_in_columns(summary: pd.DataFrame) -> None:
    text = tables.headline_text("title", *tables.headline_rows(summary, ["a", "long name"], []))
    assert text.splitlines() == [
        "title",
        "            RankIC %             IC_IR",
        "score              5          5g     5     5g",
        "a          14.5 ±1.0  −3.2 ±10.0  1.47  −0.30",
        "long name   1.0 ±0.0        – ±–  0.10      –",
    ]


def test_top_groups_by_period_for_a_terminal() -> None:
    groups = pd.DataFrame(
        {
            "score": ["b", "a", "b"],
            "since": ["2020-01-06", "2020-01-06", "2021"],
            "turnover": [0.5, 0.6, float("nan")],
            "g01_pct": [43.94, -1.0, 2.0],
        }
    )
    assert tables.top_text(groups, ["a", "b"]).splitlines() == [
        "top group: hedged % a year (weekly turnover)",
        "score    since 2020-01-06          since 2021",
        "a             −1.0 (0.60)                   –",
        "b             43.9 (0.50)             2.0 (–)",
    ]


def test_claims_for_a_terminal() -> None:
    claims = pd.DataFrame(
        {
            "claim": ["x > y", "identity", "identity", "z > x"],
            "verdict": ["holds", "undecided", "holds", "not measured"],
            "measure": ["x less y", "of a", "of b", float("nan")],
        }
    )
    assert tables.claims_text(claims).splitlines() == [
        "claims of the paper here",
        "  holds      x > y",
        "  undecided  identity (of a)",
        "  holds      identity (of b)",
        "  1 not measured",
    ]
    assert tables.claims_text(claims[-1:]).splitlines()[1:] == ["  1 not measured"]
    assert len(tables.claims_text(claims[:1]).splitlines()) == 2


def test_a_number_with_its_error_and_the_paper_s() -> None:
    row = pd.Series({"a_pct": 14.46, "a_se_pct": 0.71, "b_pct": float("nan"), "b_se_pct": 0.3})
    lost = pd.Series({"a_pct": float("nan")})
    assert tables.pair(row, "a_pct", "a_se_pct", 1) == ("14.5", "0.7", "")
    assert tables.pair(row, "a_pct", None, 2, pd.Series({"a_pct": 14.3})) == ("14.46", "", "14.30")
    assert tables.pair(row, "a_pct", None, 1, lost) == ("14.5", "", "")
    assert tables.pair(row, "b_pct", "b_se_pct", 1, pd.Series({"c": 1.0})) == ("–", "", "")
    row["a_se_pct"] = float("nan")
    assert tables.pair(row, "a_pct", "a_se_pct", 1).error == ""


def test_top_group_fills_years_that_a_score_lacks() -> None:
    top = pd.DataFrame(
        {
            "score": ["a", "a", "a", "b", "b"],
            "year": ["2020", "2021", "all", "2021", "all"],
            "return_pct": [1.0, 2.0, 3.0, 4.0, 5.0],
            "max_drawdown_pct": [-1.0, -2.0, -2.5, -4.0, -4.5],
        }
    )
    years, rows = tables.top_group_rows(top, ["b", "a"])
    assert years == ["2020", "2021", "all"]
    assert rows[0] == ["b", ("–", "–"), ("4.0", "−4.0"), ("5.0", "−4.5")]


def test_heat_follows_the_size_of_the_correlation() -> None:
    table = pd.DataFrame({"score": ["a", "b"], "a_pct": [100.0, -40.0], "b_pct": [-40.0, 100.0]})
    (score, cells), _ = tables.heat_rows(table, ["b", "a"])
    assert score == "b"
    assert [(cell.text, cell.strength) for cell in cells] == [("100.0", 1.0), ("−40.0", 0.4)]


def test_heat_shows_the_paper_and_leaves_unknown_cells_plain() -> None:
    table = pd.DataFrame(
        {"score": ["a", "b"], "a_pct": [float("nan"), 80.0], "b_pct": [80.0, 84.0]}
    )
    paper = pd.DataFrame({"score": ["a"], "a_pct": [86.3], "b_pct": [82.1]})
    rows = tables.heat_rows(table, ["a", "b"], paper)
    assert [(c.text, c.strength, c.paper) for c in rows[0][1]] == [
        ("–", 0.0, "86.3"),
        ("80.0", 0.8, "82.1"),
    ]
    assert [cell.paper for cell in rows[1][1]] == ["", ""]


def test_times_are_summed_by_kind_of_task() -> None:
    timings = pd.DataFrame(
        {"task": ["ingest", "fit/gru/s0", "fit/gru/s1"], "seconds": [1.0, 30.0, 60.0]}
    )
    assert tables.timing_rows(timings)[1] == [
        ["ingest", "1", "1.0", "1.0", "1.0"],
        ["fit", "2", "90.0", "45.0", "60.0"],
    ]


def test_plain_tables_say_per_cent_in_the_header() -> None:
    table = pd.DataFrame({"stage_name": ["fit"], "seconds": [1.26], "n": [3], "share_pct": [50.0]})
    assert tables.plain_rows(table) == (
        ["stage name", "seconds", "n", "share, %"],
        [["fit", "1.3", "3", "50.0"]],
    )
