"""Fingerprints: short names for the exact content that a result was made from."""

import hashlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

_BLOCK = 1 << 22


def fingerprint_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:16]


def fingerprint_json(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form, 16 hexadecimal digits.

    Example:
        >>> fingerprint_json({"a": 1, "b": 2}) == fingerprint_json({"b": 2, "a": 1})
        True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def software_versions() -> dict[str, str]:
    """Versions that a number may depend on, for provenance."""
    names = ["alpha_lightning", "torch", "pytorch-lightning", "lightgbm", "numpy", "polars"]
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
