"""The log of a run in CSV, which a resumed run takes up where its checkpoint left it."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.loggers.csv_logs import ExperimentWriter

from alpha_lightning.artefacts.atomic import atomic_file


class KeptLog(ExperimentWriter):
    """Lightning's writer of ``metrics.csv``, with what was logged up to a checkpoint.

    Lightning's deletes the file of before. Rows that a killed run wrote after its checkpoint are
    dropped: they will be logged again.

    Args:
        folder: of the log.
        text: content of the file at the checkpoint; empty for a new run.
    """

    def __init__(self, folder: str, text: str = "") -> None:
        super().__init__(folder)
        self.metrics_keys = next(csv.reader(io.StringIO(text)), [])
        file = Path(self.metrics_file_path)
        if text:
            with atomic_file(file) as draft:
                draft.write_text(text, encoding="utf-8", newline="")
        else:
            file.unlink(missing_ok=True)

    def _check_log_dir_exists(self) -> None:
        """Whoever asked for this folder has been told what lies in it."""


def log_texts(trainer: pl.Trainer) -> list[str]:
    """Content of the ``metrics.csv`` of each CSV logger; on process 0, as the files are."""
    texts = []
    for logger in _csv_loggers(trainer) if trainer.is_global_zero else []:
        logger.save()
        file = Path(logger.experiment.metrics_file_path)
        texts.append(_text(file) if file.exists() else "")
    return texts


def go_on_with_logs(trainer: pl.Trainer, texts: Sequence[str]) -> None:
    """Let each CSV logger continue its log.

    Args:
        trainer: before it trains.
        texts: of the checkpoint; none for a new run.
    """
    for number, logger in enumerate(_csv_loggers(trainer)):
        text = texts[number] if number < len(texts) else ""
        logger._experiment = KeptLog(logger.log_dir, text)


def _csv_loggers(trainer: pl.Trainer) -> list[CSVLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, CSVLogger)]


def _text(file: Path) -> str:
    with file.open(encoding="utf-8", newline="") as opened:
        return opened.read()
