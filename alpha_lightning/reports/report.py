"""The command `report`: a study folder becomes one self-contained page."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.reports import figures, part_tables, tables
from alpha_lightning.reports.study_folder import StudyFolder, copy_tables, read_study

LABEL_HORIZON = "10g"
"""Horizon of figures that show a single one: the return the networks were trained on."""


@dataclass(frozen=True)
class Figure:
    """A figure on the page.

    Args:
        name: its id.
        svg: the drawing.
        title: what is shown.
        caption: how the numbers are defined, in a line.
        table: the CSV file with the numbers.
    """

    name: str
    svg: str
    title: str
    caption: str
    table: str


def report(study: str) -> Path:
    """Write ``report/index.html`` and ``report/tables/*.csv`` of a study.

    The page needs no network and no other file. The same study gives the same bytes.

    Args:
        study: the study's folder, evaluated.

    Returns:
        The page.

    Raises:
        ArtefactError: the folder holds no evaluated study, or the report cannot be written.
    """
    read = read_study(study)
    page = _template().render(_context(read))
    with atomic_folder(read.path / "report", overwrite=True, marker="index.html") as folder:
        (folder / "tables").mkdir()
        copy_tables(read, folder / "tables")
        (folder / "index.html").write_text(page, encoding="utf-8")
    return read.path / "report" / "index.html"


def headline(study: str) -> str:
    """RankIC and IC_IR of every score as a text table, baselines last.

    What data sets are worth, the share of the attainable, and which data sets are proxies follow
    where they are known.

    Args:
        study: the study's folder, evaluated.
    """
    read = read_study(study)
    horizons, rows = tables.headline_rows(
        read.tables["rank_ic_summary"], read.scores, read.baselines
    )
    told = [tables.headline_text(f"{read.name}: {_sample_sentence(read)}", horizons, rows)]
    if (value := read.tables.get("dataset_value")) is not None:
        told.append(part_tables.value_text(value, LABEL_HORIZON))
    if (share := read.tables.get("share_of_attainable")) is not None:
        told.append(part_tables.share_text(share, LABEL_HORIZON))
    told += [sentence for sentence in read.about["warnings"] if " is a proxy " in sentence]
    return "\n\n".join(told)


def _template() -> Any:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    source = resources.files("alpha_lightning.reports").joinpath("page.html")
    return environment.from_string(source.read_text(encoding="utf-8"))


def _context(study: StudyFolder) -> dict[str, Any]:
    frames, scores = study.tables, study.scores
    horizons, rows = tables.headline_rows(frames["rank_ic_summary"], scores, study.baselines)
    years, top_rows = tables.top_group_rows(frames["top_group"], scores)
    return {
        "study": study,
        "sample": _sample_sentence(study),
        "horizons": horizons,
        "rows": rows,
        "figures": {figure.name: figure for figure in _figures(study)},
        "groups": tables.group_rows(frames["fig08_groups"], scores),
        "group_count": sum(name.startswith("g") for name in frames["fig08_groups"].columns),
        "years": years,
        "top_rows": top_rows,
        "heat": tables.heat_rows(frames["score_correlation"], scores),
        "coverage": tables.plain_rows(frames["coverage"]),
        "errors": tables.plain_rows(frames["rank_ic_summary"], digits=2),
        "timings": tables.timing_rows(study.timings) if study.timings is not None else None,
        "composition": _composition(study),
        "label_horizon": LABEL_HORIZON,
        "values": _values(frames.get("dataset_value")),
        "shares": _shares(frames.get("share_of_attainable"), horizons),
    }


def _values(value: Any) -> list[tuple[str, list[part_tables.Block]]]:
    if value is None:
        return []
    scores = part_tables.value_scores(value)
    return [(score, part_tables.value_blocks(value, score, LABEL_HORIZON)) for score in scores]


def _shares(share: Any, horizons: Sequence[str]) -> dict[str, Any] | None:
    if share is None:
        return None
    return {
        "oracle": part_tables.oracle_rank_ics(share, horizons),
        "blocks": part_tables.share_blocks(share, LABEL_HORIZON, horizons),
    }


def _figures(study: StudyFolder) -> list[Figure]:
    frames = study.tables
    styles = figures.score_styles(study.scores, study.baselines)
    by_date, by_year = frames["rank_ic_by_date"], frames["rank_ic_by_year"]
    drawn = {
        "rank-ic": figures.rank_ic_bars(frames["rank_ic_summary"], styles),
        "cumulative-rank-ic": figures.cumulative_rank_ic(by_date, styles, LABEL_HORIZON),
        "rank-ic-by-year": figures.rank_ic_by_year(by_year, styles, LABEL_HORIZON),
        "groups": figures.group_bars(frames["fig08_groups"], styles),
        "group-values": figures.group_values(frames["group_nav"], styles),
    }
    if (value := frames.get("dataset_value")) is not None:
        score = part_tables.value_scores(value)[0]
        drawn["dataset-value"] = figures.dataset_value_bars(value, score, LABEL_HORIZON)
    return [Figure(name, svg, *_CAPTIONS[name]) for name, svg in drawn.items()]


_CAPTIONS = {
    "rank-ic": (
        "RankIC by horizon, %",
        "Mean over signal dates of the Spearman correlation between score and return;"
        " lines span 95 %, Newey-West. Gap: the return starts one day after the signal.",
        "fig06_rank_ic",
    ),
    "cumulative-rank-ic": (
        "Cumulative RankIC",
        "Running sum over signal dates at the training horizon, 10 days after a one-day gap."
        " A straight line is a steady signal.",
        "rank_ic_by_date",
    ),
    "rank-ic-by-year": (
        "RankIC by year, %",
        "Mean of each calendar year at the training horizon; lines span 95 %, overlap ignored.",
        "rank_ic_by_year",
    ),
    "dataset-value": (
        "RankIC by data sets, %",
        "The same networks, weighed on some of their data sets and on all of them, at the training"
        " horizon; lines span 95 %, Newey-West. The lines overlap more than the scores differ: the"
        " paired differences are in the table.",
        "dataset_value",
    ),
    "groups": (
        "Groups by score, hedged return a year",
        "Stocks cut weekly into groups of equal size, held in equal weights from the next day,"
        " before cost, less the equal-weighted universe.",
        "fig08_groups",
    ),
    "group-values": (
        "Top and bottom group, hedged value",
        "Product of 1 + group return − universe return, daily, before cost; the top group rises,"
        " the bottom group falls.",
        "group_nav",
    ),
}


def _sample_sentence(study: StudyFolder) -> str:
    about, coverage = study.about, study.tables["coverage"]
    rule = about["rule"]
    members = "all listed and trading stocks" if rule["universe"] == "all" else rule["universe"]
    stocks = coverage["compared_stocks"].mean()
    return (
        f"{about['signals']} {rule['frequency']} cross-sections, {about['first_signal']} to"
        f" {about['last_signal']}, {stocks:.0f} stocks on average, universe: {members}"
    )


def _composition(study: StudyFolder) -> list[dict[str, str]]:
    def joined(values: Any, proxies: Sequence[str] = ()) -> str:
        named = [f"{value} (proxy)" if value in proxies else str(value) for value in values or ()]
        return ", ".join(named) or "–"

    return [
        {"score": score["name"], "scheme": str(score["metadata"].get("scheme", "–"))}
        | {
            key: joined(score["metadata"].get(key), score["metadata"].get("proxies", ()))
            for key in ("units", "datasets", "seeds", "vintages")
        }
        | {"fingerprint": score["fingerprint"]}
        for score in study.about["scores"]
    ]
