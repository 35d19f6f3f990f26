"""Target weights that were decided before, played back."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alpha_lightning.portfolio.policy import Hold, Observation, Target


@dataclass(frozen=True)
class FixedWeights:
    """A `Policy` that answers from a list, whatever is held and whatever the scores are.

    Args:
        decisions: by signal date, datetime64[D]; on any other date nothing is traded.
    """

    decisions: Mapping[np.datetime64, Target | Hold]

    def decide(self, seen: Observation) -> Target | Hold:
        """What the list says of the date."""
        day = seen.date.astype("datetime64[D]")
        return self.decisions.get(day, Hold("no target weights for the date"))
