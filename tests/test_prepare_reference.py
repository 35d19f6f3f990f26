"""The script that turns reference data into vendor tables, on tables of a few rows."""

import datetime as dt
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
import pytest

from alpha_lightning.panel.ingest import SideTables, ingest
from alpha_lightning.panel.side_arrays import index_weights, industry_codes
from alpha_lightning.panel.store import Panel

SCRIPT = Path(__file__).parents[1] / "scripts" / "prepare_reference.py"
DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4)]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare_reference", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def weights(**changed: Any) -> pl.DataFrame:
    """Two dates of three constituents, of 101 and 99.5 per cent; the third has no bars."""
    stocks = ["a", "b", "c"]
    return pl.DataFrame(
        {
            "date": sorted(DAYS[:2] * 3),
            "index": "000905.SH",
            "symbol": stocks * 2,
            "weight_pct": [20.2, 30.3, 50.5, 19.9, 19.9, 59.7],
        }
        | changed
    )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Weights, industries and daily bars; stock b is listed on the second day."""
    rows = [(day, s) for s in ("a", "b") for day in DAYS if (day, s) != (DAYS[0], "b")]
    prices = dict.fromkeys(("open", "high", "low", "close"), 10.0)
    bars = pl.DataFrame(rows, schema=["date", "symbol"], orient="row")
    snapshot = {"symbol": ["a", "b", "c"], "industry": ["城商行Ⅲ", "mine", "银行Ⅱ"]}
    tables = {
        "weights": weights(),
        "industries": pl.DataFrame(snapshot),
        "daily": bars.with_columns(
            volume=pl.lit(100.0), **{n: pl.lit(p) for n, p in prices.items()}
        ),
    }
    for name, table in tables.items():
        table.write_parquet(tmp_path / f"{name}.parquet")
    return {name: str(tmp_path / f"{name}.parquet") for name in tables}


def run(script: ModuleType, files: dict[str, str], out: Path, *more: str) -> int:
    given = [f"--{name}={file}" for name, file in files.items()]
    return int(script.main([*given, "--out", str(out), *more]))


def test_weights_sum_to_one_on_each_date(script: ModuleType) -> None:
    made, told = script.index_members(weights())
    assert made.columns == ["date", "index", "symbol", "weight"]
    assert made["index"].unique().to_list() == ["000905"]
    assert made["weight"].to_list() == pytest.approx([0.2, 0.3, 0.5, 0.2, 0.2, 0.6])
    assert told == [
        "000905: 2 dates, 2024-01-02 to 2024-01-03; weights sum to 99.5 to 101 %, scaled to 1."
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight_pct": [0.2, 0.3, 0.5] * 2}, r"000905 sums to 1 % on 2024-01-02, not to 100 %"),
        ({"weight_pct": [20, -1, 81] * 2}, r"missing or negative for b of 000905.SH on 2024-01-02"),
        ({"weight_pct": [20, None, 80] * 2}, r"missing or negative for b .* \(2 rows\)"),
        ({"symbol": ["a", "a", "c"] * 2}, r"several rows for a of 000905 on 2024-01-02 \(4 rows\)"),
    ],
)
def test_weights_that_cannot_be_are_refused(
    script: ModuleType, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(script.UserError, match=message):
        script.index_members(weights(**changed))


def test_the_share_with_bars_counts_from_the_listing_on(script: ModuleType) -> None:
    members, _ = script.index_members(weights())
    bars = {"date": [DAYS[0], DAYS[1], DAYS[1]], "symbol": ["a", "a", "b"]}
    (told,) = script.coverage(members, pl.DataFrame(bars))
    assert told.startswith("000905: 20.0 to 40.0 % of the weight (mean 30.0 %) and 1 to 2 of 3")


def test_a_snapshot_says_that_it_looks_ahead(script: ModuleType) -> None:
    snapshot = pl.DataFrame({"symbol": ["b", "a"], "industry": ["mine", "城商行Ⅲ"]})
    made, told = script.industries(snapshot, DAYS[0])
    assert made.rows() == [(DAYS[0], "a", "Banks"), (DAYS[0], "b", "mine")]
    assert "dated 2024-01-02: THIS LOOKS AHEAD" in told[0]
    assert "2 names in 2 groups; 1 are no names" in told[1]
    with pytest.raises(script.UserError, match="several rows for a: keep one"):
        script.industries(pl.concat([snapshot, snapshot.tail(1)]), DAYS[0])


def test_a_name_belongs_to_one_of_the_31_sectors(script: ModuleType) -> None:
    names = [name for names in script.SECTORS.values() for name in names.split()]
    assert len(script.SECTORS) == 31
    assert len(set(names)) == len(names) == 196


def test_ingest_reads_what_is_written(
    script: ModuleType,
    files: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "reference"
    assert run(script, files, out) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    tables = SideTables(str(out / "index_members.parquet"), None, str(out / "industries.parquet"))
    panel = Panel.open(ingest(str(tmp_path / "panel"), files["daily"], tables=tables))
    found = np.array([[0.2, 0.3], [0.2, 0.2], [0.2, 0.2]])
    np.testing.assert_allclose(index_weights(panel, "000905"), found, rtol=1e-6)
    read = industry_codes(panel)
    assert read is not None
    assert [read[1][code] for code in read[0][0]] == ["Banks", "mine"]


def test_mistakes_are_one_line_and_write_nothing(
    script: ModuleType,
    files: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "reference"
    wrong = files | {"weights": files["industries"]}
    assert run(script, wrong, out) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert "lacks column 'date' of weights" in told
    assert not out.exists()
    assert [run(script, files, out), run(script, files, out)] == [0, 1]
    assert run(script, files, out, "--overwrite") == 0
