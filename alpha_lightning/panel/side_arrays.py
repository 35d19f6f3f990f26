"""What a panel holds beside its bars: industries, fundamentals, index weights and levels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import Panel


def industry_codes(panel: Panel) -> tuple[NDArray[np.int16], tuple[str, ...]] | None:
    """Industry of each stock by date, as known then, and the names of the industries.

    Returns:
        Codes ``(T, N)``, -1 where unknown, and names by code; None where the panel has none.
    """
    names = panel.meta.get("industries")
    return (_map(panel, "industry"), tuple(names)) if names else None


def fundamentals(panel: Panel) -> tuple[str, ...]:
    """Names of the published numbers in the panel."""
    return tuple(panel.meta.get("fundamentals", ()))


def fundamental(panel: Panel, name: str) -> NDArray[np.float64]:
    """A published number ``(T, N)`` as known at the close of the date; NaN before the first.

    Raises:
        PanelError: the panel does not have it.
    """
    if name not in fundamentals(panel):
        known = ", ".join(fundamentals(panel)) or "none"
        msg = f"{panel.path} has no fundamental {name!r}; it has {known}: ingest fundamentals"
        raise PanelError(msg)
    return np.asarray(_map(panel, f"fundamentals/{name}"))


def weighted_indices(panel: Panel) -> tuple[str, ...]:
    """Indices whose constituents' weights are in the panel."""
    return tuple(name for name in panel.indices if (panel.path / f"weights/{name}.npy").exists())


def index_weights(panel: Panel, name: str) -> NDArray[np.float32]:
    """Weights ``(T, N)`` of an index's constituents, as known on the date; 0 outside.

    They sum to less than 1 where constituents are not in the panel.

    Raises:
        PanelError: the panel has no weights of the index.
    """
    if name not in weighted_indices(panel):
        known = ", ".join(weighted_indices(panel)) or "none"
        msg = (
            f"{panel.path} has no weights of index {name!r}; it has weights of {known}: ingest"
            " index_members with weights"
        )
        raise PanelError(msg)
    return np.asarray(_map(panel, f"weights/{name}"))


def index_levels(panel: Panel, name: str) -> NDArray[np.float64]:
    """Closing level ``(T,)`` of an index; NaN on dates without one.

    Raises:
        PanelError: the panel has no level of the index.
    """
    levels = tuple(panel.meta["levels"])
    if name not in levels:
        known = ", ".join(levels) or "none"
        msg = f"{panel.path} has no level of index {name!r}; it has {known}: ingest index_levels"
        raise PanelError(msg)
    return np.asarray(_map(panel, f"levels/{name}"))


def _map(panel: Panel, name: str) -> Any:
    try:
        return np.load(panel.path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        msg = f"{panel.path / name}.npy is missing or damaged ({error}): ingest the panel again"
        raise ArtefactError(msg) from error
