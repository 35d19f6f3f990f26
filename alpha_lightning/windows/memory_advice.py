"""Which residency or batch would fit where memory ran out."""

from alpha_lightning.windows.datamodule import CrossSectionDataModule
from alpha_lightning.windows.residency import gigabytes


def memory_advice(data: CrossSectionDataModule) -> str:
    """What to change after a training ran out of memory, the cheapest first.

    Args:
        data: of the training.
    """
    put, rule, advice = data.placement, data.batch, []
    if put is not None and put.place == "device" and put.device.type != "cpu":
        advice.append(
            f"--data.batch.residency host takes the panel's {gigabytes(put.nbytes)} off the device"
        )
    elif put is not None and put.place != "mmap":
        advice.append(
            f"--data.batch.residency mmap leaves the panel's {gigabytes(put.nbytes)} on disk"
        )
    if rule.dates > 1:
        accumulated = data.trainer.accumulate_grad_batches if data.trainer else 1
        batches = accumulated * rule.dates
        advice.append(
            f"--data.batch.dates 1 --trainer.accumulate_grad_batches {batches} makes the same steps"
            " of one date at a time"
        )
    if rule.workers > 0:
        advice.append("--data.batch.workers 0 reads no batches ahead")
    stocks = int(data.source.sample.scored.sum(axis=1).max(initial=0))
    size = gigabytes(4 * stocks * data.window * data.n_features)
    advice.append(
        f"a date of {stocks} stocks is {size} before the network multiplies it: a smaller network,"
        " --trainer.precision bf16-mixed or a universe of fewer stocks"
    )
    return "; or ".join(advice)
