"""Small trainings through the command line, in this process."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import yaml
from torch import Tensor

from alpha_lightning.cli import main
from alpha_lightning.factors import export

UNITS = Path(__file__).parents[2] / "configs" / "units"
SMALL = {
    "data.vintage": 2021,
    "data.date_step": 10,
    "trainer.max_epochs": 2,
    "trainer.accelerator": "cpu",
    "trainer.log_every_n_steps": 1,
    "trainer.enable_progress_bar": "false",
    "trainer.enable_model_summary": "false",
    "model.network.init_args.hidden": 8,
    "model.n_factors": 4,
}
Options = Callable[..., list[str]]


@pytest.fixture(scope="session")
def market_panel(panel_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the simulated panel beside which statistics may be kept."""
    target = tmp_path_factory.mktemp("copy") / "panel"
    return Path(shutil.copytree(panel_path, target))


@pytest.fixture(scope="session")
def options(market_panel: Path) -> Options:
    """Command line of a small fit of a shipped unit into a folder; settings by dotted name."""

    def make(folder: Path, unit: str = "gru", **settings: Any) -> list[str]:
        logger = "trainer.logger.init_args."
        names = {f"{logger}save_dir": folder.parent, f"{logger}name": ""}
        names |= {f"{logger}version": folder.name, "data.panel": market_panel}
        given = SMALL | names | settings
        chosen = [f"--{name}={value}" for name, value in given.items()]
        return ["fit", "--config", str(UNITS / f"{unit}.yaml"), *chosen]

    return make


@pytest.fixture(scope="session")
def fit(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of a finished small fit of a shipped unit, made when first asked for."""
    done: dict[str, Path] = {}

    def folder(unit: str) -> Path:
        if unit not in done:
            done[unit] = tmp_path_factory.mktemp(unit) / "run"
            assert main(options(done[unit], unit)) == 0
        return done[unit]

    return folder


@pytest.fixture(scope="session")
def fitted(fit: Callable[[str], Path]) -> Path:
    """Folder of a finished small fit of the GRU."""
    return fit("gru")


@pytest.fixture(scope="session")
def again() -> Callable[..., list[str]]:
    """A command on the best checkpoint of a run, with the configuration beside it."""

    def make(command: str, run: Path, folder: Path | None = None, **settings: Any) -> list[str]:
        checkpoint = run / "checkpoints" / "best.ckpt"
        line = [command, "--config", str(run / "config.yaml"), f"--ckpt_path={checkpoint}"]
        if folder is not None:
            settings |= {"trainer.logger.init_args.save_dir": folder}
        return [*line, *(f"--{name}={value}" for name, value in settings.items())]

    return make


@pytest.fixture
def at_the_end(monkeypatch: pytest.MonkeyPatch) -> dict[str, Tensor]:
    """Weights of the last step of the latest fit, before those of the best epoch replace them."""
    final: dict[str, Tensor] = {}
    restore = export._restore_best

    def spy(trainer: pl.Trainer, unit: pl.LightningModule) -> str | None:
        final.update({name: value.clone() for name, value in unit.state_dict().items()})
        return restore(trainer, unit)

    monkeypatch.setattr(export, "_restore_best", spy)
    return final


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., list[str]]:
    """A command line with its configuration file edited."""

    def make(line: list[str], change: Callable[[Any], None]) -> list[str]:
        config = yaml.safe_load(Path(line[2]).read_text())
        change(config)
        file = tmp_path / "edited.yaml"
        file.write_text(yaml.safe_dump(config))
        return [*line[:2], str(file), *line[3:]]

    return make
