import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.evaluation.claims import OF_PORTFOLIOS
from alpha_lightning.reports.study_folder import NEEDED, copy_tables, read_study
from alpha_lightning.reports.weighting_tables import claim_rows
from tests.reports.portfolio_folder_numbers import Portfolios, write_portfolios

MODEL = "<b>gru</b> $x_1$ & co"


def edit(study: Path, old: str, new: str) -> None:
    file = study / "study.yaml"
    file.write_text(file.read_text().replace(old, new))


def test_a_finished_study_is_read_whole(study: Path) -> None:
    read = read_study(study)
    assert read.name == "Small <study>"
    assert read.scores == [MODEL, "reversal"]
    assert read.baselines == ["reversal"]
    assert set(NEEDED) <= set(read.tables)
    assert read.panel is not None
    assert read.timings is not None
    assert list(read.timings["seconds"]) == [12.34]
    assert set(read.panel.switched_off) <= set(read.warnings)


def test_claims_about_portfolios_are_measured_on_their_days(paper_study: Path) -> None:
    file = paper_study / "evaluation" / "tables" / "claims.csv"
    file.write_text(file.read_text() + f'"{OF_PORTFOLIOS[0]}",,,,,not measured\n')
    before = read_study(paper_study).tables["claims"]
    assert list(before["verdict"]).count("not measured") == 2, "no daily results: not measured"
    for name, level in (("top100", 0.002), ("top300", 0.001)):
        result = paper_study / "portfolios" / "RCTv1" / f"{name}_d0.20"
        result.mkdir(parents=True)
        days = np.random.default_rng(1).normal(level, 0.001, 200)
        pd.DataFrame({"relative_return": days}).to_parquet(result / "nav.parquet")
    read = read_study(paper_study)
    own = read.tables["claims"].set_index("claim").loc[OF_PORTFOLIOS[0]]
    assert own["measure"].str.startswith("return of TOP-100 less TOP-300").sum() == 1
    assert own["verdict"].iloc[0] == "holds"
    copied = paper_study / "copied"
    copied.mkdir()
    copy_tables(read, copied)
    assert "return of TOP-100 less TOP-300" in (copied / "claims.csv").read_text()
    assert "return of TOP-100" not in file.read_text()
    assert len(claim_rows(read.tables["claims"])) == 3 + len(own)


def test_a_simulated_market_is_said_first(study: Path) -> None:
    assert not read_study(study).simulated
    edit(study, "seeds:", "source: {market: configs/market/demo.yaml}\nseeds:")
    read = read_study(study)
    assert read.simulated
    assert read.warnings[0].startswith("Simulated market")


def test_an_oracle_tells_of_a_simulated_market_wherever_the_panel_came_from(
    study_of_data_sets: Path,
) -> None:
    read = read_study(study_of_data_sets)
    assert "source" not in read.config
    assert read.simulated
    assert read.datasets == ("rawbar", "l2chars")


def test_what_the_data_sets_lack_is_said_with_what_the_panel_lacks(
    study_of_data_sets: Path, tmp_path: Path
) -> None:
    file = study_of_data_sets / "evaluation" / "evaluation.json"
    about = json.loads(file.read_text())
    panel = Path(shutil.copytree(about["panel"], tmp_path / "panel"))
    meta = json.loads((panel / "panel.json").read_text())
    rawbar = meta["datasets"]["rawbar"]
    meta["datasets"]["l2chars"] = rawbar | {"lacking": ["No trades.", "l2chars: No auctions."]}
    meta["datasets"]["mschars"] = rawbar | {"lacking": ["Not of this study."]}
    (panel / "panel.json").write_text(json.dumps(meta))
    file.write_text(json.dumps(about | {"panel": str(panel)}))
    warnings = read_study(study_of_data_sets).warnings
    place = warnings.index("l2chars: No trades.")
    assert warnings[place + 1] == "l2chars: No auctions."
    assert warnings[place + 2 :] == meta["switched_off"]
    assert not any("Not of this study" in sentence for sentence in warnings)


def test_a_panel_that_moved_or_changed_is_said(study: Path) -> None:
    file = study / "evaluation" / "evaluation.json"
    about = json.loads(file.read_text())
    file.write_text(json.dumps(about | {"panel_fingerprint": "other"}))
    assert "has changed since this evaluation" in " ".join(read_study(study).warnings)
    file.write_text(json.dumps(about | {"panel": "/nowhere"}))
    read = read_study(study)
    assert read.panel is None
    assert "The panel /nowhere is no longer there" in " ".join(read.warnings)
    shutil.copytree(about["panel"], study / "panel")
    assert read_study(study).panel is not None


def test_names_that_look_like_numbers_stay_names(study: Path) -> None:
    file = study / "evaluation" / "tables" / "coverage.csv"
    file.write_text(file.read_text().replace("reversal", "NA").replace(MODEL, "007"))
    assert sorted(read_study(study).tables["coverage"]["score"]) == ["007", "NA"]


def test_timings_are_optional_and_the_folder_names_a_nameless_study(study: Path) -> None:
    (study / "timings.csv").unlink()
    edit(study, "name: Small <study>\n", "")
    read = read_study(study)
    assert read.timings is None
    assert read.name == "study"


def test_models_come_before_integrations_and_baselines(paper_study: Path) -> None:
    read = read_study(paper_study)
    assert read.scores[0] == "gru"
    assert read.scores[5:9] == read.integrations == ["RNNv0", "RNNv1", "RCTv0", "RCTv1"]
    assert read.scores[9:] == read.baselines
    assert sorted(read.cards) == sorted(read.scores[:5])


def test_an_old_evaluation_has_its_groups_under_the_old_name(study: Path) -> None:
    tables = study / "evaluation" / "tables"
    for name in ("fig06_rank_ic", "fig07_ic_ir", "fig08_groups", "fig09_groups"):
        (tables / f"{name}.csv").unlink(missing_ok=True)
    whole = read_study(study).groups
    (tables / "groups.csv").rename(tables / "fig08_groups.csv")
    assert read_study(study).groups.equals(whole)
    (tables / "fig08_groups.csv").unlink()
    with pytest.raises(ArtefactError, match="lacks groups"):
        read_study(study)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("study.yaml", None, "study.yaml does not exist: name the folder"),
        ("study.yaml", "a: [", "study.yaml is damaged"),
        ("study.yaml", "- a list", "study.yaml holds no mapping"),
        ("evaluation/evaluation.json", None, "run `evaluate`"),
        ("evaluation/evaluation.json", "{", "evaluation.json is damaged"),
        ("evaluation/tables/coverage.csv", None, "lacks coverage"),
        ("evaluation/tables/coverage.csv", "", "coverage.csv is damaged"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    study: Path, file: str, text: str | None, words: str
) -> None:
    if text is None:
        (study / file).unlink()
    else:
        (study / file).write_text(text)
    with pytest.raises(ArtefactError, match=words):
        read_study(study)


def test_tables_are_copied_byte_by_byte(study: Path, tmp_path: Path) -> None:
    write_portfolios(study, Portfolios(names=(30,)), paper=False)
    (tmp_path / "copy").mkdir()
    copy_tables(read_study(study), tmp_path / "copy")
    sources = [study / part / "tables" for part in ("evaluation", "portfolios")]
    assert (sources[1] / "fig16_top30.csv").exists()
    for file in (file for source in sources for file in source.iterdir()):
        assert (tmp_path / "copy" / file.name).read_bytes() == file.read_bytes()
