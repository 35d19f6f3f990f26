"""Files of a study that a report reads, with one clear line for those it cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from alpha_lightning.artefacts.errors import ArtefactError

Table = Any
"""A pandas DataFrame."""
_TEXT = dict.fromkeys(
    (
        *("score", "horizon", "since", "year", "datasets", "level", "unit", "dataset", "factor"),
        *("member", "members", "what", "weighting", "claim", "measure", "verdict", "side"),
        # An index is called 000300, and a month 2020-01.
        *("index", "status", "reason", "kind", "solved", "month"),
    ),
    str,
)


def read_text(file: Path, remedy: str) -> str:
    """Text of a file.

    Args:
        file: to read.
        remedy: what to do where there is none.

    Raises:
        ArtefactError: it does not exist.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{file} does not exist: {remedy}"
        raise ArtefactError(msg) from error


def read_mapping(
    file: Path, text: str, parse: Callable[[str], Any], failure: type[Exception]
) -> dict[str, Any]:
    """A mapping from the text of a file.

    Args:
        file: where the text is from.
        text: of the file.
        parse: of a YAML or JSON package.
        failure: what it raises.

    Raises:
        ArtefactError: the text cannot be parsed, or holds no mapping.
    """
    try:
        parsed = parse(text)
    except failure as error:
        msg = f"{file} is damaged ({error}): write it again"
        raise ArtefactError(msg) from error
    if not isinstance(parsed, dict):
        msg = f"{file} holds no mapping: write it again"
        raise ArtefactError(msg)
    return parsed


def read_table(file: Path, remedy: str) -> Table:
    """A CSV table; names stay text, empty cells are NaN.

    Args:
        file: to read.
        remedy: what to do where it is damaged.

    Raises:
        ArtefactError: the file is damaged.
    """
    try:
        # A score may be called "NA" or "7": only an empty cell is missing, and names stay text.
        return pd.read_csv(file, keep_default_na=False, na_values=[""], dtype=_TEXT)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        msg = f"{file} is damaged ({error}): {remedy}"
        raise ArtefactError(msg) from error
