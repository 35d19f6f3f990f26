"""One LightGBM fit: settings, training with early stopping, reproducible prediction."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.weighting.design_matrix import DesignMatrix, bin_rows
from alpha_lightning.weighting.weighting_model import Fit, Importance, LabelledRows

Array = NDArray[Any]
Model = Literal["lightgbm", "linear", "equal"]
Device = Literal["cpu", "gpu", "cuda"]
_BUILDS = {"gpu": "OpenCL (USE_GPU)", "cuda": "CUDA (USE_CUDA)"}
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
    """How scores are fitted on factors: the model and the window it learns from.

    Args:
        model: ``lightgbm``; ``linear``, a ridge regression on factors z-scored by date, its penalty
            chosen on the validation dates; or ``equal``, the mean of those z-scores, without a fit.
            The settings of trees concern ``lightgbm`` only.
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
        refit_every: months that a fit serves before the next one; a new vintage always starts with
            a fit of its own.
        window: trading dates that a fit may learn from, validation included.
        min_dates: dates to train and validate on, after the purge, that a fit needs; with fewer its
            month is skipped and named in the score.
        allow_in_sample: also learn from factor values of dates on which their network was trained.
            Optimistic: only for comparison.
        threads: threads of all fits together, 0 for all cores. The scores do not depend on it.
        device: where trees are grown: ``cpu``; ``gpu`` (OpenCL) or ``cuda`` with a LightGBM built
            for it, one fit after another and not bit-reproducible.
        extra: further LightGBM parameters under their main names, as they are.

    Raises:
        UserError: a value outside its range, or an ``extra`` that repeats a setting.
    """

    model: Model = "lightgbm"
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
    refit_every: int = 1
    window: int = 243
    min_dates: int = 40
    allow_in_sample: bool = False
    threads: int = 0
    device: Device = "cpu"
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, choices in (("model", get_args(Model)), ("device", get_args(Device))):
            if getattr(self, name) not in choices:
                msg = f"{name} is {getattr(self, name)}: choose one of {', '.join(choices)}"
                raise UserError(msg)
        for name in ("rounds", "early_stop", "refit_every", "window", "min_dates"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}: it must be at least 1"
                raise UserError(msg)
        if not 0 < self.valid_share < 1:
            msg = f"valid_share is {self.valid_share}: it must lie between 0 and 1"
            raise UserError(msg)
        fixed = {*self.parameters(seed=0, fixed_only=True), "device"}
        repeated = sorted(fixed.intersection(self.extra))
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
        fixed |= {"device_type": self.device, "num_threads": self.threads}
        if self.device == "cpu":
            # Column-wise histograms are summed by one thread each, hence the same on any machine.
            fixed |= {"deterministic": True, "force_col_wise": True}
        return fixed if fixed_only else fixed | self.extra


@dataclass(frozen=True)
class Trees:
    """LightGBM as a weighting model.

    Args:
        settings: trees.
        seed: of bagging, column sampling and bin sampling.
    """

    settings: LightGBMSettings
    seed: int

    learns = True

    def prepare(self, design: DesignMatrix) -> DesignMatrix:
        """The rows as they are: trees look at the order of values, and keep missing ones apart."""
        return design

    def fit(self, train: LabelledRows, valid: LabelledRows, threads: int) -> Fit:
        """`fit_lightgbm` on some threads."""
        return fit_lightgbm(train, valid, self.settings, self.seed, threads)


def fit_lightgbm(
    train: LabelledRows, valid: LabelledRows, settings: LightGBMSettings, seed: int, threads: int
) -> Fit:
    """Fit trees on ``train``; keep as many as give the lowest mean squared error on ``valid``.

    On a CPU the result depends on the rows, the settings and the seed, not on the threads. NaN
    features go to the side of a split that fits them best. LightGBM holds a byte for each value of
    ``train`` and ``valid``, and in the beginning twelve for each value of `bin_rows` rows.

    Returns:
        The fit, its ``best_iteration`` in the record; unusable when no tree in use has a split, so
        that every prediction is the same.

    Raises:
        UserError: LightGBM refuses a parameter, or cannot run on the device.
    """
    import lightgbm as lgb

    def squared_error(prediction: Array, _: Any) -> tuple[str, float, bool]:
        # LightGBM's own sum over threads differs in the last bit, which can move an early stop.
        return "squared_error", float(np.mean((prediction - valid.label) ** 2)), False

    drawn = {"bin_construct_sample_cnt": bin_rows(train.features.shape[1])}
    parameters = drawn | settings.parameters(seed) | {"num_threads": threads}
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
        raise UserError(_why_refused(str(error), settings.device)) from error
    return _read_off(booster, settings, len(train.label), threads)


def _read_off(booster: Any, settings: LightGBMSettings, rows: int, threads: int) -> Fit:
    best = int(booster.best_iteration)
    gain = booster.feature_importance("gain", iteration=best)

    def explain(features: Array) -> Importance:
        shares = booster.predict(features, pred_contrib=True, num_threads=threads)[:, :-1]
        return Importance(gain / gain.sum(), np.abs(shares).mean(axis=0))

    least = f"min_data_in_leaf {settings.min_data_in_leaf}"
    splits = booster.feature_importance("split", iteration=best).sum()
    return Fit(
        lambda features: booster.predict(features, num_threads=threads),
        {"best_iteration": best},
        "" if splits else f"no tree could split {rows} rows at {least}: lower it",
        explain,
    )


def _why_refused(error: str, device: str) -> str:
    if device in _BUILDS and any(word in error for word in ("Device", "device", "not enabled")):
        return (
            f"LightGBM cannot run on device {device} ({error.splitlines()[0]}): set device to cpu,"
            f" or install a LightGBM built with {_BUILDS[device]} where such a device is"
        )
    return f"LightGBM refused its settings: {error}"
