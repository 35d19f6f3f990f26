"""The command `evaluate`: scores and a panel become a folder of tables."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.artefacts.provenance import software_versions
from alpha_lightning.evaluation import tables
from alpha_lightning.evaluation.attainable import (
    Oracle,
    oracle_by_date_table,
    read_oracle,
    remarks_on,
    share_table,
)
from alpha_lightning.evaluation.dataset_value import dataset_value_table
from alpha_lightning.evaluation.execution import Prices, execution_prices
from alpha_lightning.evaluation.groups import GroupReturns, group_labels, run_groups
from alpha_lightning.evaluation.paper_figures import (
    MEASURES,
    measure_tables,
    names_of_level,
    paper_twins,
)
from alpha_lightning.evaluation.rank_ic import RankIC, rank_ic, summarise_rank_ic
from alpha_lightning.evaluation.sample import EvaluationRule, Sample, draw_sample, row_since
from alpha_lightning.evaluation.signal_dates import Frequency, typical_step
from alpha_lightning.weighting.subsets import in_order

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
        runs: score files of single runs of the scores, ``gru/s0``: what averaging them is worth.
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
    rank_ics = measure_rank_ics(whole, seed)
    prices = execution_prices(sample.panel, int(sample.rows[0]), sample.held_until)
    groups = measure_groups(sample, prices)
    rows = _since_rows(sample, groups, since or [])
    truth = read_oracle(oracle, whole) if oracle else None
    written = _figures(whole, len(scores), rank_ics, groups, rows)
    written |= _tables(sample, rank_ics, groups, rows)
    written |= _further_tables(whole, rank_ics, truth, len(scores))
    written |= paper_twins(written) if paper else {}
    about = _about(sample, prices, groups, seed)
    about |= dict(zip(("scores", "also"), _origins(whole, paths, len(scores)), strict=True))
    about["warnings"] += [*_proxies(whole), *_on_oracle(written)]
    about["oracle"] = {"file": truth.file, "fingerprint": truth.fingerprint} if truth else None
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
    step = typical_step(sample.rows)
    results: RankICs = {score.name: [] for score in sample.scores}
    for horizon, known, returns in sample.returns():
        for score, mask in zip(sample.scores, sample.masks, strict=True):
            series = rank_ic(score.values, returns, mask)
            summary = summarise_rank_ic(series, known, horizon, step, seed)
            results[score.name].append(summary)
    return results


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
        # "Since 2017" of scores that begin in 2017 is the whole run.
        if row > begin:
            rows[text] = row
    return rows


def _tables(
    sample: Sample, rank_ics: RankICs, groups: Groups, since: dict[str, int]
) -> dict[str, tables.Table]:
    results = {score.name: rank_ics[score.name] for score in sample.scores}
    return {
        "groups": tables.groups_table(groups, since),
        "rank_ic_summary": tables.rank_ic_summary_table(results),
        "rank_ic_by_date": tables.rank_ic_by_date_table(results, sample),
        "rank_ic_by_year": tables.rank_ic_by_year_table(results, sample),
        "group_nav": tables.group_nav_table(groups, sample),
        "top_group": tables.top_group_table(groups, sample),
        "score_correlation": tables.score_correlation_table(sample),
        "coverage": tables.coverage_table(sample),
    }


def _figures(
    whole: Sample, shown: int, rank_ics: RankICs, groups: Groups, since: dict[str, int]
) -> dict[str, tables.Table]:
    names = {
        level: names_of_level(level, whole.scores[:shown], whole.scores) for level, _ in MEASURES
    }
    return measure_tables(names, rank_ics, groups, since)


def _further_tables(
    whole: Sample, rank_ics: RankICs, oracle: Oracle | None, shown: int
) -> dict[str, tables.Table]:
    found = {"dataset_value": dataset_value_table(rank_ics, whole.scores)}
    also = {score.name: rank_ics[score.name] for score in whole.scores[shown:]}
    if also:
        found["rank_ic_summary_also"] = tables.rank_ic_summary_table(also)
        found["rank_ic_by_date_also"] = tables.rank_ic_by_date_table(also, whole)
    if oracle is not None:
        found["share_of_attainable"] = share_table(whole, oracle)
        found["oracle_by_date"] = oracle_by_date_table(whole, oracle)
    return {name: table for name, table in found.items() if len(table)}


def _about(sample: Sample, prices: Prices, groups: Groups, seed: int) -> dict[str, Any]:
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
        "execution": prices.execution,
        "missing_vwap": round(prices.missing_vwap, 6),
        "bootstrap_seed": seed,
        "warnings": [*prices.warnings, *_thin_sample(sample), *_held_on(groups)],
        "software": software_versions(),
    }


def _held_on(groups: Groups) -> list[str]:
    missed = {name: result.missed for name, result in groups.items() if result.missed}
    if not missed:
        return []
    weeks = ", ".join(f"{name} {count}" for name, count in missed.items())
    return [f"Weeks without enough scores, in which the groups kept their old books: {weeks}."]


def _thin_sample(sample: Sample) -> list[str]:
    sentences = []
    share = min(int(mask.sum()) for mask in sample.masks) / max(int(sample.members.sum()), 1)
    if share < 0.8:
        sentences.append(f"Only {share:.0%} of the universe is compared: the rest lacks a score.")
    if sample.weekly.sum() < 26:
        weeks = int(sample.weekly.sum())
        sentences.append(f"Only {weeks} weekly signal dates: too few to trust a standard error.")
    return sentences


def _proxies(sample: Sample) -> list[str]:
    named = {name for score in sample.scores for name in score.metadata.get("proxies", ())}
    return [
        f"{name} is a proxy made from minute bars, not Level-2 data." for name in in_order(named)
    ]


def _on_oracle(written: dict[str, tables.Table]) -> list[str]:
    share = written.get("share_of_attainable")
    return [] if share is None else remarks_on(share)


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
