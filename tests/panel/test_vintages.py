import itertools
from typing import Literal

import numpy as np
import pytest

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.returns import LABEL
from alpha_lightning.panel.vintages import LABEL_SPAN, VintageRule, cut_vintage, purge_before

ALL_DAYS = np.arange("2006-01-01", "2023-01-01", dtype="datetime64[D]")
DATES = ALL_DAYS[np.is_busday(ALL_DAYS)]
YEARS = DATES.astype("datetime64[Y]").astype(int) + 1970
Scheme = Literal["oos_lagged", "in_sample"]
SCHEMES: tuple[Scheme, ...] = ("oos_lagged", "in_sample")


def test_the_purge_is_the_label_and_a_day() -> None:
    assert sum(LABEL) == LABEL_SPAN == 11
    assert VintageRule().purge == 12
    assert purge_before(100) == 100 - 12
    assert purge_before(5) == 0
    # The last date kept has its label end two dates before the boundary, the next one the day
    # before it, whose close may not be known when the boundary's morning is acted on.
    assert purge_before(100) - 1 + LABEL_SPAN == 98


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("year", range(2009, 2023))
@pytest.mark.parametrize(("max_years", "share", "span"), [(8, 0.8, 11), (2, 0.5, 21), (8, 0.9, 1)])
def test_no_label_reaches_the_next_part(
    scheme: Scheme, year: int, max_years: int, share: float, span: int
) -> None:
    rule = VintageRule(scheme, max_years, share, span)
    cut = cut_vintage(DATES, year, rule)
    parts = [cut.train, cut.valid, cut.output]
    for part in (*parts, cut.serve):
        np.testing.assert_array_equal(part, np.arange(part[0], part[-1] + 1))
    assert cut.train[-1] + span < cut.valid[0]
    assert cut.valid[-1] + span < cut.out_of_sample_from
    # Exactly `span + 1` dates are dropped, none is wasted.
    assert cut.valid[0] - cut.train[-1] == cut.out_of_sample_from - cut.valid[-1] == span + 2
    assert cut.serve[0] >= cut.out_of_sample_from
    assert set(YEARS[cut.serve]) == {year}
    assert set(YEARS[cut.output]) == {year - 1, year}
    first_unknown = year - 1 if scheme == "oos_lagged" else year
    assert YEARS[cut.out_of_sample_from] == first_unknown
    assert YEARS[cut.out_of_sample_from - 1] == first_unknown - 1
    assert YEARS[cut.train[0]] == max(first_unknown - max_years, 2006)
    if scheme == "oos_lagged":
        assert cut.out_of_sample_from == cut.output[0]
        for a, b in itertools.combinations(parts, 2):
            assert not set(a) & set(b)


def test_in_sample_recomputes_what_it_learnt_and_says_so() -> None:
    cut = cut_vintage(DATES, 2020, VintageRule("in_sample"))
    assert set(cut.output) & set(cut.valid)
    assert cut.output[0] < cut.out_of_sample_from == cut.serve[0]


def test_train_to_valid_is_four_to_one_in_time() -> None:
    cut = cut_vintage(DATES, 2020)
    learn = cut.valid[-1] + 1 - cut.train[0]
    assert len(cut.valid) / learn == pytest.approx(0.2, abs=1 / learn)
    assert cut.train[-1] < cut.valid[0]


def test_later_dates_do_not_change_a_vintage() -> None:
    for year, scheme in itertools.product((2012, 2018), SCHEMES):
        whole = cut_vintage(DATES, year, VintageRule(scheme))
        early = cut_vintage(DATES[year >= YEARS], year, VintageRule(scheme))
        for name in ("train", "valid", "output", "serve"):
            np.testing.assert_array_equal(getattr(whole, name), getattr(early, name))


def test_a_year_still_running_is_served_as_far_as_it_goes() -> None:
    dates = DATES[np.datetime64("2022-03-15") >= DATES]
    cut = cut_vintage(dates, 2022)
    assert str(dates[cut.serve[-1]]) == "2022-03-15"


@pytest.mark.parametrize(
    ("dates", "year", "part"),
    [
        (DATES, 2007, "training"),  # nothing before 2006
        (DATES, 1990, "training"),
        (DATES, 2023, "output"),  # the panel ends before
        (DATES[YEARS >= 2022], 2022, "training"),
        (DATES[:0], 2020, "training"),
    ],
)
def test_a_vintage_without_dates_is_refused(dates: np.ndarray, year: int, part: str) -> None:
    with pytest.raises(PanelError, match=rf"vintage {year} \(oos_lagged\) has no {part} dates"):
        cut_vintage(dates, year)


def test_learning_dates_too_few_to_validate_are_refused() -> None:
    start = int(np.flatnonzero(YEARS == 2019)[-1])
    dates = DATES[start - 40 : start + 400]
    with pytest.raises(PanelError, match=r"no validation dates.*12 purged trading days.*longer"):
        cut_vintage(dates, 2021, VintageRule(train_share=0.999))


@pytest.mark.parametrize(
    "setting", [{"train_share": 0.0}, {"train_share": 1.0}, {"max_years": 0}, {"label_span": 0}]
)
def test_impossible_rules_are_refused(setting: dict[str, float]) -> None:
    with pytest.raises(PanelError, match="0 < train_share < 1, max_years >= 1"):
        VintageRule(**setting)  # type: ignore[arg-type]


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(PanelError, match="unknown vintage scheme 'oos'"):
        VintageRule("oos")  # type: ignore[arg-type]
