import json
from pathlib import Path

import pytest

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.reports.reading import read_mapping, read_table, read_text


def test_what_is_missing_or_damaged_is_named_with_its_remedy(tmp_path: Path) -> None:
    file = tmp_path / "about.json"
    with pytest.raises(ArtefactError, match=r"about.json does not exist: write it first"):
        read_text(file, "write it first")
    file.write_text("a,b\n1\n1,2,3\n")
    with pytest.raises(ArtefactError, match=r"(?s)about.json is damaged .*: run it again"):
        read_table(file, "run it again")
    for text, words in (("{", "is damaged"), ("[1]", "holds no mapping")):
        with pytest.raises(ArtefactError, match=words):
            read_mapping(file, text, json.loads, json.JSONDecodeError)


def test_names_stay_text_and_only_an_empty_cell_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_text("score,side,value\nNA,007,1.5\n7,,\n")
    table = read_table(file, "")
    assert list(table["score"]) == ["NA", "7"]
    assert table["side"].iloc[0] == "007"
    assert list(table["value"].isna()) == [False, True]
