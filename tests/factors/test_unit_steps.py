"""What a unit does in a step, in the middle of an epoch, and in other precisions."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from alpha_lightning.artefacts.dated_table import read_dated_table
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.cli import main
from alpha_lightning.factors.networks import AGRU, GRU
from alpha_lightning.factors.unit import FactorUnit
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.batch_rule import BatchRule
from alpha_lightning.windows.datamodule import CrossSectionDataModule

F, L, K = 6, 30, 4
Options = Callable[..., list[str]]


def date(seed: int, stocks: int = 25) -> CrossSection:
    generator = torch.Generator().manual_seed(seed)
    windows = torch.randn(stocks, L, F, generator=generator)
    label = torch.randn(stocks, generator=generator)
    number = torch.tensor(seed)
    return CrossSection(windows, label, label, torch.arange(stocks), number, number + stocks)


def unit(network: nn.Module | None = None, **changes: Any) -> FactorUnit:
    torch.manual_seed(0)
    network = network or GRU(n_features=F, window=L, hidden=8)
    optimizer = changes.pop("optimizer", lambda params: torch.optim.SGD(params, lr=0.05))
    return FactorUnit(network, optimizer=optimizer, n_factors=K, **changes)


def trainer(tmp_path: Path, processes: int = 1, **changes: Any) -> pl.Trainer:
    settings: dict[str, Any] = {"max_epochs": 1, "accelerator": "cpu", "devices": processes}
    settings |= {"strategy": "ddp_fork"} if processes > 1 else {}
    settings |= {"enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    settings |= {"default_root_dir": tmp_path, "num_sanity_val_steps": 0}
    settings |= {"use_distributed_sampler": False, "enable_checkpointing": False}
    return pl.Trainer(**settings | changes)


def data(panel: Path, dates: int = 1, **changes: Any) -> CrossSectionDataModule:
    settings: dict[str, Any] = {"vintage": 2021, "date_step": 20, "valid_step": 10, "seed": 3}
    settings |= {"batch": BatchRule(dates, "mmap")}
    return CrossSectionDataModule(str(panel), **settings | changes)


def test_a_batch_of_several_dates_has_the_mean_of_their_losses() -> None:
    dates = [date(1), date(2, 31), date(3, 17)]
    together, apart = unit(), unit()
    loss = together.training_step(dates, 0)
    losses = [apart.training_step(one, 0) for one in dates]
    assert loss.item() == pytest.approx(sum(one.item() for one in losses) / 3, rel=1e-6)
    torch.autograd.backward(loss)
    torch.autograd.backward(sum(losses[1:], losses[0]) / 3)
    for ours, theirs in zip(together.parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad)
    sums = [model.metrics["train_"].sums() for model in (together, apart)]  # type: ignore[operator]
    assert sums[0].keys() == {"loss", "ic", "coverage", "rank.RankIC", "rank.RankICIR"}
    assert all(sums[0][name].equal(sums[1][name]) for name in sums[0])
    assert sums[0]["loss"][1] == 3


def test_steps_hand_out_factors_in_float32() -> None:
    model = unit().eval().double()
    batch = date(4)._replace(windows=date(4).windows.double())
    expected = model(batch.windows).float()
    for step in (model.validation_step, model.test_step, model.predict_step):
        factors = step(batch, 0)
        assert factors.dtype == torch.float32
        assert factors.equal(expected)


class Dies(pl.Callback):
    """Keeps a checkpoint of a moment, and stops there."""

    def __init__(self, batch: int, file: Path) -> None:
        self.batch, self.file = batch, file

    def on_train_batch_end(self, trainer: pl.Trainer, *given: Any) -> None:
        if trainer.current_epoch == 1 and given[-1] == self.batch:
            trainer.save_checkpoint(self.file)
            raise StoppedError


class StoppedError(Exception):
    """Stands for a kill."""


class Logs(pl.Callback):
    """What was logged at the end of each epoch."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []

    def on_train_epoch_end(self, *given: Any) -> None:
        train: Any = given[1].metrics
        kept = copy.deepcopy(train["train_"])
        self.epochs.append({name: float(value) for name, value in kept.finish().items()})


@pytest.mark.parametrize("killed", [0, 3])
def test_metrics_of_a_resumed_epoch_are_those_of_the_whole(
    market_panel: Path, tmp_path: Path, killed: int
) -> None:
    whole, rest = Logs(), Logs()
    trainer(tmp_path, max_epochs=3, callbacks=[whole]).fit(unit(), data(market_panel))
    file = tmp_path / "kept.ckpt"
    part = trainer(tmp_path, max_epochs=3, callbacks=[Dies(killed, file)])
    with pytest.raises(StoppedError):
        part.fit(unit(), data(market_panel))
    sums = torch.load(file, weights_only=True)["training_sums"]
    assert sums["loss"].shape == (1, 2)
    assert sums["loss"][0, 1] == killed + 1
    resumed = trainer(tmp_path, max_epochs=3, callbacks=[rest])
    resumed.fit(unit(), data(market_panel), ckpt_path=str(file), weights_only=True)
    assert rest.epochs == whole.epochs[1:], "the same bits"


def test_sums_of_several_processes_are_given_back_to_each(
    market_panel: Path, tmp_path: Path
) -> None:
    file = tmp_path / "two.ckpt"
    two = trainer(tmp_path, 2, callbacks=[Keeps(file)])
    two.fit(unit(), data(market_panel))
    saved = torch.load(file, weights_only=True)["training_sums"]
    assert saved["loss"].shape == (2, 2)
    one = Logs()
    trainer(tmp_path, callbacks=[one], accumulate_grad_batches=2).fit(unit(), data(market_panel))
    loss = saved["loss"].sum(dim=0)
    assert float(loss[0] / loss[1]) == pytest.approx(one.epochs[0]["train/loss"], rel=1e-6)
    for world, rank, expected in ((2, 0, 0), (2, 1, 1), (1, 0, None), (3, 0, None), (3, 1, "zero")):
        model = unit()
        model.trainer = Ranks(world, rank)  # type: ignore[assignment]
        share = model._own_share(saved["loss"])
        whole = loss if expected is None else saved["loss"][expected] if expected in (0, 1) else 0
        assert share.equal(torch.zeros(2, dtype=torch.float64) + whole)


class Keeps(pl.Callback):
    """A checkpoint of the last batch, metrics still open."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.is_last_batch:
            trainer.save_checkpoint(self.file)


class Ranks:
    """What a unit asks its trainer for."""

    def __init__(self, world_size: int, rank: int) -> None:
        self.world_size, self.global_rank = world_size, rank
        self.strategy = self
        self._accelerator_connector = self


@pytest.mark.filterwarnings("ignore:You passed .*AMP with fp16 is not supported on CPU")
@pytest.mark.parametrize("precision", ["bf16-mixed", "16-mixed"])
def test_mixed_precision(market_panel: Path, tmp_path: Path, precision: str) -> None:
    # On a CPU Lightning computes 16-mixed in bfloat16: float16 itself needs a GPU.
    logged, weights = [], []
    for name in ("32-true", precision):
        model = unit()
        fitter = trainer(tmp_path, precision=name, accumulate_grad_batches=2)
        fitter.fit(model, data(market_panel, dates=2))
        logged.append({n: float(v) for n, v in fitter.callback_metrics.items()})
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
        assert all(p.dtype == torch.float32 for p in model.parameters())
        assert all(v.dtype == torch.float64 for v in sums_of(model))
    for metric, value in logged[0].items():
        assert logged[1][metric] == pytest.approx(value, abs=0.05), metric
    assert not weights[0].equal(weights[1])
    torch.testing.assert_close(weights[0], weights[1], atol=0.02, rtol=0.05)


def sums_of(model: FactorUnit) -> list[Tensor]:
    train: Any = model.metrics["train_"]
    return list(train.sums().values())


@pytest.mark.slow  # the compiler takes its time: training, evaluation, one stock count, any
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The .grad attribute")
def test_a_compiled_unit_trains_alike_and_its_checkpoint_is_any_units(
    market_panel: Path, tmp_path: Path
) -> None:
    def network() -> AGRU:
        torch.manual_seed(0)
        return AGRU(n_features=F, window=L, hidden=8, attention=4)

    eager, compiled = unit(network()), unit(network(), compile=True)
    for model in (eager, compiled):
        trainer(tmp_path).fit(model, data(market_panel))
    assert compiled.state_dict().keys() == eager.state_dict().keys()
    assert dict(compiled.hparams) == dict(eager.hparams) == {"n_factors": K}
    for name, value in eager.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[name], value, rtol=1e-5, atol=1e-5)
    torch._dynamo.reset()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_command_line_knows_precision_and_compilation(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    settings = {"model.matmul_precision": "high", "model.compile": "true", "data.valid_step": 9}
    assert main(options(run, **{"trainer.max_epochs": 1}, **settings)) == 0
    assert torch.get_float32_matmul_precision() == "high"
    assert "matmul_precision: high" in (run / "config.yaml").read_text()
    checkpoint = run / "checkpoints" / "best.ckpt"
    saved = torch.load(checkpoint, weights_only=True)["hyper_parameters"]
    assert saved["n_factors"] == K
    assert not {"compile", "matmul_precision"} & saved.keys()
    line = ["validate", "--config", str(run / "config.yaml"), f"--ckpt_path={checkpoint}"]
    other = ["--model.compile=false", "--model.matmul_precision=highest"]
    assert main([*line, *other]) == 0, "how a number is computed is no setting of the weights"
    assert torch.get_float32_matmul_precision() == "highest"
    with pytest.raises(SystemExit):
        main([*options(run), "--model.matmul_precision=tf32"])
    assert "matmul_precision" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["sync_batchnorm"])
def test_what_mixes_dates_is_refused(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str
) -> None:
    assert main(options(tmp_path / "run", **{f"trainer.{setting}": "true"})) == 1
    assert f"trainer.{setting} must be false" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_more_dates_in_a_step_than_there_are(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"trainer.accumulate_grad_batches": 20, "data.batch.dates": 3}
    assert main(options(tmp_path / "run", **settings)) == 1
    message = "a training step takes 60 dates, 1 processes of 60 each"
    assert message in capsys.readouterr().err


def test_fused_weights_stay_one_block(tmp_path: Path) -> None:
    # What cuDNN asks for: after a move and after a load all weights alias one storage in order.
    model = unit()
    model.load_state_dict(unit(GRU(n_features=F, window=L, hidden=8)).state_dict())
    model.to(torch.float64).to(torch.float32)
    recurrence: Any = model.network.recurrence
    assert [id(w) for w in recurrence._flat_weights] == [id(p) for p in recurrence.parameters()]


def test_unknown_precision_in_plain_python(market_panel: Path, tmp_path: Path) -> None:
    model = unit(matmul_precision="tf32")
    with pytest.raises(UserError, match="'tf32' is unknown"):
        trainer(tmp_path).fit(model, data(market_panel))


def test_the_command_on_two_processes_and_on_one(options: Options, tmp_path: Path) -> None:
    splits: dict[str, dict[str, Any]] = {
        "one": {"trainer.accumulate_grad_batches": 2, "data.batch.dates": 3},
        "two": {"trainer.devices": 2, "trainer.strategy": "ddp_fork", "data.batch.dates": 3},
    }
    tables, factors = [], []
    for name, split in splits.items():
        settings = {"data.valid_step": 9, "trainer.num_sanity_val_steps": 0, **split}
        assert main(options(tmp_path / name, "restcn", **settings)) == 0
        tables.append(pd.read_csv(tmp_path / name / "metrics.csv"))
        factors.append(read_dated_table(tmp_path / name / "factors.parquet").values)
    logged = [c for c in tables[0] if c.startswith(("train/loss", "train/ic", "valid/"))]
    assert len(logged) >= 7
    for column in logged:
        one, two = (table[column].dropna().to_numpy() for table in tables)
        assert len(one) == 2
        # Adam makes whole steps of the rounding of small gradients.
        np.testing.assert_allclose(two, one, atol=2e-3, rtol=1e-3, err_msg=column)
    np.testing.assert_allclose(factors[1], factors[0], atol=2e-2)


def test_a_checkpoint_of_before_has_no_sums() -> None:
    model = unit()
    model.trainer = Ranks(1, 0)  # type: ignore[assignment]
    model.on_load_checkpoint({"state_dict": model.state_dict()})
    assert not any(sums.any() for sums in sums_of(model))
