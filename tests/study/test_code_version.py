"""Which changes of the code change the identity of a task."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
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
    given = {"gru": (FIT, GRU), "tcn": (FIT, TCN), "weigh": (WEIGH, {}), "report": (REPORT, {})}
    return dict(zip(given, one_by_one(folder, list(given.values())), strict=True))


def one_by_one(folder: Path, given: Sequence[tuple[str, Mapping[str, object]]]) -> list[str]:
    line = [sys.executable, "-c", SCRIPT, str(folder), json.dumps(given)]
    told = subprocess.run(line, capture_output=True, text=True, check=True, cwd=folder).stdout
    return list(json.loads(told))


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


MINE = {"class_path": "mynets.Net"}


@pytest.mark.parametrize("named", [MINE, {"class_path": "mynets.net.Net"}, "mynets.net.Net"])
@pytest.mark.parametrize("file", ["net.py", "blocks.py", "parts/deep.py"])
def test_modules_that_a_users_own_network_imports_count(
    copy: Path, named: object, file: str
) -> None:
    folder = copy.parent / "mynets"
    (folder / "parts").mkdir(parents=True)
    (folder / "__init__.py").write_text("from .net import Net\n")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "net.py").write_text("import mynets.blocks as b\nclass Net(b.Block): ...\n")
    (folder / "blocks.py").write_text("from .parts import deep\nclass Block: ...\n")
    (folder / "parts" / "deep.py").write_text("import torch\n")
    (folder / "unused.py").write_text("")

    def own() -> list[str]:
        return one_by_one(copy.parent, [(FIT, {"network": named}), (FIT, GRU)])

    before = own()
    (folder / "unused.py").write_text("odd = 1\n")
    assert own() == before
    (folder / file).write_text((folder / file).read_text() + "odd = 1\n")
    after = own()
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_network_counts_however_its_class_is_named() -> None:
    path = "alpha_lightning.factors.networks.AGRU"
    whole = code_fingerprint(FIT, {"network": {"class_path": path}})
    assert whole != code_fingerprint(FIT, {})
    assert code_fingerprint(FIT, {"network": path}) == whole
    assert code_fingerprint(FIT, {"network": {"class_path": "AGRU"}}) == whole
    assert code_fingerprint(FIT, {"optimizer": {"class_path": "Adam"}}) == code_fingerprint(FIT, {})


@pytest.mark.parametrize(
    ("old", "new"),
    [("X: int = 1", "X: int = 2"), ("Y, Z = 1, 2", "Y, Z = 1, 3"), ("net", "")],
)
def test_constants_and_imports_of_a_functions_own_module_count(
    copy: Path, old: str, new: str
) -> None:
    path = copy / "study" / "made.py"
    text = (
        "X: int = 1\nY, Z = 1, 2\n"
        "try:\n    import alpha_lightning.reports.svg as net\nexcept ImportError:\n    pass\n"
        "def f():\n    return X + Y + Z, net\n"
    )
    path.write_text(text)
    given: list[tuple[str, dict[str, object]]] = [("alpha_lightning.study.made:f", {})]
    before = one_by_one(copy.parent, given)
    if old == "net":
        drawn = copy / "reports" / "svg.py"
        drawn.write_text(drawn.read_text() + "\nODD = 1\n")
    else:
        path.write_text(text.replace(old, new))
    assert one_by_one(copy.parent, given) != before


def test_a_callback_named_without_settings_counts() -> None:
    # One that the step does not reach by itself.
    report = "alpha_lightning.factors.pruning.TrialReport"
    assert code_fingerprint(FIT, {"callbacks": [report]}) == code_fingerprint(
        FIT, {"callbacks": [{"class_path": report}]}
    )
    assert code_fingerprint(FIT, {"callbacks": [report]}) != code_fingerprint(FIT, {})


def test_functions_of_installed_packages_have_no_code_of_ours() -> None:
    assert code_fingerprint("shutil:copyfile", {}) == ""
