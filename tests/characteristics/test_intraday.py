from dataclasses import fields

from alpha_lightning.characteristics.intraday import (
    CLOSING,
    CONTINUOUS,
    OPENING,
    IntradayBars,
    Prints,
)


def test_phases_are_in_the_order_of_the_day() -> None:
    assert OPENING < CONTINUOUS < CLOSING


def test_each_field_is_described() -> None:
    for kind in (IntradayBars, Prints):
        for field in fields(kind):
            assert f"        {field.name}: " in str(kind.__doc__)
