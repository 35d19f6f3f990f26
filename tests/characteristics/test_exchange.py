from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.characteristics.exchange import (
    CharacteristicsError,
    Exchange,
    read_exchange,
    seconds_of,
)

CONFIGS = Path(__file__).parents[2] / "configs" / "market"
CN = Exchange(
    "cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100,
    opening_auction=("09:15", "09:30"), closing_auction=("14:57", "15:00"),
)  # fmt: skip


def test_hours_of_shanghai_and_new_york() -> None:
    cn, us = read_exchange(CONFIGS / "cn.yaml"), read_exchange(CONFIGS / "us.yaml")
    assert (cn.periods, cn.day_seconds, cn.period_seconds, cn.lot) == (8, 4 * 3600, 1800, 100)
    assert cn.seconds == ((34200, 41400), (46800, 54000))
    assert (us.periods, us.day_seconds) == (13, 23400)
    assert us.opening_auction is None
    assert us.trades.missing_side == "tick"
    assert cn.trades.sides == {"B": "buy", "S": "sell", "N": "neither"}


def test_seconds_too() -> None:
    assert seconds_of("14:57:30") == 53850


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timezone": "Asia/Atlantis"}, "timezone 'Asia/Atlantis' is unknown"),
        ({"sessions": []}, "give start and end of each session in order"),
        ({"sessions": [("13:00", "15:00"), ("09:30", "11:30")]}, "in order"),
        ({"sessions": [("09:30", "09:30")]}, "in order"),
        ({"sessions": [("9.30", "11:30")]}, "'9.30' is no time of day"),
        ({"sessions": [(34200, "11:30")]}, 'write it in quotes, such as "09:30"'),
        ({"sessions": [("09:30", "11:45")]}, "do not tile the session 09:30 to 11:45"),
        ({"period_minutes": 0}, "period of a minute or more"),
        ({"opening_auction": ("09:15", "09:31")}, "must end by the first session's start"),
        ({"opening_auction": ("09:25", "09:25")}, "must end by"),
        ({"closing_auction": ("14:57", "15:01")}, "inside the last session"),
        ({"closing_auction": ("12:57", "15:00")}, "inside the last session"),
        ({"extended_hours": ("10:00", "16:00")}, "must hold the sessions"),
        ({"lot": 0}, "at least 1 and 0"),
        ({"volume_tolerance": float("nan")}, "at least 1 and 0"),
    ],
)
def test_a_day_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CharacteristicsError, match=message):
        replace(CN, **change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cn.yaml describes no exchange .*No such file"),
        ("", "describes no exchange"),
        ("name: x", "describes no exchange"),
        ("stocks: 4", "describes no exchange .*stocks"),
        ("- a", "describes no exchange"),
        ("{", "describes no exchange"),
    ],
)
def test_a_file_that_describes_none(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "cn.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CharacteristicsError, match=message):
        read_exchange(file)


def test_habits_of_a_vendor(tmp_path: Path) -> None:
    file = tmp_path / "vendor.yaml"
    text = (CONFIGS / "cn.yaml").read_text()
    file.write_text(text.replace("minute:\n", "minute:\n  columns: {time: datetime}\n"))
    assert read_exchange(file).minute.columns == {"time": "datetime"}
