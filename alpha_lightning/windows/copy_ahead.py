"""Cross-sections cut and copied to the accelerator while the one before is trained on."""

from collections.abc import Callable, Iterable, Iterator

import torch

from alpha_lightning.characteristics.ahead import one_ahead
from alpha_lightning.windows.batch import CrossSection


def copied_ahead(
    cut: Callable[[int], CrossSection], indices: Iterable[int], device: torch.device
) -> Iterator[CrossSection]:
    """Cross-sections in order, made by a thread that is one ahead.

    With CUDA they go through pinned memory on a stream of their own, so that neither cutting nor
    copying makes the device wait.

    Args:
        cut: a cross-section by its number, in memory.
        indices: the numbers.
        device: where to.
    """
    if device.type != "cuda":
        yield from one_ahead(cut, indices)
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def carry(index: int) -> tuple[CrossSection, torch.cuda.Event]:
        pinned = [tensor.pin_memory() for tensor in cut(index)]
        with torch.cuda.stream(stream):
            moved = [tensor.to(device, non_blocking=True) for tensor in pinned]
        return CrossSection(*moved), stream.record_event()

    for batch, copied in one_ahead(carry, indices):
        here = torch.cuda.current_stream(device)
        here.wait_event(copied)
        for tensor in batch:
            # Or the allocator would hand its memory to the next copy while it is still read here.
            tensor.record_stream(here)
        yield batch
