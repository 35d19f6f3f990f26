"""Making the day files that are missing, a few days at a time."""

import datetime as dt
from collections.abc import Sequence

import polars as pl
from tqdm.auto import tqdm

from alpha_lightning.characteristics.day_recipe import Recipe, describe
from alpha_lightning.characteristics.day_store import DayStore
from alpha_lightning.characteristics.feed_index import FeedIndex
from alpha_lightning.characteristics.feed_scan import collect, scan_file
from alpha_lightning.characteristics.sifting import (
    SHOWN,
    UNTIMED,
    Mode,
    Sifting,
    describe_bad,
    refuse,
)


def build_days(
    recipe: Recipe, store: DayStore, known: Sequence[dt.date], wanted: Sequence[dt.date], mode: Mode
) -> None:
    """Make the files of days that have none, or whose sources have changed.

    Args:
        recipe: how they are made.
        store: where they lie.
        known: trading days of the table, ascending: a day's window of days before it.
        wanted: the days to make, some of the known ones.
        mode: ``refuse`` makes no file of a day with bad rows and raises after the last day;
            ``drop`` leaves the rows out.

    Raises:
        CharacteristicsError: bad rows under ``refuse``, or a file that cannot be read.
        ArtefactError: the store cannot be written.
    """
    place = {day: k for k, day in enumerate(known)}
    before = {d: known[max(place[d] - recipe.before, 0) : place[d]] for d in wanted}
    keys = {day: recipe.key(day, before[day]) for day in wanted}
    todo = {day for day in wanted if not _is_done(store, day, keys[day], mode)}
    needed = sorted(todo.union(*(before[day] for day in todo)))
    found = undated(recipe.index)
    with tqdm(total=len(needed), desc=recipe.folder, unit="day", disable=None) as bar:
        for day in recipe.make(needed):
            bar.update()
            if day.date not in todo:
                continue
            found = found.add([day.sifting])
            if mode == "drop" or not day.sifting.bad:
                store.write(day, {"key": keys[day.date], **describe(recipe, day.date)})
    if mode == "refuse" and found.bad:
        raise refuse(found, recipe.index.feed)


def undated(index: FeedIndex) -> Sifting:
    """Rows whose time cannot be read, which belong to no day."""
    count = sum(index.untimed().values())
    found = Sifting(rows=count, bad={UNTIMED: count} if count else {})
    for number in index.untimed():
        if len(found.first) < SHOWN:
            rows = scan_file(index.feed, number).frame.filter(pl.col("time").is_null()).head(SHOWN)
            frame = collect(rows.with_columns(_reason=pl.lit(UNTIMED)), index.feed.files[number])
            found = found.add([Sifting(first=describe_bad(frame, index.feed).first)])
    return found


def _is_done(store: DayStore, day: dt.date, key: str, mode: Mode) -> bool:
    about = store.about(day)
    if about.get("key") != key:
        return False
    return mode == "drop" or not about["sifting"]["bad"]
