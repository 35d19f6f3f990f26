from collections import Counter

import pytest

from alpha_lightning.characteristics.schema import idle_value, l2chars_columns, mschars_columns

KINDS = {"price", "shares", "amount", "ratio", "return", "moment"}


@pytest.mark.parametrize("periods", [1, 8, 13])
def test_counts_of_the_paper(periods: int) -> None:
    mschars, l2chars = mschars_columns(periods), l2chars_columns(periods)
    assert len(mschars) == 14 + 13 * periods
    assert len(l2chars) == 23 + 9 * periods
    for columns in (mschars, l2chars):
        names = [name for name, _ in columns]
        assert len(set(names)) == len(names)
        assert {kind for _, kind in columns} <= KINDS


def test_eight_half_hours_give_118_and_95_in_the_order_of_the_paper() -> None:
    mschars = [name for name, _ in mschars_columns(8)]
    assert mschars[:8] == [
        "open",
        "high",
        "low",
        "close",
        "volume",
        "amount",
        "twap",
        "auction_volume",
    ]
    assert mschars[8:15] == [
        "open_1",
        "high_1",
        "low_1",
        "close_1",
        "volume_1",
        "amount_1",
        "twap_1",
    ]
    assert mschars[64:70] == ["rvol", "rskew", "rkurt", "vvol", "vhhi", "jump"]
    assert mschars[-1] == "jump_8"
    l2chars = [name for name, _ in l2chars_columns(8)]
    assert l2chars[:4] == ["twap", "vwap", "bwap", "swap"]
    assert l2chars[8:15] == (
        ["auction_amount", "bamt", "samt", "bamt_p1", "samt_p1", "bamt_p5", "samt_p5"]
    )
    assert l2chars[15:18] == ["aret", "aret_p1", "aret_p5"]
    assert l2chars[-5:] == (
        ["closing_auction_amount", "bopct_p1", "bopct_p5", "bopct_p1_1", "bopct_p5_1"]
    )


def test_kinds() -> None:
    counts = Counter(kind for _, kind in mschars_columns(8))
    assert counts == {
        "price": 5 * 9, "shares": 9 + 1 + 9, "amount": 9, "return": 18, "moment": 18, "ratio": 9
    }  # fmt: skip
    counts = Counter(kind for _, kind in l2chars_columns(8))
    assert counts == {"price": 8, "amount": 7 + 48 + 1, "return": 3 + 24, "ratio": 4}


def test_a_day_without_trading() -> None:
    for name, kind in (*mschars_columns(8), *l2chars_columns(8)):
        idle = idle_value(name, kind)
        if kind == "price":
            assert idle is None
        elif name.startswith(("rkurt", "vhhi", "bopct")):
            assert idle == {"rkurt": 3, "vhhi": 1, "bopct": 50}[name.partition("_")[0]]
        else:
            assert idle == 0
