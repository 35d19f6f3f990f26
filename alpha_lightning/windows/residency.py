"""Where the panel lives while a network trains: on the device, in memory, or on disk."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows.batch_rule import Residency

Place = Literal["device", "host", "mmap"]
# What is left of an accelerator is for the network, its activations and the windows of a step; what
# is left of the memory, for everybody else.
_AUTO_SHARE = {"device": 0.5, "host": 0.5}
_ASKED_SHARE = {"device": 0.9, "host": 0.9}
_CGROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")


class Placement(NamedTuple):
    """Where a panel lives.

    Args:
        place: ``device``, ``host`` or ``mmap``.
        device: the trainer's device.
        nbytes: of the rows that are needed.
        chosen: by whom, the setting or its ``auto``.
    """

    place: Place
    device: torch.device
    nbytes: int
    chosen: str

    @property
    def told(self) -> str:
        """One line."""
        where = {
            "device": f"resident on {self.device}",
            "host": f"in memory, copied ahead to {self.device}",
            "mmap": "read from disk",
        }
        return f"{gigabytes(self.nbytes)} of the panel {where[self.place]} ({self.chosen})"


def choose_residency(
    asked: Residency,
    device: torch.device,
    nbytes: int,
    *,
    held: Mapping[Place, int] | None = None,
    processes: int = 1,
) -> Placement:
    """Choose where a panel lives; nothing but memory and time depends on it.

    Args:
        asked: the setting ``data.batch.residency``.
        device: the trainer's.
        nbytes: of the rows that are needed.
        held: bytes of other rows that would be given back, by place.
        processes: of this machine that each hold rows of their own.

    Raises:
        PanelError: what was asked for does not fit.
    """
    spare = held or {}
    if asked == "mmap":
        return Placement("mmap", device, nbytes, "data.batch.residency mmap")
    if asked == "auto":
        place: Place = "mmap"
        if device.type != "cpu":
            places: tuple[Place, ...] = ("device", "host")
            fitting = (p for p in places if _fits(p, device, nbytes, spare, processes, _AUTO_SHARE))
            place = next(fitting, "mmap")
        return Placement(place, device, nbytes, "data.batch.residency auto")
    if not _fits(asked, device, nbytes, spare, processes, _ASKED_SHARE):
        raise PanelError(_does_not_fit(asked, device, nbytes, spare, processes))
    return Placement(asked, device, nbytes, f"data.batch.residency {asked}")


def free_bytes(place: Place, device: torch.device) -> int | None:
    """Bytes that are free on the device, or in memory; None where nobody can tell."""
    if place == "device" and device.type == "cuda":
        # The caching allocator's spare blocks are ours to use, though the driver counts them.
        spare = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + spare
    if place == "device" and device.type != "cpu":
        return None
    return _free_memory()


def gigabytes(nbytes: int) -> str:
    """Bytes as a reader wants them.

    Example:
        >>> gigabytes(5_310_000_000), gigabytes(216_000_000)
        ('5.31 GB', '0.216 GB')
    """
    return f"{nbytes / 1e9:.3g} GB"


def _fits(
    place: Place,
    device: torch.device,
    nbytes: int,
    held: Mapping[Place, int],
    processes: int,
    share: dict[str, float],
) -> bool:
    free = free_bytes(place, device)
    # On the CPU the device is the memory, which all processes of the machine share.
    copies = processes if place == "host" or device.type == "cpu" else 1
    return free is None or nbytes * copies <= share[place] * (free + held.get(place, 0))


def _does_not_fit(
    asked: Place, device: torch.device, nbytes: int, held: Mapping[Place, int], processes: int
) -> str:
    where = str(device) if asked == "device" and device.type != "cpu" else "memory"
    free = (free_bytes(asked, device) or 0) + held.get(asked, 0)
    on_host = asked == "device" and device.type != "cpu"
    on_host = on_host and _fits("host", device, nbytes, held, processes, _ASKED_SHARE)
    each = f" in each of {processes} processes" if processes > 1 else ""
    return (
        f"data.batch.residency {asked} needs {gigabytes(nbytes)}{each}, of {gigabytes(free)} free"
        f" in {where} at most {_ASKED_SHARE[asked]:.0%} may be taken: choose"
        f" {'host' if on_host else 'mmap'}, which fits"
    )


def _free_memory() -> int | None:
    known = [n for n in (_available(), _left_in_group()) if n is not None]
    return min(known) if known else None


def _available() -> int | None:
    try:
        lines = _MEMORY.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvail"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (OSError, ValueError):
        return None


def _left_in_group() -> int | None:
    # A container's limit; pages of files count as used there but are given back when needed.
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
        files = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
    except (OSError, ValueError):
        return None  # no such file, or no limit: "max"
    return max(limit - used + files, 0)
