"""One LightGBM fit: settings, training with early stopping, reproducible prediction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError

Array = NDArray[Any]
_OF_TREES = (
    "learning_rate",
    "num_leaves",
    "feature_fraction",
    "bagging_fraction",
    "bagging_freq",
    "min_data_in_leaf",
    "lambda_l2",
)


@dataclass(frozen=True)
class LightGBMSettings:
    """How scores are fitted on factors: the trees and the window they learn from.

    Args:
        learning_rate: shrinkage of each tree.
        num_leaves: leaves of a tree at most.
        feature_fraction: share of the columns drawn for each tree.
        bagging_fraction: share of the rows drawn every ``bagging_freq`` trees.
        bagging_freq: trees between two draws of rows.
        min_data_in_leaf: rows in a leaf at least. Fewer than twice as many rows cannot be
            split: such a fit is constant, and its month is skipped and named in the score.
        lambda_l2: ridge penalty on leaf values.
        rounds: trees at most.
        early_stop: stop after this many trees without a lower validation error.
        valid_share: share of the window's dates, the last ones, kept for early stopping.
        window: trading dates that a fit may learn from, validation included.
        min_dates: dates to train and validate on, after the purge, that a fit needs; with fewer its
            month is skipped and named in the score.
        allow_in_sample: also learn from factor values of dates on which their network was trained.
            Optimistic: only for comparison.
        threads: threads of a fit, 0 for all cores. The scores do not depend on it.
        extra: further LightGBM parameters under their main names, as they are.

    Raises:
        UserError: a value outside its range, or an ``extra`` that repeats a setting.
    """

    learning_rate: float = 0.05
    num_leaves: int = 31
    feature_fraction: float = 0.9
    bagging_fraction: float = 0.8
    bagging_freq: int = 5
    min_data_in_leaf: int = 200
    lambda_l2: float = 1.0
    rounds: int = 300
    early_stop: int = 30
    valid_share: float = 0.2
    window: int = 243
    min_dates: int = 40
    allow_in_sample: bool = False
    threads: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("rounds", "early_stop", "window", "min_dates"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}: it must be at least 1"
                raise UserError(msg)
        if not 0 < self.valid_share < 1:
            msg = f"valid_share is {self.valid_share}: it must lie between 0 and 1"
            raise UserError(msg)
        repeated = sorted(set(self.extra) & set(self.parameters(seed=0, fixed_only=True)))
        if repeated:
            msg = f"extra may not set {', '.join(repeated)}: use the setting of that name, if any"
            raise UserError(msg)

    def parameters(self, seed: int, *, fixed_only: bool = False) -> dict[str, Any]:
        """LightGBM's own parameters.

        Args:
            seed: of bagging, column sampling and bin sampling.
            fixed_only: leave ``extra`` out.
        """
        fixed: dict[str, Any] = {name: getattr(self, name) for name in _OF_TREES}
        fixed |= {"objective": "regression", "metric": "None", "verbosity": -1, "seed": seed}
        # Column-wise histograms are summed by one thread each, hence the same on any machine.
        fixed |= {"deterministic": True, "force_col_wise": True, "num_threads": self.threads}
        return fixed if fixed_only else fixed | self.extra


@dataclass(frozen=True)
class LabelledRows:
    """Rows to learn from: ``features`` ``(rows, C)`` float32, ``label`` ``(rows,)`` without NaN."""

    features: Array
    label: Array


@dataclass(frozen=True)
class FittedTrees:
    """A fitted model.

    Args:
        predict: ``(rows, C)`` features to ``(rows,)`` predictions.
        best_iteration: trees in use, those before early stopping.
        constant: no tree in use has a split, so every prediction is the same.
    """

    predict: Callable[[Array], Array]
    best_iteration: int
    constant: bool


def fit_lightgbm(
    train: LabelledRows, valid: LabelledRows, settings: LightGBMSettings, seed: int
) -> FittedTrees:
    """Fit trees on ``train``; keep as many as give the lowest mean squared error on ``valid``.

    The result depends on the rows, the settings and the seed, not on the number of threads.
    NaN features go to the side of a split that fits them best.

    Raises:
        UserError: LightGBM refuses a parameter.
    """
    import lightgbm as lgb

    def squared_error(prediction: Array, _: Any) -> tuple[str, float, bool]:
        # LightGBM's own sum over threads differs in the last bit, which can move an early stop.
        return "squared_error", float(np.mean((prediction - valid.label) ** 2)), False

    parameters = settings.parameters(seed)
    try:
        data = lgb.Dataset(train.features, train.label, params=parameters)
        booster = lgb.train(
            parameters,
            data,
            settings.rounds,
            valid_sets=[data.create_valid(valid.features, valid.label)],
            feval=squared_error,
            callbacks=[lgb.early_stopping(settings.early_stop, verbose=False)],
        )
    except lgb.basic.LightGBMError as error:
        msg = f"LightGBM refused its settings: {error}"
        raise UserError(msg) from error
    best = int(booster.best_iteration)
    splits = booster.feature_importance("split", iteration=best).sum()
    return FittedTrees(booster.predict, best, constant=bool(splits == 0))
