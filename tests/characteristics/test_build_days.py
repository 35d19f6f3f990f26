import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from alpha_lightning.characteristics.build_days import build_days, undated
from alpha_lightning.characteristics.day_recipe import Recipe, of_minutes
from alpha_lightning.characteristics.day_store import DayStore
from alpha_lightning.characteristics.exchange import CharacteristicsError, Exchange
from alpha_lightning.characteristics.feed import minute_feed
from alpha_lightning.characteristics.feed_index import index_feed
from alpha_lightning.characteristics.sifting import Mode

CN = Exchange("cn", "Asia/Shanghai", [("09:30", "11:30"), ("13:00", "15:00")], lot=100)
DAYS = [dt.date(2024, 1, day) for day in (2, 3, 4)]


def write(folder: Path, bad: dt.date | None = None) -> None:
    for day in DAYS:
        times = [dt.datetime.combine(day, dt.time(9, minute)) for minute in (40, 50)]
        prices = {name: [10.0, 10.5] for name in ("open", "high", "low", "close")}
        volume = [-1.0 if day == bad else 100.0, 200.0]
        frame = pl.DataFrame({"time": times, "symbol": "A", **prices, "volume": volume})
        frame.write_parquet(folder / f"{day}.parquet")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m").mkdir()
    write(tmp_path / "m")
    return tmp_path / "m"


def recipe_of(folder: Path) -> tuple[Recipe, DayStore]:
    recipe = of_minutes(index_feed(minute_feed(folder, CN), folder.parent / "index.parquet"))
    return recipe, DayStore(folder.parent / "days", recipe.columns)


def build(folder: Path, mode: Mode = "refuse") -> DayStore:
    recipe, store = recipe_of(folder)
    build_days(recipe, store, DAYS, DAYS, mode)
    return store


def stamps(store: DayStore) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in store.folder.glob("*.parquet")}


def test_days_are_made_once(folder: Path) -> None:
    store = build(folder)
    first = stamps(store)
    assert sorted(first) == [f"{day}.parquet" for day in DAYS]
    assert stamps(build(folder)) == first
    store.path(DAYS[1]).unlink()
    after = stamps(build(folder))
    assert [name for name in first if after[name] != first[name]] == ["2024-01-03.parquet"]
    store.path(DAYS[1]).write_bytes(b"damaged")
    build(folder)
    assert store.read(DAYS[1]).symbols.tolist() == ["A"]


def test_only_what_is_wanted_is_made(folder: Path) -> None:
    recipe, store = recipe_of(folder)
    build_days(recipe, store, DAYS, DAYS[1:2], "refuse")
    assert sorted(stamps(store)) == ["2024-01-03.parquet"]


def test_a_day_with_bad_rows_is_refused_and_the_others_are_kept(folder: Path) -> None:
    first = stamps(build(folder))
    write(folder, bad=DAYS[1])
    with pytest.raises(CharacteristicsError, match=r"1 bad row \(negative volume: 1\)"):
        build(folder)
    _, store = recipe_of(folder)
    after = stamps(store)
    assert after["2024-01-03.parquet"] == first["2024-01-03.parquet"]
    build(folder, "drop")
    assert store.read(DAYS[1]).facts[0].tolist()[:2] == [200, 1]
    assert store.about(DAYS[1])["sifting"]["bad"] == {"negative volume": 1}
    dropped = stamps(store)
    assert stamps(build(folder, "drop")) == dropped
    with pytest.raises(CharacteristicsError, match="negative volume"):
        build(folder)
    assert stamps(store) == dropped


def test_rows_without_a_time_are_refused_too(folder: Path) -> None:
    frame = pl.read_parquet(folder / "2024-01-04.parquet")
    time = pl.when(pl.int_range(pl.len()) == 0).then("time")
    frame.with_columns(time=time).write_parquet(folder / "2024-01-04.parquet")
    assert undated(recipe_of(folder)[0].index).bad == {"no readable time": 1}
    with pytest.raises(
        CharacteristicsError, match=r"2024-01-04.parquet row 2, None A: no readable"
    ):
        build(folder)
    assert len(stamps(build(folder, "drop"))) == 3


def test_rows_without_a_time_are_counted_and_twenty_are_quoted(folder: Path) -> None:
    frame = pl.read_parquet(folder / "2024-01-04.parquet").with_columns(
        time=pl.lit(None, dtype=pl.Datetime("us"))
    )
    for name in ("x", "y"):
        pl.concat([frame] * 8).write_parquet(folder / f"{name}.parquet")
    found = undated(recipe_of(folder)[0].index)
    assert (found.rows, found.bad) == (32, {"no readable time": 32})
    assert [row["row"] for row in found.first] == [*range(1, 17), *range(1, 5)]
