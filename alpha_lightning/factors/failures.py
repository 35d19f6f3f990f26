"""What a machine refuses a training, told as what the user can do about it."""

import contextlib
import errno
from collections.abc import Callable, Iterator

import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException

from alpha_lightning.artefacts.errors import ArtefactError, UserError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NOT_VALIDATED = "Early stopping conditioned on metric"
_NO_DEVICE = ("can not run on your system", "No supported gpu backend", "your machine only has")


@contextlib.contextmanager
def in_a_line(memory_advice: Callable[[], str] = str) -> Iterator[None]:
    """Turn what a machine lacks, and settings that Lightning refuses, into a `UserError`.

    Args:
        memory_advice: tells which residency or batch would fit, asked when memory runs out.

    Raises:
        UserError: no such device, no memory or no disk left, settings contradict each other, or
            early stopping has nothing to look at.
    """
    try:
        yield
    except MisconfigurationException as error:
        told = " ".join(str(error).split())
        raise UserError(told + _device_remedy(told)) from error
    except (torch.OutOfMemoryError, MemoryError) as error:
        first = str(error).partition(". ")[0] or "out of memory"
        advice = memory_advice() or "train with fewer stocks, a smaller network or fewer workers"
        msg = f"out of memory ({' '.join(first.split())}): {advice}"
        raise UserError(msg) from error
    except RuntimeError as error:
        if _NOT_VALIDATED not in str(error):
            raise
        msg = (
            f"{str(error).partition(' Pass in')[0]} The training has ended before its first"
            " validation, or no metric has that name: give it more steps or time, or a smaller"
            " trainer.val_check_interval"
        )
        raise UserError(msg) from error
    except OSError as error:
        if error.errno not in _FULL:
            raise
        what = error.filename or "the run's files"
        msg = f"cannot write {what} ({error.strerror}): free some space or write elsewhere"
        raise ArtefactError(msg) from error


def _device_remedy(told: str) -> str:
    if not any(part in told for part in _NO_DEVICE):
        return ""
    return (
        f" Here are {torch.cuda.device_count()} CUDA devices: set trainer.accelerator and"
        " trainer.devices to what there is, or to auto"
    )
