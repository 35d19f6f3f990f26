"""Where a run keeps its files: one folder a run, whatever the logger."""

from pathlib import Path

import pytorch_lightning as pl
import yaml
from pytorch_lightning.cli import SaveConfigCallback
from pytorch_lightning.loggers import CSVLogger

from alpha_lightning.artefacts.atomic import atomic_file


def run_folder(trainer: pl.Trainer) -> Path:
    """``save_dir/name/version`` of the first logger, the folder that checkpoints go to as well.

    Unlike ``trainer.log_dir`` it is a folder of the run's own with every logger, and the same on
    all processes. Without a logger it is the trainer's root folder.
    """
    logger = trainer.logger
    folder = Path(trainer.default_root_dir)
    if logger is not None:
        version = logger.version
        version = version if isinstance(version, str) else f"version_{version}"
        folder = Path(logger.save_dir or folder) / str(logger.name or "") / version
    return Path(str(trainer.strategy.broadcast(str(folder))))


class SaveConfig(SaveConfigCallback):
    """Writes the resolved ``config.yaml`` of `fit` into the run's own folder.

    Lightning's writes it where two runs of one logger meet, and the second one dies. Loggers that
    keep hyper-parameters elsewhere, such as W&B, are told the whole of it too.
    """

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Write once, before training."""
        if stage == "fit" and not self.already_saved:
            folder = run_folder(trainer)
            if trainer.is_global_zero:
                text = self.parser.dump(self.config, skip_unset=False)
                with atomic_file(folder / "config.yaml") as draft:
                    draft.write_text(text)
                for logger in trainer.loggers:
                    if not isinstance(logger, CSVLogger):
                        logger.log_hyperparams(yaml.safe_load(text))
            self.already_saved = True
