"""The W&B run of a whole study: IC by seed, what averages are worth, the report."""

import csv
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

_BY_SEED = (
    *("unit", "dataset", "vintage", "scheme", "seed"),
    *("epoch", "valid/ic", "valid/rank_ic", "score/rank_ic"),
)
_FIGURE = re.compile(r'<figure id="([\w-]+)"[^>]*>(?:(?!</figure>).)*?(<svg.*?</svg>)', re.DOTALL)
_STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


class Watched(NamedTuple):
    """One network, and where it was trained.

    Args:
        unit: its name.
        dataset: what it reads.
        vintage: the year it serves.
        scheme: how the vintage is cut.
        seed: number of the run.
        folder: of its training.
    """

    unit: str
    dataset: str
    vintage: int
    scheme: str
    seed: int
    folder: str


def summarise(
    study: str,
    name: str,
    networks: Sequence[Sequence[Any]],
    scores: dict[str, Any],
    tracking: dict[str, Any],
) -> None:
    """Give W&B one run that tells of the whole study.

    Args:
        study: the study's folder, reported.
        name: of the study.
        networks: fields of `Watched`.
        scores: arguments of `rank_ic_of_runs`.
        tracking: the study's settings of W&B.

    Raises:
        UserError: W&B refuses, or the study's folder lacks something.
    """
    import wandb

    from alpha_lightning.factors.wandb_runs import explain

    folder = Path(study)
    try:
        run = wandb.init(
            project=tracking["project"],
            entity=tracking["entity"],
            group=name,
            name="summary",
            job_type="study",
            tags=tracking["tags"],
            config={"study": name},
            dir=study,
            mode=None if tracking["wandb"] == "online" else "offline",
            reinit="create_new",
        )
    except wandb.errors.Error as error:
        explain(error)
    with run:
        rows = by_seed([Watched(*one) for one in networks], rank_ic_of_runs(**scores))
        _log_tables(run, folder, rows)
        if tracking["artifacts"]:
            _log_report(run, folder / "report", name)


def by_seed(networks: Sequence[Watched], scored: dict[str, float]) -> list[list[Any]]:
    """A row a network: its best epoch, what that scores in validation, its seed's RankIC.

    Args:
        networks: of the study.
        scored: RankIC of the score of each unit and seed, ``gru/s0``: of all its data sets and
            vintages, so the same in each of their rows.
    """
    rows = []
    for one in networks:
        best = best_epoch(Path(one.folder))
        # None is a hole in a table of W&B; what was not logged is not zero.
        logged = [best.get(column) for column in ("epoch", "valid/ic", "valid/rank_ic")]
        rank_ic = scored.get(f"{one.unit}/s{one.seed}")
        rows.append([*one[:5], *logged, rank_ic])
    return rows


def best_epoch(folder: Path) -> dict[str, float]:
    """What was logged in the epoch of the best checkpoint; nothing where no log tells it.

    Args:
        folder: of a training.
    """
    try:
        marked = [row for row in _rows(folder / "ic_by_date.csv") if row["best"] == "1"]
        logged = [row for row in _rows(folder / "metrics.csv") if row.get("valid/rank_ic")]
    except OSError:
        return {}
    number = marked[0]["epoch"] if marked else None
    found = next((row for row in logged if row["epoch"] == number), {})
    return {key: float(value) for key, value in found.items() if value}


def rank_ic_of_runs(
    panel: str, runs: Sequence[str], universe: str, frequency: Any
) -> dict[str, float]:
    """RankIC at the label's horizon of the scores of single runs, by name.

    Args:
        panel: folder of the panel.
        runs: score files called ``gru/s0``.
        universe: as in the study's evaluation.
        frequency: of the signal dates, as in the study's evaluation.

    Returns:
        Fractions; NaN of a score that tells stocks apart on no date.
    """
    import numpy as np

    from alpha_lightning.evaluation.rank_ic import rank_ics
    from alpha_lightning.evaluation.sample import EvaluationRule, draw_sample
    from alpha_lightning.panel.returns import LABEL, Horizon

    sample = draw_sample(panel, runs, EvaluationRule(universe=universe, frequency=frequency))
    values = [score.values for score in sample.scores]
    series = rank_ics(values, sample.masks, sample.close(), sample.rows, [Horizon(*LABEL)])[:, 0]
    means = [one[np.isfinite(one)].mean() if np.isfinite(one).any() else math.nan for one in series]
    return {score.name: float(mean) for score, mean in zip(sample.scores, means, strict=True)}


def figures(page: str) -> dict[str, str]:
    """Figures of a report by name, each a page of its own with the report's colours.

    Args:
        page: HTML of the report.

    Example:
        >>> figures('<style>p</style><figure id="a"><b>A</b><svg>1</svg></figure>')
        {'a': '<style>p</style><svg>1</svg>'}
    """
    style = "".join(_STYLE.findall(page))
    return {name: f"{style}{svg}" for name, svg in _FIGURE.findall(page)}


def _log_tables(run: Any, folder: Path, rows: list[list[Any]]) -> None:
    import wandb

    seeds = wandb.Table(columns=list(_BY_SEED), data=rows)
    tables = folder / "evaluation" / "tables"
    ensemble = [dict(row) for row in _rows(tables / "ensemble.csv")]
    logged = {"ic_by_seed": seeds}
    for file in ("ensemble", "rank_ic_summary"):
        read = [[_number(value) for value in row.values()] for row in _rows(tables / f"{file}.csv")]
        if read:
            columns = list(_rows(tables / f"{file}.csv")[0])
            logged[file] = wandb.Table(columns=columns, data=read, allow_mixed_types=True)
    title = "RankIC of validation by seed"
    logged["ic_by_seed_chart"] = wandb.plot.scatter(seeds, "seed", "valid/rank_ic", title=title)
    run.log(logged)
    for row in ensemble:
        if row["horizon"] == _label():
            place = f"ensemble/{row['score']}/{row['count']} {row['what']}"
            run.summary[f"{place}/predicted_pct"] = _number(row["predicted_pct"])
            run.summary[f"{place}/measured_pct"] = _number(row["measured_pct"])


def _log_report(run: Any, report: Path, name: str) -> None:
    import wandb

    page = (report / "index.html").read_text(encoding="utf-8")
    logged = {"report": wandb.Html(page, inject=False)}
    drawn = {f"figures/{key}": wandb.Html(svg, inject=False) for key, svg in figures(page).items()}
    run.log(logged | drawn)
    artifact = wandb.Artifact(re.sub(r"[^\w.-]", "-", f"{name}-report"), type="report")
    artifact.add_dir(str(report))
    run.log_artifact(artifact)


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def _number(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text


def _label() -> str:
    from alpha_lightning.panel.returns import LABEL, Horizon

    return str(Horizon(*LABEL))
