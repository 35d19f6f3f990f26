"""Daily bars small enough to read, and the command line over them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from alpha_lightning.cli import main

Frame = Callable[..., pl.DataFrame]
Told = tuple[int, str, Path]


@pytest.fixture(scope="session")
def bars() -> Frame:
    """Daily bars of symbols A, B, ... on weekdays from Tuesday 2024-01-02 on, by date and symbol.

    The close is 10 for A, 11 for B, ... and rises by 0.1 a day.
    """

    def make(days: int = 30, symbols: int = 3) -> pl.DataFrame:
        all_days = np.arange("2024-01-02", "2030-01-01", dtype="datetime64[D]")
        dates = np.repeat(all_days[np.is_busday(all_days)][:days], symbols)
        number = np.tile(np.arange(symbols), days)
        close = np.round(10 + number + 0.1 * np.repeat(np.arange(days), symbols), 2)
        return pl.DataFrame(
            {
                "date": pl.Series(dates.astype("datetime64[ms]")).cast(pl.Date),
                "symbol": [chr(ord("A") + k) for k in number],
                "open": close - 0.05,
                "high": close + 0.1,
                "low": close - 0.1,
                "close": close,
                "volume": 1000.0 + 10 * number,
            }
        )

    return make


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the bytes of files, None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def ingested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Run ``ingest`` through the command line; a failure must have written nothing.

    Takes options, and a frame or None for ``--daily``. Returns the exit status, what was said on
    stderr, and where the panel is or would have been.
    """

    def run(frame: pl.DataFrame | None, *options: str, file: str = "daily.parquet") -> Told:
        out = tmp_path / "out" / "panel"
        given = ["ingest", "--out", str(out), *options]
        if frame is not None:
            path = tmp_path / file
            path.parent.mkdir(exist_ok=True)
            if path.suffix == ".csv":
                frame.write_csv(path)
            else:
                frame.write_parquet(path)
            given += ["--daily", str(path)]
        before = tree(tmp_path)
        status = main(given)
        message = capsys.readouterr().err
        if status:
            assert message.startswith("error: ")
            assert tree(tmp_path) == before
        return status, message, out

    return run
