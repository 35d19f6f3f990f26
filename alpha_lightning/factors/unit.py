"""A factor unit: network, head, loss and optimiser as one LightningModule."""

from contextlib import nullcontext
from typing import Any, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.core.mixins.hparams_mixin import _given_hyperparameters
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MetricCollection

from alpha_lightning.factors.arithmetic import (
    MatmulPrecision,
    compile_in_place,
    of_any_length,
    set_matmul_precision,
)
from alpha_lightning.factors.checkpoint import (
    PROVENANCE,
    refuse_other_data,
    refuse_other_settings,
    refuse_other_weights,
)
from alpha_lightning.factors.losses import ICLoss, composite
from alpha_lightning.factors.networks import Head
from alpha_lightning.factors.step_statistics import StepStatistics
from alpha_lightning.metrics.date_mean import DateMean
from alpha_lightning.metrics.date_metric import DateMetric
from alpha_lightning.metrics.rank_ic import IC, RankIC, RankICIR
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.datamodule import CrossSectionDataModule

# Three numbers into one seed; epochs and dates stay far below it.
_STRIDE = 1_000_003
_TRAINING_SUMS = "training_sums"
# How a number is computed is no setting of the unit that its weights must agree with.
_NOT_OF_THE_WEIGHTS = ("compile", "matmul_precision")


def adam(params: Any) -> torch.optim.Optimizer:
    """Adam with learning rate 1e-3, the default optimiser."""
    return torch.optim.Adam(params, lr=1e-3)


class SplitMetrics(nn.Module):
    """Metrics of one split; all of them sum over dates, so N processes give the number of one.

    ``ic`` is the Pearson correlation of the composite factor with the label, ``rank_ic`` the
    Spearman correlation with the raw forward return, ``coverage`` the share of the universe scored.

    Args:
        split: ``train``, ``valid`` or ``test``, the prefix of the logged names.
    """

    def __init__(self, split: str) -> None:
        super().__init__()
        self.loss, self.coverage, self.ic = DateMean(), DateMean(), IC()
        self.rank = MetricCollection([RankIC(), RankICIR()])
        self.split = split

    def update(self, loss: Tensor, factors: Tensor, batch: CrossSection) -> None:
        """Count one date."""
        score = composite(factors.detach())
        self.loss.update(loss.detach())
        self.ic.update(score, batch.label)
        if self.split != "train":
            self.rank.update(score, batch.forward_return)
            self.coverage.update(len(batch.assets) / batch.universe_size)

    def sums(self) -> dict[str, Tensor]:
        """What this process has added up in the epoch under way, by metric."""
        return {name: metric.sums for name, metric in self._parts()}

    def go_on_from(self, sums: dict[str, Tensor]) -> None:
        """Continue an epoch from what `sums` has said of its beginning."""
        for name, metric in self._parts():
            setattr(metric, metric.state_name, sums[name].to(metric.device, copy=True))

    def begin_anew(self) -> None:
        """Forget all dates."""
        for metric in (self.loss, self.coverage, self.ic, self.rank):
            metric.reset()

    def finish(self) -> dict[str, Tensor]:
        """Value by logged name over the dates of all processes; the count begins anew."""
        values = {"loss": self.loss.compute(), "ic": self.ic.compute()}
        if self.split != "train":
            rank = self.rank.compute()
            values |= {"rank_ic": rank["RankIC"], "rank_ic_ir": rank["RankICIR"]}
            values |= {"coverage": self.coverage.compute()}
        self.begin_anew()
        return {f"{self.split}/{name}": value.float() for name, value in values.items()}

    def _parts(self) -> list[tuple[str, DateMetric]]:
        return [(n, m) for n, m in self.named_modules() if isinstance(m, DateMetric)]


class FactorUnit(pl.LightningModule):
    """Maps windows ``(N, L, F)`` of one date to factors ``(N, K)``.

    Args:
        network: maps ``(N, L, F)`` to ``(N, D)`` and says ``D`` in its ``out_features``.
        loss: maps factors ``(N, K)`` and label ``(N,)`` of one date to a scalar.
        optimizer: makes the optimiser of the parameters.
        n_factors: ``K``.
        compile: whether the network is compiled; the same numbers to rounding, noise excepted.
        matmul_precision: of float32 products on the accelerator, see `set_matmul_precision`.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), factor units and training.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module | None = None,
        optimizer: OptimizerCallable = adam,
        n_factors: int = 30,
        compile: bool = False,  # noqa: A002 - the option's name
        matmul_precision: MatmulPrecision = "highest",
    ) -> None:
        super().__init__()
        # From the command line these are class paths and numbers; in plain Python they are objects,
        # which a checkpoint could only pickle, and which no safe reader would load again.
        objects = () if _given_hyperparameters.get() else ("network", "loss", "optimizer")
        self.save_hyperparameters(ignore=(*objects, *_NOT_OF_THE_WEIGHTS), logger=False)
        self.network = network
        self.head = Head(int(network.out_features), n_factors)  # type: ignore[arg-type]
        self.loss = loss if loss is not None else ICLoss()
        self.make_optimizer = optimizer
        self.n_factors = n_factors
        self.metrics = nn.ModuleDict({f"{s}_": SplitMetrics(s) for s in ("train", "valid", "test")})
        self.compiled, self.matmul_precision = compile, matmul_precision
        if compile:
            compile_in_place(network)
        self._statistics = StepStatistics(self.network, self.head)

    def setup(self, stage: str) -> None:
        """Set how exactly this process multiplies."""
        set_matmul_precision(self.matmul_precision)

    def forward(self, windows: Tensor) -> Tensor:
        """Factors ``(N, K)`` of windows ``(N, L, F)``."""
        if self.compiled:
            windows = of_any_length(windows)
        factors: Tensor = self.head(self.network(windows))
        return factors

    def training_step(self, batch: CrossSection | list[CrossSection], batch_idx: int) -> Tensor:
        """Mean loss of the dates of a batch, each normalised by itself."""
        dates = [batch] if isinstance(batch, CrossSection) else batch
        alone = len(dates) * self._batches_of_a_step == 1
        losses = []
        for number, date in enumerate(dates, start=batch_idx * len(dates)):
            self._draw_noise_of(number)
            with nullcontext() if alone else self._statistics.date():
                loss, _ = self._shared_step(date, "train")
            losses.append(loss)
        return torch.stack(losses).mean() if len(losses) > 1 else losses[0]

    def validation_step(self, batch: CrossSection, batch_idx: int) -> Tensor:
        """Factors ``(N, K)`` of one date, float32, counted in the metrics."""
        _, factors = self._shared_step(batch, "valid")
        return factors.float()

    def test_step(self, batch: CrossSection, batch_idx: int) -> Tensor:
        """Factors ``(N, K)`` of one date of the year served, float32, counted in the metrics."""
        _, factors = self._shared_step(batch, "test")
        return factors.float()

    def predict_step(self, batch: CrossSection, batch_idx: int) -> Tensor:
        """Factors ``(N, K)`` of one date, float32."""
        factors: Tensor = self(batch.windows)
        return factors.float()

    def on_train_epoch_start(self) -> None:
        """Begin anew; an epoch that is resumed in its middle does not come here."""
        self._metrics_of("train").begin_anew()
        self._statistics.forget()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """End a step: running statistics become the mean over its dates."""
        self._statistics.finish(lambda sums: self.trainer.strategy.reduce(sums, reduce_op="sum"))

    def on_train_epoch_end(self) -> None:
        """Log the epoch's training metrics."""
        self._log_split("train")

    def on_validation_epoch_end(self) -> None:
        """Log the validation metrics."""
        self._log_split("valid")

    def on_test_epoch_end(self) -> None:
        """Log the test metrics."""
        self._log_split("test")

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser of all parameters."""
        return self.make_optimizer(self.parameters())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the weights were made from, and the metrics of the epoch under way.

        All processes must come here together, as they do in `Trainer.save_checkpoint`.
        """
        data = self._cross_sections
        if data is not None:
            checkpoint[PROVENANCE] = data.provenance()
        sums = self._metrics_of("train").sums()
        checkpoint[_TRAINING_SUMS] = {name: self._share_of_each(s) for name, s in sums.items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint whose inputs or settings are not those of this run; take its sums.

        Raises:
            UserError: it was trained on other data, or its unit was another one.
        """
        if self._trainer is None:
            return
        data = self._cross_sections
        if PROVENANCE in checkpoint and data is not None:
            refuse_other_data(checkpoint[PROVENANCE], data.provenance())
        refuse_other_settings(checkpoint.get("hyper_parameters", {}), self.hparams)
        refuse_other_weights(checkpoint["state_dict"], self.state_dict())
        shares = checkpoint.get(_TRAINING_SUMS)
        if shares is not None:
            own = {name: self._own_share(s) for name, s in shares.items()}
            self._metrics_of("train").go_on_from(own)

    @property
    def _cross_sections(self) -> CrossSectionDataModule | None:
        data = getattr(self.trainer, "datamodule", None)
        return data if isinstance(data, CrossSectionDataModule) else None

    @property
    def _batches_of_a_step(self) -> int:
        if self._trainer is None:
            return 1
        return self.trainer.world_size * self.trainer.accumulate_grad_batches

    def _draw_noise_of(self, number: int) -> None:
        # Dropout's noise follows from seed, epoch and place of the date in the epoch's order, of
        # which process r of P has every P-th from r: to resume, and to split anew, is to repeat.
        data = self._cross_sections if self._trainer is not None else None
        if data is not None:
            place = number * self.trainer.world_size + self.global_rank
            seed = (data.seed * _STRIDE + self.current_epoch) * _STRIDE + place
            torch.manual_seed(seed % (1 << 63))

    def _share_of_each(self, sums: Tensor) -> Tensor:
        # (P, size): each process adds its row to zeros.
        shares = sums.new_zeros(self.trainer.world_size, len(sums))
        shares[self.global_rank] = sums
        reduced = self.trainer.strategy.reduce(shares, reduce_op="sum")
        return cast("Tensor", reduced).cpu()

    def _own_share(self, shares: Tensor) -> Tensor:
        # What each process had, (P, size); of another number of processes the first takes all.
        if len(shares) == self.trainer.world_size:
            return shares[self.global_rank]
        whole = shares.sum(dim=0)
        return whole if self.global_rank == 0 else torch.zeros_like(whole)

    def _shared_step(self, batch: CrossSection, split: str) -> tuple[Tensor, Tensor]:
        factors = self(batch.windows)
        loss: Tensor = self.loss(factors, batch.label)
        self._metrics_of(split).update(loss, factors, batch)
        return loss, factors

    def _log_split(self, split: str) -> None:
        # Once an epoch: logging the metrics in each step costs more than computing them.
        # All processes hold the same values, of which the maximum, unlike the mean, is exact.
        values = self._metrics_of(split).finish()
        self.log_dict(values, prog_bar=split == "valid", sync_dist=True, reduce_fx="max")

    def _metrics_of(self, split: str) -> SplitMetrics:
        return cast("SplitMetrics", self.metrics[f"{split}_"])
