import numpy as np

from alpha_lightning.backtest.attempts import Attempts
from alpha_lightning.backtest.trade_costs import Charges


def test_what_changed_hands() -> None:
    nothing = np.zeros(3)
    tried = Attempts(
        column=np.arange(3),
        wanted=np.array([-2.0, 3.0, 1.0]),
        shares=np.array([-2.0, 1.5, 0.0]),
        price=np.array([10.0, 20.0, np.nan]),
        charges=Charges(nothing, nothing, nothing),
        reason=np.zeros(3, dtype=np.int8),
    )
    assert tried.flow == 50
