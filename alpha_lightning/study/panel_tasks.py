"""The tasks that make a study's panel: simulate, ingest, characterise, prepare."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alpha_lightning.artefacts.provenance import fingerprint_file, fingerprint_json
from alpha_lightning.panel.errors import PanelError
from alpha_lightning.panel.store import DESCRIPTION, Panel
from alpha_lightning.study.options import parse_yaml
from alpha_lightning.study.settings import StudySettings
from alpha_lightning.study.tasks import Task

STEPS = "alpha_lightning.study.steps"
SIMULATED_EXCHANGE = "configs/market/cn.yaml"
"""Whose hours a simulated market keeps."""
_ABSENT = "not there yet"
_SIDE_TABLES = ("index_members", "index_levels", "industries", "fundamentals")


def panel_of(study: StudySettings) -> str:
    """Where the study's panel is, or will be."""
    return study.source.panel or str(study.folder / "panel")


def oracle_of(study: StudySettings) -> str | None:
    """Where the oracle of a simulated market will be; None for any other source."""
    return str(study.folder / "vendor" / "oracle.parquet") if study.source.market else None


def panel_tasks(study: StudySettings, *, planning: bool = False) -> Iterator[Task]:
    """Tasks up to a panel whose data sets are ready to be read.

    Args:
        study: settings.
        planning: inputs that are not there yet are no mistake.

    Raises:
        PanelError: an input is missing or unreadable, or gives no data set of some name.
    """
    market = read_yaml(study.source.market) if study.source.market else None
    if market is not None:
        arguments = {"config": market, "out": str(study.folder / "vendor")}
        writes = str(study.folder / "vendor" / "market.json")
        yield Task("simulate", f"{STEPS}:simulate_step", arguments, writes=writes)
    if not study.source.panel:
        yield _ingest(study, planning)
    if study.characterised:
        yield _characterise(study, market, planning)
    yield from (_prepare(study, dataset, planning) for dataset in study.datasets)


def after_panel(study: StudySettings) -> tuple[tuple[str, ...], dict[str, str]]:
    """What a task that reads the panel, but no data set, needs and reads."""
    if study.source.panel and not (Path(study.source.panel) / DESCRIPTION).exists():
        return (), {"panel": _ABSENT}  # a run has refused it by now
    if study.source.panel:
        return (), {"panel": Panel.open(study.source.panel).fingerprint}
    return ("ingest",), {}


def vendor_needs(study: StudySettings) -> tuple[str, ...]:
    """What a task that reads the vendor tables needs."""
    return ("simulate",) if study.source.market else ()


def prepared(dataset: str) -> str:
    """Name of the task after which a data set can be read."""
    return f"prepare/{dataset}"


def read_yaml(path: str) -> dict[str, Any]:
    """A YAML file as a dictionary.

    Raises:
        UserError: missing, not YAML, or not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read ({error}): check the path, seen from the working folder"
        raise PanelError(msg) from error
    tree = parse_yaml(text, path)
    if not isinstance(tree, dict):
        msg = f"{path} holds no settings: it should be a YAML mapping"
        raise PanelError(msg)
    return tree


def _ingest(study: StudySettings, planning: bool) -> Task:
    source, vendor = study.source, study.folder / "vendor"
    if source.market:
        side = {name: str(vendor / f"{name}.parquet") for name in _SIDE_TABLES}
        inputs: dict[str, Any] = {"daily": str(vendor / "daily.parquet"), "tables": side}
    else:
        tables = asdict(source.tables) if source.tables else None
        inputs = {"daily": source.daily, "qlib": source.qlib, "tables": tables}
    inputs |= {"calendar": source.calendar, "bad_rows": source.bad_rows}
    return Task(
        "ingest",
        f"{STEPS}:ingest_step",
        {"arguments": inputs, "out": panel_of(study)},
        vendor_needs(study),
        {} if source.market else _fingerprints(inputs, planning),
        str(Path(panel_of(study)) / "panel.json"),
    )


def _characterise(study: StudySettings, market: dict[str, Any] | None, planning: bool) -> Task:
    source, vendor = study.source, study.folder / "vendor"
    tables = {"minute": source.minute, "trades": source.trades}
    if market is not None:
        written = _intraday_tables(study, market)
        tables = {name: str(vendor / name) if name in written else None for name in tables}
    arguments = {
        "panel": panel_of(study),
        "exchange": _exchange(source.exchange or SIMULATED_EXCHANGE, planning),
        **tables,
        "bad_rows": "refuse" if source.bad_rows == "refuse" else "drop",
    }
    made = Path(panel_of(study)) / "datasets" / f"{study.characterised[0]}.npy"
    given = [path for path in tables.values() if path and market is None]
    stamps = {path: _stamp(path, planning) for path in given}
    function = f"{STEPS}:characterise_step"
    needs = ("ingest", *vendor_needs(study))
    return Task("characterise", function, arguments, needs, stamps, str(made))


def _exchange(path: str, planning: bool) -> dict[str, Any]:
    return {} if planning and not Path(path).exists() else read_yaml(path)


def _intraday_tables(study: StudySettings, market: dict[str, Any]) -> list[str]:
    asked = (market.get("market") or {}).get("intraday") or {}
    written = [name for name in ("minute", "trades") if asked.get(name, True)]
    lacking = [] if "minute" in written else [n for n in study.characterised if n == "mschars"]
    if lacking or not written:
        names = " and ".join(lacking if written else study.characterised)
        msg = (
            f"study {study.name}: {names} cannot be made, for the market {study.source.market}"
            f" writes no {'minute bars' if written else 'minute bars and no trades'}: set"
            " market.intraday.minute to true there"
        )
        raise PanelError(msg)
    return written


def _prepare(study: StudySettings, dataset: str, planning: bool) -> Task:
    arguments = {"panel": panel_of(study), "dataset": dataset, "rule": study.sample}
    needs, reads = after_panel(study)
    if study.source.panel:
        there = (Path(study.source.panel) / DESCRIPTION).exists() or not planning
        reads |= {dataset: _ready(study.source.panel, dataset) if there else _ABSENT}
    elif dataset in study.characterised:
        needs = ("characterise",)
    return Task(prepared(dataset), f"{STEPS}:prepare_step", arguments, needs, reads)


def _ready(panel: str, dataset: str) -> str:
    opened = Panel.open(panel)
    if dataset not in opened.datasets:
        msg = (
            f"{panel} has no data set {dataset}, it has {', '.join(opened.datasets)}"
            f"{opened.why_without(dataset)}: add it with"
            " `alpha-lightning characterise`, or name other datasets"
        )
        raise PanelError(msg)
    return str(opened.meta["datasets"][dataset]["fingerprint"])


def _fingerprints(inputs: dict[str, Any], planning: bool) -> dict[str, str]:
    sides = (inputs.get("tables") or {}).values()
    paths = [inputs.get("daily"), inputs.get("qlib"), inputs.get("calendar"), *sides]
    given = filter(None, paths)
    return {str(file): fingerprint_file(file) for path in given for file in _files(path, planning)}


def _stamp(path: str, planning: bool) -> str:
    # By size and time of change: to read years of trades again would take hours.
    about = [(file, file.stat()) for file in _files(path, planning)]
    return fingerprint_json([[str(file), stat.st_size, stat.st_mtime_ns] for file, stat in about])


def _files(path: str, planning: bool) -> list[Path]:
    root = Path(path)
    if not root.exists():
        if planning:
            return []
        msg = f"{path} does not exist: check the study's source"
        raise PanelError(msg)
    return sorted(p for p in root.rglob("*") if p.is_file()) if root.is_dir() else [root]
