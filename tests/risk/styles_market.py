"""Small panels with everything that a style is told from, and everything that spoils it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.panel.store import Panel

Array = NDArray[Any]
PRICES = ("close", "high", "low")
CAPS = ("total_cap", "float_cap")
NUMBERS = (
    "book_equity",
    "net_assets",
    "net_profit_ttm",
    "sales_ttm",
    "state_share",
    "fund_share",
    "coverage",
)


@dataclass(frozen=True)
class StyleMarket:
    """Arrays ``(T, N)`` by name, as a panel holds them."""

    market: dict[str, Array]
    flags: dict[str, Array]
    published: dict[str, Array]
    industry: Array | None
    symbols: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        rows, stocks = self.market["close"].shape
        return rows, stocks

    def write(self, folder: Path) -> Panel:
        arrays = {f"market/{name}": values for name, values in self.market.items()}
        arrays |= {f"flags/{name}": values for name, values in self.flags.items()}
        arrays |= {f"fundamentals/{name}": values for name, values in self.published.items()}
        about: dict[str, Any] = {
            "format_version": 1,
            "fingerprint": "f",
            "market": list(self.market),
            "flags": list(self.flags),
            "fundamentals": list(self.published),
            "indices": [],
            "levels": [],
            "datasets": {},
            "switched_off": [],
            "symbols": list(self.symbols),
            "dates": [str(np.datetime64("2015-01-01") + k) for k in range(self.shape[0])],
        }
        if self.industry is not None:
            arrays["industry"] = self.industry
            about["industries"] = [f"I{k}" for k in range(int(self.industry.max()) + 1)]
        for name, values in arrays.items():
            file = folder / f"{name}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, values)
        (folder / "panel.json").write_text(json.dumps(about))
        return Panel.open(folder)

    def mapped(self, change: Any) -> Self:
        """The same with ``change`` applied to every array."""
        return replace(
            self,
            market={name: change(values) for name, values in self.market.items()},
            flags={name: change(values) for name, values in self.flags.items()},
            published={name: change(values) for name, values in self.published.items()},
            industry=None if self.industry is None else change(self.industry),
        )

    def until(self, row: int) -> Self:
        """The dates up to a row."""
        return self.mapped(lambda values: values[: row + 1])

    def without(self, *names: str) -> Self:
        """The same without fields; ``industry`` is one."""
        return replace(
            self,
            market={k: v for k, v in self.market.items() if k not in names},
            published={k: v for k, v in self.published.items() if k not in names},
            industry=None if "industry" in names else self.industry,
        )

    def shocked_after(self, row: int) -> Self:
        """Everything after a row is another."""
        generator = np.random.default_rng(8)

        def shocked(values: Array) -> Array:
            made = values.copy()
            late = made[row + 1 :]
            if values.dtype == np.bool_:
                late[...] = generator.random(late.shape) < 0.5
            elif values.dtype == np.int16:
                late[...] = generator.permuted(late, axis=1)
            else:
                late *= np.exp(generator.normal(0, 1, late.shape))
            return made

        return self.mapped(shocked)

    def with_newcomer(self, column: int, first: int) -> Self:
        """One more stock, the copy of another, listed from a row on; its symbol comes first."""

        def joined(values: Array) -> Array:
            own = values[:, column : column + 1].copy()
            unknown: dict[str, Any] = {"f": np.nan, "b": False, "i": -1}
            own[:first] = unknown[values.dtype.kind]
            return np.hstack([own, values])

        return replace(self.mapped(joined), symbols=("A", *self.symbols))


def style_market(rows: int = 780, stocks: int = 24, seed: int = 0) -> StyleMarket:
    """A random market with late listings, suspensions, splits, a delisting and dirty numbers."""
    generator = np.random.default_rng(seed)
    shape = (rows, stocks)
    market = generator.normal(0, 0.01, (rows, 1)) * generator.normal(1, 0.4, stocks)
    value = 20 * np.exp(np.cumsum(market + generator.normal(0, 0.02, shape), axis=0))
    listed = np.ones(shape, dtype=bool)
    for column, first in ((1, rows // 3), (2, rows // 2), (3, rows - 3), (4, rows - 200)):
        listed[:first, column] = False
    listed[rows - 40 :, 5] = False
    traded = listed & (generator.random(shape) > 0.05)
    traded[300:600, 6] = traded[250:, 7] = False
    factor = np.cumprod(np.where(generator.random(shape) < 0.003, 2.0, 1.0), axis=0)
    close = np.where(traded, value / factor, np.nan)
    volume = np.where(traded, np.exp(generator.normal(13, 0.6, shape)), 0.0)
    cap = value * np.exp(generator.normal(19, 1.2, stocks))
    cap[::17, 8] = 0.0
    cap[::19, 9] = np.inf
    cap[:30, 10] = np.nan
    reach = np.exp(np.abs(generator.normal(0, 0.01, shape)))
    bars = {
        "close": close,
        "high": close * reach,
        "low": close / reach,
        "volume": volume,
        "amount": np.nan_to_num(volume * close),
        "adj_factor": factor,
        "total_cap": np.where(listed, cap, np.nan),
        "float_cap": np.where(listed, cap * generator.uniform(0.3, 1, stocks), np.nan),
    }
    flags = {"traded": traded, "listed": listed}
    industry = np.repeat(generator.integers(0, 3, (1, stocks)), rows, axis=0).astype(np.int16)
    industry[:, 11], industry[:, 12] = 3, -1
    symbols = tuple(f"S{k:03d}" for k in range(stocks))
    return StyleMarket(bars, flags, _published(shape, generator), industry, symbols)


def _published(shape: tuple[int, int], generator: np.random.Generator) -> dict[str, Array]:
    rows, stocks = shape
    quarters = rows // 61 + 1

    def steps(values: Array) -> Array:
        return np.repeat(values, 61, axis=0)[:rows]

    drift = np.cumsum(generator.normal(0.02, 0.05, (quarters, stocks)), axis=0)
    book = np.exp(21 + generator.normal(0, 1, stocks) + drift)
    made = {
        "book_equity": steps(book),
        "net_assets": steps(book * 1.1),
        "net_profit_ttm": steps(book * generator.normal(0.08, 0.06, book.shape)),
        "sales_ttm": steps(book * np.exp(generator.normal(0, 0.3, book.shape))),
        "state_share": steps(generator.random((quarters, stocks)) ** 4),
        "fund_share": steps(generator.random((quarters, stocks))),
        "coverage": steps(generator.poisson(4, (quarters, stocks)).astype(np.float64)),
    }
    made["book_equity"][:, 13] *= -1
    made["book_equity"][:20] = np.nan
    made["sales_ttm"][:61, 14] = 0.0
    made["net_assets"][: rows // 2, 15] = np.nan
    for name in NUMBERS:
        made[name][:, 16] = np.nan
        made[name][:20, 17] = np.nan
    made["coverage"][:, 18] = np.nan
    made["fund_share"][-1, 19] = np.inf
    return made
