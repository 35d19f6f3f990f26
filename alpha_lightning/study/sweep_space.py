"""The space of a sweep: distributions as W&B names them, sampled by Optuna."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.options import parse_yaml

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_TAIL = 1e-3  # of a normal distribution, left out: rarely a setting anybody means
_RANGED = ("min", "max")
_NEEDS = {
    "constant": ("value",),
    "categorical": ("values",),
    "int_uniform": _RANGED,
    "uniform": _RANGED,
    "q_uniform": _RANGED,
    "log_uniform_values": _RANGED,
    "q_log_uniform_values": _RANGED,
    "inv_log_uniform_values": _RANGED,
    "log_uniform": _RANGED,
    "q_log_uniform": _RANGED,
    "normal": (),
    "q_normal": (),
    "log_normal": (),
    "q_log_normal": (),
}
_MAY_HAVE = {"distribution", "q", "mu", "sigma"}


def spelt(value: Any) -> str:
    """A value as an option of `fit` takes it.

    Example:
        >>> [spelt(value) for value in (1e-05, None, True, "stack", [1, 2])]
        ['1e-05', 'null', 'true', 'stack', '[1, 2]']
    """
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True)
class Parameter:
    """One option of `fit` that a sweep varies.

    Args:
        name: dotted name of the option.
        choices: spelt values, if it is chosen from a list; one of them is a constant.
        low: least value, or quantile of a normal distribution.
        high: greatest.
        log: whether its logarithm is uniform.
        whole: whether it is an integer.
        step: distance of values from each other, None for any.
        normal: mean and standard deviation, if it is normal.
        exponential: whether the option is e to the power of what is drawn.
    """

    name: str
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    step: float | None = None
    normal: tuple[float, float] | None = None
    exponential: bool = False

    @property
    def constant(self) -> bool:
        """Whether it is the same in all trials."""
        return len(self.choices) == 1

    @property
    def distribution(self) -> "BaseDistribution":
        """What Optuna draws."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole and not self.log and not self.normal:
            return IntDistribution(int(self.low), int(self.high), step=int(self.step or 1))
        step = None if self.log or self.normal else self.step
        return FloatDistribution(self.low, self.high, log=self.log, step=step)

    def spell(self, drawn: Any) -> str:
        """The value of the option, of what Optuna drew."""
        if self.choices:
            return str(drawn)
        value = NormalDist(*self.normal).inv_cdf(drawn) if self.normal else drawn
        value = math.exp(value) if self.exponential else value
        if self.step is not None:
            value = _tidy(round(value / self.step) * self.step)
        return spelt(int(value) if self.whole else float(value))

    def drawn(self, value: Any) -> Any:
        """What Optuna would have drawn for a value of the option; None if it never would.

        Args:
            value: as the parser of `fit` understood it; of a class its path.
        """
        if self.choices:
            same = (text for text in self.choices if parse_yaml(text, self.name) == value)
            return next(same, None)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return None
        if self.exponential and value <= 0:
            return None
        number = math.log(value) if self.exponential else value
        if self.normal:
            number = NormalDist(*self.normal).cdf(number)
        if not self.low <= number <= self.high:
            return None
        there_again = float(self.spell(number))
        if not math.isclose(there_again, value, rel_tol=1e-9, abs_tol=1e-12):
            return None
        return int(number) if self.whole and not self.log and not self.normal else number

    def examples(self) -> list[str]:
        """Values that `fit` must take: all choices, or the ends."""
        return [*self.choices] or [self.spell(self.low), self.spell(self.high)]

    def cells(self) -> list[Any]:
        """All that may be drawn, for a grid.

        Raises:
            UserError: there are infinitely many.
        """
        if self.choices:
            return list(self.choices)
        if self.log or self.normal or self.step is None:
            msg = f"parameters.{self.name}: a grid needs values, whole numbers, or q_uniform"
            raise UserError(msg)
        number = round((self.high - self.low) / self.step)
        cells = [self.low + place * self.step for place in range(number + 1)]
        return [int(cell) if self.whole else _tidy(cell) for cell in cells]


def read_space(rules: Mapping[str, Mapping[str, Any]], where: str) -> list[Parameter]:
    """The parameters of a sweep.

    Args:
        rules: what W&B says of each, by name.
        where: they come from, for messages.

    Raises:
        UserError: a distribution is unknown, or its numbers make no sense.
    """
    return [_parameter(name, rule, f"{where}: parameters.{name}") for name, rule in rules.items()]


def grid(space: list[Parameter]) -> Iterator[dict[str, Any]]:
    """Every combination, the last parameter fastest."""
    varied = [parameter for parameter in space if not parameter.constant]
    for cells in product(*(parameter.cells() for parameter in varied)):
        yield {parameter.name: cell for parameter, cell in zip(varied, cells, strict=True)}


def _parameter(name: str, rule: Mapping[str, Any], where: str) -> Parameter:
    kind = rule.get("distribution") or _kind(rule, where)
    if kind not in _NEEDS:
        msg = f"{where}: distribution {kind!r} is not supported; there are {', '.join(_NEEDS)}"
        raise UserError(msg)
    lacking = [key for key in _NEEDS[kind] if key not in rule]
    strange = sorted(set(rule) - set(_NEEDS[kind]) - _MAY_HAVE)
    if lacking or strange:
        wrong = f"lacks {lacking[0]}" if lacking else f"does not know {strange[0]}"
        msg = f"{where}: distribution {kind} {wrong}"
        raise UserError(msg)
    if kind in ("constant", "categorical"):
        values = [rule["value"]] if kind == "constant" else rule["values"]
        return Parameter(name, _choices(values, where))
    return _number(name, kind, {key: _real(rule, key, where) for key in _numbers(rule)}, where)


def _tidy(value: float) -> float:
    # Six steps of 0.1 are 0.6, not 0.6000000000000001.
    return float(f"{value:.12g}")


def _kind(rule: Mapping[str, Any], where: str) -> str:
    # W&B's own rule for parameters that do not name a distribution.
    if "value" in rule:
        return "constant"
    if "values" in rule:
        return "categorical"
    if not {"min", "max"} <= set(rule):
        msg = f"{where} needs value, values, min and max, or a distribution"
        raise UserError(msg)
    return "int_uniform" if all(isinstance(rule[key], int) for key in _RANGED) else "uniform"


def _choices(values: Any, where: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not values:
        msg = f"{where}.values is {values!r}: it should be a list"
        raise UserError(msg)
    choices = tuple(spelt(value) for value in values)
    if len(set(choices)) < len(choices):
        msg = f"{where}.values names a value twice: {', '.join(choices)}"
        raise UserError(msg)
    return choices


def _numbers(rule: Mapping[str, Any]) -> list[str]:
    return [key for key in (*_RANGED, "q", "mu", "sigma") if key in rule]


def _real(rule: Mapping[str, Any], key: str, where: str) -> Any:
    value = rule[key]
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        msg = f"{where}.{key} is {value!r}: it should be a number"
        raise UserError(msg)
    return value


def _number(name: str, kind: str, given: Mapping[str, Any], where: str) -> Parameter:
    step = given.get("q", 1) if kind.startswith("q_") else None
    if step is not None and step <= 0:
        msg = f"{where}.q is {step}: it must be above 0"
        raise UserError(msg)
    if kind.endswith("normal"):
        return _normal(name, kind, given, step, where)
    low, high = given["min"], given["max"]
    positive = kind.endswith("log_uniform_values")
    if not low < high or (positive and low <= 0):
        above = " and both above 0" if positive else ""
        msg = f"{where}: min is {low} and max {high}: min must be below max{above}"
        raise UserError(msg)
    whole = all(isinstance(number, int) for number in given.values())
    if kind == "int_uniform":
        if not whole:
            msg = f"{where}: int_uniform needs whole numbers, not {low} and {high}"
            raise UserError(msg)
        return Parameter(name, low=low, high=high, whole=True, step=1)
    if kind == "q_uniform":
        # W&B rounds to multiples of q, wherever min lies.
        low = _tidy(math.ceil(low / step - 1e-9) * step)
        high = _tidy(math.floor(high / step + 1e-9) * step)
        return Parameter(name, low=low, high=high, whole=whole, step=step)
    if kind.endswith("log_uniform"):
        # Its min and max are exponents of e.
        low, high = math.exp(low), math.exp(high)
    # The inverse of a log-uniform number is log-uniform between the same ends.
    whole = isinstance(step, int)
    return Parameter(name, low=low, high=high, log="log" in kind, whole=whole, step=step)


def _normal(name: str, kind: str, given: Mapping[str, Any], step: Any, where: str) -> Parameter:
    mean, deviation = given.get("mu", 0.0), given.get("sigma", 1.0)
    if deviation <= 0:
        msg = f"{where}.sigma is {deviation}: it must be above 0"
        raise UserError(msg)
    return Parameter(
        name,
        low=_TAIL,
        high=1 - _TAIL,
        step=step,
        whole=isinstance(step, int),
        normal=(mean, deviation),
        exponential="log" in kind,
    )
