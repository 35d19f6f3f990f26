"""A study small enough to run whole: 40 stocks, one vintage, networks of four cells."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from alpha_lightning.study.command import parse, run
from alpha_lightning.study.settings import StudySettings

ROOT = Path(__file__).parents[2]
Tree = dict[str, Any]


def write_units(folder: Path) -> list[str]:
    """The shipped units made tiny."""
    paths = []
    for name in ("gru", "lstm"):
        tree = yaml.safe_load((ROOT / f"configs/units/{name}.yaml").read_text())
        tree["model"]["network"]["init_args"]["hidden"] = 4
        tree["model"]["n_factors"] = 3
        tree["trainer"]["max_epochs"] = 2
        path = folder / "units" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(tree))
        paths.append(str(path))
    return paths


def study_tree(folder: Path) -> Tree:
    market = folder / "market.yaml"
    market.write_text(
        "market:\n  {stocks: 40, start: '2019-01-02', days: 900, industries: 5,"
        " intraday: {minute: false, trades: false}}\nseed: 1\n"
    )
    return {
        "name": "tiny",
        "source": {"market": str(market)},
        "units": write_units(folder),
        "vintages": [2022],
        "integration": ["v0", "v1", "opt"],
        "fit": {"data": {"date_step": 8}},
        "weighting": {"min_data_in_leaf": 20, "rounds": 10, "threads": 1},
    }


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Settings of the tiny study, to be changed and written."""
    return study_tree(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudySettings:
    """The tiny study, run from scratch on two worker processes; not to be written to."""
    folder = tmp_path_factory.mktemp("finished")
    file = folder / "study.yaml"
    portfolios = {"names": [5, 10], "delta": [0.2, 1.0], "curves": {"cost": [0, 1], "delay": [2]}}
    whole = study_tree(folder) | {"out": str(folder / "out"), "portfolios": portfolios}
    file.write_text(yaml.safe_dump(whole))
    settings, _, resolved = parse([str(file)])
    run(settings, 2, resolved)
    return settings
