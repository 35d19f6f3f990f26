from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table, write_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting.combine import combine
from alpha_lightning.weighting.score_file import write_score

DATES = np.arange("2022-01-03", "2022-01-08", dtype="datetime64[D]")
SYMBOLS = np.array([f"S{k:02d}" for k in range(8)])


def part(folder: Path, seed: int, missing: float = 0.3, **metadata: Any) -> str:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(len(DATES), len(SYMBOLS)))
    values[rng.random(values.shape) < missing] = np.nan
    about = {"name": "gru", "units": ["gru"], "datasets": ["rawbar"], "seeds": [seed]}
    about |= {"vintages": [2022], "scheme": "oos_lagged", "panel_fingerprint": "p"} | metadata
    return str(write_score(folder / f"s{seed}.parquet", DATES, SYMBOLS, values, about))


def plain_average(paths: list[str]) -> dict[tuple[Any, str], float]:
    def standardise(rows: dict[str, float]) -> dict[str, float]:
        numbers = list(rows.values())
        return {s: float((v - np.mean(numbers)) / np.std(numbers)) for s, v in rows.items()}

    by_date: dict[Any, dict[str, list[float]]] = {}
    for path in paths:
        table = read_dated_table(path)
        for date in np.unique(table.dates):
            on = table.dates == date
            rows = dict(zip(table.symbols[on].tolist(), table.values[on, 0].tolist(), strict=True))
            for symbol, value in standardise(rows).items():
                by_date.setdefault(date, {}).setdefault(symbol, []).append(value)
    result: dict[tuple[Any, str], float] = {}
    for date, lists in by_date.items():
        means = {symbol: float(np.mean(values)) for symbol, values in lists.items()}
        result |= {(date, symbol): value for symbol, value in standardise(means).items()}
    return result


def test_equals_a_plain_loop(tmp_path: Path) -> None:
    paths = [part(tmp_path, seed) for seed in (1, 2, 3)]
    table = read_dated_table(combine(paths, str(tmp_path / "mean.parquet")))
    expected = plain_average(paths)
    found = dict(
        zip(zip(table.dates, table.symbols.tolist(), strict=True), table.values[:, 0], strict=True)
    )
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-6)


def test_a_date_of_one_part_only_is_kept(tmp_path: Path) -> None:
    full, cut = part(tmp_path, 1, missing=0.0), part(tmp_path, 2, missing=0.0)
    table = read_dated_table(cut)
    late = table.dates > DATES[2]
    dates, symbols, values = table.dates[late], table.symbols[late], table.values[late]
    write_dated_table(cut, DatedTable(dates, symbols, values, table.columns, table.metadata))
    mean = read_dated_table(combine([full, cut], str(tmp_path / "mean.parquet")))
    early = mean.dates <= DATES[2]
    np.testing.assert_allclose(mean.values[early], read_dated_table(full).values[early], atol=1e-6)
    assert len(mean) == len(DATES) * len(SYMBOLS)


def test_says_what_it_is_made_of(tmp_path: Path) -> None:
    one = part(tmp_path, 1)
    two = part(tmp_path, 2, name="tcn", units=["restcn"], datasets=["rawbar", "mschars"])
    about = read_dated_table(combine([one, two], str(tmp_path / "v1.parquet"))).metadata
    assert about["kind"] == "score"
    assert about["name"] == "gru+tcn"
    assert about["units"] == ["gru", "restcn"]
    assert about["datasets"] == ["mschars", "rawbar"]
    assert about["seeds"] == [1, 2]
    assert about["vintages"] == [2022]
    assert about["scheme"] == "oos_lagged"
    assert about["panel_fingerprint"] == "p"
    assert [p["seeds"] for p in about["parts"]] == [[1], [2]]
    named = combine([one, two], str(tmp_path / "named.parquet"), name="RNNv1")
    assert read_dated_table(named).metadata["name"] == "RNNv1"


def test_runs_of_one_model_keep_its_name(tmp_path: Path) -> None:
    paths = [part(tmp_path, seed) for seed in (1, 2)]
    about = read_dated_table(combine(paths, str(tmp_path / "mean.parquet"))).metadata
    assert about["name"] == "gru"


def test_refuses_scores_that_do_not_fit(tmp_path: Path) -> None:
    one, stranger = part(tmp_path, 1), part(tmp_path, 2, panel_fingerprint="q")
    out = str(tmp_path / "mean.parquet")
    with pytest.raises(UserError, match="no score to combine"):
        combine([], out)
    with pytest.raises(UserError, match="named twice"):
        combine([one, one], out)
    with pytest.raises(UserError, match=r"s2\.parquet was made from panel q, .*s1\.parquet from p"):
        combine([one, stranger], out)
    with pytest.raises(UserError, match=r"gone\.parquet does not exist"):
        combine([one, str(tmp_path / "gone.parquet")], out)
    assert not Path(out).exists()


def test_proxies_and_the_weighting_of_all_parts_are_kept(tmp_path: Path) -> None:
    one = part(tmp_path, 1, proxies=["l2chars"], weighting="mean")
    two = part(tmp_path, 2, proxies=[], weighting="mean")
    other = part(tmp_path, 3)
    about = read_dated_table(combine([one, two], str(tmp_path / "a.parquet"))).metadata
    assert (about["proxies"], about["weighting"]) == (["l2chars"], "mean")
    about = read_dated_table(combine([one, other], str(tmp_path / "b.parquet"))).metadata
    assert about["proxies"] == ["l2chars"]
    assert "weighting" not in about
