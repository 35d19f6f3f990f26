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
    if module.split(".")[0] != PACKAGE and _own_file(module) is None:
        return ""  # of an installed package
    whole = _tree(_file(module))
    own = _used_by(name, whole)
    used = {node.id for part in own for node in ast.walk(part) if isinstance(node, ast.Name)}
    # Of the function's own module only what it uses: the rest belongs to other tasks.
    imported = [n for n in whole.body if isinstance(n, ast.ImportFrom | ast.Import)]
    roots = [found for node in imported for found in _modules_of(node, used)]
    roots += [found for part in own for found in _imports(part)]
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
    defined = {n.name: n for n in module.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    assigned = {
        target.id: node
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
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
    return tuple(dict.fromkeys(_imports(_tree(_file(module)))))


@cache
def _module_digest(module: str) -> str:
    return hashlib.sha256(ast.dump(_bare(_tree(_file(module)))).encode()).hexdigest()


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            yield from _modules_of(node, None)


def _modules_of(node: ast.ImportFrom | ast.Import, used: set[str] | None) -> Iterator[str]:
    for alias in node.names:
        if used is not None and (alias.asname or alias.name.partition(".")[0]) not in used:
            continue
        path = alias.name
        if isinstance(node, ast.ImportFrom):
            path = f"{node.module}.{alias.name}"
        if path.split(".")[0] == PACKAGE:
            yield _home(path)


def _home(path: str) -> str:
    # The module in which a dotted name is defined, through packages that only pass it on.
    if _is_module(path):
        return path
    module, _, name = path.rpartition(".")
    if not _is_module(module):
        return _home(module)
    if _file(module).name == "__init__.py":
        for node in _tree(_file(module)).body:
            if isinstance(node, ast.ImportFrom) and name in {
                a.asname or a.name for a in node.names
            }:
                return _home(f"{node.module}.{name}")
    return module


def _classes(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            if key == "class_path" and isinstance(value, str):
                yield from _module_of_class(value)
            else:
                yield from _classes(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            # A callback may be named without settings.
            if isinstance(value, str) and value.startswith(f"{PACKAGE}."):
                yield from _module_of_class(value)
            else:
                yield from _classes(value)


def _module_of_class(path: str) -> Iterator[str]:
    if path.split(".", maxsplit=1)[0] == PACKAGE:
        if _is_module(".".join(path.split(".")[:2])):
            yield _home(path)
        return
    module = path.rpartition(".")[0]
    file = _own_file(module) if module else None
    if file is not None:
        yield module


def _own_file(module: str) -> Path | None:
    try:
        found = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return None
    installed = {sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}
    file = Path(found.origin)
    return None if any(file.is_relative_to(folder) for folder in installed) else file


@cache
def _file(module: str) -> Path:
    if module.split(".", maxsplit=1)[0] != PACKAGE:
        file = _own_file(module)
        if file is None:
            msg = f"{module} has no source file"
            raise ValueError(msg)
        return file
    path = _ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _is_module(path: str) -> bool:
    return path.split(".", maxsplit=1)[0] == PACKAGE and _file(path).is_file()


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
