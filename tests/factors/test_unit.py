import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import DataLoader

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.factors.checkpoint import PROVENANCE
from alpha_lightning.factors.losses import ICLoss
from alpha_lightning.factors.networks import GRU
from alpha_lightning.factors.unit import FactorUnit, SplitMetrics
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.datamodule import CrossSectionDataModule

F, L, K = 6, 30, 4


def date(seed: int, stocks: int = 25) -> CrossSection:
    generator = torch.Generator().manual_seed(seed)
    label = torch.randn(stocks, generator=generator)
    label[0] = math.nan
    return CrossSection(
        torch.randn(stocks, L, F, generator=generator),
        label,
        torch.where(label.isnan(), label, label * 0.01 + 0.001 * label.sin()),
        torch.arange(stocks),
        torch.tensor(seed),
        torch.tensor(stocks + 5),
    )


def unit(**changes: Any) -> FactorUnit:
    torch.manual_seed(0)
    return FactorUnit(GRU(n_features=F, window=L, hidden=8), n_factors=K, **changes)


@pytest.fixture
def trainer(tmp_path: Path) -> Callable[..., pl.Trainer]:
    def make(**changes: Any) -> pl.Trainer:
        settings: dict[str, Any] = {"max_epochs": 1, "accelerator": "cpu", "log_every_n_steps": 1}
        settings |= {"enable_progress_bar": False, "enable_model_summary": False}
        settings |= {"default_root_dir": tmp_path, "logger": False, "num_sanity_val_steps": 0}
        return pl.Trainer(**settings | changes)

    return make


def test_windows_to_factors() -> None:
    model = unit()
    batch = date(1)
    assert model(batch.windows).shape == (25, K)
    model.eval()
    factors = model.predict_step(batch, 0)
    assert factors.dtype == torch.float32
    assert factors.equal(model.head(model.network(batch.windows)))
    assert model.half().predict_step(batch._replace(windows=batch.windows.half()), 0).dtype == (
        torch.float32
    )


def test_the_training_loss_is_the_loss_of_the_date() -> None:
    model = unit(loss=ICLoss(penalty="fro"))
    batch = date(2)
    loss = model.training_step(batch, 0)
    assert loss.requires_grad
    model = unit(loss=ICLoss(penalty="fro"))
    assert loss.item() == ICLoss(penalty="fro")(model(batch.windows), batch.label).item()
    assert isinstance(unit().loss, ICLoss)


def test_optimisers() -> None:
    default = unit().configure_optimizers()
    assert isinstance(default, torch.optim.Adam)
    assert default.defaults["lr"] == 1e-3
    model = unit(optimizer=lambda params: torch.optim.SGD(params, lr=0.5))
    chosen = model.configure_optimizers()
    assert isinstance(chosen, torch.optim.SGD)
    held = {id(p) for group in chosen.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters()}


def scores_of(seed: int) -> tuple[Tensor, CrossSection]:
    batch = date(seed)
    noise = torch.randn(25, K, generator=torch.Generator().manual_seed(seed + 100))
    return noise + batch.label.nan_to_num()[:, None], batch


@pytest.mark.parametrize("split", ["valid", "test"])
def test_metrics_against_scipy(split: str) -> None:
    metrics = SplitMetrics(split)
    ics, rank_ics = [], []
    for seed in range(6):
        factors, batch = scores_of(seed)
        metrics.update(torch.tensor(float(seed)), factors, batch)
        known = ~batch.label.isnan().numpy()
        score = factors.double().mean(dim=1).numpy()[known]
        ics.append(stats.pearsonr(score, batch.label.double().numpy()[known])[0])
        rank_ics.append(stats.spearmanr(score, batch.forward_return.numpy()[known])[0])
    values = {name: value.item() for name, value in metrics.finish().items()}
    assert values == {
        f"{split}/loss": 2.5,
        f"{split}/ic": pytest.approx(np.mean(ics), rel=1e-6),
        f"{split}/rank_ic": pytest.approx(np.mean(rank_ics), rel=1e-6),
        f"{split}/rank_ic_ir": pytest.approx(
            np.mean(rank_ics) / statistics.stdev(rank_ics), rel=1e-6
        ),
        f"{split}/coverage": pytest.approx(25 / 30, rel=1e-6),
    }


def test_training_logs_two_metrics_and_every_epoch_begins_anew() -> None:
    metrics = SplitMetrics("train")
    factors, batch = scores_of(1)
    metrics.update(torch.tensor(4.0, requires_grad=True), factors, batch)
    first = metrics.finish()
    assert first.keys() == {"train/loss", "train/ic"}
    assert first["train/loss"] == 4
    metrics.update(torch.tensor(6.0), -factors, batch)
    second = metrics.finish()
    assert second["train/loss"] == 6
    assert second["train/ic"] == pytest.approx(-first["train/ic"].item())
    assert metrics.finish()["train/loss"].isnan()


def test_metrics_are_no_weights() -> None:
    assert not any("metrics" in name for name in unit().state_dict())


def test_hyper_parameters_are_primitives_in_plain_python() -> None:
    model = unit(loss=ICLoss(), optimizer=lambda params: torch.optim.SGD(params, lr=0.1))
    assert dict(model.hparams) == {"n_factors": K}


def test_trained_in_plain_python_without_a_data_module(
    trainer: Callable[..., pl.Trainer], tmp_path: Path
) -> None:
    dates = DataLoader(Dates([date(k) for k in range(4)]), batch_size=None)
    fitter = trainer()
    fitter.fit(unit(), dates, DataLoader(Dates([date(9)]), batch_size=None))
    assert {"train/loss", "train/ic", "valid/ic", "valid/rank_ic"} <= set(fitter.logged_metrics)
    file = tmp_path / "plain.ckpt"
    fitter.save_checkpoint(file)
    saved = torch.load(file, weights_only=True)
    assert PROVENANCE not in saved
    loaded = FactorUnit.load_from_checkpoint(
        file, network=GRU(n_features=F, window=L, hidden=8), weights_only=True
    )
    for name, value in loaded.state_dict().items():
        assert value.equal(saved["state_dict"][name])
    dates = DataLoader(Dates([date(8)]), batch_size=None)
    tested = trainer().test(loaded, dates, ckpt_path=str(file), verbose=False)
    assert tested[0].keys() == {
        f"test/{n}" for n in ("loss", "ic", "rank_ic", "rank_ic_ir", "coverage")
    }


class Dates(torch.utils.data.Dataset[CrossSection]):
    def __init__(self, batches: list[CrossSection]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> CrossSection:
        return self.batches[index]


def test_checkpoints_know_their_data_and_refuse_others(
    trainer: Callable[..., pl.Trainer], market_panel: Path, tmp_path: Path
) -> None:
    data = CrossSectionDataModule(str(market_panel), vintage=2021, date_step=40)
    fitter = trainer()
    fitter.fit(unit(), datamodule=data)
    file = tmp_path / "unit.ckpt"
    fitter.save_checkpoint(file)
    assert torch.load(file, weights_only=True)[PROVENANCE] == data.provenance()
    trainer().validate(unit(), datamodule=data, ckpt_path=str(file), verbose=False)
    other = CrossSectionDataModule(str(market_panel), vintage=2022)
    with pytest.raises(UserError, match="trained with vintage 2021, this run has 2022"):
        trainer().validate(unit(), datamodule=other, ckpt_path=str(file), verbose=False)
    wide = FactorUnit(GRU(n_features=F, window=L, hidden=9), n_factors=K)
    with pytest.raises(UserError, match=r"checkpoint's head.0.weight is \(4, 8\), the unit's is"):
        trainer().validate(wide, datamodule=data, ckpt_path=str(file), verbose=False)


class Noise(nn.Module):
    """A network that is dropout."""

    out_features = F
    drawn: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.drawn = []
        self.map = nn.Linear(F, F)

    def forward(self, windows: Tensor) -> Tensor:
        noise = torch.rand(3)
        if self.training:
            self.drawn.append(noise)
        out: Tensor = self.map(windows[:, -1]) + noise.sum()
        return out


@pytest.fixture
def draws(trainer: Callable[..., pl.Trainer], market_panel: Path) -> Callable[..., list[Tensor]]:
    def train(seed: int, disturb: int) -> list[Tensor]:
        torch.manual_seed(disturb)
        data = CrossSectionDataModule(str(market_panel), vintage=2021, date_step=40, seed=seed)
        model = FactorUnit(Noise(), n_factors=K)
        settings = {"max_epochs": 2, "enable_checkpointing": False}
        trainer(**settings).fit(model, datamodule=data)
        drawn: list[Tensor] = model.network.drawn  # type: ignore[assignment]
        return drawn

    return train


def test_noise_follows_from_seed_epoch_and_place(draws: Callable[..., list[Tensor]]) -> None:
    first, second, other = draws(5, disturb=1), draws(5, disturb=2), draws(6, disturb=1)
    assert len(first) == 8
    assert all(a.equal(b) for a, b in zip(first, second, strict=True))
    distinct = {tuple(noise.tolist()) for noise in first + other}
    assert len(distinct) == 16, "no epoch, place or seed repeats another's"
    assert draws(2**32 - 1, disturb=1)
