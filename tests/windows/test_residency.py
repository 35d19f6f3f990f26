import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from alpha_lightning.panel.errors import PanelError
from alpha_lightning.windows import residency
from alpha_lightning.windows.residency import choose_residency, free_bytes

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
GB = 10**9


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int | None]:
    """What is free by place, to be changed by the test."""
    table: dict[str, int | None] = {"device": 80 * GB, "host": 128 * GB}

    def told(place: str, device: torch.device) -> int | None:
        return table["host" if device.type == "cpu" else place]

    monkeypatch.setattr(residency, "free_bytes", told)
    return table


@pytest.mark.parametrize(
    ("device", "size", "place"),
    [
        (CPU, 1, "mmap"),
        (GPU, 5, "device"),
        (GPU, 40, "device"),
        (GPU, 41, "host"),
        (GPU, 64, "host"),
        (GPU, 65, "mmap"),
    ],
)
def test_auto_goes_by_size_and_leaves_half_to_the_training(
    free: dict[str, Any], device: torch.device, size: int, place: str
) -> None:
    assert choose_residency("auto", device, size * GB).place == place


def test_processes_of_a_machine_share_its_memory_but_not_their_devices(
    free: dict[str, Any],
) -> None:
    assert choose_residency("auto", GPU, 40 * GB, processes=8).place == "device"
    assert choose_residency("auto", GPU, 41 * GB, processes=1).place == "host"
    assert choose_residency("auto", GPU, 41 * GB, processes=2).place == "mmap"
    with pytest.raises(PanelError, match="needs 60 GB in each of 2 processes, of 128 GB free"):
        choose_residency("device", CPU, 60 * GB, processes=2)


def test_what_would_be_given_back_counts_as_free(free: dict[str, Any]) -> None:
    free["device"] = 40 * GB
    assert choose_residency("auto", GPU, 39 * GB).place == "host"
    assert choose_residency("auto", GPU, 39 * GB, held={"host": 39 * GB}).place == "host"
    assert choose_residency("auto", GPU, 39 * GB, held={"device": 39 * GB}).place == "device"
    with pytest.raises(PanelError, match="116 GB, of 129 GB free in memory"):
        choose_residency("host", GPU, 117 * GB - GB // 2, held={"host": GB})


@pytest.mark.parametrize("asked", ["device", "host", "mmap"])
def test_what_was_asked_for_is_done(free: dict[str, Any], asked: Any) -> None:
    for device in (CPU, GPU):
        put = choose_residency(asked, device, 70 * GB)
        assert (put.place, put.device, put.nbytes) == (asked, device, 70 * GB)
        assert put.chosen == f"data.batch.residency {asked}"


@pytest.mark.parametrize(
    ("asked", "device", "size", "message"),
    [
        ("device", GPU, 73, "device needs 73 GB, of 80 GB free in cuda:0 at most 90%.* host,"),
        ("device", GPU, 116, "device needs 116 GB, of 80 GB free in cuda:0 .* choose mmap,"),
        ("host", GPU, 116, "host needs 116 GB, of 128 GB free in memory .* choose mmap,"),
        ("device", CPU, 116, "device needs 116 GB, of 128 GB free in memory .* choose mmap,"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    free: dict[str, Any], asked: Any, device: torch.device, size: int, message: str
) -> None:
    with pytest.raises(PanelError, match=message):
        choose_residency(asked, device, size * GB)


def test_where_nobody_can_tell_it_is_tried(free: dict[str, Any]) -> None:
    free["device"] = None
    assert choose_residency("device", GPU, 10_000 * GB).place == "device"


def test_it_is_told_in_a_line(free: dict[str, Any]) -> None:
    told = [choose_residency("auto", d, n * GB).told for d, n in ((GPU, 5), (GPU, 50), (CPU, 5))]
    assert told == [
        "5 GB of the panel resident on cuda:0 (data.batch.residency auto)",
        "50 GB of the panel in memory, copied ahead to cuda:0 (data.batch.residency auto)",
        "5 GB of the panel read from disk (data.batch.residency auto)",
    ]


def test_spare_blocks_of_the_device_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = SimpleNamespace(
        mem_get_info=lambda _: (10 * GB, 80 * GB),
        memory_reserved=lambda _: 7 * GB,
        memory_allocated=lambda _: 5 * GB,
    )
    monkeypatch.setattr(torch, "cuda", cuda)
    assert free_bytes("device", GPU) == 12 * GB
    assert free_bytes("device", torch.device("mps")) is None


def test_memory_is_what_the_system_and_the_container_leave(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(residency, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(residency, "_CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:  4000 kB\n")
    assert free_bytes("host", GPU) == free_bytes("device", CPU) == 4000 * 1024
    (tmp_path / "memory.current").write_text("1000000\n")
    (tmp_path / "memory.stat").write_text("active_file 7\ninactive_file 300000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes("host", CPU) == 4000 * 1024
    (tmp_path / "memory.max").write_text("2000000\n")
    assert free_bytes("host", CPU) == 2000000 - 1000000 + 300000
    (tmp_path / "memory.max").write_text("100\n")
    assert free_bytes("host", CPU) == 0, "a limit lowered below what is used"


def test_without_linux_the_pages_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(residency, "_MEMORY", tmp_path / "none")
    monkeypatch.setattr(residency, "_CGROUP", tmp_path)
    pages = {"SC_PAGE_SIZE": 4096, "SC_AVPHYS_PAGES": 50}
    monkeypatch.setattr(os, "sysconf", lambda name: pages[name])
    assert free_bytes("host", CPU) == 4096 * 50

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", unknown)
    assert free_bytes("host", CPU) is None
