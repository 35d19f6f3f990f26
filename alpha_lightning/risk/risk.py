"""The command `risk`: a panel becomes a factor risk model."""

import sys
from pathlib import Path

from alpha_lightning.panel.store import Panel
from alpha_lightning.risk.build import build_risk_model
from alpha_lightning.risk.settings import RiskSettings

DEFAULT_RISK = RiskSettings()


def risk(
    panel: str, out: str, *, settings: RiskSettings = DEFAULT_RISK, overwrite: bool = False
) -> Path:
    """Estimate a factor risk model: exposures, factor returns, their covariance, specific risk.

    Run again when the panel has grown, it adds the new days to the model and leaves the others as
    they are; the result is that of a whole run, to the bit. Days that the panel tells otherwise
    than before, and all after them, are estimated again. Killed, it goes on where it was.

    Args:
        panel: folder of the panel.
        out: folder of the model, written or added to.
        settings: how it is estimated.
        overwrite: replace a model of other settings, or a damaged one.

    Returns:
        The folder.

    Raises:
        UserError: the panel is too short, a setting is out of range, or the folder holds something
            else.
    """

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    return build_risk_model(Panel.open(panel), out, settings, overwrite=overwrite, say=say)
