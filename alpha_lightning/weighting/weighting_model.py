"""What a weighting model is: fitted on labelled rows, it scores others and says what it used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.weighting.design_matrix import DesignMatrix

Array = NDArray[Any]


@dataclass(frozen=True)
class LabelledRows:
    """Rows to learn from: ``features`` ``(rows, C)`` float32, ``label`` ``(rows,)`` without NaN."""

    features: Array
    label: Array


@dataclass(frozen=True)
class Importance:
    """What a fit makes of each column.

    Args:
        gain: ``(C,)`` share of what the fit gained by the column, sums to 1.
        shap: ``(C,)`` mean absolute SHAP value over some rows, in units of the label.
    """

    gain: NDArray[np.float64]
    shap: NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Args:
        predict: ``(rows, C)`` features to ``(rows,)`` predictions.
        record: what provenance says of the fit, in JSON types.
        unusable: why its predictions say nothing; empty when they do.
        explain: ``(rows, C)`` features to their importance; None where weights are not learnt.
    """

    predict: Callable[[Array], Array]
    record: Mapping[str, Any] = field(default_factory=dict)
    unusable: str = ""
    explain: Callable[[Array], Importance] | None = None


class WeightingModel(Protocol):
    """How factors are weighted into a score."""

    @property
    def learns(self) -> bool:
        """Whether it needs labelled rows; one that does not serves every month."""
        ...

    def prepare(self, design: DesignMatrix) -> DesignMatrix:
        """The rows as `fit` and ``predict`` want them; a date's rows depend on that date alone.

        Args:
            design: rows of the universe, whole dates.
        """
        ...

    def fit(self, train: LabelledRows, valid: LabelledRows, threads: int) -> Fit:
        """Fit on ``train``; choose on ``valid`` how closely.

        Args:
            train: prepared rows; empty for a model that does not learn.
            valid: prepared rows of later dates.
            threads: to use; the result does not depend on them.

        Raises:
            UserError: the settings are refused.
        """
        ...
