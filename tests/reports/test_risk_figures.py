import re

import numpy as np
import pandas as pd

from alpha_lightning.reports import risk_figures as figures

DAYS = np.array(["2021-01-29", "2021-02-26", "2021-03-31"], dtype="datetime64[D]")


def texts(svg: str) -> set[str]:
    return set(re.findall(r"<text[^>]*>(.*?)</text>", svg))


def test_the_fit_is_drawn_beside_its_source_s() -> None:
    lines = {"adjusted": np.array([30.0, np.nan, -2.0]), "R²": np.array([31.0, np.nan, 1.0])}
    svg = figures.r_squared_lines(DAYS, lines, 21.4)
    assert {"adjusted", "R²", "source, 21.4 %"} <= texts(svg)
    assert svg == figures.r_squared_lines(DAYS, lines, 21.4)


def test_factors_are_drawn_each_in_a_line() -> None:
    names = ["size", "cubic_size", *(f"f{k}" for k in range(9))]
    rows = [(str(day), name, k) for k, name in enumerate(names) for day in DAYS]
    table = pd.DataFrame(rows, columns=["date", "factor", "cumulative_pct"])
    assert {"size", "cubic size", "f8"} <= texts(
        figures.factor_lines(table, names, "cumulative_pct")
    )
    # A factor that is not asked for is not drawn.
    assert "size" not in texts(figures.factor_lines(table, ["f1"], "cumulative_pct"))


def test_forecast_and_what_came_are_drawn_by_name() -> None:
    svg = figures.volatility_marks([("market", 20.0, 22.0), ("size <1>", 3.0, 2.0)])
    assert {"market", "size &lt;1&gt;", "ex ante", "ex post"} <= texts(svg)
