"""What of a data set networks read."""

from dataclasses import dataclass

from alpha_lightning.panel.errors import PanelError


@dataclass(frozen=True)
class InputRule:
    """What of a data set networks read, and how it is scaled."""

    cross_section: bool = True
    """Whether windows are z-scored across the stocks of the date (stage 2)."""
    min_coverage: float = 0.5
    """A feature present on fewer of the training samples is switched off, that is 0 on all dates: a
    network must not meet for the first time when it serves what it never saw in training."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_coverage <= 1:
            msg = f"data.inputs.min_coverage is {self.min_coverage}: it must be from 0 to 1"
            raise PanelError(msg)
