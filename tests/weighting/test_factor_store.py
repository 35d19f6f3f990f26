from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alpha_lightning.artefacts.dated_table import DatedTable, write_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.store import Panel
from alpha_lightning.weighting.factor_store import (
    describe_files,
    find_factor_files,
    load_vintage,
    open_factor_files,
    refuse_in_sample,
)

T, N = 60, 5
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def panel(make_panel: Callable[..., Panel]) -> Panel:
    return make_panel(np.full((T, N), 10.0), first="2021-12-01")


def numbers(k: int = 2, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(T, N, k)).astype(np.float32)


def test_finds_files_and_folders_once(tmp_path: Path, panel: Panel, write_factors: Write) -> None:
    for folder in ("gru/rawbar/v2022", "agru/rawbar/v2022"):
        write_factors(tmp_path / folder / "factors.parquet", panel, numbers())
    one = tmp_path / "gru/rawbar/v2022/factors.parquet"
    found = find_factor_files([str(one), tmp_path])
    assert found == [one, tmp_path / "agru/rawbar/v2022/factors.parquet"]


def test_says_when_there_is_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone does not exist: name factor matrices"):
        find_factor_files([tmp_path / "gone"])
    with pytest.raises(UserError, match=r"no factors\.parquet under .*: run predict first"):
        find_factor_files([tmp_path])
    with pytest.raises(UserError, match=r"no factors\.parquet under no path"):
        find_factor_files([])


def test_columns_stand_in_the_order_of_unit_and_data_set(
    tmp_path: Path, panel: Panel, write_factors: Write
) -> None:
    made = {}
    for seed, (unit, dataset) in enumerate(
        [("lstm", "rawbar"), ("gru", "rawbar"), ("gru", "mschars")]
    ):
        path = tmp_path / f"{unit}-{dataset}.parquet"
        made[unit, dataset] = numbers(seed=seed)
        made[unit, dataset][:, seed] = np.nan  # a stock that this unit lacks
        write_factors(path, panel, made[unit, dataset], unit=unit, dataset=dataset)
    files = open_factor_files(sorted(tmp_path.glob("*.parquet")), panel.fingerprint)[2022]
    design = load_vintage(files, panel, np.arange(10, 20))
    assert design.columns == (
        "gru/mschars/f00",
        "gru/mschars/f01",
        "gru/rawbar/f00",
        "gru/rawbar/f01",
        "lstm/rawbar/f00",
        "lstm/rawbar/f01",
    )
    assert len(design) == 10 * N
    expected = np.concatenate(
        [made["gru", "mschars"], made["gru", "rawbar"], made["lstm", "rawbar"]], axis=-1
    )
    np.testing.assert_array_equal(design.values, expected[10:20].reshape(10 * N, 6))


def test_vintages_are_kept_apart(tmp_path: Path, panel: Panel, write_factors: Write) -> None:
    for year in (2023, 2022):
        for unit in ("lstm", "gru"):
            path = tmp_path / f"{unit}{year}.parquet"
            write_factors(path, panel, numbers(), unit=unit, vintage=year)
    by_vintage = open_factor_files(list(tmp_path.glob("*.parquet")), panel.fingerprint)
    assert list(by_vintage) == [2022, 2023]
    assert [file.unit for file in by_vintage[2023]] == ["gru", "lstm"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"panel_fingerprint": "other"}, r"b\.parquet was made from panel other, this panel is"),
        ({"seed": 4}, r"b\.parquet is of seed 4, .*a\.parquet of 3: weigh each seed on its own"),
        ({"scheme": "in_sample", "unit": "lstm"}, r"(is of scheme|of in_sample|of oos_lagged)"),
        ({}, r"a\.parquet and .*b\.parquet are both gru on rawbar of vintage 2022"),
        ({"vintage": 2023, "unit": "lstm"}, "vintages 2022 and 2023 differ in gru/rawbar, lstm/ra"),
        ({"kind": "score"}, r"b\.parquet is a score, not a factor matrix"),
        ({"kind": None}, r"b\.parquet is a None, not a factor matrix"),
    ],
)
def test_refuses_files_that_do_not_fit(
    tmp_path: Path, panel: Panel, write_factors: Write, changes: dict[str, Any], message: str
) -> None:
    write_factors(tmp_path / "a.parquet", panel, numbers())
    write_factors(tmp_path / "b.parquet", panel, numbers(), **changes)
    with pytest.raises(UserError, match=message):
        open_factor_files(sorted(tmp_path.glob("*.parquet")), panel.fingerprint)


def test_names_missing_provenance(tmp_path: Path, panel: Panel) -> None:
    dates, symbols = panel.dates[:1], panel.symbols[:1]
    values = np.ones((1, 1), dtype=np.float32)
    table = DatedTable(dates, symbols, values, ("f00",), {"kind": "factor_matrix", "unit": "gru"})
    write_dated_table(tmp_path / "a.parquet", table)
    with pytest.raises(UserError, match=r"a\.parquet does not say its dataset, vintage, seed"):
        open_factor_files([tmp_path / "a.parquet"], panel.fingerprint)


def test_refuses_damaged_and_empty_files(
    tmp_path: Path, panel: Panel, write_factors: Write
) -> None:
    cut = write_factors(tmp_path / "cut.parquet", panel, numbers())
    files = open_factor_files([cut], panel.fingerprint)[2022]
    whole = cut.read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.parquet.*is damaged"):
        open_factor_files([cut], panel.fingerprint)
    with pytest.raises(UserError, match=r"cut\.parquet.*is damaged"):
        load_vintage(files, panel, np.arange(10))
    empty = write_factors(tmp_path / "empty.parquet", panel, numbers() * np.nan)
    files = open_factor_files([empty], panel.fingerprint)[2022]
    with pytest.raises(UserError, match=r"empty\.parquet has no row from 2021-12-01 to 2021-12-14"):
        load_vintage(files, panel, np.arange(10))


def test_refuses_bad_rows(tmp_path: Path, panel: Panel, write_factors: Write) -> None:
    infinite = numbers()
    infinite[4, 2, 1] = np.inf
    path = write_factors(tmp_path / "inf.parquet", panel, infinite)
    files = open_factor_files([path], panel.fingerprint)[2022]
    with pytest.raises(UserError, match=r"inf\.parquet: 600002\.SH on 2021-12-07"):
        load_vintage(files, panel, np.arange(10))
    assert len(load_vintage(files, panel, np.arange(5, 10))) == 25
    about = {"vintage": 2022, "unit": "gru"}
    twice = write_factors(tmp_path / "twice.parquet", panel, numbers(), **about)
    _append_a_copy_of_the_first_row(twice)
    files = open_factor_files([twice], panel.fingerprint)[2022]
    with pytest.raises(UserError, match=r"twice\.parquet: 600000\.SH on 2021-12-01 comes twice"):
        load_vintage(files, panel, np.arange(10))


def _append_a_copy_of_the_first_row(path: Path) -> None:
    from alpha_lightning.artefacts.dated_table import read_dated_table

    table = read_dated_table(path)
    again = np.r_[0, np.arange(len(table))]
    rows = table.dates[again], table.symbols[again], table.values[again]
    write_dated_table(path, DatedTable(*rows, table.columns, table.metadata))


def test_refuses_a_symbol_that_the_panel_lacks(
    tmp_path: Path, panel: Panel, make_panel: Callable[..., Panel], write_factors: Write
) -> None:
    wider = make_panel(np.full((T, N + 1), 10.0), first="2021-12-01")
    more = np.ones((T, N + 1, 1), dtype=np.float32)
    path = write_factors(
        tmp_path / "more.parquet", wider, more, panel_fingerprint=panel.fingerprint
    )
    files = open_factor_files([path], panel.fingerprint)[2022]
    with pytest.raises(UserError, match=r"600005\.SH"):
        load_vintage(files, panel, np.arange(10))


def test_in_sample_factors_are_learnt_from_only_on_request(
    tmp_path: Path, panel: Panel, write_factors: Write
) -> None:
    path = write_factors(tmp_path / "a.parquet", panel, numbers(), out_of_sample_from="2022-01-01")
    files = open_factor_files([path], panel.fingerprint)[2022]
    before, boundary, after = np.array(["2021-12-31", "2022-01-01", "2022-02-01"], "datetime64[D]")
    refuse_in_sample(files, boundary, after, allow=False)
    refuse_in_sample(files, before, boundary, allow=True)
    with pytest.raises(UserError, match=r"from 2022-01-01 only, .* learns from 2021-12-31: use"):
        refuse_in_sample(files, before, boundary, allow=False)
    with pytest.raises(UserError, match=r"a\.parquet is .* and 2021-12-31 is to be scored"):
        refuse_in_sample(files, before, before, allow=True)


def test_says_which_data_sets_are_proxies(
    tmp_path: Path, panel: Panel, write_factors: Write
) -> None:
    made = {("rawbar", None), ("mschars", False), ("l2chars", True)}
    for dataset, proxy in made:
        about = {} if proxy is None else {"proxy": proxy}
        write_factors(tmp_path / f"{dataset}.parquet", panel, numbers(), dataset=dataset, **about)
    by_vintage = open_factor_files(sorted(tmp_path.glob("*.parquet")), panel.fingerprint)
    assert describe_files(by_vintage) == {
        "units": ["gru"],
        "datasets": ["l2chars", "mschars", "rawbar"],
        "proxies": ["l2chars"],
        "seeds": [3],
        "vintages": [2022],
        "scheme": "oos_lagged",
    }
