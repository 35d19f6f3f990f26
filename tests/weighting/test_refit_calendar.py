from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alpha_lightning.panel.vintages import VintageRule, cut_vintage
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.refit_calendar import first_learnt, plan_refits

SPAN = 11


def calendar(first: str = "2018-01-01", last: str = "2022-12-20") -> NDArray[Any]:
    days = np.arange(first, last, dtype="datetime64[D]")
    days = days[np.is_busday(days)]
    # Holidays: the year starts late, February is short, and a month starts on its fourth day.
    holidays = np.array(["2022-01-03", "2022-02-01", "2022-02-02", "2022-07-01", "2022-07-04"])
    return days[~np.isin(days, holidays.astype("datetime64[D]"))]


def plain_plan(
    dates: NDArray[Any], year: int, window: int, share: float, span: int
) -> list[tuple[list[int], list[int], list[int]]]:
    plan = []
    of_year = [i for i, day in enumerate(dates.tolist()) if day.year == year]
    own = [i for i, day in enumerate(dates.tolist()) if day.year in {year - 1, year}]
    for month in sorted({dates[i].item().month for i in of_year}):
        serve = [i for i in of_year if dates[i].item().month == month]
        # The close that ends the label of i, at i + span, lies at least two dates before the fit.
        known = [i for i in own if i + span <= serve[0] - 2][-window:]
        n_valid = round(share * len(known))
        valid = known[len(known) - n_valid :]
        train = [i for i in known[: len(known) - n_valid] if not valid or i + span <= valid[0] - 2]
        plan.append((train, valid, serve))
    return plan


@pytest.mark.parametrize(
    ("window", "share", "span"), [(243, 0.2, 11), (243, 0.2, 21), (60, 0.35, 11), (5, 0.2, 5)]
)
def test_equals_a_plain_loop(window: int, share: float, span: int) -> None:
    dates = calendar()
    settings = LightGBMSettings(window=window, valid_share=share)
    learnable = np.arange(len(dates))
    plan = plan_refits(dates, cut_vintage(dates, 2022), learnable, settings, span)
    found = [(r.train.tolist(), r.valid.tolist(), r.serve.tolist()) for r in plan]
    assert found == plain_plan(dates, 2022, window, share, span)


def test_months_cover_the_year_once() -> None:
    dates = calendar()
    vintage = cut_vintage(dates, 2022)
    plan = plan_refits(dates, vintage, np.arange(len(dates)), LightGBMSettings(), SPAN)
    assert len(plan) == 12
    np.testing.assert_array_equal(np.concatenate([r.serve for r in plan]), vintage.serve)
    assert [str(dates[r.serve[0]]) for r in plan][:3] == ["2022-01-04", "2022-02-03", "2022-03-01"]
    assert str(dates[plan[6].serve[0]]) == "2022-07-05"


def test_every_label_is_known_before_it_is_used() -> None:
    dates = calendar()
    for refit in plan_refits(
        dates, cut_vintage(dates, 2022), np.arange(len(dates)), LightGBMSettings(), SPAN
    ):
        assert refit.train.max() + SPAN < refit.valid.min()
        assert refit.valid.max() + SPAN < refit.serve.min()
        assert dates[refit.train.min()] >= np.datetime64("2021-01-01")
        assert len(refit.train) + len(refit.valid) <= 243


def test_early_in_a_history_there_is_nothing_to_learn_from() -> None:
    dates = calendar(first="2021-12-01")
    vintage = cut_vintage(dates, 2022, VintageRule("in_sample", label_span=2))
    plan = plan_refits(dates, vintage, np.arange(len(dates)), LightGBMSettings(), SPAN)
    sizes = [len(refit.train) for refit in plan]
    assert sizes[0] <= 10
    assert sizes[-1] > 150
    nothing = plan_refits(dates, vintage, np.arange(len(dates)), LightGBMSettings(), 25)[0]
    assert not len(nothing.train) + len(nothing.valid)


def test_first_learnt_is_the_first_of_any_fit() -> None:
    dates = calendar()
    plan = plan_refits(
        dates, cut_vintage(dates, 2022), np.arange(len(dates)), LightGBMSettings(), SPAN
    )
    assert first_learnt(plan) == min(refit.train.min() for refit in plan)
    assert str(dates[first_learnt(plan)]) == "2021-01-11"
    dates = calendar(first="2021-12-01", last="2022-01-20")
    vintage = cut_vintage(dates, 2022, VintageRule("in_sample", label_span=2))
    assert (
        first_learnt(plan_refits(dates, vintage, np.arange(len(dates)), LightGBMSettings(), 25))
        == vintage.serve[0]
    )


def test_dates_with_nothing_to_learn_from_are_passed_over() -> None:
    dates = calendar()
    vintage = cut_vintage(dates, 2022)
    learnable = np.arange(0, len(dates), 2)
    settings = LightGBMSettings(window=50)
    for refit in plan_refits(dates, vintage, learnable, settings, SPAN):
        assert (refit.train % 2 == 0).all()
        assert len(refit.valid) == 10
        assert len(refit.train) == 40 - 6  # twelve days of purge, every other one learnable


@pytest.mark.parametrize("every", [2, 3, 5, 12, 20])
def test_a_fit_serves_as_many_months_as_asked(every: int) -> None:
    dates = calendar()
    vintage = cut_vintage(dates, 2022)
    learnable = np.arange(len(dates))
    monthly = plan_refits(dates, vintage, learnable, LightGBMSettings(), SPAN)
    plan = plan_refits(dates, vintage, learnable, LightGBMSettings(refit_every=every), SPAN)
    assert len(plan) == -(-12 // every)
    for k, refit in enumerate(plan):
        first, last = monthly[every * k], monthly[min(every * (k + 1), 12) - 1]
        np.testing.assert_array_equal(refit.train, first.train)
        np.testing.assert_array_equal(refit.valid, first.valid)
        assert (refit.serve[0], refit.serve[-1]) == (first.serve[0], last.serve[-1])
    np.testing.assert_array_equal(np.concatenate([r.serve for r in plan]), vintage.serve)
