"""Which code a task runs: a fingerprint of the modules that its function can reach.

A change of the report must not retrain a network, and a change of a network must. Imports are
followed from the function through the package; comments, docstrings and layout do not count.
"""

import ast
import hashlib
import importlib.util
import sysconfig
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

PACKAGE = "alpha_lightning"
_ROOT = Path(str(resources.files(PACKAGE)))
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def code_fingerprint(function: str, arguments: Mapping[str, Any]) -> str:
    """Fingerprint of what a function runs, of the classes that its arguments name, and their files.

    Files beside a module that are no Python, such as a page's template, count with it. Classes of
    the user's own modules count too; those of installed packages do not.

    Args:
        function: ``module:function``.
        arguments: its arguments; a ``class_path`` in them names a class.

    Returns:
        16 hexadecimal digits; empty for a function of an installed package.
    """
    return _fingerprint(function, tuple(sorted(set(_classes(arguments)))))


@cache
def _fingerprint(function: str, classes: tuple[str, ...]) -> str:
    module, name = function.split(":")
    if not _in_package(module) and _own_file(module) is None:
        return ""  # of an installed package
    whole = _tree(_file(module))
    own = _used_by(name, whole)
    used = {node.id for part in own for node in ast.walk(part) if isinstance(node, ast.Name)}
    # Of the function's own module only what it uses: the rest belongs to other tasks.
    local = {
        node for part in whole.body if isinstance(part, _DEFINITIONS) for node in ast.walk(part)
    }
    roots = [
        found
        for node in ast.walk(whole)
        if node not in local
        for found in _modules_of(node, module, used)
    ]
    roots += [found for part in own for found in _imports(part, module)]
    reached = _closure([*roots, *classes])
    digest = hashlib.sha256()
    for node in own:
        digest.update(ast.dump(_bare(node)).encode())
    for one in sorted(reached):
        digest.update(f"{one} {_module_digest(one)}".encode())
    for file in sorted({file for one in reached for file in _beside(_file(one))}):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _used_by(name: str, module: ast.Module) -> list[ast.stmt]:
    # A function and what it uses of its own module, directly or through another.
    defined = {n.name: n for n in module.body if isinstance(n, _DEFINITIONS)}
    assigned = {
        target.id: node
        for node in module.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for whole in (node.targets if isinstance(node, ast.Assign) else [node.target])
        for target in ast.walk(whole)
        if isinstance(target, ast.Name)
    }
    known: dict[str, ast.stmt] = {**assigned, **defined}
    found = {name: known[name]}
    waiting = [known[name]]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id in known and node.id not in found:
                found[node.id] = known[node.id]
                waiting.append(known[node.id])
    return [found[key] for key in sorted(found)]


def _closure(roots: list[str]) -> set[str]:
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _imported_by(module)
    return reached


@cache
def _imported_by(module: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_imports(_tree(_file(module)), module)))


@cache
def _module_digest(module: str) -> str:
    return hashlib.sha256(ast.dump(_bare(_tree(_file(module)))).encode()).hexdigest()


def _imports(tree: ast.AST, module: str) -> Iterator[str]:
    for node in ast.walk(tree):
        yield from _modules_of(node, module, None)


def _modules_of(node: ast.AST, module: str, used: set[str] | None) -> Iterator[str]:
    if not isinstance(node, ast.ImportFrom | ast.Import):
        return
    for alias in node.names:
        if used is not None and (alias.asname or alias.name.partition(".")[0]) not in used:
            continue
        path = alias.name
        if isinstance(node, ast.ImportFrom):
            path = f"{_from(node, module)}.{alias.name}"
        # Modules of the user may import one another; ours import none of theirs.
        if _in_package(path) or (not _in_package(module) and _is_own(path)):
            yield from _homes(path)


def _from(node: ast.ImportFrom, module: str) -> str:
    if not node.level:
        return str(node.module)
    up = node.level - (_file(module).name == "__init__.py")
    package = module.split(".")[: len(module.split(".")) - up]
    return ".".join([*package, *([node.module] if node.module else [])])


def _homes(path: str) -> Iterator[str]:
    # The module in which a dotted name is defined, through packages that only pass it on.
    if _is_module(path):
        yield path
        return
    module, _, name = path.rpartition(".")
    if not _is_module(module):
        if module:
            yield from _homes(module)
        return
    if _file(module).name == "__init__.py":
        for node in _tree(_file(module)).body:
            if not isinstance(node, ast.ImportFrom):
                continue
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    yield from _homes(f"{_from(node, module)}.{alias.name}")
                    return
    yield module


def _classes(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        if isinstance(tree.get("class_path"), str):
            yield from _short(tree["class_path"])
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for value in tree:
            yield from _classes(value)
    # A class may be named without settings, and so without the key ``class_path``.
    elif isinstance(tree, str) and _is_dotted(tree) and (_in_package(tree) or _is_own(tree)):
        yield from _homes(tree)


@cache
def _short(name: str) -> tuple[str, ...]:
    # Lightning's command line takes a class that it has imported by its last name alone.
    if not name.isidentifier():
        return ()
    return tuple(
        ".".join([PACKAGE, *file.relative_to(_ROOT).with_suffix("").parts])
        for file in sorted((_ROOT / "factors").rglob("*.py"))
        if any(isinstance(n, ast.ClassDef) and n.name == name for n in _tree(file).body)
    )


def _is_dotted(text: str) -> bool:
    return "." in text and all(part.isidentifier() for part in text.split("."))


def _in_package(path: str) -> bool:
    return path.partition(".")[0] == PACKAGE


def _is_own(path: str) -> bool:
    top = path.split(".", maxsplit=1)[0]
    return top.isidentifier() and bool(_own_places(top))


def _own_file(module: str) -> Path | None:
    top, *rest = module.split(".")
    for place in _own_places(top) if top else ():
        path = place.joinpath(*rest)
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return file
    return None


@cache
def _own_places(top: str) -> tuple[Path, ...]:
    # Folders of a package of the user, or his module without its ending; nothing is imported.
    try:
        found = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return ()
    if found is None:
        return ()
    places = [Path(folder) for folder in found.submodule_search_locations or ()]
    if not places and found.origin is not None and found.origin.endswith(".py"):
        places = [Path(found.origin).with_suffix("")]
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    return tuple(p for p in places if not any(p.is_relative_to(folder) for folder in installed))


@cache
def _file(module: str) -> Path:
    if not _in_package(module):
        file = _own_file(module)
        if file is None:
            msg = f"{module} has no source file"
            raise ValueError(msg)
        return file
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _is_module(path: str) -> bool:
    if not _in_package(path):
        return _own_file(path) is not None
    return _file(path).is_file()


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _beside(file: Path) -> Iterator[Path]:
    folder = file.parent
    if not folder.is_relative_to(_ROOT) or folder == _ROOT:
        return
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc", ".pyi"):
            yield path


def _bare(tree: ast.AST) -> ast.AST:
    # Without docstrings; `ast` keeps no comments and no layout.
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)
