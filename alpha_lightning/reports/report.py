"""The command `report`: a study folder becomes one self-contained page."""

from pathlib import Path

from alpha_lightning.artefacts.atomic import atomic_folder
from alpha_lightning.reports import part_tables, tables
from alpha_lightning.reports.enhanced_limits import kept_text
from alpha_lightning.reports.enhanced_tables import enhanced_text
from alpha_lightning.reports.page import LABEL_HORIZON, render, sample_sentence
from alpha_lightning.reports.pdf import print_pdf
from alpha_lightning.reports.portfolio_tables import portfolio_text
from alpha_lightning.reports.study_folder import copy_tables, read_study


def report(study: str, pdf: bool = False) -> Path:
    """Write ``report/index.html`` and ``report/tables/*.csv`` of a study.

    The page needs no network and no other file. The same study gives the same bytes.

    Args:
        study: the study's folder, evaluated.
        pdf: print the page to ``report/report.pdf`` too; needs Chromium, Chrome, Edge or Brave.

    Returns:
        The page.

    Raises:
        ArtefactError: the folder holds no evaluated study, or the report cannot be written.
        UserError: no browser is at hand to print, or it fails.
    """
    read = read_study(study)
    page = render(read)
    with atomic_folder(read.path / "report", overwrite=True, marker="index.html") as folder:
        (folder / "tables").mkdir()
        copy_tables(read, folder / "tables")
        (folder / "index.html").write_text(page, encoding="utf-8")
    written = read.path / "report" / "index.html"
    if pdf:
        # After the page: a browser that fails must not take it away.
        print_pdf(written, written.with_name("report.pdf"))
    return written


def headline(study: str) -> str:
    """RankIC and IC_IR of every score as a text table, baselines last.

    The top groups follow, and where they are known the portfolios with their warnings, those
    that are to beat an index, the verdicts on the paper's claims, what data sets are worth, the
    share of the attainable, and which data sets are proxies.

    Args:
        study: the study's folder, evaluated.
    """
    read = read_study(study)
    frames = read.tables
    horizons, rows = tables.headline_rows(frames["rank_ic_summary"], read.scores, read.baselines)
    told = [tables.headline_text(f"{read.name}: {sample_sentence(read)}", horizons, rows)]
    told.append(tables.top_text(read.groups, read.scores))
    if read.portfolios is not None:
        told += [portfolio_text(read.portfolios), *read.portfolios.warnings]
    if read.enhanced is not None:
        told += [enhanced_text(read.enhanced, kept_text(read.enhanced)), *read.enhanced.warnings]
    told += read.missing
    if (claims := frames.get("claims")) is not None:
        told.append(tables.claims_text(claims))
    if (value := frames.get("dataset_value")) is not None:
        told.append(part_tables.value_text(value, LABEL_HORIZON))
    if (share := frames.get("share_of_attainable")) is not None:
        told.append(part_tables.share_text(share, LABEL_HORIZON))
    told += [sentence for sentence in read.about["warnings"] if " is a proxy " in sentence]
    return "\n\n".join(told)
