"""A risk model on its way to disk: the rows done so far outlive the process."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.atomic import atomic_file, atomic_folder
from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.artefacts.lock import locked
from alpha_lightning.risk.layout import (
    DESCRIPTION,
    FITTED,
    FORECAST,
    RowFile,
    Sizes,
    dtype_of,
    read_json,
    write_json,
)
from alpha_lightning.risk.model import RiskModel

_PROGRESS = "progress.json"
_BLOCK = 32


class Draft:
    """Arrays of a model, row by row, in a folder beside the one that it will become.

    What `save` has seen is found again by the next process that asks for the same model.

    Args:
        folder: of the draft.
        sizes: of the model.
        identity: whatever the rows depend on beside their own data.
    """

    def __init__(self, folder: Path, sizes: Sizes, identity: Mapping[str, Any]) -> None:
        self.folder, self.sizes, self._identity = folder, sizes, dict(identity)
        self.digests: list[str] = []
        self._files: dict[str, RowFile] = {}
        about = self._about()
        # Another model's work is of no use, nor is what a dying disk has left of this one's.
        with contextlib.suppress(KeyError, TypeError, ValueError, OSError):
            digests = [str(text) for text in about["digests"]]
            if len(digests) == about["fitted"]:
                self._files = self._open(int(about["fitted"]), int(about["forecast"]))
                self.digests = digests
        if not self._files:
            self._files = self._open(0, 0)

    @property
    def fitted(self) -> int:
        """Rows of the first pass that are done."""
        return self._files["fits"].done

    @property
    def forecast(self) -> int:
        """Rows of the second pass that are done."""
        return self._files["specific_variance"].done

    def add(self, rows: Mapping[str, NDArray[Any]], digests: list[str] | None = None) -> None:
        """Add a row, or as many rows, of each array of a pass.

        Args:
            rows: by array.
            digests: of the rows of the first pass.
        """
        for name, values in rows.items():
            self._files[name].append(values)
        self.digests += digests or []

    def read(self, name: str) -> NDArray[Any]:
        """The rows of an array so far, memory-mapped."""
        return self._files[name].read()

    def keep(self, rows: int) -> None:
        """Forget what is after so many rows."""
        for file in self._files.values():
            file.close()
        self.digests = self.digests[:rows]
        self._files = self._open(min(self.fitted, rows), min(self.forecast, rows))
        self.save()

    def copy(self, model: RiskModel, rows: int) -> None:
        """Begin with the first rows of a finished model; its stocks are a part of the draft's."""
        stocks = len(self._identity["symbols"])
        place = np.searchsorted(np.array(self._identity["symbols"]), model.symbols)
        for begin in range(0, rows, _BLOCK):
            block = slice(begin, min(begin + _BLOCK, rows))
            for names in (FITTED, FORECAST):
                self.add({name: _moved(model, name, block, place, stocks) for name in names})
        self.digests = list(model.meta["digests"][:rows])
        self.save()

    def save(self) -> None:
        """Bring what is done to the disk, to be found by the next process."""
        for file in self._files.values():
            file.flush()
        about = {"fitted": self.fitted, "forecast": self.forecast, "digests": self.digests}
        with atomic_file(self.folder / _PROGRESS) as progress:
            write_json(progress, {"identity": self._identity, **about})

    def finish(self, out: Path) -> None:
        """Put the arrays and everything else but the progress where the model shall be."""
        self.close()
        with atomic_folder(out, overwrite=True, marker=DESCRIPTION) as target:
            (self.folder / _PROGRESS).unlink(missing_ok=True)
            for file in sorted(self.folder.iterdir()):
                if not file.name.startswith("."):
                    file.replace(target / file.name)

    def close(self) -> None:
        """Let the files go."""
        for file in self._files.values():
            file.close()

    def _about(self) -> dict[str, Any]:
        file = self.folder / _PROGRESS
        try:
            about = read_json(file, "")
        except ArtefactError:
            return {}
        return about if about.get("identity") == self._identity else {}

    def _open(self, fitted: int, forecast: int) -> dict[str, RowFile]:
        done = dict.fromkeys(FITTED, fitted) | dict.fromkeys(FORECAST, forecast)
        files: dict[str, RowFile] = {}
        try:
            for name, rows in done.items():
                files[name] = RowFile(self.folder / f"{name}.npy", name, self.sizes, rows)
        except BaseException:
            for file in files.values():
                file.close()
            raise
        return files


@contextlib.contextmanager
def drafted(out: Path, sizes: Sizes, identity: Mapping[str, Any]) -> Iterator[Draft]:
    """A draft of the model at ``out``, of one process at a time.

    It stays when the process is killed or interrupted, or the disk is full, and goes with success
    or a mistake of the user.

    Raises:
        UserError: another process works on it, or the disk cannot be written.
    """
    folder = out.with_name(f".{out.name}.partial")
    with locked(folder, "estimates the risk model", "choose another --out", (".*",)):
        draft = Draft(folder, sizes, identity)
        try:
            yield draft
        except OSError as error:
            msg = (
                f"cannot write {folder} ({error.strerror or error}): make room, and run the same"
                " again; what is done is kept there"
            )
            raise ArtefactError(msg) from error
        except UserError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            draft.close()
        shutil.rmtree(folder, ignore_errors=True)


def _moved(
    model: RiskModel, name: str, block: slice, place: NDArray[np.intp], stocks: int
) -> NDArray[Any]:
    rows: NDArray[Any] = np.asarray(model.array(name)[block])
    if name in ("factor_returns", "fits", "covariance"):
        return rows
    blank = -1 if name == "industry" else np.nan
    whole = np.full((len(rows), stocks, *rows.shape[2:]), blank, dtype=dtype_of(name))
    whole[:, place] = rows
    return whole
