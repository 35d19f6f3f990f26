import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import VintageRule, cut_vintage
from alpha_lightning.windows import datamodule
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.batch_rule import BatchRule
from alpha_lightning.windows.datamodule import CrossSectionDataModule
from alpha_lightning.windows.input_rule import InputRule
from alpha_lightning.windows.loader import CrossSectionLoader
from alpha_lightning.windows.resident import ResidentDataset
from alpha_lightning.windows.sample import SampleRule
from alpha_lightning.windows.shared import forget

VINTAGE = 2022


def module(path: Path, **changes: Any) -> CrossSectionDataModule:
    return CrossSectionDataModule(str(path), **{"vintage": VINTAGE} | changes)


def trainer(**changes: Any) -> Any:
    """What the data ask of a trainer."""
    usual = {"global_rank": 0, "world_size": 1, "accumulate_grad_batches": 1, "num_devices": 1}
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    return SimpleNamespace(**usual | {"strategy": strategy} | changes)


def dates_of(loader: CrossSectionLoader) -> list[int]:
    return [int(loader.dataset.dates[k]) for k in loader.sampler]


@pytest.fixture(scope="module")
def data(market_panel: Path) -> CrossSectionDataModule:
    return module(market_panel)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(datamodule, "rank_zero_info", lines.append)
    return lines


def test_every_loader_has_its_dates(data: CrossSectionDataModule) -> None:
    cut = cut_vintage(data.dates, VINTAGE)
    train = dates_of(data.train_dataloader())
    assert sorted(train) == list(range(29, cut.train[-1] + 1)), "the first 29 have no window"
    assert train != sorted(train)
    assert dates_of(data.val_dataloader()) == cut.valid.tolist()
    assert dates_of(data.test_dataloader()) == cut.serve[: -(10 + 1)].tolist()
    assert dates_of(data.predict_dataloader()) == cut.output.tolist()
    in_sample = dates_of(data.output_dataloader(in_sample=True))
    assert in_sample == sorted([*train, *cut.valid.tolist(), *cut.output.tolist()])


@pytest.mark.parametrize("place", ["device", "host"])
def test_residency_changes_no_bit(market_panel: Path, told: list[str], place: Any) -> None:
    chosen = {"date_step": 40, "valid_step": 20, "seed": 3}
    ours = module(market_panel, **chosen, batch=BatchRule(residency=place))
    theirs = module(market_panel, **chosen)
    for name in ("train", "val", "test", "predict"):
        pair = [getattr(data, f"{name}_dataloader")() for data in (ours, theirs)]
        assert len(pair[0]) == len(pair[1])
        for here, there in itertools.islice(zip(*pair, strict=True), 20):
            for one, other in zip(here, there, strict=True):
                assert one.numpy().tobytes() == other.numpy().tobytes()
    where = "resident on cpu" if place == "device" else "in memory, copied ahead to cpu"
    assert [line.split(" of the panel ")[1] for line in told] == [
        f"{where} (data.batch.residency {place})",
        "read from disk (data.batch.residency auto)",
    ], "each tells it once"


def test_only_the_rows_that_are_needed_are_resident(market_panel: Path) -> None:
    cut = cut_vintage(module(market_panel).dates, VINTAGE)
    parts = {"validate": cut.valid, "test": cut.serve, "predict": cut.output}
    stages = {stage: (int(part[0]) - 29, int(part[-1]) + 1) for stage, part in parts.items()}
    for stage, rows in [("fit", (0, 900)), *stages.items()]:
        data = module(market_panel, batch=BatchRule(residency="host"))
        forget()
        data.setup(stage)
        names = {"fit": "train", "validate": "val"}
        loader = getattr(data, f"{names.get(stage, stage)}_dataloader")()
        assert loader.dataset.resident.rows == range(*rows), stage
    data = module(market_panel, batch=BatchRule(residency="device"))
    data.setup("predict")
    wider = data.output_dataloader(in_sample=True)
    assert isinstance(wider.dataset, ResidentDataset)
    assert wider.dataset.resident.rows == range(900), "also dates of no stage"


def test_modules_of_one_panel_share_rows_and_labels(market_panel: Path) -> None:
    resident = BatchRule(residency="device")
    first, second = (module(market_panel, seed=s, batch=resident) for s in range(2))
    loaders = [data.train_dataloader() for data in (first, second)]
    assert loaders[0].dataset.resident is loaders[1].dataset.resident  # type: ignore[union-attr]
    assert first.source.sample is second.source.sample
    first.source.switched_on[0] = 0
    assert second.source.switched_on[0] == 1


def test_a_step_is_of_all_processes_batches_and_dates(market_panel: Path) -> None:
    data = module(market_panel, batch=BatchRule(dates=3))
    data.trainer = trainer(world_size=2, global_rank=1, accumulate_grad_batches=5)
    train = data.train_dataloader()
    assert train.sampler.step == 30
    assert len(train.sampler) == 342 // 30 * 15
    assert [len(batch) for batch in itertools.islice(train, 2)] == [3, 3]
    assert data.val_dataloader().sampler.step == 2
    batch = next(iter(data.val_dataloader()))
    assert isinstance(batch, CrossSection), "one date a batch wherever nothing is learnt"


def test_what_is_exported_is_asked_of_the_module(market_panel: Path) -> None:
    data = module(market_panel)
    data.export_in_sample = True
    assert dates_of(data.predict_dataloader())[0] == 29


def test_only_training_leaves_out_stocks_without_a_label(data: CrossSectionDataModule) -> None:
    train, valid = data.train_dataloader(), data.val_dataloader()
    lacking = [[bool(b.label.isnan().any()) for b in part] for part in (train, valid)]
    assert [any(some) for some in lacking] == [False, True]
    for loader, labelled in ((train, True), (valid, False), (data.predict_dataloader(), False)):
        assert loader.dataset.labelled is labelled
        assert loader.sampler.shuffle is labelled


def test_the_order_follows_the_seed(market_panel: Path) -> None:
    orders = [dates_of(module(market_panel, seed=s).train_dataloader()) for s in (0, 1, 0)]
    assert orders[0] != orders[1]
    assert orders[0] == orders[2]


def test_every_so_many_th_date(market_panel: Path) -> None:
    dates = dates_of(module(market_panel, date_step=5).train_dataloader())
    assert sorted(dates) == list(range(29, 371, 5))
    assert len(module(market_panel, date_step=5).val_dataloader()) == 96
    assert len(module(market_panel, valid_step=5).val_dataloader()) == 20


def test_processes_share_the_dates(market_panel: Path) -> None:
    shares = []
    for rank in range(2):
        data = module(market_panel)
        data.trainer = trainer(global_rank=rank, world_size=2)
        shares.append(dates_of(data.val_dataloader()))
    assert not set(shares[0]) & set(shares[1])
    assert sorted(shares[0] + shares[1]) == cut_vintage(data.dates, VINTAGE).valid.tolist()


def test_dates_with_few_stocks_are_skipped_and_counted(market_panel: Path, told: list[str]) -> None:
    rule = SampleRule(min_stocks=33)
    data = module(market_panel, sample=rule)
    sample, cut = data.source.sample, data.vintage
    labelled = sample.scored & ~np.isnan(sample.label)
    enough = labelled.sum(axis=1) >= 33
    data.setup("fit")
    for name, dates, loader in (
        ("training", cut.train[29:], data.train_dataloader()),
        ("validation", cut.valid, data.val_dataloader()),
    ):
        skipped = int((~enough[dates]).sum())
        assert 0 < skipped < len(dates)
        text = f"{skipped} {name} dates skipped: fewer than 33 stocks with a label"
        assert text in told
        assert sorted(dates_of(loader)) == dates[enough[dates]].tolist()
    told.clear()
    data.setup("predict")
    few = int((sample.scored.sum(axis=1) < 33)[cut.output].sum())
    assert told == [f"{few} output dates skipped: fewer than 33 stocks"] * bool(few)
    told.clear()
    data.setup("validate")
    data.setup("test")
    assert [line.split()[1] for line in told] == ["validation", "test"]


def test_nothing_is_said_when_nothing_is_skipped(market_panel: Path, told: list[str]) -> None:
    module(market_panel).setup("validate")
    assert not told


@pytest.fixture
def without_vwap(market_panel: Path, tmp_path: Path, rewrite: Callable[..., None]) -> Path:
    """A panel in which hardly anybody has a vwap on the training dates, and everybody later."""
    path = Path(shutil.copytree(market_panel, tmp_path / "panel"))
    end = cut_vintage(Panel.open(path).dates, VINTAGE).train[-1] + 1

    def drop(values: Any) -> None:
        values[:end, 3:, 4] = np.nan

    rewrite(path, drop)
    return path


def test_a_feature_absent_in_training_is_switched_off_everywhere(without_vwap: Path) -> None:
    data = module(without_vwap)
    with pytest.warns(UserWarning, match="rawbar feature vwap: present on fewer than 50% of the"):
        data.setup("fit")
    assert data.switched_off == ("vwap",)
    assert data.provenance()["switched_off"] == ["vwap"]
    assert data.n_features == 6, "the network keeps its shape"
    batch = data.predict_dataloader().dataset[-1]
    assert not batch.windows[..., 4].any()
    assert batch.windows[..., 0].any()
    assert module(without_vwap, inputs=InputRule(min_coverage=0.01)).switched_off == ()


def test_the_future_does_not_switch_off(
    market_panel: Path, tmp_path: Path, rewrite: Callable[..., None]
) -> None:
    path = Path(shutil.copytree(market_panel, tmp_path / "panel"))
    end = cut_vintage(Panel.open(path).dates, VINTAGE).train[-1] + 1

    def drop(values: Any) -> None:
        values[end:, :, :3] = np.nan

    rewrite(path, drop)
    before, after = module(market_panel), module(path)
    assert after.switched_off == ()
    dates = after.vintage.train
    np.testing.assert_array_equal(before.source.coverage(dates), after.source.coverage(dates))


def test_full_coverage_can_be_asked_for(market_panel: Path) -> None:
    # The dates before the first whole window score nobody and must not count as missing.
    assert module(market_panel, inputs=InputRule(min_coverage=1.0)).switched_off == ()


def test_statistics_are_there_before_other_processes_look(panel_path: Path, tmp_path: Path) -> None:
    ignore = shutil.ignore_patterns("*.scale-*")
    path = Path(shutil.copytree(panel_path, tmp_path / "panel", ignore=ignore))
    data = module(path)
    assert not list((path / "datasets").glob("rawbar.scale-*.npy")), "nothing before it is needed"
    data.prepare_data()
    assert len(list((path / "datasets").glob("rawbar.scale-*.npy"))) == 1


def test_provenance_is_plain_and_complete(market_panel: Path) -> None:
    about = module(market_panel, inputs=InputRule(cross_section=False)).provenance()
    assert json.loads(json.dumps(about)) == about
    panel = Panel.open(market_panel)
    assert about == {
        "dataset": "rawbar",
        "proxy": False,
        "features": ["open", "high", "low", "close", "vwap", "volume"],
        "switched_off": [],
        "window": 30,
        "cross_section": False,
        "universe": "all",
        "vintage": 2022,
        "scheme": "oos_lagged",
        "train_end": "2020-12-15",
        "out_of_sample_from": "2021-01-04",
        "panel_fingerprint": panel.fingerprint,
        "dataset_fingerprint": panel.dataset("rawbar").fingerprint,
    }


def test_in_sample_provenance_says_from_when_it_is_not(market_panel: Path) -> None:
    about = module(market_panel, rule=VintageRule(scheme="in_sample")).provenance()
    assert about["scheme"] == "in_sample"
    assert about["out_of_sample_from"].startswith("2022-01-0")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dataset": "l2chars"}, "no data set 'l2chars'; it has rawbar"),
        ({"vintage": 2019}, "vintage 2019 .* no training dates: the panel holds 2019-01-02 to"),
        ({"vintage": 2030}, "vintage 2030 .* no output dates"),
        ({"sample": SampleRule(horizon=20)}, "ends 21 days .* set data.rule.label_span to 21"),
        ({"date_step": 0}, "date_step >= 1"),
        ({"valid_step": 0}, "valid_step >= 1"),
    ],
)
def test_mistakes_are_told_at_once(market_panel: Path, wrong: Any, message: str) -> None:
    with pytest.raises(PanelError, match=message):
        module(market_panel, **wrong)


def test_mistakes_told_when_the_data_are_opened(market_panel: Path) -> None:
    with pytest.raises(PanelError, match="no universe 'csi'"):
        module(market_panel, sample=SampleRule(universe="csi")).prepare_data()
    data = module(market_panel, sample=SampleRule(universe="000300"))
    with pytest.raises(PanelError, match="no training date of vintage 2022 has 20 stocks of uni"):
        data.train_dataloader()
    rule = VintageRule(label_span=21)
    long = module(market_panel, sample=SampleRule(horizon=20), rule=rule)
    assert len(long.test_dataloader()) == 164 - 21


def test_idle_processes_are_refused_before_any_is_started(market_panel: Path) -> None:
    data = module(market_panel, valid_step=5, batch=BatchRule(dates=2))
    valid, train = len(data.val_dataloader()), 2 * len(data.train_dataloader())
    for stage in ("fit", "validate", "test", "predict"):
        data.refuse_idle_processes(stage, 2, 3)
    for stage in ("fit", "validate"):
        data.refuse_idle_processes(stage, valid, 1)
        with pytest.raises(PanelError, match=f"{valid + 1} processes for {valid} dates"):
            data.refuse_idle_processes(stage, valid + 1, 1)
    too_many = train // 4 + 1
    with pytest.raises(PanelError, match=f"a training step takes {4 * too_many} dates"):
        data.refuse_idle_processes("fit", 2, too_many)
