import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from alpha_lightning.artefacts import atomic
from alpha_lightning.artefacts.dated_table import (
    DatedTable,
    read_dated_table,
    read_metadata,
    write_dated_table,
)
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import fingerprint_file
from alpha_lightning.cli import main
from alpha_lightning.factors import export
from alpha_lightning.factors.export import FactorMatrixExport
from alpha_lightning.factors.training_cli import train
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.panel.ingest import ingest
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import cut_vintage
from alpha_lightning.windows.dataset import WindowSource
from alpha_lightning.windows.sample import SampleRule

Options = Callable[..., list[str]]
TWO = {"trainer.strategy": "ddp_fork", "trainer.devices": 2, "collective_timeout": 30}


def matrix(folder: Path) -> DatedTable:
    return read_dated_table(folder / "factors.parquet")


def same(first: DatedTable, second: DatedTable) -> bool:
    return (
        first.values.tobytes() == second.values.tobytes()
        and bool((first.dates == second.dates).all())
        and bool((first.symbols == second.symbols).all())
    )


def callback(config: Any) -> dict[str, Any]:
    """Settings of the export in a configuration."""
    settings: dict[str, Any] = config["trainer"]["callbacks"][2].setdefault("init_args", {})
    return settings


def test_it_is_the_unit_applied_to_each_date(fitted: Path, market_panel: Path) -> None:
    table = matrix(fitted)
    unit = FactorUnit.load_from_checkpoint(fitted / "checkpoints" / "best.ckpt", weights_only=True)
    unit.eval()
    source = WindowSource.open(market_panel, "rawbar", SampleRule())
    panel = Panel.open(market_panel)
    output = cut_vintage(panel.dates, 2021).output
    np.testing.assert_array_equal(np.unique(table.dates), panel.dates[output])
    for t in output[::60]:
        assets = np.flatnonzero(source.sample.scored[t])
        rows = table.dates == panel.dates[t]
        np.testing.assert_array_equal(table.symbols[rows], panel.symbols[assets])
        with torch.inference_mode():
            expected = unit(source.windows(int(t), assets)).numpy()
        np.testing.assert_allclose(table.values[rows], expected, rtol=1e-6, atol=1e-6)
    assert table.columns == ("f00", "f01", "f02", "f03")
    assert np.isfinite(table.values).all()


def test_provenance(fitted: Path, market_panel: Path) -> None:
    panel = Panel.open(market_panel)
    assert read_metadata(fitted / "factors.parquet") == {
        "kind": "factor_matrix",
        "unit": "gru",
        "proxy": False,
        "network": "gru",
        "dataset": "rawbar",
        "features": ["open", "high", "low", "close", "vwap", "volume"],
        "switched_off": [],
        "window": 30,
        "cross_section": True,
        "universe": "all",
        "vintage": 2021,
        "scheme": "oos_lagged",
        "seed": 0,
        "seed_everything": 0,
        "n_factors": 4,
        "in_sample": False,
        "precision": "float32",
        "date_range": ["2020-01-02", "2021-12-31"],
        # Its label ends eleven dates later, two before the first date that is out of sample.
        "train_end": str(panel.dates[np.searchsorted(panel.dates, np.datetime64("2020")) - 13]),
        "out_of_sample_from": "2020-01-02",
        "checkpoint": fingerprint_file(fitted / "checkpoints" / "best.ckpt"),
        "panel_fingerprint": panel.fingerprint,
        "dataset_fingerprint": panel.dataset("rawbar").fingerprint,
    }


def test_a_proxy_is_named_and_not_mistaken_for_the_data_it_stands_in_for(
    options: Options,
    again: Options,
    fitted: Path,
    market_panel: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    panel = Path(shutil.copytree(market_panel, tmp_path / "panel"))
    about = json.loads((panel / "panel.json").read_text())
    about["datasets"]["rawbar"]["proxy"] = True
    (panel / "panel.json").write_text(json.dumps(about))
    on_proxy = {"data.panel": panel}
    assert main(options(tmp_path / "fit", **on_proxy)) == 0
    (file,) = (tmp_path / "fit").rglob("factors.parquet")
    assert read_metadata(file)["proxy"] is True
    for made, read_from, was in ((fitted, panel, False), (file.parent, market_panel, True)):
        capsys.readouterr()
        run = tmp_path / f"was_{was}"
        assert main(again("predict", made, run, **{"data.panel": read_from})) != 0
        assert f"trained with proxy {was}, this run has {not was}: train" in capsys.readouterr().err
        assert not list(run.rglob("factors.parquet"))


def test_it_opens_without_our_code(fitted: Path) -> None:
    file = fitted / "factors.parquet"
    table = matrix(fitted)
    frame, polars = pd.read_parquet(file), pl.read_parquet(file)
    assert (
        frame.columns.tolist() == polars.columns == ["date", "symbol", "f00", "f01", "f02", "f03"]
    )
    assert polars.schema["f00"] == pl.Float32
    np.testing.assert_array_equal(frame["f02"].to_numpy(), table.values[:, 2])
    np.testing.assert_array_equal(polars["f02"].to_numpy(), table.values[:, 2])
    assert frame["date"].iloc[0] == pd.Timestamp("2020-01-02")
    assert frame.set_index(["date", "symbol"]).index.is_monotonic_increasing


def test_in_sample_dates_on_request(
    options: Options,
    edited: Options,
    again: Options,
    fitted: Path,
    market_panel: Path,
    tmp_path: Path,
) -> None:
    def ask(config: Any) -> None:
        callback(config).update(in_sample=True, unit="mine", run=7)

    run = tmp_path / "run"
    assert main(edited(options(run), ask)) == 0
    whole, usual = matrix(run), matrix(fitted)
    assert whole.metadata["in_sample"] is True
    first = str(Panel.open(market_panel).dates[29])
    assert whole.metadata["date_range"] == [first, "2021-12-31"], "the first with a whole window"
    assert str(whole.dates[0]) == first
    assert {key: whole.metadata[key] for key in ("unit", "network", "seed", "seed_everything")} == {
        "unit": "mine",
        "network": "gru",
        "seed": 7,
        "seed_everything": 0,
    }
    later = whole.dates >= np.datetime64("2020-01-02")
    assert whole.values[later].tobytes() == usual.values.tobytes()
    assert main(again("predict", run)) == 0
    assert same(matrix(run / "predict"), whole)
    assert matrix(run / "predict").metadata == whole.metadata


def test_where_it_goes_and_whether(
    options: Options, edited: Options, fitted: Path, tmp_path: Path
) -> None:
    run, elsewhere = tmp_path / "run", tmp_path / "else" / "where.parquet"

    def move(config: Any) -> None:
        callback(config).update(path=str(elsewhere), precision="float16")

    def skip(config: Any) -> None:
        callback(config)["after_fit"] = False

    assert main(edited(options(run), move)) == 0
    assert [file.name for file in elsewhere.parent.iterdir()] == ["where.parquet"]
    half = matrix(fitted).values.astype(np.float16)
    np.testing.assert_array_equal(read_dated_table(elsewhere).values, half.astype(np.float32))
    unit = train(edited(options(tmp_path / "skipped"), skip)).model
    assert not list(tmp_path.glob("*/factors.parquet"))
    best = tmp_path / "skipped" / "checkpoints" / "best.ckpt"
    weights = torch.load(best, weights_only=True)["state_dict"]
    assert all(value.equal(weights[name]) for name, value in unit.state_dict().items())


def test_without_a_monitored_checkpoint_the_last_weights_count(
    options: Options, edited: Options, tmp_path: Path, at_the_end: dict[str, Any]
) -> None:
    def forget(config: Any) -> None:
        config["trainer"]["callbacks"][1]["init_args"] = {"filename": "any"}

    run = tmp_path / "run"
    unit = train(edited(options(run), forget)).model
    assert all(value.equal(at_the_end[name]) for name, value in unit.state_dict().items())
    assert matrix(run).metadata["checkpoint"] is None


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_a_trial_run_writes_nothing(
    options: Options,
    again: Options,
    fitted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    trial = {"trainer.fast_dev_run": "true"}
    run = tmp_path / "run"
    line = options(run, **trial) if command == "fit" else again(command, fitted, run, **trial)
    assert main(line) == 0
    assert not list(tmp_path.rglob("*factors*"))


def test_other_data_are_refused_before_training() -> None:
    trainer: Any = SimpleNamespace(datamodule=None)
    with pytest.raises(TypeError, match="needs a CrossSectionDataModule, not NoneType"):
        FactorMatrixExport().setup(trainer, torch.nn.Module(), "fit")  # type: ignore[arg-type]


def test_two_processes_write_the_matrix_of_one(
    again: Options, fitted: Path, tmp_path: Path
) -> None:
    assert main(again("predict", fitted, tmp_path, **TWO)) == 0
    two = matrix(tmp_path / "run" / "predict")
    assert same(two, matrix(fitted))
    assert two.metadata == matrix(fitted).metadata
    assert [file.name for file in (tmp_path / "run" / "predict").iterdir()] == ["factors.parquet"]


def test_two_processes_train_and_write_one(
    options: Options, again: Options, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert main(options(run, **TWO)) == 0
    assert not list(run.glob(".*"))
    one = {"trainer.strategy": "auto", "trainer.devices": 1}
    assert main(again("predict", run, tmp_path / "one", **one)) == 0
    assert same(matrix(run), matrix(tmp_path / "one" / "run" / "predict"))


def test_merging_interleaves_dates_and_stocks(tmp_path: Path) -> None:
    days = np.arange("2024-01-01", "2024-01-06", dtype="datetime64[D]")
    whole = DatedTable(
        np.repeat(days, 3),
        np.tile(["a", "b", "c"], 5),
        np.arange(15, dtype=np.float32)[:, None],
        ("f00",),
        {"kind": "factor_matrix", "precision": "float32"},
    )
    target = tmp_path / "factors.parquet"
    paths = export._part_paths(target, 2)
    for rank, path in enumerate(paths):
        mine = np.isin(whole.dates, days[rank::2])
        part = DatedTable(
            whole.dates[mine], whole.symbols[mine], whole.values[mine], ("f00",), whole.metadata
        )
        write_dated_table(path, part)
    export._merge_parts(paths, target)
    assert same(read_dated_table(target), whole)
    assert list(tmp_path.iterdir()) == [target]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The unit breaks on the hundredth date that is exported."""
    step, seen = FactorUnit.predict_step, []

    def breaks(self: FactorUnit, batch: Any, index: int) -> Any:
        seen.append(int(batch.date))
        if len(seen) == 100:
            message = "broken on purpose"
            raise RuntimeError(message)
        return step(self, batch, index)

    monkeypatch.setattr(FactorUnit, "predict_step", breaks)
    yield
    assert len(seen) == 100


@pytest.mark.usefixtures("failing")
def test_an_error_in_the_middle_leaves_nothing_after_fit(options: Options, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broken on purpose"):
        main(options(tmp_path / "run"))
    assert not list(tmp_path.rglob("*factors*"))


@pytest.mark.usefixtures("failing")
@pytest.mark.filterwarnings("ignore:Experiment logs directory")
def test_an_error_in_the_middle_keeps_the_matrix_of_before(
    again: Options, fitted: Path, tmp_path: Path
) -> None:
    old = tmp_path / "run" / "predict" / "factors.parquet"
    old.parent.mkdir(parents=True)
    shutil.copy(fitted / "factors.parquet", old)
    content = old.read_bytes()
    with pytest.raises(RuntimeError, match="broken on purpose"):
        main(again("predict", fitted, tmp_path))
    assert old.read_bytes() == content
    assert list(old.parent.iterdir()) == [old]


def test_an_error_of_one_process_leaves_nothing_of_either(
    again: Options, fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The merge fails on process 0, after both have finished their parts.
    def full(*_: Any) -> None:
        message = "cannot write: the disk is full"
        raise UserError(message)

    monkeypatch.setattr(export, "_rows_of", full)
    settings = TWO | {"collective_timeout": 5}
    with pytest.raises(Exception, match="the disk is full"):
        main(again("predict", fitted, tmp_path, **settings))
    assert not list(tmp_path.rglob("*factors*"))


def test_a_full_disk_is_one_message(
    again: Options,
    fitted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(file: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "_flush", full)
    assert main(again("predict", fitted, tmp_path)) == 1
    assert "the disk is full: free some space" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*factors*"))


CHANGED_FROM = "2021-06-01"


@pytest.fixture(scope="module")
def changed_panel(market_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated market with another future: other prices, volumes and suspensions."""
    folder = tmp_path_factory.mktemp("changed")
    frame = pl.read_parquet(market_folder / "daily.parquet").sort("date", "symbol")
    later = frame["date"] >= pl.Series([CHANGED_FROM]).str.to_date()[0]
    rng = np.random.default_rng(3)
    factor = np.where(later, rng.uniform(0.5, 2.0, len(frame)), 1.0)
    prices = ("open", "high", "low", "close", "vwap", "limit_up", "limit_down")
    scaled = [(pl.col(c) * pl.Series(factor)).alias(c) for c in prices if c in frame.columns]
    shares = np.where(later, rng.uniform(0.2, 5.0, len(frame)), 1.0)
    scaled.append((pl.col("volume") * pl.Series(shares)).alias("volume"))
    if "amount" in frame.columns:
        scaled.append((pl.col("amount") * pl.Series(factor * shares)).alias("amount"))
    kept = pl.Series(~later.to_numpy() | (rng.random(len(frame)) > 0.1))
    frame.with_columns(scaled).filter(kept).write_parquet(folder / "daily.parquet")
    return ingest(str(folder / "panel"), daily=str(folder / "daily.parquet"))


def test_no_look_ahead(changed_panel: Path, again: Options, fitted: Path, tmp_path: Path) -> None:
    assert main(again("predict", fitted, tmp_path, **{"data.panel": changed_panel})) == 0
    before, after = matrix(fitted), matrix(tmp_path / "run" / "predict")
    first = np.datetime64(CHANGED_FROM)
    old, new = before.dates < first, after.dates < first
    assert 300 < len(np.unique(before.dates[old])) < 400
    assert before.values[old].tobytes() == after.values[new].tobytes()
    assert (before.symbols[old] == after.symbols[new]).all()
    assert (before.dates[old] == after.dates[new]).all()
    on_the_day = before.values[before.dates == first], after.values[after.dates == first]
    assert on_the_day[0].tobytes() != on_the_day[1].tobytes(), "the future did change"


@pytest.mark.gpu
def test_after_fit_on_an_accelerator(options: Options, tmp_path: Path) -> None:
    # By then Lightning has moved the unit to the processor and still sends batches to the device.
    run = tmp_path / "run"
    assert main(options(run, **{"trainer.accelerator": "gpu"})) == 0
    assert np.isfinite(matrix(run).values).all()
