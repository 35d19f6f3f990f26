"""The LightningDataModule: one data set, one vintage, whole cross-sections."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import Vintage, VintageRule, cut_vintage
from alpha_lightning.windows.batch_rule import BatchRule
from alpha_lightning.windows.dataset import CrossSectionDataset, WindowSource
from alpha_lightning.windows.date_sampler import DateSampler
from alpha_lightning.windows.input_rule import InputRule
from alpha_lightning.windows.loader import CrossSectionLoader
from alpha_lightning.windows.residency import Placement, choose_residency
from alpha_lightning.windows.resident import ResidentDataset, resident_bytes
from alpha_lightning.windows.sample import SampleRule
from alpha_lightning.windows.shared import held_bytes, shared_rows, shared_source

_COVERAGE_DATES = 64


class CrossSectionDataModule(pl.LightningDataModule):
    """Cross-sections of one vintage, for `fit`, `validate`, `test` and `predict`.

    Training reads the vintage's training dates and stocks with a label; validation its validation
    dates; `test` the dates of the year served; `predict` every output date, all scored stocks,
    whether or not a label exists.

    Args:
        panel: folder of the panel.
        dataset: name of the data set, for example ``rawbar``.
        vintage: the year the network serves.
        rule: which dates a vintage learns from.
        sample: window, universe and label.
        date_step: train on every so many-th date.
        valid_step: validate on every so many-th date; labels of neighbours overlap.
        inputs: features and their scaling.
        batch: how batches are made, and where the panel lives.
        seed: of the order of dates; linked to ``seed_everything`` on the command line.

    Raises:
        PanelError: no such data set or universe, no dates for the vintage, too few stocks.
    """

    def __init__(
        self,
        panel: str,
        dataset: str = "rawbar",
        vintage: int = 2024,
        rule: VintageRule | None = None,
        sample: SampleRule | None = None,
        date_step: int = 1,
        valid_step: int = 1,
        inputs: InputRule | None = None,
        batch: BatchRule | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if min(date_step, valid_step) < 1:
            msg = (
                "need data.date_step >= 1 and data.valid_step >= 1,"
                f" not {date_step} and {valid_step}"
            )
            raise PanelError(msg)
        self.panel_path, self.dataset_name = panel, dataset
        self.rule, self.sample_rule = rule or VintageRule(), sample or SampleRule()
        self.date_step, self.valid_step = date_step, valid_step
        self.inputs = inputs or InputRule()
        self.batch, self.seed = batch or BatchRule(), seed
        opened = Panel.open(panel)
        self.dates, self.symbols = opened.dates, opened.symbols
        self.panel_fingerprint = opened.fingerprint
        self.features = tuple(f.name for f in opened.dataset(dataset).features)
        self.dataset_fingerprint = opened.dataset(dataset).fingerprint
        self.proxy = opened.dataset(dataset).proxy
        self.vintage: Vintage = cut_vintage(self.dates, vintage, self.rule)
        self._check_label_span()
        self.export_in_sample = False
        self._source: WindowSource | None = None
        self._stage = "fit"
        self.placement: Placement | None = None

    @property
    def n_features(self) -> int:
        """Features a day, linked to the network's input."""
        return len(self.features)

    @property
    def window(self) -> int:
        """Days a network reads, linked to the network's input."""
        return self.sample_rule.window

    @property
    def switched_off(self) -> tuple[str, ...]:
        """Features that are 0 on all dates for want of training data."""
        on = self.source.switched_on.tolist()
        return tuple(name for name, keep in zip(self.features, on, strict=True) if not keep)

    @property
    def source(self) -> WindowSource:
        """The opened panel, with features switched on or off."""
        if self._source is None:
            source = shared_source(
                self.panel_path,
                self.dataset_name,
                self.sample_rule,
                cross_section=self.inputs.cross_section,
            )
            train = self.vintage.train
            some = train[
                np.linspace(0, len(train) - 1, min(_COVERAGE_DATES, len(train)), dtype=int)
            ]
            enough = source.coverage(some) >= self.inputs.min_coverage
            source.switched_on.copy_(torch.from_numpy(enough))
            self._source = source
        return self._source

    def prepare_data(self) -> None:
        """Compute the stage-2 statistics in one process, before the others look for them."""
        _ = self.source

    def setup(self, stage: str) -> None:
        """Open the panel and say once what was switched off or skipped."""
        self._stage, self.placement = stage, None
        if self.switched_off:
            names = ", ".join(self.switched_off)
            rank_zero_warn(
                f"{self.dataset_name} feature {names}: present on fewer than"
                f" {self.inputs.min_coverage:.0%} of the training samples, switched off (0 on all"
                " dates)"
            )
        for name, wanted in self._parts(stage).items():
            labelled = name != "output"
            whole = int((wanted >= self.window - 1).sum())
            skipped = whole - len(self._usable(wanted, labelled=labelled))
            if skipped:
                stocks = f"{self.sample_rule.min_stocks} stocks{' with a label' * labelled}"
                rank_zero_info(f"{skipped} {name} dates skipped: fewer than {stocks}")

    def train_dataloader(self) -> CrossSectionLoader:
        """Shuffled training dates, labelled stocks."""
        return self._loader(self._dates_of("training"), "training", labelled=True)

    def val_dataloader(self) -> CrossSectionLoader:
        """Validation dates in order, all scored stocks."""
        return self._loader(self._dates_of("validation"), "validation")

    def test_dataloader(self) -> CrossSectionLoader:
        """Dates of the year served whose label is known."""
        return self._loader(self._dates_of("test"), "test")

    def predict_dataloader(self) -> CrossSectionLoader:
        """Every output date in order, all scored stocks; see `output_dataloader`."""
        return self.output_dataloader(in_sample=self.export_in_sample)

    def output_dataloader(self, *, in_sample: bool) -> CrossSectionLoader:
        """Output dates, after the training and validation dates on request."""
        parts = [self.vintage.output]
        if in_sample:
            parts += [self.vintage.train, self.vintage.valid]
        dates = np.unique(np.concatenate(parts))
        return self._loader(self._usable(dates, labelled=False), "output")

    def refuse_idle_processes(self, stage: str, processes: int, step: int) -> None:
        """Refuse more processes than a stage has dates, before any of them is started.

        Args:
            stage: ``fit``, ``validate``, ``test`` or ``predict``.
            processes: how many there are to be.
            step: accumulated batches of a training step.

        Raises:
            PanelError: there are too few dates.
        """
        for what in self._parts(stage):
            training = what == "training"
            taken = processes * step * self.batch.dates if training else None
            DateSampler(
                len(self._dates_of(what)), shuffle=training, processes=processes, step=taken
            )

    def provenance(self) -> dict[str, Any]:
        """What a checkpoint or a factor matrix was made from, in JSON types."""
        return {
            "dataset": self.dataset_name,
            "proxy": self.proxy,
            "features": list(self.features),
            "switched_off": list(self.switched_off),
            "window": self.window,
            "cross_section": self.inputs.cross_section,
            "universe": self.sample_rule.universe,
            "vintage": self.vintage.year,
            "scheme": self.rule.scheme,
            "train_end": str(self.dates[self.vintage.valid[-1]]),
            "out_of_sample_from": str(self._date_from(self.vintage.out_of_sample_from)),
            "panel_fingerprint": self.panel_fingerprint,
            "dataset_fingerprint": self.dataset_fingerprint,
        }

    def _parts(self, stage: str) -> dict[str, NDArray[np.intp]]:
        cut = self.vintage
        if stage == "fit":
            return {"training": cut.train, "validation": cut.valid, "output": cut.output}
        if stage == "validate":
            return {"validation": cut.valid}
        return {"test": cut.serve} if stage == "test" else {"output": cut.output}

    def _dates_of(self, what: str) -> NDArray[np.intp]:
        cut = self.vintage
        if what == "training":
            return self._usable(cut.train, labelled=True)[:: self.date_step]
        if what == "validation":
            return self._usable(cut.valid, labelled=True)[:: self.valid_step]
        if what == "test":
            return self._usable(cut.serve, labelled=True)
        return self._usable(cut.output, labelled=False)

    def _date_from(self, index: int) -> np.datetime64:
        return np.datetime64(self.dates[index])

    def _usable(self, dates: NDArray[np.intp], *, labelled: bool) -> NDArray[np.intp]:
        rule = self.sample_rule
        dates = dates[dates >= rule.window - 1]
        return self.source.sample.usable(dates, rule.min_stocks, labelled=labelled)

    def _loader(
        self, dates: NDArray[np.intp], what: str, *, labelled: bool = False
    ) -> CrossSectionLoader:
        if len(dates) == 0:
            msg = (
                f"no {what} date of vintage {self.vintage.year} has"
                f" {self.sample_rule.min_stocks} stocks of universe {self.sample_rule.universe}"
                f" with {self.sample_rule.min_traded} of {self.window} days traded: lower"
                " data.sample.min_stocks or ingest more symbols"
            )
            raise PanelError(msg)
        sampler, rows = self._sampler(len(dates), training=labelled), self._rows(dates)
        per_batch = self.batch.dates if labelled else 1
        put = self._place(rows)
        if put.place == "mmap":
            from_disk = CrossSectionDataset(self.source, dates, labelled=labelled)
            return CrossSectionLoader(from_disk, sampler, self.batch.workers, dates=per_batch)
        on_host = put.place == "host"
        held = shared_rows(self.source, rows, torch.device("cpu") if on_host else put.device)
        dataset = ResidentDataset(held, self.source, dates, labelled=labelled)
        device = put.device if on_host else None
        return CrossSectionLoader(dataset, sampler, dates=per_batch, device=device)

    def _sampler(self, dates: int, *, training: bool) -> DateSampler:
        trainer = self.trainer
        processes = trainer.world_size if trainer else 1
        step = None
        if training:
            accumulated = trainer.accumulate_grad_batches if trainer else 1
            step = processes * accumulated * self.batch.dates
        rank = trainer.global_rank if trainer else 0
        return DateSampler(
            dates, shuffle=training, seed=self.seed, rank=rank, processes=processes, step=step
        )

    def _rows(self, dates: NDArray[np.intp]) -> range:
        """Rows from which windows of the stage, and of some dates, are cut."""
        parts = [dates, *self._parts(self._stage).values()]
        wanted = np.concatenate(parts)
        wanted = wanted[wanted >= self.window - 1]
        return range(int(wanted.min()) - self.window + 1, int(wanted.max()) + 1)

    def _place(self, rows: range) -> Placement:
        if self.placement is None:
            trainer = self.trainer
            device = trainer.strategy.root_device if trainer else torch.device("cpu")
            self.placement = choose_residency(
                self.batch.residency,
                device,
                resident_bytes(self.source, rows),
                held={"device": held_bytes(device), "host": held_bytes(torch.device("cpu"))},
                processes=trainer.num_devices if trainer else 1,
            )
            rank_zero_info(f"{self.dataset_name}: {self.placement.told}")
        return self.placement

    def _check_label_span(self) -> None:
        span = self.sample_rule.horizon + self.sample_rule.gap
        if span > self.rule.label_span:
            msg = (
                f"the label ends {span} days after its date but the purge assumes"
                f" {self.rule.label_span}: set data.rule.label_span to {span}"
            )
            raise PanelError(msg)
