"""Which changes of the code change the identity of a task."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alpha_lightning.study.code_version import code_fingerprint

PACKAGE = Path(__file__).parents[2] / "alpha_lightning"
FIT = "alpha_lightning.study.steps:fit_step"
WEIGH = "alpha_lightning.study.steps:weigh_step"
REPORT = "alpha_lightning.reports.report:report"
GRU = {"config": {"model": {"network": {"class_path": "alpha_lightning.factors.networks.GRU"}}}}
TCN = {"config": {"model": {"network": {"class_path": "alpha_lightning.factors.networks.RESTCN"}}}}
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from alpha_lightning.study.code_version import code_fingerprint
given = json.loads(sys.argv[2])
print(json.dumps([code_fingerprint(function, arguments) for function, arguments in given]))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package to be changed."""
    skipped = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path / "alpha_lightning", ignore=skipped))


def fingerprints(folder: Path) -> dict[str, str]:
    import json

    given = {"gru": (FIT, GRU), "tcn": (FIT, TCN), "weigh": (WEIGH, {}), "report": (REPORT, {})}
    line = [sys.executable, "-c", SCRIPT, str(folder), json.dumps(list(given.values()))]
    told = subprocess.run(line, capture_output=True, text=True, check=True, cwd=folder).stdout
    return dict(zip(given, json.loads(told), strict=True))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("factors/networks/gru.py", {"gru"}),
        ("factors/networks/tcn.py", {"tcn"}),
        ("factors/unit.py", {"gru", "tcn"}),
        ("weighting/refit_calendar.py", {"weigh"}),
        ("reports/svg.py", {"report"}),
        ("panel/store.py", {"gru", "tcn", "weigh", "report"}),
        ("study/command.py", set()),
        ("cli.py", set()),
    ],
)
def test_a_change_reaches_the_tasks_that_run_it_and_no_other(
    copy: Path, file: str, expected: set[str]
) -> None:
    before = fingerprints(copy.parent)
    path = copy / file
    path.write_text(path.read_text() + "\nODD = 1\n")
    after = fingerprints(copy.parent)
    assert {name for name in before if before[name] != after[name]} == expected


def test_of_a_module_of_many_steps_only_those_that_are_used_count(copy: Path) -> None:
    before = fingerprints(copy.parent)
    path = copy / "study" / "steps.py"
    text = path.read_text()
    path.write_text(text.replace("set_num_threads(threads)", "set_num_threads(9)"))
    after = fingerprints(copy.parent)
    assert {name for name in before if before[name] != after[name]} == {"gru", "tcn"}


def test_comments_docstrings_and_layout_do_not_count(copy: Path) -> None:
    path = copy / "factors" / "networks" / "gru.py"
    before = fingerprints(copy.parent)
    path.write_text("# A comment.\n\n" + path.read_text().replace('"""', '"""Other words. ', 1))
    assert fingerprints(copy.parent) == before


def test_a_template_beside_the_code_counts(copy: Path) -> None:
    before = fingerprints(copy.parent)
    (copy / "reports" / "page.html").write_text("other")
    after = fingerprints(copy.parent)
    assert {name for name in before if before[name] != after[name]} == {"report"}


def test_a_users_own_network_counts_and_an_installed_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("class Net:\n    width = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    own = {"network": {"class_path": "mine.Net"}}
    plain = code_fingerprint(FIT, {})
    assert code_fingerprint(FIT, own) != plain
    assert code_fingerprint(FIT, {"optimizer": {"class_path": "torch.optim.Adam"}}) == plain
    assert code_fingerprint(FIT, {"network": {"class_path": "nowhere.Net"}}) == plain
    assert code_fingerprint(FIT, {"network": {"class_path": "Net"}}) == plain


def test_a_callback_named_without_settings_counts() -> None:
    export = "alpha_lightning.factors.export.FactorMatrixExport"
    assert code_fingerprint(FIT, {"callbacks": [export]}) == code_fingerprint(
        FIT, {"callbacks": [{"class_path": export}]}
    )
    assert code_fingerprint(FIT, {"callbacks": [export]}) != code_fingerprint(FIT, {})


def test_functions_of_installed_packages_have_no_code_of_ours() -> None:
    assert code_fingerprint("shutil:copyfile", {}) == ""
