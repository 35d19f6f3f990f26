"""Facts against what is known of artefacts that were made here."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
import yaml

from alpha_lightning.artefacts.dated_table import DatedTable, read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.study import facts
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import MARKER


def known(found: facts.Facts) -> dict[str, list[str]]:
    """Facts by label; one without a label belongs to the label before it."""
    told: dict[str, list[str]] = {}
    before = ""
    for label, text in found:
        before = label or before
        told.setdefault(before, []).append(text)
    return told


def test_vendor_tables(market_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = known(facts.of_vendor_tables(market_folder))
    daily = pl.read_parquet(market_folder / "daily.parquet")
    assert told["made by"] == ["simulate, seed 1: a market that does not exist"]
    assert told["dates"][0].startswith("900, 2019-01-02 to ")
    assert told["stocks"] == ["40 listed sooner or later"]
    assert told["table daily.parquet"][0].startswith(f"{len(daily):,} rows: date, symbol, open")
    nulls = {name: daily[name].null_count() for name in daily.columns}
    named = ", ".join(f"{name} {count:,}" for name, count in nulls.items() if count)
    assert "delist_date" in named
    assert told["table daily.parquet"][1] == f"empty cells: {named}"
    assert told["signal"] == ["1 times the planted strength"]
    assert told["oracle"][0].startswith("RankIC ")
    assert "889 dates" in told["oracle"][0]
    sources = [text.partition("the ")[2] for text in told["oracle"][1:]]
    assert sources == [f"{name} tables show alone" for name in ("daily", "intraday", "trades")]
    assert told["attainable"][0].endswith("from the news of the last 30 days")
    monkeypatch.setattr(facts, "_ORACLE_ROWS", 10)
    told = known(facts.of_vendor_tables(market_folder))
    assert told["oracle"] == [f"{len(daily):,} rows, too many to measure its RankIC here"]


def test_a_market_without_signal(market_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = {"expected_10g": float("nan")}, 0
    monkeypatch.setattr(facts, "oracle_rank_ics", lambda _: nothing)
    told = known(facts.of_vendor_tables(market_folder))
    assert told["oracle"] == ["RankIC undefined: no signal was planted, or there are too few dates"]


def test_a_panel_tells_of_each_data_set(panel_path: Path, tmp_path: Path) -> None:
    panel = Path(shutil.copytree(panel_path, tmp_path / "panel"))
    meta = json.loads((panel / "panel.json").read_text())
    rawbar = meta["datasets"]["rawbar"]
    array = np.load(panel / "datasets" / "rawbar.npy")
    traded = np.load(panel / "flags" / "traded.npy")
    array[:, :, 1] = np.nan
    array[:, :, [0, 2, 3, 4, 5]] = 1.0
    np.save(panel / "datasets" / "l2chars.npy", array)
    lacking = ["No trades: buys and sells are guessed.", "No closing auction."]
    meta["datasets"]["l2chars"] = rawbar | {"proxy": True, "lacking": lacking}
    (panel / "panel.json").write_text(json.dumps(meta))
    told = known(facts.of_panel(panel))
    assert told["data set rawbar"][1] == "by kind: price 5, volume 1"
    assert len(told["data set rawbar"]) == 3
    rows = np.unique(np.linspace(0, len(array) - 1, 40).astype(int))
    cells = int(traded[rows].sum())
    share = f"missing 16.67%, {cells:,} of {6 * cells:,} values of traded stocks on 40 dates"
    assert told["data set l2chars"][2:] == [
        f"{share} looked at",
        "a proxy made from minute bars, not Level-2 data",
        *(f"lacking: {sentence}" for sentence in lacking),
    ]


def test_panel(panel_path: Path) -> None:
    told = known(facts.of_panel(panel_path))
    meta = json.loads((panel_path / "panel.json").read_text())
    traded = np.load(panel_path / "flags" / "traded.npy")
    listed = np.load(panel_path / "flags" / "listed.npy")
    assert told["dates"] == [f"900, {meta['dates'][0]} to {meta['dates'][-1]}"]
    assert told["symbols"][0].startswith(f"{len(meta['symbols'])}, ")
    assert told["data set rawbar"][0] == "6 features: open, high, low, close, vwap, volume"
    assert told["universes"] == ["all, 000300, 000905, 000985"]
    assert told["industries"] == ["5 names"]
    assert told["fundamentals"] == ["none"]
    assert told["fingerprint"] == [meta["fingerprint"]]
    assert [text.partition(",")[0] for text in told["made from"]] == [
        "daily",
        "index_members",
        "index_levels",
        "industries",
    ]
    share = traded.sum() / listed.sum()
    count = f"{traded.sum():,} of {listed.sum():,} listed stock-dates"
    assert told["traded"] == [f"{share:.2%}, {count}"]
    assert [text.partition(" ")[0] for text in told["missing"]] == ["open", "high", "low", "vwap"]
    assert told["bad rows"] == ["0 found"]
    assert told["switched off"] == (meta["switched_off"] or ["nothing"])


def test_a_panel_says_what_was_done_to_bad_rows_and_what_it_lacks(
    market_folder: Path, tmp_path: Path
) -> None:
    bars = pl.read_parquet(market_folder / "daily.parquet")
    bars = bars.select("date", "symbol", "open", "high", "low", "close", "volume").head(2000)
    wrong = pl.int_range(pl.len()) < 3
    bars = bars.with_columns(low=pl.when(wrong).then(-1.0).otherwise("low"))
    bars.write_parquet(tmp_path / "bars.parquet")
    out = ingest(str(tmp_path / "panel"), daily=str(tmp_path / "bars.parquet"), bad_rows="mask")
    told = known(facts.of_panel(out))
    assert told["bad rows"] == ["3 masked: zero or negative low 3"]
    assert any(text.startswith("low 0.") and "3 of " in text for text in told["missing"])
    assert not any(text.startswith("vwap") for text in told["missing"])
    assert told["universes"] == ["all"]
    assert len(told["switched off"]) > 3


def test_factor_matrix_and_score(finished: StudySettings) -> None:
    path = finished.folder / "units" / "gru" / "rawbar" / "v2022" / "s0" / "factors.parquet"
    table = read_dated_table(path)
    told = known(facts.of_table(table))
    assert told["shape"] == [f"{len(table):,} rows, 3 columns: f00, f01, f02"]
    dates, counts = np.unique(table.dates, return_counts=True)
    assert told["dates"] == [f"{len(dates)}, {dates[0]} to {dates[-1]}"]
    average = f"{counts.min()} to {counts.max()}, {counts.mean():.1f} on average"
    assert told["stocks a date"] == [average]
    assert told["missing"] == [f"0.00%, 0 of {3 * len(table):,} values not finite"]
    assert told["constant"] == ["0 of 3 columns"]
    assert told["vintage"] == ["2022"]
    assert told["switched_off"] == ["none"]
    assert "kind" not in told
    told = known(
        facts.of_table(read_dated_table(finished.folder / "scores" / "gru" / "s0.parquet"))
    )
    assert told["label"] == ["days=10, gap=1"]
    assert told["refits"][0].endswith(" months")
    told = known(facts.of_table(read_dated_table(finished.folder / "scores" / "v1.parquet")))
    assert told["parts"] == ["gru, lstm"]


def dated(values: Any, **metadata: Any) -> DatedTable:
    array = np.asarray(values, dtype=np.float32)
    dates = np.repeat(np.datetime64("2024-01-02"), len(array))
    symbols = np.array([f"S{k}" for k in range(len(array))])
    names = tuple(f"f{k:02d}" for k in range(array.shape[1]))
    return DatedTable(dates, symbols, array, names, metadata)


def test_a_sick_table_shows_its_health() -> None:
    table = dated(
        [[1, np.nan], [1, np.inf], [1, 2]], skipped=[{"date": "2024-01-02", "reason": "no"}]
    )
    told = known(facts.of_table(table))
    assert told["missing"] == ["33.33%, 2 of 6 values not finite"]
    assert told["constant"] == ["1 of 2 columns"]
    assert told["skipped"] == ["1 months", "2024-01: no"]


def test_an_empty_table_and_a_long_list() -> None:
    told = known(facts.of_table(dated(np.empty((0, 12)))))
    names = "f00, f01, f02, f03, f04, f05, f06, f07, ... (12)"
    assert told == {"shape": [f"0 rows, 12 columns: {names}"]}


def test_checkpoint(finished: StudySettings, tmp_path: Path) -> None:
    run = finished.folder / "units" / "lstm" / "rawbar" / "v2022" / "s0"
    told = known(facts.of_checkpoint(run / "checkpoints" / "last.ckpt"))
    assert told["network"][0].startswith("LSTM(n_features=6, window=30, hidden=4")
    assert told["not finite"] == ["0 numbers"]
    assert re.fullmatch(r"3 epochs, \d+ steps", told["trained"][0])
    assert told["best"][0].startswith("valid/ic ")
    assert told["vintage"] == ["2022"]
    bare = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    bare["state_dict"] = {"a": torch.tensor([1.0, torch.nan]), "n": torch.tensor(3)}
    for key in ("hyper_parameters", "callbacks", "alpha_lightning"):
        del bare[key]
    torch.save(bare, tmp_path / "bare.ckpt")
    told = known(facts.of_checkpoint(tmp_path / "bare.ckpt"))
    assert told["weights"] == ["3 numbers in 2 tensors"]
    assert told["not finite"] == ["1 numbers"]
    assert not {"network", "best", "vintage"} & set(told)


def test_evaluation(finished: StudySettings) -> None:
    told = known(facts.of_evaluation(finished.folder / "evaluation"))
    about = json.loads((finished.folder / "evaluation" / "evaluation.json").read_text())
    assert told["signals"][0].startswith(f"{about['signals']} weekly, 2022-")
    assert [text.partition(" ")[0] for text in told["score"]] == [
        "gru",
        "lstm",
        "v0",
        "v1",
        "opt",
        "reversal",
        "summary",
    ]
    assert "baseline" in told["score"][5]
    assert "fig06_rank_ic" in told["tables"][0]
    assert told["warnings"] == (about["warnings"] or ["none"])
    assert told["also"] == ["8 parts of these scores, and the same made in other ways"]
    assert told["oracle"][0].startswith(str(finished.folder / "vendor" / "oracle.parquet"))


def test_importance(finished: StudySettings) -> None:
    told = known(facts.of_importance(finished.folder / "scores" / "v0" / "s0.importance.parquet"))
    assert told["shape"][0].endswith(" rows, 9 fits"), "the first months have too few dates"
    assert told["dates"][0].startswith("2022-01-03 to 2022-")
    for what in ("gain", "shap"):
        shares = dict(part.rsplit(" ", 1) for part in told[what][0].split(", "))
        assert set(shares) == {"gru on rawbar", "lstm on rawbar"}
        assert sum(int(share.rstrip("%")) for share in shares.values()) in (99, 100, 101)


def test_weights_of_the_past_are_counted(finished: StudySettings) -> None:
    told = known(facts.of_table(read_dated_table(finished.folder / "scores" / "opt.parquet")))
    assert told["weights_by_month"][0].startswith("9 months, the last ")


def test_study(finished: StudySettings, tmp_path: Path) -> None:
    told = known(facts.of_study(finished.folder))
    assert told["name"] == ["tiny"]
    assert told["source"][0].startswith("market ")
    assert told["tasks"][0].startswith("34 done of 34 begun, ")
    assert told["report"] == [str(finished.folder / "report" / "index.html")]
    assert "score" in told
    assert told["portfolios"] == [f"{finished.folder / 'portfolios'}: inspect it for more"]
    copy = tmp_path / "copy"
    shutil.copytree(finished.folder, copy, ignore=shutil.ignore_patterns("evaluation", "report"))
    (copy / "tasks" / "fit" / "gru" / "rawbar" / "v2022" / "s0" / MARKER).unlink()
    told = known(facts.of_study(copy))
    # Tasks named evaluation and report keep no folder in this copy of the markers.
    assert told["tasks"][0].startswith("32 done of 33 begun, ")
    log = copy / "tasks" / "fit" / "gru" / "rawbar" / "v2022" / "s0" / "log.txt"
    assert told["not done"] == ["fit/gru/rawbar/v2022/s0, failed, killed or running", str(log)]
    assert told["report"] == ["not made yet"]
    assert "score" not in told


@pytest.mark.parametrize(
    ("file", "describe"),
    [
        ("study.yaml", facts.of_study),
        ("evaluation.json", facts.of_evaluation),
        ("market.json", facts.of_vendor_tables),
    ],
)
@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_description_is_named(
    tmp_path: Path, file: str, describe: Any, content: bytes
) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(UserError, match=f"{file} is damaged"):
        list(describe(tmp_path))


def test_a_study_that_never_ran(tmp_path: Path) -> None:
    tree = {"name": "new", "source": {"daily": "bars.parquet", "bad_rows": "drop"}, "units": ["a"]}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(tree))
    told = known(facts.of_study(tmp_path))
    assert told["source"] == ["daily bars.parquet"]
    assert told["vintages"] == [""]
    assert told["tasks"] == ["0 done of 0 begun, 0 s in all"]
