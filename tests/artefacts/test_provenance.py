import hashlib
from pathlib import Path

import numpy as np
import pytest

from alpha_lightning.artefacts import provenance
from alpha_lightning.artefacts.provenance import (
    fingerprint_file,
    fingerprint_json,
    software_versions,
)


def test_file_fingerprint_is_the_start_of_sha256_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "_BLOCK", 7)
    file = tmp_path / "a.bin"
    file.write_bytes(b"0123456789" * 10)
    assert fingerprint_file(file) == hashlib.sha256(b"0123456789" * 10).hexdigest()[:16]


def test_json_fingerprint_sees_values_not_the_order_of_keys() -> None:
    value = {"b": [1, 2.5, None], "a": {"x": True}}
    assert fingerprint_json(value) == fingerprint_json({"a": {"x": True}, "b": [1, 2.5, None]})
    assert fingerprint_json(value) != fingerprint_json({"a": {"x": True}, "b": [2.5, 1, None]})


def test_json_fingerprint_takes_paths_and_dates() -> None:
    value = {"path": Path("a"), "date": np.datetime64("2024-01-31")}
    assert fingerprint_json(value) == fingerprint_json({"path": "a", "date": "2024-01-31"})


def test_versions_name_what_numbers_depend_on() -> None:
    versions = software_versions()
    assert versions["numpy"] == np.__version__
    assert {"python", "torch", "lightgbm", "alpha_lightning"} <= set(versions)
