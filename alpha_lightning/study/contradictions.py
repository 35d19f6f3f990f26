"""Settings of a study that cannot all be meant."""

import re
from typing import TYPE_CHECKING, Any

from alpha_lightning.backtest.benchmark import UNIVERSE
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.weighting.lightgbm_names import unknown_parameters
from alpha_lightning.weighting.variants import integrated_name

if TYPE_CHECKING:
    from alpha_lightning.backtest.enhanced_settings import EnhancedGrid
    from alpha_lightning.backtest.grid_settings import GridSettings
    from alpha_lightning.study.settings import StudySettings

# Letters of any alphabet, but nothing that leads a path elsewhere; empty is the one of all units.
_FILE_NAME = re.compile(r"([^\W_][\w .+-]*)?")
_BASELINES = ("reversal", "summary")
_SECTIONS = ("trainer", "model", "data", "checkpoint", "log")
# What a study says itself, and where: said twice, one of the two would be lost without a word.
_OWN = {
    "data.panel": "source",
    "data.dataset": "datasets",
    "data.vintage": "vintages",
    "data.seed": "seeds",
    "data.rule.scheme": "schemes",
    "data.sample.universe": "universe",
    "trainer.logger": "out and tracking",
    "trainer.devices": "--jobs",
}


def refuse_contradictions(study: "StudySettings") -> None:
    """Check settings against one another.

    Raises:
        PanelError: a list is empty or repeats itself, no source or several, settings that exclude
            each other, or names that collide.
    """
    _check_lists(study)
    _check_source(study)
    if study.threads < 1:
        msg = f"study {study.name}: threads is {study.threads}: it must be at least 1"
        raise PanelError(msg)
    _check_intraday(study)
    _check_groups(study)
    _check_names(study)
    _check_seeds(study)
    _check_trees(study)
    if list(study.schemes) == ["in_sample", "oos_lagged"]:
        msg = (
            f"study {study.name}: schemes is {study.schemes}: name oos_lagged first, what stacking"
            " in sample adds to it is the gap that is reported"
        )
        raise PanelError(msg)
    _check_fit(study.name, study.fit)
    _check_portfolios(study)
    _check_enhanced(study)
    if study.tracking.mode and not study.tracking.project:
        msg = f"study {study.name}: tracking.project is empty: W&B keeps runs in a project"
        raise PanelError(msg)


def _check_lists(study: "StudySettings") -> None:
    needed = ("units", "vintages", "datasets", "seeds", "schemes")
    lists = {what: getattr(study, what) for what in (*needed, "integration")}
    lists["evaluation.baselines"] = study.evaluation.baselines
    lists["evaluation.weightings"] = study.evaluation.weightings
    for what, values in lists.items():
        if (what in needed and not values) or len(set(values)) < len(values):
            msg = f"study {study.name}: {what} is {values}: name at least one, and each once"
            raise PanelError(msg)


def _check_source(study: "StudySettings") -> None:
    from alpha_lightning.study.settings import SOURCES

    given = [kind for kind in SOURCES if getattr(study.source, kind)]
    if len(given) != 1:
        msg = (
            f"study {study.name}: source names {given or 'nothing'}: give exactly one of panel,"
            " market, daily, qlib (for your own bars: --source.daily FILE)"
        )
        raise PanelError(msg)


def _check_groups(study: "StudySettings") -> None:
    for group, members in study.groups.items():
        if not _FILE_NAME.fullmatch(group):
            msg = (
                f"study {study.name}: files cannot be named after group {group!r}: begin with a"
                " letter or digit, and use letters, digits, spaces and ._+- only"
            )
            raise PanelError(msg)
        strange = sorted(set(members) - set(study.unit_names))
        if strange:
            msg = (
                f"study {study.name}: group {group} names {', '.join(strange)}, which is no unit of"
                f" the study: it has {', '.join(study.unit_names)}; name other groups, or none with"
                " --groups {}"
            )
            raise PanelError(msg)
        if len(set(members)) < max(len(members), 2):
            msg = f"study {study.name}: group {group} is {members}: name two units, and each once"
            raise PanelError(msg)


def _check_names(study: "StudySettings") -> None:
    files: dict[str, str] = {}
    for name, path in zip(study.unit_names, study.units, strict=True):
        if name in files:
            msg = f"study {study.name}: two units would be called {name}: give {path} another name"
            raise PanelError(msg)
        files[name] = path
    made = [
        integrated_name(group, how) for group in ("", *study.groups) for how in ("v0", "v1", "opt")
    ]
    for name in (*made, *_BASELINES):
        if name in files:
            msg = (
                f"study {study.name}: a score of the study is called {name}: give {files[name]}"
                " another file name"
            )
            raise PanelError(msg)


def _check_seeds(study: "StudySettings") -> None:
    for seed in study.seeds:
        # What LightGBM takes for a seed.
        if not 0 <= seed < 2**31:
            msg = f"study {study.name}: seed {seed} is out of range: give 0 to {2**31 - 1}"
            raise PanelError(msg)


def _check_trees(study: "StudySettings") -> None:
    # Before the networks are trained, not after.
    if study.weighting.threads < 0:
        msg = f"study {study.name}: weighting.threads is {study.weighting.threads}: 0 is all cores"
        raise PanelError(msg)
    if strange := unknown_parameters(study.weighting.extra):
        msg = (
            f"study {study.name}: weighting.extra has {', '.join(strange)}, of which LightGBM would"
            " take no notice: use the main names of its parameters"
        )
        raise PanelError(msg)


def _check_intraday(study: "StudySettings") -> None:
    source = study.source
    given = [k for k in ("minute", "trades", "exchange") if getattr(source, k)]
    if source.panel and given:
        msg = (
            f"study {study.name}: source.{given[0]} has no use beside a ready panel: add data sets"
            " to it with `alpha-lightning characterise` first"
        )
        raise PanelError(msg)
    if source.market:
        if source.minute or source.trades:
            msg = (
                f"study {study.name}: source.{given[0]} has no use beside source.market, which"
                " writes minute bars and trades of its own"
            )
            raise PanelError(msg)
        return
    for name in study.characterised:
        lacking = [] if source.exchange else ["source.exchange (a YAML of its hours)"]
        if not source.minute and (name == "mschars" or not source.trades):
            lacking.append("source.minute (minute bars)")
        if lacking:
            msg = f"study {study.name}: {name} cannot be made: give {' and '.join(lacking)}"
            raise PanelError(msg)


def _check_portfolios(study: "StudySettings") -> None:
    if not study.portfolios.names:
        return
    _check_traded(study, "portfolios", study.portfolios)
    benchmark, source = study.portfolios.benchmark, study.source
    table = "index_members" if benchmark.total_return else "index_levels"
    made = source.daily or source.qlib
    if benchmark.index != UNIVERSE and made and not getattr(source.tables, table, None):
        msg = (
            f"study {study.name}: portfolios.benchmark.index is {benchmark.index}, for which the"
            f" panel needs source.tables.{table}: name that table, or the benchmark universe"
        )
        raise PanelError(msg)
    if benchmark.index == UNIVERSE and benchmark.total_return:
        msg = (
            f"study {study.name}: portfolios.benchmark.total_return is for an index: the universe's"
            " prices hold dividends already"
        )
        raise PanelError(msg)


def _check_enhanced(study: "StudySettings") -> None:
    asked = study.enhanced
    if not asked.indices:
        return
    _check_traded(study, "enhanced", asked)
    source = study.source
    if (source.daily or source.qlib) and not getattr(source.tables, "index_members", None):
        # A Qlib folder has members, but nobody's weights.
        msg = (
            f"study {study.name}: enhanced.indices names {', '.join(asked.indices)}, whose weights"
            " the panel needs: name source.tables.index_members, a table with weights, or no index"
            " (--enhanced.indices {})"
        )
        raise PanelError(msg)


def _check_traded(
    study: "StudySettings", section: str, asked: "GridSettings | EnhancedGrid"
) -> None:
    strange = sorted(set(asked.scores) - set(study.score_names))
    if strange:
        msg = (
            f"study {study.name}: {section}.scores names {', '.join(strange)}, which is no score"
            f" of the study: it has {', '.join(study.score_names)}"
        )
        raise PanelError(msg)
    if asked.execution.price == "twap" and "mschars" not in study.datasets:
        msg = (
            f"study {study.name}: {section}.execution.price is twap, which the data set mschars"
            " holds: add it to datasets, or trade at the vwap"
        )
        raise PanelError(msg)


def _check_fit(study: str, fit: dict[str, Any]) -> None:
    strange = sorted(set(fit) - set(_SECTIONS))
    if strange:
        known = ", ".join(_SECTIONS)
        msg = f"study {study}: fit has no {', '.join(strange)}: it may hold {known}"
        raise PanelError(msg)
    for path in (*_SECTIONS, "data.sample"):
        value = _at(fit, path, {})
        if not isinstance(value, dict):
            msg = f"study {study}: fit.{path} is {value!r}: it should be a mapping"
            raise PanelError(msg)
    for path, instead in _OWN.items():
        if _at(fit, path, None) is not None:
            msg = f"study {study}: fit.{path} is the study's own to say: use {instead} instead"
            raise PanelError(msg)


def _at(tree: Any, path: str, absent: Any) -> Any:
    for key in path.split("."):
        if not isinstance(tree, dict) or key not in tree:
            return absent
        tree = tree[key]
    return tree
