import numpy as np
import pandas as pd

from alpha_lightning.reports import risk_tables as tables


def test_factors_are_told_by_kind() -> None:
    names = {"factor": ["cubic_size", "bank"], "kind": ["style", "industry"]}
    numbers = {"annual_return_pct": [-1.234, 2.0], "volatility_pct": [3.0, 4.0]}
    table = pd.DataFrame({**names, **numbers, "t": [-2.04, np.nan], "days": [1200, 0]})
    assert tables.factor_rows(table, ("style", "market")) == [
        ("cubic size", [("−1.23", ""), ("3.00", ""), ("−2.0", ""), ("1,200", "")])
    ]
    assert tables.factor_rows(table, ("industry",))[0][1][2:] == [("–", ""), ("0", "")]


def test_bias_stands_beside_its_spread_and_what_chance_allows() -> None:
    rows = {
        "what": ["random active", "cubic_size"],
        "bias": [1.034, np.nan],
        "low": [0.9, np.nan],
        "high": [1.1, np.nan],
        "forecast_pct": [5.0, np.nan],
        "realised_pct": [5.2, np.nan],
        "periods": [50, 1],
    }
    first, second = tables.bias_rows(pd.DataFrame(rows))
    assert len(first) == len(tables.BIAS_HEADER)
    assert first == [*("random active", "1.03", "0.90 to 1.10", "0.80 to 1.20", "5.0", "5.2", "50")]
    assert second == ["cubic size", "–", "–", "–", "–", "–", "1"]


def test_chance_is_wide_with_few_periods() -> None:
    assert tables.chance_text(2) == "0.00 to 2.00"
    assert tables.chance_text(float("nan")) == "–"


def test_years_stand_side_by_side() -> None:
    rows = [("market", 2021, 20.0, 21.0), ("market", 2022, np.nan, np.nan), ("a", 2022, 5.0, 4.0)]
    table = pd.DataFrame(rows, columns=["what", "year", "forecast_pct", "realised_pct"])
    assert tables.year_rows(table) == (
        ["2021", "2022"],
        [
            ("market", [("20.0 / 21.0", ""), ("–", "")]),
            ("a", [("–", ""), ("5.0 / 4.0", "")]),
        ],
    )
    assert tables.year_rows(None) == ([], [])
