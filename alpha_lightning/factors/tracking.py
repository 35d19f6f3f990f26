"""What is logged of every training beside the unit's own metrics, whatever the logger."""

from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor
from torch.optim import Optimizer

from alpha_lightning.factors.ic_table import FILE, Epoch, ICTable, cells
from alpha_lightning.factors.losses import composite
from alpha_lightning.factors.run_folder import run_folder
from alpha_lightning.factors.step_log import GradientNorms, LearningRates, Pace
from alpha_lightning.factors.wandb_runs import explain, finish_runs, keep_id, wandb_loggers
from alpha_lightning.metrics.factor_correlation import FactorCorrelation
from alpha_lightning.metrics.ic_by_date import COLUMNS, ICByDate
from alpha_lightning.windows.batch import CrossSection
from alpha_lightning.windows.datamodule import CrossSectionDataModule

BY_DATE = "valid/ic_by_date"


class TrainingLog(pl.Callback):
    """Logs, per epoch, what tells a training that goes well from one that does not.

    * ``train/grad_norm`` and ``train/grad_norm_max``: of the steps, before clipping;
    * ``train/lr``: of the last step;
    * ``train/samples_per_s``: stock-windows a second of all processes, validation left out;
    * ``valid/factor_correlation``: mean absolute correlation of the pairs of factors, by date;
    * ``valid/ic_by_date``: IC, RankIC and stocks of each date, as a table of W&B and, for the
      latest and the best epoch, as ``ic_by_date.csv`` in the run's folder.

    Numbers are those of one process whatever the number of processes, and those of an
    uninterrupted run after a resume; the pace, of course, is not.

    Args:
        tensorboard: also keep the curves for TensorBoard, in the run's folder, unless
            trainer.logger is false or says how.
        by_date: whether ICs are kept by date.
    """

    def __init__(self, tensorboard: bool = True, by_date: bool = True) -> None:
        self.tensorboard, self.by_date = tensorboard, by_date
        self.gradients, self.rates, self.pace = GradientNorms(), LearningRates(), Pace()
        self.table = ICTable()
        # What the folder's board holds from this step on is not of this run.
        self.goes_on_from = 0
        self._correlation, self._ics = FactorCorrelation(), ICByDate()

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Take the device of the run, keep curves for TensorBoard and the name W&B knows."""
        for metric in (self._correlation, self._ics):
            metric.to(trainer.strategy.root_device)
        if stage == "fit":
            keep_id(trainer)
        known = any(isinstance(logger, TensorBoardLogger) for logger in trainer.loggers)
        quick = trainer.fast_dev_run  # type: ignore[attr-defined]
        if stage == "fit" and self.tensorboard and trainer.loggers and not (known or quick):
            folder = run_folder(trainer)
            board = TensorBoardLogger(folder, name="", version="", default_hp_metric=False)
            trainer.loggers = [*trainer.loggers, board]
        for logger in trainer.loggers if stage == "fit" else []:
            if isinstance(logger, TensorBoardLogger):
                logger._kwargs.setdefault("purge_step", self.goes_on_from)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to measure; a resumed epoch has no other beginning."""
        self.pace.go()

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to measure an epoch."""
        self.pace.go()

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, optimizer: Optimizer
    ) -> None:
        """Look at the gradient before it is clipped."""
        self.gradients.add(trainer, pl_module)
        self.rates.add(optimizer)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the windows of a batch."""
        self.pace.add(batch)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the epoch's steps."""
        values = self.gradients.finish() | self.rates.finish() | self.pace.finish(trainer)
        # The same on all processes, of which the maximum, unlike the mean, is exact.
        pl_module.log_dict(values, sync_dist=True, reduce_fx="max")

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Validation is not training."""
        self.pace.pause(trainer.strategy.root_device)

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: CrossSection,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Count one date."""
        if isinstance(outputs, Tensor):
            factors = outputs.detach()
            self._correlation.update(factors)
            if self.by_date:
                score = composite(factors)
                self._ics.update(batch.date, score, batch.label, batch.forward_return)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log how alike the factors are."""
        value = self._correlation.compute().float()
        self._correlation.reset()
        pl_module.log("valid/factor_correlation", value, sync_dist=True, reduce_fx="max")

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the ICs by date; by now it is known whether this epoch is the best."""
        fits = trainer.state.fn == TrainerFn.FITTING
        if trainer.sanity_checking:
            # Its dates come again: they are no part of the epoch's.
            self._ics.reset()
        elif self.by_date and self._ics.rows:
            rows = self._ics.compute()
            self._ics.reset()
            # A checkpoint that is validated brings the best epoch of its training along.
            table = self.table if fits else ICTable()
            self._keep(trainer, table, table.add(trainer, rows))
        if fits:
            self.pace.go()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Close the W&B runs as failed; what W&B itself refuses is a user's mistake."""
        finish_runs(trainer, exit_code=1)
        explain(exception)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Close the W&B runs: the next run of this process is another one."""
        finish_runs(trainer, exit_code=0)

    def state_dict(self) -> dict[str, Any]:
        """What an epoch has counted so far, and the best epoch."""
        counted = {"gradients": self.gradients.state, "rates": self.rates.rates}
        return counted | {"best": self.table.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on counting."""
        self.gradients.state, self.rates.rates = state_dict["gradients"], state_dict["rates"]
        self.table.load_state_dict(state_dict["best"])

    def _keep(self, trainer: pl.Trainer, table: ICTable, latest: Epoch) -> None:
        folder = run_folder(trainer)
        data = trainer.datamodule  # type: ignore[attr-defined]
        if not trainer.is_global_zero or not isinstance(data, CrossSectionDataModule):
            return
        if trainer.loggers and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            table.write(folder / FILE, data.dates, latest)
        for logger in wandb_loggers(trainer):
            rows = [list(row) for row in cells(latest.rows, data.dates)]
            logger.log_table(BY_DATE, list(COLUMNS), rows, step=trainer.global_step)
