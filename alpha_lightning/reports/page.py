"""The page of a study: what its templates are given."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from alpha_lightning.reports import (
    ensemble,
    figures,
    group_figures,
    paper_figures,
    part_tables,
    tables,
    weighting_tables,
)
from alpha_lightning.reports.cards import card_facts, layer_rows, other_diagrams, paper_diagrams
from alpha_lightning.reports.contents import contents
from alpha_lightning.reports.diagrams import draw_flow
from alpha_lightning.reports.enhanced_section import enhanced_section
from alpha_lightning.reports.framework import framework, parts_of
from alpha_lightning.reports.portfolio_section import portfolio_section
from alpha_lightning.reports.risk_section import risk_section
from alpha_lightning.reports.study_folder import StudyFolder
from alpha_lightning.reports.styles import ScoreStyle, of_names, score_styles

LABEL_HORIZON = "10g"
"""Horizon of figures that show a single one: the return the networks were trained on."""
_LABEL_WORDS = "at the training horizon, 10 days after a one-day gap"
_PART = 6
Context = dict[str, Any]


def render(study: StudyFolder) -> str:
    """The page as HTML; the same study gives the same text.

    Args:
        study: evaluated.
    """
    environment = Environment(
        loader=PackageLoader("alpha_lightning.reports", "page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("page.html").render(context(study))


def context(study: StudyFolder) -> Context:
    """Everything that the templates show, by the names they know it by."""
    styles = score_styles(study.scores, study.baselines, study.integrations)
    found = _answer(study) | _paper(study, styles) | _parts(study) | _averaging(study)
    found |= _steadiness(study, styles) | _trust(study)
    found["figures"] = _figures(study, styles)
    found["portfolios"] = portfolio_section(study.portfolios)
    found["enhanced"], found["risk"] = enhanced_section(study.enhanced), risk_section(study.risk)
    found["contents"] = list(contents(found))
    return found


def sample_sentence(study: StudyFolder) -> str:
    """Dates, stocks and universe of the evaluation."""
    about, coverage = study.about, study.tables["coverage"]
    rule = about["rule"]
    members = "all listed and trading stocks" if rule["universe"] == "all" else rule["universe"]
    stocks = coverage["compared_stocks"].mean()
    return (
        f"{about['signals']} {rule['frequency']} cross-sections, {about['first_signal']} to"
        f" {about['last_signal']}, {stocks:.0f} stocks on average, universe: {members}"
    )


def _answer(study: StudyFolder) -> Context:
    summary, groups = study.tables["rank_ic_summary"], study.groups
    horizons = tuple(dict.fromkeys(summary["horizon"]))
    kinds = dict.fromkeys(study.scores, "")
    kinds |= dict.fromkeys(study.integrations, "integration")
    kinds |= dict.fromkeys(study.baselines, "baseline")
    return {
        "study": study,
        "sample": sample_sentence(study),
        "facts": _facts(study),
        "horizons": horizons,
        "gapped": [horizon for horizon in horizons if horizon.endswith("g")],
        "answer": paper_figures.answer_rows(summary, groups, study.scores, horizons),
        "kinds": kinds,
        "first_since": groups["since"].iloc[0],
        "group_count": sum(name.startswith("g") for name in groups.columns),
        "label_horizon": LABEL_HORIZON,
        "label_words": _LABEL_WORDS,
    }


def _facts(study: StudyFolder) -> list[tuple[str, str]]:
    parts = parts_of(study.about["scores"])
    named = [f"{name} (proxy)" if name in parts.proxies else name for name in parts.datasets]
    metadata = [s["metadata"] for s in study.about["scores"] if not s["baseline"]]
    schemes = dict.fromkeys(str(about["scheme"]) for about in metadata if about.get("scheme"))
    weightings = dict.fromkeys(str(about.get("weighting") or "lightgbm") for about in metadata)
    words = {"oos_lagged": "out of sample, a vintage behind", "in_sample": "in sample"}
    facts = [
        ("data", ", ".join(named)),
        ("market", "simulated" if study.simulated else ""),
        ("units", ", ".join(parts.units)),
        ("runs", f"{len(parts.seeds)} of each" if parts.seeds else ""),
        ("vintages", _span(parts.vintages)),
        ("stacking", ", ".join(words.get(scheme, scheme) for scheme in schemes)),
        ("weighting", ", ".join(weightings) if metadata else ""),
    ]
    return [(name, text) for name, text in facts if text]


def _span(years: Sequence[Any]) -> str:
    if not years:
        return ""
    whole = list(range(int(years[0]), int(years[-1]) + 1)) == [int(year) for year in years]
    if whole and len(years) > 2:
        return f"{years[0]} to {years[-1]}"
    return ", ".join(str(year) for year in years)


def _paper(study: StudyFolder, styles: Sequence[ScoreStyle]) -> Context:
    paper = paper_figures.paper_figures(study.tables, styles)
    parts = parts_of(study.about["scores"])
    known = [unit for unit in parts.units if unit in study.cards]
    cards = {unit: study.cards[unit] for unit in dict.fromkeys([*known, *study.cards])}
    widths = {
        name: card["features"]
        for c in cards.values()
        for card in c["datasets"]
        for name in [card["name"]]
    }
    number, window = (_alike(cards, name) for name in ("n_factors", "window"))
    diagrams = paper_diagrams(cards)
    drawn = [int(figure.name.removeprefix("fig-")) for figure in diagrams if figure.svg]
    claims = study.tables.get("claims")
    return {
        "paper": paper,
        "framework": draw_flow("fig-1", framework(parts, widths, number, window)),
        "diagrams": diagrams,
        "others": other_diagrams(cards),
        "cards": [(unit, card_facts(c), *layer_rows(c)) for unit, c in cards.items()],
        "found": {1, *drawn, *paper},
        "claims": [] if claims is None else weighting_tables.claim_rows(claims),
        "unmeasured": [] if claims is None else weighting_tables.unmeasured_claims(claims),
        "verdicts": weighting_tables.VERDICTS,
    }


def _alike(cards: Mapping[str, Mapping[str, Any]], name: str) -> int | None:
    known = {int(card[name]) for card in cards.values()}
    return known.pop() if len(known) == 1 else None


def _parts(study: StudyFolder) -> Context:
    frames = study.tables
    horizons = tuple(dict.fromkeys(frames["rank_ic_summary"]["horizon"]))
    importance, factors = frames.get("importance"), frames.get("importance_factors")
    weightings, gap = frames.get("weighting_value"), frames.get("stacking_gap")
    return {
        "values": _values(frames.get("dataset_value")),
        "shares": _shares(frames.get("share_of_attainable"), horizons),
        "weightings": []
        if weightings is None
        else weighting_tables.weighting_blocks(weightings, LABEL_HORIZON),
        "gap": [] if gap is None else weighting_tables.gap_rows(gap, LABEL_HORIZON),
        "importances": []
        if importance is None
        else weighting_tables.importances(importance, factors, study.scores[::-1]),
    }


def _values(value: Any) -> list[tuple[str, list[tuple[str, Any]]]]:
    if value is None:
        return []
    scores = part_tables.value_scores(value)
    return [
        (score, _titled(part_tables.value_blocks(value, score, LABEL_HORIZON))) for score in scores
    ]


def _shares(share: Any, horizons: Sequence[str]) -> Context | None:
    if share is None:
        return None
    return {
        "oracle": part_tables.oracle_rank_ics(share, horizons),
        "blocks": _titled(part_tables.share_blocks(share, LABEL_HORIZON, horizons)),
    }


def _titled(blocks: Sequence[part_tables.Block]) -> list[tuple[str, Any]]:
    return [(block.title, block.rows) for block in blocks]


def _averaging(study: StudyFolder) -> Context:
    table, weights = study.tables.get("ensemble"), study.tables.get("optimal_weights")
    told = []
    if table is not None:
        titles = {"models": "Mean of models", "runs": "Mean of all runs"}
        rows = [(t, ensemble.ensemble_rows(table, w, LABEL_HORIZON)) for w, t in titles.items()]
        told = [(title, part) for title, part in rows if part]
    return {
        "ensemble": told,
        "optimal": [] if weights is None else ensemble.optimal_rows(weights),
    }


def _steadiness(study: StudyFolder, styles: Sequence[ScoreStyle]) -> Context:
    years, top_rows = tables.top_group_rows(study.tables["top_group"], study.scores)
    groups = study.groups
    by_period = []
    for since in dict.fromkeys(groups["since"]):
        part = groups[groups["since"] == since]
        by_period.append((since, *paper_figures.group_rows(part, styles)))
    check = study.about.get("groups_check") or {}
    return {
        "years": years,
        "top_rows": top_rows,
        "groups": by_period,
        "groups_table": "groups" if "groups" in study.tables else "fig08_groups",
        "check": [(name, tables.number(100 * float(value), 2)) for name, value in check.items()],
        "heat": tables.heat_rows(study.tables["score_correlation"], study.scores),
    }


def _trust(study: StudyFolder) -> Context:
    return {
        "coverage": tables.plain_rows(study.tables["coverage"]),
        "errors": tables.plain_rows(study.tables["rank_ic_summary"], digits=2),
        "timings": tables.timing_rows(study.timings) if study.timings is not None else None,
        "composition": _composition(study),
    }


def _figures(study: StudyFolder, styles: Sequence[ScoreStyle]) -> dict[str, str]:
    frames, parts = study.tables, _panels(study, styles)
    by_date, by_year = frames["rank_ic_by_date"], frames["rank_ic_by_year"]
    drawn = {
        "cumulative-rank-ic": figures.cumulative_rank_ic(by_date, parts, LABEL_HORIZON),
        "rank-ic-by-year": figures.rank_ic_by_year(by_year, styles, LABEL_HORIZON),
        "group-values": group_figures.group_values(frames["group_nav"], parts),
        "decay": "",
        "autocorrelation": "",
        "ensemble-runs": "",
    }
    if (decay := frames.get("decay")) is not None:
        drawn["decay"] = figures.decay_lines(decay, styles)
    if (again := frames.get("autocorrelation")) is not None:
        drawn["autocorrelation"] = figures.autocorrelation_lines(again, styles)
    if (value := frames.get("dataset_value")) is not None:
        score = part_tables.value_scores(value)[0]
        drawn["dataset-value"] = figures.dataset_value_bars(value, score, LABEL_HORIZON)
    if (table := frames.get("ensemble")) is not None:
        runs = ensemble.runs_at(table, LABEL_HORIZON)
        if of_names(styles, list(runs["score"])):
            drawn["ensemble-runs"] = ensemble.ensemble_lines(runs, styles)
    return drawn


def _panels(study: StudyFolder, styles: Sequence[ScoreStyle]) -> list[tuple[ScoreStyle, ...]]:
    """Few scores share a panel; of many, the integrations have one of their own."""
    if len(styles) <= _PART or not study.integrations:
        return [tuple(styles)]
    ensembles = of_names(styles, study.integrations)
    return [tuple(style for style in styles if style not in ensembles), ensembles]


def _composition(study: StudyFolder) -> list[dict[str, str]]:
    def joined(values: Any, proxies: Sequence[str] = ()) -> str:
        named = [f"{value} (proxy)" if value in proxies else str(value) for value in values or ()]
        return ", ".join(named) or "–"

    return [
        {"score": score["name"]}
        | {key: str(score["metadata"].get(key, "–")) for key in ("scheme", "weighting")}
        | {
            key: joined(score["metadata"].get(key), score["metadata"].get("proxies", ()))
            for key in ("units", "datasets", "seeds", "vintages")
        }
        | {"fingerprint": score["fingerprint"]}
        for score in study.about["scores"]
    ]
