from datetime import date
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.panel.calendar import infer_calendar, is_weekday, read_calendar, read_lines
from alpha_lightning.panel.errors import PanelError


def weekdays(count: int, start: str = "2024-01-01") -> list[np.datetime64]:
    days = np.datetime64(start) + np.arange(2 * count)
    return list(days[np.is_busday(days)][:count])


def test_weekdays_agree_with_numpy() -> None:
    days = np.arange("1960-01-01", "2030-01-01", dtype="datetime64[D]")
    np.testing.assert_array_equal(is_weekday(days), np.is_busday(days))


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02\n2024-01-03\n",
        "\ufeff2024-01-02\r\n2024-01-03",
        "\n 2024-01-02 \n\n2024-01-03\n\n",
        "20240102\n20240103\n",
    ],
)
def test_a_calendar_is_one_date_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "day.txt").write_bytes(text.encode())
    dates = read_calendar(tmp_path / "day.txt")
    assert dates.dtype == np.dtype("datetime64[D]")
    assert dates.tolist() == [date(2024, 1, 2), date(2024, 1, 3)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty: it needs one ISO date a line"),
        ("\n \n", "is empty"),
        ("2024-01-02\n\ntoday\n", r"line 3: 'today' is not a date such as 2024-01-31"),
        ("2024-01-02\n2024\n", "line 2: '2024' is not a date"),
        ("2024-02-30\n", "line 1: '2024-02-30' is not a date"),
        ("2024-01-02\n\n2024-01-02\n", "line 3: 2024-01-02 does not come after 2024-01-02"),
        ("2024-01-03\n2024-01-02\n", "line 2: 2024-01-02 .*sort the file"),
    ],
)
def test_a_bad_calendar_names_the_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "day.txt").write_text(text)
    with pytest.raises(PanelError, match=rf"day\.txt.*{told}"):
        read_calendar(tmp_path / "day.txt")


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "day.txt").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "day.txt", tmp_path, tmp_path / "none"):
        with pytest.raises(PanelError, match=r"cannot be read .*UTF-8 text"):
            read_lines(path)


def test_weekends_are_no_trading_days() -> None:
    days = np.arange("2024-01-01", "2024-01-15", dtype="datetime64[D]")
    assert infer_calendar(days[::-1]).tolist() == [d for d in days.tolist() if d.weekday() < 5]


def test_a_date_with_few_rows_after_busy_ones_is_an_accident() -> None:
    days = weekdays(12)
    rows = [day for day in days for _ in range(100)]
    rows = [day for day in rows if day != days[5]] + [days[5]] * 4
    inferred = infer_calendar(np.array(rows))
    assert inferred.tolist() == [day.item() for day in days if day != days[5]]
    assert len(infer_calendar(np.array([*rows, days[5]]))) == 12  # 5 % of the rows are enough


def test_thin_markets_keep_every_weekday() -> None:
    days = weekdays(5)
    rows = [days[0]] * 19 + days[1:]  # from 19 symbols to one
    assert len(infer_calendar(np.array(rows))) == 5


def test_a_market_may_shrink_slowly() -> None:
    days = weekdays(60)
    rows = [day for k, day in enumerate(days) for _ in range(max(1, int(2000 * 0.8**k)))]
    assert len(infer_calendar(np.array(rows))) == 60


def test_a_market_may_grow_at_once() -> None:
    # On the day nobody knows that 30 rows will look few.
    days = weekdays(20)
    rows = [day for k, day in enumerate(days) for _ in range(30 if k < 12 else 2000)]
    assert len(infer_calendar(np.array(rows))) == 20


def test_later_dates_do_not_decide_about_earlier_ones() -> None:
    days = weekdays(40)
    generator = np.random.default_rng(0)
    counts = generator.integers(1, 200, 40)
    rows = [day for day, count in zip(days, counts, strict=True) for _ in range(count)]
    whole = infer_calendar(np.array(rows))
    assert len(whole) < 40
    for cut in range(5, 40, 5):
        early = np.array([day for day in rows if day < days[cut]])
        np.testing.assert_array_equal(infer_calendar(early), whole[whole < days[cut]])
