"""Factor matrices to one score: what the command ``weigh`` does."""

from pathlib import Path
from typing import Literal, cast

from alpha_lightning.panel.returns import LABEL, Horizon
from alpha_lightning.panel.store import Panel
from alpha_lightning.panel.vintages import VintageRule, cut_vintage
from alpha_lightning.weighting.factor_store import (
    FactorFile,
    describe_files,
    find_factor_files,
    load_vintage,
    open_factor_files,
    refuse_in_sample,
)
from alpha_lightning.weighting.importance import write_importance
from alpha_lightning.weighting.lightgbm_model import LightGBMSettings
from alpha_lightning.weighting.refit_calendar import first_learnt
from alpha_lightning.weighting.score_file import write_score
from alpha_lightning.weighting.walk_forward import Month, WalkForward

DEFAULT_SETTINGS = LightGBMSettings()
DEFAULT_LABEL = Horizon(*LABEL)


def weigh(
    panel: str,
    factors: list[str],
    out: str,
    *,
    settings: LightGBMSettings = DEFAULT_SETTINGS,
    universe: str = "all",
    label: Horizon = DEFAULT_LABEL,
    seed: int | None = None,
    name: str = "",
) -> Path:
    """Weigh factors into a score: a model refitted monthly, each vintage scoring its own year.

    Factors change order and sign from one vintage to the next, so no fit mixes vintages. What
    LightGBM and the linear model make of each factor is written beside the score, in
    `importance_file`.

    Args:
        panel: folder of the panel that the factors were made from.
        factors: factor matrices, or folders searched for ``factors.parquet``; of one run, with the
            same units and data sets in every vintage.
        out: score file to write (Parquet).
        settings: model, trees and windows.
        universe: ``all``, or an index; who is learnt from and scored.
        label: forward return that is learnt.
        seed: of LightGBM; the run's own when not given.
        name: of the score; the units joined by ``+`` when empty.

    Returns:
        The written file.

    Raises:
        UserError: the factors do not fit together or the panel, are in-sample where they must not
            be, or no month can be served.

    Reference:
        Orient Securities, factor-selection series no. 83 (2022), weighting of factors.
    """
    source = Panel.open(panel)
    by_vintage = open_factor_files(find_factor_files(factors), source.fingerprint)
    units = next(iter(by_vintage.values()))
    run = units[0].seed if seed is None else seed
    walk = WalkForward.over(source, universe, label, settings, run)
    months = [month for files in by_vintage.values() for month in _serve(walk, source, files)]
    made_of = describe_files(by_vintage)
    about = {
        **made_of,
        "name": name or "+".join(made_of["units"]),
        "panel_fingerprint": source.fingerprint,
        "universe": universe,
        **walk.describe(months),
    }
    scores = walk.scores(months)
    write_importance(out, [month.importance for month in months if month.importance])
    return write_score(out, source.dates, source.symbols, scores, about)


def _serve(walk: WalkForward, panel: Panel, files: tuple[FactorFile, ...]) -> list[Month]:
    rule = VintageRule(cast("Literal['oos_lagged', 'in_sample']", files[0].scheme))
    vintage = cut_vintage(panel.dates, files[0].vintage, rule)
    design = walk.in_universe(load_vintage(files, panel, vintage.output))
    plan = walk.plan(vintage, design)
    learnt, served = panel.dates[first_learnt(plan)], panel.dates[vintage.serve[0]]
    refuse_in_sample(files, learnt, served, allow=walk.settings.allow_in_sample)
    return walk.serve(design, plan, explain=True)
