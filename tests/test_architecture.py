"""What keeps the code readable, and its package complete."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "alpha_lightning"
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
FORBIDDEN = re.compile(r"(^|_)(utils?|helpers?|common|managers?|handlers?|engines?|base)(_|$)")
HOMES = {
    "lightgbm": {"weighting"},
    "clarabel": {"portfolio"},
    "matplotlib": {"reports"},
    "jinja2": {"reports"},
    "polars": {"characteristics", "panel", "simulation"},
    "pandas": {"backtest", "evaluation", "reports"},
    "wandb": {"factors", "study"},
    "optuna": {"study"},
    "ray": {"study"},
    "pytorch_lightning": {"factors", "windows"},
}
FOLDERS = (
    "cli > study > reports > evaluation > backtest > portfolio > risk > weighting factors > windows"
    " > panel > characteristics > simulation > metrics > cross_section > artefacts"
)
Definition = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[Definition]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Definition):
            yield node


def length(function: Definition) -> int:
    """Lines of the body, its docstring left out."""
    body = function.body[ast.get_docstring(function) is not None :]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS, *TESTS], ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    # A list of cases may be longer than a thought.
    assert lines <= (400 if path in TESTS else 300)
    long = {function.name: length(function) for function in functions(path)}
    assert {name: lines for name, lines in long.items() if lines > 40} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_constructors_take_ten_arguments_at_most(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef) and not is_dataclass(node):
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__":
                    given = item.args
                    number = len(given.posonlyargs + given.args + given.kwonlyargs) - 1
                    assert number <= 10, f"{node.name} takes {number}"


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=name_of)
def test_names_say_what_a_thing_is(path: Path) -> None:
    kinds = (Definition, ast.ClassDef)
    names = [node.name for node in ast.walk(tree_of(path)) if isinstance(node, kinds)]
    names += path.relative_to(ROOT).with_suffix("").parts
    # RunManager is run_manager for this purpose.
    spelt = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in names]
    assert [name for name in spelt if FORBIDDEN.search(name)] == []


def test_the_words_that_are_forbidden_are_found() -> None:
    for name in ("utils", "base_model", "run_manager", "test_helpers", "common"):
        assert FORBIDDEN.search(name)
    for name in ("database", "commonly", "baseline", "handled"):
        assert not FORBIDDEN.search(name)


def test_every_module_has_its_tests() -> None:
    lacking = []
    for path in MODULES:
        inside = path.relative_to(PACKAGE)
        if path.name not in ("__init__.py", "__main__.py"):
            twin = ROOT / "tests" / inside.with_name(f"test_{inside.name}")
            lacking += [] if twin.is_file() else [name_of(twin)]
    assert lacking == []


def test_every_test_file_has_its_module_or_is_about_the_whole() -> None:
    about_a_folder = {"factors/test_traps.py", "factors/networks/test_contract.py"}
    strange = []
    for path in TESTS:
        inside = path.relative_to(ROOT / "tests")
        if len(inside.parts) > 1 and inside.as_posix() not in about_a_folder:
            modules = {twin.stem for twin in (PACKAGE / inside.parent).glob("*.py")}
            about = path.stem.removeprefix("test_") + "_"
            if path.name != "conftest.py" and not any(about.startswith(f"{m}_") for m in modules):
                strange.append(name_of(path))
    assert strange == []


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_heavy_libraries_have_one_home(path: Path) -> None:
    folder = path.relative_to(PACKAGE).parts[0]
    strangers = {
        name for name, homes in HOMES.items() if name in imports(path) and folder not in homes
    }
    assert strangers == set()


def test_the_layers_of_the_import_contract_are_the_folders() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert folders == set(re.findall(r"\w+", FOLDERS)) - {"cli"}
    contract = (ROOT / "pyproject.toml").read_text()
    layers = re.search(r"^layers = \[(.*?)\]", contract, re.DOTALL | re.MULTILINE)
    assert layers is not None
    named = [word for word in re.findall(r'"([^"]+)"', layers[1]) if not word.startswith("(")]
    assert " > ".join(named).replace(" | ", " ") == FOLDERS


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("alpha_lightning.cli", ["numpy", "torch", "jsonargparse", "yaml.cyaml"]),
        ("alpha_lightning.study.local", ["torch", "pandas", "polars", "jsonargparse", "yaml"]),
        ("alpha_lightning.study.command", ["torch", "pandas", "lightgbm", "pytorch_lightning"]),
        ("alpha_lightning.panel.store", ["torch", "pandas", "polars", "pyarrow"]),
        ("alpha_lightning.simulation.simulate", ["torch", "pandas", "pytorch_lightning"]),
        ("alpha_lightning.windows.sample", ["pandas", "pytorch_lightning", "lightgbm"]),
        ("alpha_lightning.weighting.weigh", ["pandas", "pytorch_lightning", "matplotlib"]),
        ("alpha_lightning.factors.networks", ["pytorch_lightning", "pandas", "torchmetrics"]),
    ],
)
def test_a_module_loads_only_what_it_needs(module: str, absent: list[str]) -> None:
    script = f"import sys, {module}; print([n for n in {absent!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_the_wheel_holds_the_package_the_page_and_the_types(tmp_path: Path) -> None:
    # Built from a copy: setuptools leaves its workings beside what it builds.
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        PACKAGE, tmp_path / "alpha_lightning", ignore=shutil.ignore_patterns("__pycache__")
    )
    options = ["--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", "dist", "."]
    command = [sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next((tmp_path / "dist").glob("alpha_lightning-*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if name.startswith("alpha_lightning/")}
        scripts = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        assert "alpha-lightning = alpha_lightning.cli:main" in wheel.read(scripts).decode()
    wanted = {path.relative_to(ROOT).as_posix() for path in MODULES}
    printed = PACKAGE.glob("*/paper/*.csv")
    wanted |= {path.relative_to(ROOT).as_posix() for path in printed}
    templates = (PACKAGE / "reports" / "page").glob("*.html")
    wanted |= {path.relative_to(ROOT).as_posix() for path in templates}
    assert held == wanted | {"alpha_lightning/py.typed"}
