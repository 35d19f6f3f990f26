"""Which GPU of this machine a fit gets: as many fits on each as its share allows."""

import os
import re
import shutil
import subprocess

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.tasks import Task

VISIBLE = "CUDA_VISIBLE_DEVICES"
_NAME = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")


def wants_gpu(task: Task) -> bool:
    """Whether a task trains, or applies, a network on an accelerator when there is one."""
    trainer = (task.arguments.get("config") or {}).get("trainer") or {}
    return task.name.startswith("fit/") and trainer.get("accelerator") != "cpu"


def gpu_slots(share: float | None) -> list[str]:
    """A GPU's name for each fit that may run at once; empty where fits are not told apart by GPU.

    Args:
        share: of a GPU that a fit takes; None: 1 where there are GPUs; 0: fits get none of their
            own, and each takes the first it sees.

    Raises:
        UserError: a share is asked for where there is no GPU.

    Example:
        >>> import os
        >>> os.environ["CUDA_VISIBLE_DEVICES"] = "0,3"
        >>> gpu_slots(0.5)
        ['0', '3', '0', '3']
        >>> del os.environ["CUDA_VISIBLE_DEVICES"]
    """
    if share == 0:
        return []
    gpus = visible_gpus()
    if share and not gpus:
        raise UserError(without_gpu(share, "this machine has no GPU that CUDA may use"))
    return gpus * fits_on_one(share or 1.0)


def fits_on_one(share: float) -> int:
    """How many fits share one GPU."""
    return int(1 / share + 1e-9)


def without_gpu(share: float, where: str) -> str:
    """What to tell whoever asks for a share of no GPU."""
    return f"--gpus_per_fit is {share:g}, but {where}: leave it out, or give 0"


def visible_gpus() -> list[str]:
    """The GPUs that CUDA may use, by what `CUDA_VISIBLE_DEVICES` calls them."""
    given = os.environ.get(VISIBLE)
    if given is not None:
        names = [name.strip() for name in given.split(",")]
        # As CUDA: what follows a name that is none does not count.
        unknown = (k for k, name in enumerate(names) if not _NAME.fullmatch(name))
        return names[: next(unknown, len(names))]
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    # Asked of the driver, since to ask torch would take seconds and a context on each of them.
    command = [tool, "--query-gpu=uuid", "--format=csv,noheader"]
    told = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, timeout=60
    )
    lines = told.stdout.split() if told.returncode == 0 else []
    return [line for line in lines if _NAME.fullmatch(line)]
