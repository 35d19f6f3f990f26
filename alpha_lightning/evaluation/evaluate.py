"""The command `evaluate`: scores and a panel become a folder of tables."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import software_versions
from alpha_lightning.evaluation.attainable import read_oracle
from alpha_lightning.evaluation.execution import Prices, execution_prices
from alpha_lightning.evaluation.groups import (
    GroupReturns,
    group_labels,
    groups_check,
    run_groups,
)
from alpha_lightning.evaluation.importance_tables import read_importances
from alpha_lightning.evaluation.paper_figures import paper_twins
from alpha_lightning.evaluation.rank_ic import RankIC, rank_ics, summarise_rank_ic
from alpha_lightning.evaluation.remarks import remarks
from alpha_lightning.evaluation.run_scores import read_runs, run_metadata
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample
from alpha_lightning.evaluation.table_set import Measured, all_tables
from alpha_lightning.panel.periods import row_since
from alpha_lightning.panel.signal_dates import Frequency, typical_step

RankICs = dict[str, list[RankIC]]
Groups = dict[str, GroupReturns]


def evaluate(
    panel: str,
    scores: list[str],
    out: str,
    *,
    universe: str = "all",
    frequency: Frequency = "weekly",
    since: list[str] | None = None,
    start: str | None = None,
    end: str | None = None,
    same_stocks: bool = True,
    seed: int = 0,
    overwrite: bool = False,
    also: list[str] | None = None,
    oracle: str | None = None,
    runs: list[str] | None = None,
    importance: list[str] | None = None,
    paper: bool = False,
) -> Path:
    """Measure scores: RankIC at six horizons, 20 groups, correlations, coverage.

    Scores of one call are compared on the same dates and stocks. Nothing after ``end`` is used.
    A score called ``gru on rawbar`` beside one called ``gru`` says what the other data sets of
    ``gru`` are worth.

    Args:
        panel: folder of the panel.
        scores: score files.
        out: folder to write: tables/*.csv and evaluation.json.
        universe: an index whose members are in the panel, or all.
        frequency: signal dates of RankIC; groups trade weekly always.
        since: further first dates of the table of groups, for example 2020-01-01.
        start: first signal date; by default the first on which every score has a value.
        end: last date of which anything is used; by default the panel's last.
        same_stocks: judge every score on the stocks that all of them have.
        seed: of the bootstrap.
        overwrite: replace the folder if it is there.
        also: further score files, of parts of the scores: their RankIC is measured, nothing else.
        oracle: ``oracle.parquet`` of the simulated market that the panel was made of: RankIC is
            also given as a share of what can be attained.
        runs: score files of single runs of the scores, ``gru/s0``: what averaging them is worth;
            of the further ones only what their fits promised is read.
        importance: score files of single runs beside which lies what their fits rest on.
        paper: write the paper's numbers of the same scores beside ours.

    Returns:
        The folder.

    Raises:
        UserError: the scores, the panel and the period do not fit together.
    """
    rule = EvaluationRule(universe, frequency, start, end, same_stocks)
    paths = [*scores, *(also or [])]
    whole = draw_sample(panel, paths, rule)
    sample = whole.of_scores(slice(len(scores)))
    prices = execution_prices(sample.panel, int(sample.rows[0]), sample.held_until)
    groups = measure_groups(sample, prices)
    measured = Measured(
        whole=whole,
        shown=len(scores),
        rank_ics=measure_rank_ics(whole, seed),
        groups=groups,
        since=_since_rows(sample, groups, since or []),
        runs=read_runs(runs or [], sample, whole.scores),
        run_metadata=run_metadata(runs or []),
        importance=read_importances(importance or [], sample.panel.dates[sample.last]),
        oracle=read_oracle(oracle, whole) if oracle else None,
    )
    written = all_tables(measured)
    written |= paper_twins(written) if paper else {}
    about = _about(measured, prices, seed)
    about |= dict(zip(("scores", "also"), _origins(whole, paths, len(scores)), strict=True))
    about["warnings"] = remarks(measured, prices, written)
    with atomic_folder(out, overwrite=overwrite, marker="evaluation.json") as folder:
        (folder / "tables").mkdir()
        for name, table in written.items():
            file = folder / "tables" / f"{name}.csv"
            table.to_csv(file, index=False, float_format="%.8g", lineterminator="\n")
        text = json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    return Path(out)


def measure_rank_ics(sample: Sample, seed: int = 0) -> RankICs:
    """RankIC of every score at the six evaluation horizons, by score name.

    Raises:
        UserError: no signal date has a known return at some horizon.
    """
    known = sample.known()
    values = [score.values for score in sample.scores]
    series = rank_ics(values, sample.masks, sample.close(), sample.rows, list(known))
    step = typical_step(sample.rows)
    return {
        score.name: [
            summarise_rank_ic(one, dates, horizon, step, seed)
            for (horizon, dates), one in zip(known.items(), by_horizon, strict=True)
        ]
        for score, by_horizon in zip(sample.scores, series, strict=True)
    }


def measure_groups(sample: Sample, prices: Prices) -> Groups:
    """Twenty weekly groups of every score, by score name.

    Raises:
        UserError: no weekly signal can be traded.
    """
    weekly, signals = sample.weekly, sample.rows[sample.weekly]
    priced = np.isfinite(prices.mark[signals])
    results = {}
    for score, mask in zip(sample.scores, sample.masks, strict=True):
        labels = group_labels(score.values[weekly], mask[weekly] & priced)
        groups = run_groups(labels, signals, prices, sample.held_until)
        if not len(groups.rows):
            msg = (
                f"score {score.name}: no week from {sample.dates[0]} to {sample.dates[-1]} has 20"
                " stocks and a next trading day: widen the period or the universe"
            )
            raise UserError(msg)
        results[score.name] = groups
    return results


def _since_rows(sample: Sample, groups: Groups, since: list[str]) -> dict[str, int]:
    dates = sample.panel.dates
    begin = max(int(result.rows[0]) for result in groups.values())
    rows = {str(dates[begin]): begin}
    for text in since:
        row = row_since(dates[: sample.held_until + 1], text, "since")
        # "Since 2017" of scores that begin in 2017 is the whole run; 2020 and 2020-01-01 are one.
        if row > begin and row not in rows.values():
            rows[text] = row
    return rows


def _about(measured: Measured, prices: Prices, seed: int) -> dict[str, Any]:
    sample, groups, truth = measured.sample, measured.groups, measured.oracle
    dates = sample.panel.dates
    return {
        "kind": "evaluation",
        "rule": asdict(sample.rule),
        "panel": str(sample.panel.path),
        "panel_fingerprint": sample.panel.fingerprint,
        "first_signal": str(sample.dates[0]),
        "last_signal": str(sample.dates[-1]),
        "signals": len(sample.rows),
        "signal_step": typical_step(sample.rows),
        "last_date_used": str(dates[sample.last]),
        "groups_held_until": str(dates[sample.held_until]),
        "weeks_not_traded": {name: result.missed for name, result in groups.items()},
        "groups_check": {name: groups_check(result) for name, result in groups.items()},
        "execution": prices.execution,
        "missing_vwap": round(prices.missing_vwap, 6),
        "bootstrap_seed": seed,
        "runs": [] if measured.runs is None else [score.name for score in measured.runs.scores],
        "oracle": {"file": truth.file, "fingerprint": truth.fingerprint} if truth else None,
        "software": software_versions(),
    }


def _origins(sample: Sample, paths: list[str], shown: int) -> tuple[list[dict[str, Any]], ...]:
    origins = [
        {
            "name": score.name,
            "file": str(path),
            "fingerprint": score.fingerprint,
            "baseline": score.baseline,
            "metadata": score.metadata,
        }
        for score, path in zip(sample.scores, paths, strict=True)
    ]
    return origins[:shown], origins[shown:]
