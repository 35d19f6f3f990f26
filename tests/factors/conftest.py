"""Small trainings through the command line, in this process."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alpha_lightning.cli import main

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
        changes = {name.replace("__", "."): value for name, value in settings.items()}
        given = SMALL | names | changes
        chosen = [f"--{name}={value}" for name, value in given.items()]
        return ["fit", "--config", str(UNITS / f"{unit}.yaml"), *chosen]

    return make


@pytest.fixture(scope="session")
def fitted(options: Options, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished small fit of the GRU."""
    folder = tmp_path_factory.mktemp("fitted") / "run"
    assert main(options(folder)) == 0
    return folder
