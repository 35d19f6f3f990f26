import numpy as np

from alpha_lightning.backtest.run import Setting, run_backtests
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings
from alpha_lightning.portfolio.top_n import TopN
from tests.backtest.orders_market import FREE, flat_market

SIGNALS = np.array([1, 4, 7])
ALL = np.ones((3, 6), dtype=bool)


def scores() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(size=(3, 6)).astype(np.float32)


def test_settings_do_not_touch_one_another() -> None:
    market = flat_market(np.arange(10.0, 16.0), days=10)
    close = ExecutionSettings("close")
    settings = [
        Setting("a", TopN(2, 1.0), scores(), close, FREE),
        Setting("b", TopN(3, 0.4), scores()[:, ::-1], close, CostSettings()),
        Setting("c", TopN(2, 1.0), None, close, FREE),
        Setting("d", TopN(2, 1.0), scores(), ExecutionSettings("close", delay=3), FREE),
    ]
    together = run_backtests(market, SIGNALS, ALL, settings, 9)
    apart = [run_backtests(market, SIGNALS, ALL, [one], 9)[0] for one in settings]
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one.ledger.value, other.ledger.value)
        np.testing.assert_array_equal(one.ledger.trades.shares, other.ledger.trades.shares)
    assert [len(one.ledger.rows) for one in together] == [8, 8, 0, 6]
    assert together[2].ledger.held == tuple((int(row), "no scores") for row in SIGNALS)


def test_a_run_ends_on_its_last_row() -> None:
    market = flat_market(np.arange(10.0, 16.0), days=10)
    setting = Setting("a", TopN(2, 1.0), scores(), ExecutionSettings("close"), FREE)
    (outcome,) = run_backtests(market, SIGNALS, ALL, [setting], 7)
    assert outcome.ledger.rows.tolist() == [2, 3, 4, 5, 6, 7]
    # The last signal is decided, for whoever trades tomorrow, and not traded.
    assert [row for row, _ in outcome.decisions] == [1, 4, 7]
    assert outcome.ledger.trades.row.max() == 5
    (outcome,) = run_backtests(market, SIGNALS[:0], ALL[:0], [setting], 9)
    assert len(outcome.ledger.rows) == 0
