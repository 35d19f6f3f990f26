"""Every YAML below configs/ is read by the command it is for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.backtest.settings import CostSettings, ExecutionSettings, SignalSettings
from alpha_lightning.characteristics.exchange import read_exchange
from alpha_lightning.cli import main
from alpha_lightning.panel.returns import LABEL
from alpha_lightning.portfolio.index_enhanced import IndexEnhanced
from alpha_lightning.portfolio.top_n import TopN
from alpha_lightning.risk.settings import RiskSettings
from alpha_lightning.study.command import parse
from alpha_lightning.study.plan import lay_out
from alpha_lightning.study.tasks import Task
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
IN_THE_PAPERS_ORDER = ("gru", "agru", "lstm", "restcn", "transformer")
UNITS = sorted(path.stem for path in (CONFIGS / "units").glob("*.yaml"))
TESTED = {"units", "market", "weighting", "risk", "portfolio", "studies", "sweeps"}


@pytest.fixture(autouse=True)
def _in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_no_folder_is_forgotten() -> None:
    assert {path.parent.name for path in CONFIGS.rglob("*.yaml")} == TESTED
    assert UNITS == ["agru", "gru", "lstm", "restcn", "transformer"]
    names = {folder: [p.stem for p in (CONFIGS / folder).glob("*.yaml")] for folder in TESTED}
    assert names["weighting"] == ["lightgbm"]
    enhanced = ["csi300_enhanced", "csi500_enhanced"]
    assert sorted(names["portfolio"]) == [*enhanced, "top_100", "top_300"]
    assert sorted(names["sweeps"]) == UNITS
    assert sorted(names["risk"]) == ["dfq", "simple"]


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda p: p.stem)
def test_the_first_line_says_what_it_is(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith((".", "FILE"))


@pytest.mark.parametrize("unit", UNITS)
def test_units_are_understood_by_fit(unit: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = f"configs/units/{unit}.yaml"
    options = ["--data.panel", "elsewhere", "--data.vintage", "2022", "--print_config"]
    with pytest.raises(SystemExit) as ended:
        main(["fit", "--config", file, *options])
    out, err = capsys.readouterr()
    assert ended.value.code == 0, err
    resolved, given = yaml.safe_load(out), yaml.safe_load(Path(file).read_text())
    assert (resolved["data"]["panel"], resolved["data"]["vintage"]) == ("elsewhere", 2022)
    network = given["model"]["network"]
    assert network["class_path"].rpartition(".")[2].lower() == unit
    assert resolved["model"]["network"]["init_args"] == network["init_args"]
    kept = [callback["class_path"] for callback in resolved["trainer"]["callbacks"]]
    assert kept == [callback["class_path"] for callback in given["trainer"]["callbacks"]]
    assert resolved["trainer"]["logger"]["init_args"]["name"] == unit


def test_units_differ_in_their_network_only() -> None:
    trees = [yaml.safe_load((CONFIGS / "units" / f"{unit}.yaml").read_text()) for unit in UNITS]
    for tree in trees:
        del tree["model"]["network"], tree["trainer"]["logger"]
    assert all(tree == trees[0] for tree in trees)


@pytest.mark.parametrize("market", ["demo", "large", "noise"])
def test_markets_are_simulated_at_a_smaller_size(
    market: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market"
    sizes = ["--market.stocks", "20", "--market.days", "60"]
    config = f"configs/market/{market}.yaml"
    assert main(["simulate", "--config", config, "--out", str(out), *sizes]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert (out / "daily.parquet").is_file()
    signal = json.loads((out / "market.json").read_text())["market"]["signal"]
    assert signal == (0 if market == "noise" else 1)


def test_the_weighting_is_that_of_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    needed = ["--panel", "p", "--factors", "f", "--out", "o", "--print_config"]
    with pytest.raises(SystemExit) as ended:
        main(["weigh", "--config", "configs/weighting/lightgbm.yaml", *needed])
    assert ended.value.code == 0
    resolved = yaml.safe_load(capsys.readouterr().out)
    assert LightGBMSettings(**resolved["settings"]) == LightGBMSettings()
    assert (resolved["label"]["days"], resolved["label"]["gap"]) == LABEL
    written = yaml.safe_load((CONFIGS / "weighting" / "lightgbm.yaml").read_text())
    assert resolved["settings"] == written["settings"], "a default is missing from the file"


@pytest.mark.parametrize("kind", ["dfq", "simple"])
def test_the_risk_models_are_those_of_the_defaults(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = CONFIGS / "risk" / f"{kind}.yaml"
    with pytest.raises(SystemExit) as ended:
        main(["risk", "--config", str(file), "--panel", "p", "--out", "o", "--print_config"])
    assert ended.value.code == 0
    resolved = yaml.safe_load(capsys.readouterr().out)
    chosen = RiskSettings(**resolved["settings"])
    assert (chosen.kind, replace(chosen, kind="dfq")) == (kind, RiskSettings())
    written = yaml.safe_load(file.read_text())
    assert resolved["settings"] == written["settings"], "a default is missing from the file"


@pytest.mark.parametrize("names", [100, 300])
@pytest.mark.parametrize("command", ["construct", "backtest"])
def test_the_portfolios_are_those_of_the_defaults(
    command: str, names: int, capsys: pytest.CaptureFixture[str]
) -> None:
    file = CONFIGS / "portfolio" / f"top_{names}.yaml"
    needed = ["--panel", "p", "--scores", "s", "--out", "o", "--print_config"]
    with pytest.raises(SystemExit) as ended:
        main([command, "--config", str(file), *needed])
    assert ended.value.code == 0
    resolved = yaml.safe_load(capsys.readouterr().out)
    assert TopN(**resolved["policy"]) == TopN(names)
    assert SignalSettings(**resolved["signals"]) == SignalSettings()
    assert ExecutionSettings(**resolved["execution"]) == ExecutionSettings()
    assert CostSettings(**resolved["costs"]) == CostSettings()
    written = yaml.safe_load(file.read_text())
    for part in written:
        assert resolved[part] == written[part], f"a default of {part} is missing from the file"


@pytest.mark.parametrize(
    ("file", "index", "tracking_error"), [("csi300", "000300", 0.04), ("csi500", "000905", 0.05)]
)
@pytest.mark.parametrize("command", ["construct", "backtest"])
def test_the_enhanced_portfolios_are_those_of_the_defaults(
    command: str,
    file: str,
    index: str,
    tracking_error: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = CONFIGS / "portfolio" / f"{file}_enhanced.yaml"
    needed = ["--panel", "p", "--scores", "s", "--out", "o", "--print_config"]
    with pytest.raises(SystemExit) as ended:
        main([command, "--config", str(path), *needed])
    assert ended.value.code == 0
    resolved = yaml.safe_load(capsys.readouterr().out)
    assert IndexEnhanced(**resolved["enhanced"]) == IndexEnhanced(index, tracking_error)
    assert TopN(**resolved["policy"]) == TopN()
    assert RiskSettings(**resolved["estimate"]) == RiskSettings()
    written = yaml.safe_load(path.read_text())
    assert written["estimate"] == {"kind": "dfq"}
    for part in set(written) - {"estimate"}:
        assert resolved[part] == written[part], f"a default of {part} is missing from the file"


def laid_out(study: str, *options: str) -> dict[str, Task]:
    settings, _, resolved = parse([f"configs/studies/{study}.yaml", *options])
    assert settings.name == study
    assert str(settings.folder) == f"runs/{study}"
    written = yaml.safe_load((CONFIGS / "studies" / f"{study}.yaml").read_text())
    assert resolved["units"] == written["units"]
    return {task.name: task for task in lay_out(settings)}


def test_the_demo_study() -> None:
    tasks = laid_out("demo")
    fits = [name for name in tasks if name.startswith("fit/")]
    assert fits == [
        f"fit/{unit}/{dataset}/v{year}/s{run}"
        for run in (0, 1)
        for unit in IN_THE_PAPERS_ORDER
        for dataset in ("rawbar", "mschars", "l2chars")
        for year in (2022, 2023)
    ]
    shown = [Path(path).stem for path in tasks["evaluate"].arguments["scores"]]
    integrated = [f"{group}{how}" for group in ("RNN", "RCT") for how in ("v0", "v1", "opt")]
    assert shown == [*IN_THE_PAPERS_ORDER, *integrated, "reversal", "summary"]
    cards = (f"card/{unit}" for unit in IN_THE_PAPERS_ORDER)
    assert tasks["report"].needs == ("evaluate", *cards)
    assert tasks["report"].after == ("portfolios", "enhanced")
    assert tasks["portfolios"].arguments["settings"]["names"] == [10, 30]
    # The full grid of figures 18 to 21: two indices, two floors, four turnover limits.
    asked = tasks["enhanced"].arguments["settings"]
    assert asked["indices"] == {"000300": 0.04, "000905": 0.05}
    assert (asked["floors"], asked["deltas"]) == ([0.0, 0.8], [0.1, 0.2, 0.3, 0.5])
    assert "risk" in tasks["enhanced"].needs
    # The market must last as long as the years it serves.
    market = yaml.safe_load((CONFIGS / "market" / "demo.yaml").read_text())
    assert market["market"]["start"] == "2019-01-02"
    assert tasks["simulate"].arguments["config"] == market


def test_the_study_of_the_data_sets() -> None:
    tasks = laid_out("datasets")
    assert "ingest" in tasks["characterise"].needs
    assert tasks["characterise"].arguments["exchange"]["name"] == "cn"
    assert sum(name.startswith("fit/") for name in tasks) == 3 * 2
    # Every subset of three data sets is weighed, for each of two runs.
    assert sum(name.startswith("weigh/") for name in tasks) == 7 * 2


def test_the_study_of_noise_reaches_every_stage() -> None:
    tasks = laid_out("noise")
    assert tasks["simulate"].arguments["config"]["market"]["signal"] == 0
    assert sum(name.startswith("fit/") for name in tasks) == 2 * 3 * 2
    assert {"combine/v1", "baseline/reversal", "portfolios"} <= set(tasks), sorted(tasks)


def test_the_papers_models_on_daily_bars(market_folder: Path) -> None:
    tasks = laid_out("rawbar", "--source.daily", str(market_folder / "daily.parquet"))
    assert sum(name.startswith("fit/") for name in tasks) == 5 * 5 * 3
    assert "combine/RCTv1" in tasks


def test_the_papers_study() -> None:
    settings, _, _ = parse(["configs/studies/paper.yaml"])
    tasks = {task.name: task for task in lay_out(settings, planning=True)}
    assert sum(name.startswith("fit/") for name in tasks) == 900
    assert len(tasks["weigh/RCTv0/s9"].needs) == 5 * 3 * 6
    assert tasks["evaluate"].arguments["paper"] is True
    portfolios = tasks["portfolios"].arguments
    assert portfolios["scores"] == ["runs/paper/scores/RCTv1.parquet"]
    assert portfolios["settings"]["names"] == [100, 300]
    assert portfolios["settings"]["delta"] == [0.05, 0.08, 0.1, 0.2, 0.3, 0.5, 1.0]
    assert portfolios["settings"]["signals"]["universe"] == "000985"
    assert portfolios["paper"] is True
    with pytest.raises(UserError, match="data/daily does not exist: check the study's source"):
        lay_out(settings)


@pytest.mark.parametrize(("name", "periods"), [("cn", 8), ("us", 13)])
def test_exchanges(name: str, periods: int) -> None:
    exchange = read_exchange(CONFIGS / "market" / f"{name}.yaml")
    assert (exchange.name, exchange.periods) == (name, periods)


def test_the_daily_study(market_folder: Path) -> None:
    tasks = laid_out("daily", "--source.daily", str(market_folder / "daily.parquet"))
    assert sum(name.startswith("fit/") for name in tasks) == 8
    assert "simulate" not in tasks
    assert len(tasks["ingest"].reads) == 1
