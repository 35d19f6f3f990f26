"""The script that pools a study over markets, on tables that can be added up by hand."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "pool_markets.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pool_markets", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two markets: one score of 10 ± 3 and 14 ± 4 % at 10g, nothing much at the other horizon."""
    made = []
    for seed, (mean, error, single) in enumerate([(10.0, 3.0, 7.0), (14.0, 4.0, 12.0)]):
        folder = tmp_path / f"seed-{seed}"
        tables = folder / "evaluation" / "tables"
        tables.mkdir(parents=True)
        share = {"level": "model", "score": "gru", "rank_ic_se_pct": error, "share_se_pct": 1.0}
        rows = [
            share | {"horizon": "10g", "rank_ic_pct": mean, "share_pct": 50.0},
            share | {"horizon": "5", "rank_ic_pct": 0.5, "share_pct": 5.0},
            share | {"level": "oracle", "horizon": "10g", "score": "expected_10g_daily"},
        ]
        pd.DataFrame(rows).to_csv(tables / "share_of_attainable.csv", index=False)
        value = {"score": "gru", "horizon": "10g", "difference_se_pct": 1.0}
        part = value | {"datasets": "a", "rank_ic_pct": single, "difference_pct": single - mean}
        whole = value | {"datasets": "a+b", "rank_ic_pct": mean, "difference_pct": 0.0}
        rows = [part | {"role": "single"}, part | {"role": "drop-one"}]
        rows += [whole | {"role": "cumulative"}, whole | {"role": "all"}]
        pd.DataFrame(rows).to_csv(tables / "dataset_value.csv", index=False)
        made.append(folder)
    return made


def test_scores_are_averaged_over_markets(script: ModuleType, folders: list[Path]) -> None:
    (row,) = script.scores_table(folders).to_dict("records")
    assert (row["level"], row["score"], row["rank_ic_pct"]) == ("model", "gru", 12)
    assert row["se_pct"] == pytest.approx((3**2 + 4**2) ** 0.5 / 2)
    assert row["se_between_pct"] == pytest.approx(2)  # half the distance of the two
    assert row["t"] == pytest.approx(12 / 2.5)


def test_a_subset_counts_once_and_the_whole_is_no_subset(
    script: ModuleType, folders: list[Path]
) -> None:
    (row,) = script.value_table(folders).to_dict("records")
    assert (row["datasets"], row["rank_ic_pct"], row["markets"]) == ("a", 9.5, 2)
    assert row["difference_pct"] == pytest.approx(-2.5)
    assert row["se_pct"] == pytest.approx(2**0.5 / 2)


def test_what_is_beyond_three_errors_is_counted(script: ModuleType, folders: list[Path]) -> None:
    told = script.noise_summary(folders)
    assert told.splitlines()[0].startswith("2 of 4 RankICs of single markets beyond 3 errors")
    assert "seed-0 gru 10g: 10.00 ± 3.00 %" in told
    assert told.splitlines()[-1].startswith("1 of 2 pooled over 2 markets beyond 3 errors")
