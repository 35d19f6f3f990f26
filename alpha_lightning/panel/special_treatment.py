"""Which stocks are under special treatment (ST)."""

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.store import Panel


def special_treatment(panel: Panel) -> NDArray[np.bool_] | None:
    """Whether the stock is under special treatment on the date, ``(T, N)``.

    Returns:
        A view of the file; None where the vendor's tables did not say.

    Raises:
        ArtefactError: the file is missing or damaged.
    """
    if "st" not in panel.meta["flags"]:
        return None
    file = panel.path / "flags" / "st.npy"
    try:
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        msg = f"{file} is missing or damaged ({error}): ingest the panel again"
        raise ArtefactError(msg) from error
