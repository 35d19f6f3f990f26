"""What `study plan` prints."""

from pathlib import Path

import pytest

from alpha_lightning.cli import main
from alpha_lightning.study.plan_text import remaining_seconds

ROOT = Path(__file__).parents[2]


def test_the_papers_study_before_there_is_any_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["study", "plan", "configs/studies/paper.yaml", "--jobs", "2"]) == 0
    told = capsys.readouterr().out
    assert "= 900 networks" in told
    assert "not there yet: source.daily: data/daily" in told
    assert "  2017     2013-09-30 to 2015-" in told
    rows = {line.split()[0]: line.split()[1:4] for line in told.splitlines() if "new " in line}
    assert rows["fit"] == ["900", "0", "900"]
    assert "GB as float16" in told
    assert "are made: 11.4 GB, a seed's, at once" in told
    assert "the largest weighing, RCTv0, takes" in told
    portfolios = "portfolios: TOP-100 and TOP-300 of RCTv1 at 7 turnover limits, with their curves"
    assert f"{portfolios} 44 in one pass, about 1 min" in told
    assert not (ROOT / "runs" / "paper").exists(), "a plan writes nothing"


def test_sizes_wait_for_what_is_not_known(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    line = ["study", "plan", "configs/studies/daily.yaml", "--source.daily", "no/bars.parquet"]
    assert main(line) == 0
    told = capsys.readouterr().out
    assert "dates: known when the panel is there" in told
    assert "sizes and cost: known when the panel is there" in told
    line += ["--expected.first_date", "2020-01-02", "--expected.last_date", "2024-06-28"]
    assert main([*line, "--expected.stocks", "200"]) == 0
    assert "  TOP-300 of 200 stocks: the rest would be cash" in capsys.readouterr().out
    assert main([*line, "--expected.stocks", "900"]) == 0
    told = capsys.readouterr().out
    assert "2025: vintage 2025 (oos_lagged) has no output dates" in told
    assert "as float16: --factors.precision float16)" in told
    assert "--factors.keep until_weighed drops each" in told
    assert "the rest would be cash" not in told
    assert main([*line, "--portfolios.names", "[]"]) == 0
    assert "portfolios" not in capsys.readouterr().out
    line += ["--source.tables.index_members", "no/members.parquet"]
    line += ["--enhanced.indices", '{"000905": 0.05}', "--portfolios.names", "[]"]
    assert main([*line, "--expected.stocks", "900"]) == 0
    told = capsys.readouterr().out
    assert "index-enhanced portfolios: CSI500 at 5 % by " in told
    assert "; their risk model about " in told
    assert "\nportfolios: " not in told


def test_what_is_left_is_reckoned_from_tasks_alike() -> None:
    markers = {
        "fit/gru/a/s0": {"seconds": 10.0},
        "fit/gru/a/s1": {"seconds": 20.0},
        "fit/lstm/a/s0": {},
        "weigh/gru/s0": {"seconds": 3.0},
    }
    todo = ["fit/gru/a/s2", "fit/gru/b/s0", "fit/lstm/a/s0", "weigh/gru/s1"]
    assert remaining_seconds(markers, todo) == (33.0, 1)
