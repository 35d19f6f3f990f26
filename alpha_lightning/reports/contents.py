"""Sections of the page that are not figures of the paper, in their order."""

from collections.abc import Iterator, Mapping
from typing import Any


def contents(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Anchor and title of the sections that a page has.

    Args:
        found: what the templates are given.
    """
    sections = (
        ("claims", "claims", found["claims"] or found["unmeasured"]),
        ("datasets", "data sets", found["values"]),
        ("attainable", "the attainable", found["shares"]),
        ("weighting", "weighting", found["weightings"] or found["gap"] or found["importances"]),
        ("averaging", "averaging", found["ensemble"] or found["optimal"]),
        ("signal", "steadiness", True),
        ("groups", "groups", True),
        ("portfolios", "portfolios", found["portfolios"]),
        ("enhanced", "index-enhanced portfolios", found["enhanced"]),
        ("risk", "risk model", found["risk"]),
        ("trust", "what it rests on", True),
        ("provenance", "provenance", True),
    )
    for anchor, title, there in sections:
        if there:
            yield anchor, title
