"""Exposures: nothing after the row, nothing of other stocks to come, and panels that lack much."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.risk.settings import STYLES, RiskSettings
from alpha_lightning.risk.styles import StyleInputs
from tests.risk.styles_market import CAPS, NUMBERS, StyleMarket, style_market

ROW = 760


@pytest.fixture(scope="module")
def whole() -> StyleMarket:
    return style_market(stocks=40)


def inputs_of(market: StyleMarket, folder: Path, **settings: Any) -> StyleInputs:
    return StyleInputs.of_panel(market.write(folder), RiskSettings(**settings))


def test_a_changed_future_changes_no_bit(whole: StyleMarket, tmp_path: Path) -> None:
    before = inputs_of(whole, tmp_path / "a")
    after = inputs_of(whole.shocked_after(ROW), tmp_path / "b")
    for row in (10, 400, ROW - 1, ROW):
        assert before.exposures(row).tobytes() == after.exposures(row).tobytes()
        assert before.cap(row).tobytes() == after.cap(row).tobytes()
        assert before.digest(row) == after.digest(row)
    assert before.exposures(ROW + 1).tobytes() != after.exposures(ROW + 1).tobytes()
    assert before.digest(ROW + 1) != after.digest(ROW + 1)


def test_a_panel_cut_at_a_row_says_the_same_of_it(whole: StyleMarket, tmp_path: Path) -> None:
    longer, cut = inputs_of(whole, tmp_path / "a"), inputs_of(whole.until(ROW), tmp_path / "b")
    for row in range(ROW + 10):
        made = longer.exposures(row)
        if row == ROW:
            assert made.tobytes() == cut.exposures(ROW).tobytes()


def test_the_order_in_which_rows_are_asked_for_does_not_matter(
    whole: StyleMarket, tmp_path: Path
) -> None:
    rows = [700, 3, 779, 400, 779, 250, 700]
    asked = inputs_of(whole, tmp_path)
    for row in rows:
        alone = inputs_of(whole, tmp_path)
        assert asked.exposures(row).tobytes() == alone.exposures(row).tobytes()


def test_a_stock_that_lists_later_moves_no_bit_of_the_others(
    whole: StyleMarket, tmp_path: Path
) -> None:
    before = inputs_of(whole, tmp_path / "a")
    after = inputs_of(whole.with_newcomer(20, ROW + 1), tmp_path / "b")
    for row in (5, 400, ROW):
        more = after.exposures(row)
        assert np.isnan(more[0]).all()
        assert before.exposures(row).tobytes() == more[1:].tobytes()
        assert before.digest(row) == after.digest(row)
    assert np.isfinite(after.exposures(ROW + 2)[0]).all()
    assert before.digest(ROW + 1) != after.digest(ROW + 1)


INPUTS = ["close", "high", "low", "adj_factor", "amount", *CAPS, *NUMBERS, "traded", "industry"]


@pytest.mark.parametrize("name", INPUTS)
def test_the_digest_of_a_row_is_of_every_input(
    name: str, whole: StyleMarket, tmp_path: Path
) -> None:
    industry: Any = whole.industry
    table = (whole.market | whole.published | whole.flags | {"industry": industry})[name]

    def moved(values: Any) -> Any:
        if values is not table:
            return values
        made = values.copy()
        if values.dtype == np.bool_:
            made[ROW, 25] ^= True
        else:
            made[ROW, 25] += 1
        return made

    before = inputs_of(whole, tmp_path / "a")
    after = inputs_of(whole.mapped(moved), tmp_path / "b")
    assert [row for row in range(750, 770) if before.digest(row) != after.digest(row)] == [ROW]


def test_the_digest_of_a_row_is_of_ages(whole: StyleMarket, tmp_path: Path) -> None:
    def longer(values: Any) -> Any:
        made = values.copy()
        if values is whole.flags["listed"]:
            made[100, 4] = True
        return made

    before = inputs_of(whole, tmp_path / "a")
    after = inputs_of(whole.mapped(longer), tmp_path / "b")
    assert before.digest(90) == after.digest(90)
    assert before.digest(ROW) != after.digest(ROW)


def test_exposures_depend_on_no_row_before_their_history(
    whole: StyleMarket, tmp_path: Path
) -> None:
    row = 779
    for wanted in (list(STYLES), ["size", "trend"], ["beta", "volatility"]):
        before = inputs_of(whole, tmp_path / "a", styles=wanted)

        def spoilt(values: Any, until: int = row - before.history) -> Any:
            made = values.copy()
            if values.dtype.kind == "f":
                made[:until] = np.nan
            return made

        after = inputs_of(whole.mapped(spoilt), tmp_path / "b", styles=wanted)
        assert before.exposures(row).tobytes() == after.exposures(row).tobytes()
    assert [
        inputs_of(whole, tmp_path, styles=[s]).history for s in ("growth", "trend", "beta")
    ] == [
        729,
        485,
        243,
    ]


def test_a_style_is_standardised_over_the_stocks_that_traded(
    whole: StyleMarket, tmp_path: Path
) -> None:
    inputs = inputs_of(whole, tmp_path, styles=["size", "trend"])
    made, cap = inputs.exposures(ROW).astype(np.float64), inputs.cap(ROW)
    traded = np.isfinite(made[:, 0]) & whole.flags["traded"][ROW]
    weights = cap[traded] / cap[traded].sum()
    np.testing.assert_allclose(weights @ made[traded], 0, atol=1e-6)
    np.testing.assert_allclose(made[traded].std(axis=0), 1, rtol=1e-6)


def test_bars_alone_tell_three_styles(whole: StyleMarket, tmp_path: Path) -> None:
    inputs = inputs_of(whole.without("industry", "amount", *CAPS, *NUMBERS), tmp_path)
    assert inputs.styles == ("beta", "trend", "volatility")
    assert inputs.dropped["size"] == (
        "style size is dropped: the panel has neither total_cap nor float_cap in its daily bars:"
        " ingest them with one of both"
    )
    assert inputs.dropped["certainty"] == (
        "style certainty is dropped: the panel has no published fund_share and no coverage: ingest"
        " fundamentals with such columns"
    )
    assert set(inputs.dropped) == set(STYLES) - set(inputs.styles)
    assert any("every stock weighs the same" in note for note in inputs.notes)
    listed = whole.flags["listed"][ROW]
    np.testing.assert_array_equal(inputs.cap(ROW), np.where(listed, 1.0, np.nan))
    made = inputs.exposures(ROW)
    assert np.abs(made[np.isfinite(made[:, 0])]).max(axis=0).min() > 1


def test_float_values_stand_in_for_total_ones(whole: StyleMarket, tmp_path: Path) -> None:
    inputs = inputs_of(whole.without("total_cap"), tmp_path)
    assert inputs.styles == STYLES
    assert any("float_cap stands for it" in note for note in inputs.notes)
    stock = 25
    assert inputs.cap(ROW)[stock] == whole.market["float_cap"][ROW, stock]


def test_only_styles_that_are_wanted_are_told(whole: StyleMarket, tmp_path: Path) -> None:
    inputs = inputs_of(whole, tmp_path / "a", styles=["cubic_size", "soe"])
    assert inputs.styles == ("soe", "cubic_size")
    assert not inputs.dropped
    every = inputs_of(whole, tmp_path / "b").exposures(ROW)
    assert inputs.exposures(ROW).tobytes() == every[:, [7, 9]].tobytes()
