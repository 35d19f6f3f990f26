import dataclasses
from typing import Any

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.simulation.settings import (
    DEFAULT_MARKET,
    IntradaySettings,
    LimitSettings,
    ListingSettings,
    MarketSettings,
    ReturnSettings,
    Signal,
    SignalSettings,
    VolumeSettings,
)


def test_the_default_market_is_the_one_without_arguments() -> None:
    assert MarketSettings() == DEFAULT_MARKET


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULT_MARKET.stocks = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"stocks": 19}, "stocks is 19"),
        ({"stocks": 100_001}, "stocks is 100001"),
        ({"days": 59}, "days is 59"),
        ({"signal": -0.1}, "signal is -0.1"),
        ({"signal": float("nan")}, "signal is nan"),
        ({"industries": 1}, "industries is 1"),
        ({"stocks": 20, "industries": 21}, "industries is 21"),
        ({"start": "2018-02-30"}, "start is '2018-02-30'"),
        ({"start": "2018"}, "start is '2018'"),
        ({"start": "1066-10-14"}, "start is '1066-10-14'"),
        ({"returns": ReturnSettings(market_volatility=0.06)}, "returns.market_volatility is 0.06"),
        ({"returns": ReturnSettings(persistence=1.0)}, "returns.persistence is 1.0"),
        ({"returns": ReturnSettings(events=0.2)}, "returns.events is 0.2"),
        ({"returns": ReturnSettings(event_size=-1)}, "returns.event_size is -1"),
        ({"limits": LimitSettings(main=0)}, "limits.main is 0"),
        ({"limits": LimitSettings(special_share=0.9)}, "limits.special_share is 0.9"),
        ({"intraday": IntradaySettings(prints=0)}, "intraday.prints is 0"),
        ({"intraday": IntradaySettings(bar_minutes=7)}, "intraday.bar_minutes is 7"),
        ({"signals": SignalSettings(large=Signal(0.5, -1))}, "signals.large.drift is -1"),
        ({"signals": SignalSettings(volume=Signal(1.0, 0.1))}, "signals.volume.decay is 1.0"),
        ({"signals": SignalSettings(reversal=Signal(0.5, 1))}, "signals.reversal.drift is 1"),
        ({"volume": VolumeSettings(move_share=1.2)}, "volume.move_share is 1.2"),
        ({"volume": VolumeSettings(turnover=0)}, "volume.turnover is 0"),
        ({"listings": ListingSettings(suspension=-1)}, "listings.suspension is -1"),
        ({"listings": ListingSettings(long_days=0)}, "listings.long_days is 0"),
        ({"listings": ListingSettings(initial_share=0)}, "listings.initial_share is 0"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_a_remedy(
    wrong: dict[str, Any], field: str
) -> None:
    remedy = "(choose a value between|choose 5|give an ISO)"
    with pytest.raises(UserError, match=f"market.{field}: {remedy}"):
        MarketSettings(**wrong)


@pytest.mark.parametrize(
    "good", [{"stocks": 20, "industries": 20}, {"days": 60}, {"signal": 0}, {"signal": 5}]
)
def test_limits_belong_to_the_range(good: dict[str, Any]) -> None:
    assert MarketSettings(**good) != DEFAULT_MARKET
