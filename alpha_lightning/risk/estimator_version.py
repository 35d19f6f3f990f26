"""Which code estimates: rows of another version are not added to."""

import ast
import hashlib
from functools import cache
from importlib import resources

_ONLY_READ = ("bias.py", "diagnostics.py", "factor_risk.py", "model.py", "risk.py")
"""Modules of the folder that no number on disk depends on."""


@cache
def estimator_version() -> str:
    """Fingerprint of the code that exposures, factor returns and risk come from.

    Comments, docstrings and layout do not count.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.sha256()
    files = [file for file in resources.files(__package__).iterdir() if file.name.endswith(".py")]
    for file in sorted(files, key=lambda file: file.name):
        if file.name not in _ONLY_READ:
            digest.update(file.name.encode() + _bare(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:16]


def _bare(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)
