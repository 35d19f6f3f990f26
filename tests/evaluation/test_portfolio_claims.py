import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.evaluation.claims import OF_PORTFOLIOS
from alpha_lightning.evaluation.portfolio_claims import with_portfolios
from alpha_lightning.evaluation.standard_errors import newey_west_error

COLUMNS = ["claim", "measure", "value", "se", "unit", "verdict"]
DAYS = 400


def unmeasured() -> pd.DataFrame:
    rows = [["v1 is better than v0", "RankIC", 1.0, 0.1, "points", "holds"]]
    rows += [[claim, "", np.nan, np.nan, "", "not measured"] for claim in OF_PORTFOLIOS]
    return pd.DataFrame(rows, columns=COLUMNS)


def write(folder: Path, settings: dict[str, object], daily: dict[str, np.ndarray]) -> Path:
    folder.mkdir()
    about = {"figures": [{"score": "RCTv1"}], "settings": settings}
    (folder / f"{folder.name}.json").write_text(json.dumps(about))
    for name, returns in daily.items():
        place = folder / "RCTv1" / name
        place.mkdir(parents=True)
        pd.DataFrame({"relative_return": returns}).to_parquet(place / "nav.parquet")
    return folder


def drawn(mean: float, seed: int, days: int = DAYS) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.002, days)


def enhanced(folder: Path, **means: float) -> Path:
    made = {name: drawn(mean, place) for place, (name, mean) in enumerate(means.items())}
    named = {name.replace("_d", "_d0."): returns for name, returns in made.items()}
    return write(folder, {"shown": 0.2, "deltas": [0.5, 0.1, 0.2]}, named)


def verdicts(table: pd.DataFrame, claim: str) -> list[str]:
    return list(table["verdict"][table["claim"] == claim])


def test_what_was_not_run_stays_unmeasured() -> None:
    pd.testing.assert_frame_equal(with_portfolios(unmeasured(), None, None), unmeasured())


def test_sizes_are_compared_day_by_day(tmp_path: Path) -> None:
    less, more = drawn(0.001, 0), drawn(0.0, 1)
    daily = {"top100_d0.20": less, "top300_d0.20": more}
    folder = write(tmp_path / "portfolios", {"shown": 0.2, "delta": [0.1, 0.2]}, daily)
    table = with_portfolios(unmeasured(), folder, None)
    own = table[table["claim"] == OF_PORTFOLIOS[0]]
    difference = 243 * 100 * (np.log1p(less) - np.log1p(more))
    assert own["value"].iloc[0] == pytest.approx(difference.mean())
    assert own["se"].iloc[0] == pytest.approx(newey_west_error(difference, 5))
    assert list(own["verdict"]) == ["holds", "does not hold"]
    value = np.cumprod(np.r_[1, 1 + more])
    other = np.cumprod(np.r_[1, 1 + less])
    falls = [(v / np.maximum.accumulate(v) - 1).min() for v in (value, other)]
    assert own["value"].iloc[1] == pytest.approx(100 * (falls[0] - falls[1]))
    assert list(table["claim"].drop_duplicates()) == list(unmeasured()["claim"])


def test_turnover_and_floor_of_indices(tmp_path: Path) -> None:
    folder = enhanced(
        tmp_path / "enhanced",
        csi300_d10=0.002,
        csi300_d20=0.001,
        csi300_d50=0.0,
        csi300_80_d20=0.003,
        csi500_d20=0.003,
        csi500_80_d20=0.0,
    )
    table = with_portfolios(unmeasured(), None, folder)
    assert verdicts(table, OF_PORTFOLIOS[0]) == ["not measured"]
    assert verdicts(table, OF_PORTFOLIOS[1]) == ["holds"]
    assert verdicts(table, OF_PORTFOLIOS[2]) == ["holds", "holds", "does not hold"]


def test_error_of_a_difference_of_ratios_is_that_of_many_samples(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    found = []
    for draw in range(60):
        shared = generator.normal(0, 0.002, DAYS)
        pair = [shared + generator.normal(0.0003, 0.001, DAYS) for _ in range(2)]
        daily = {"csi500_80_d0.20": pair[0], "csi500_d0.20": pair[1]}
        folder = tmp_path / str(draw) / "enhanced"
        folder.parent.mkdir()
        write(folder, {"shown": 0.2, "deltas": [0.2]}, daily)
        table = with_portfolios(unmeasured(), None, folder)
        row = table[table["unit"] == "of information ratio"].iloc[0]
        found.append((row["value"], row["se"]))
    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(ddof=1), rel=0.25)


def test_too_few_days_and_no_spread_say_nothing(tmp_path: Path) -> None:
    short = {"top100_d0.20": drawn(0, 0, 5), "top300_d0.20": drawn(0, 1, 5)}
    few = write(tmp_path / "portfolios", {"shown": 0.2, "delta": [0.2]}, short)
    still = {"csi500_80_d0.20": np.zeros(50), "csi500_d0.20": drawn(0, 1, 50)}
    flat = write(tmp_path / "enhanced", {"shown": 0.2, "deltas": [0.2]}, still)
    table = with_portfolios(unmeasured(), few, flat)
    assert verdicts(table, OF_PORTFOLIOS[0]) == ["not measured"]
    assert verdicts(table, OF_PORTFOLIOS[2])[-1] == "undecided"


@pytest.mark.parametrize("text", ["{", "{}", '{"figures": [], "settings": {}}'])
def test_damaged_marker_is_named(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "portfolios"
    folder.mkdir()
    (folder / "portfolios.json").write_text(text)
    with pytest.raises(ArtefactError, match=r"portfolios\.json is damaged"):
        with_portfolios(unmeasured(), folder, None)


def test_damaged_result_is_named(tmp_path: Path) -> None:
    daily = {"top100_d0.20": drawn(0, 0), "top300_d0.20": drawn(0, 1)}
    folder = write(tmp_path / "portfolios", {"shown": 0.2, "delta": [0.2]}, daily)
    (folder / "RCTv1" / "top300_d0.20" / "nav.parquet").write_bytes(b"no")
    with pytest.raises(ArtefactError, match="is damaged"):
        with_portfolios(unmeasured(), folder, None)
