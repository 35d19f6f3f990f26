"""What can be said of each artefact: shape, dates, provenance and health, a line a fact."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from alpha_lightning.artefacts.dated_table import DatedTable
from alpha_lightning.artefacts.errors import ArtefactError
from alpha_lightning.panel.store import Panel
from alpha_lightning.study.logged import LOG
from alpha_lightning.study.oracle import count_nulls, oracle_rank_ics
from alpha_lightning.study.tasks import read_marker
from alpha_lightning.weighting.importance import read_importance

Fact = tuple[str, str]
Facts = Iterator[Fact]
_SHOWN = 8
_ORACLE_ROWS = 1_000_000  # some ten seconds
_LOOKED_AT = 40  # dates of a data set: the whole of one may be gigabytes


def of_vendor_tables(path: Path) -> Facts:
    """Facts of a folder that `simulate` wrote."""
    about = _parsed(path / "market.json", json.loads)
    market = about["market"]
    yield "made by", f"simulate, seed {about['seed']}: a market that does not exist"
    yield "dates", f"{market['days']:,}, {about['first_date']} to {about['last_date']}"
    yield "stocks", f"{market['stocks']:,} listed sooner or later"
    for name in about["tables"]:
        rows, nulls = count_nulls(path / name)
        yield f"table {name}", f"{rows:,} rows: {', '.join(nulls)}"
        if any(nulls.values()):
            yield "", f"empty cells: {_counts(nulls)}"
    yield "signal", f"{market['signal']:g} times the planted strength"
    yield from _oracle(path)


def of_panel(path: Path) -> Facts:
    """Facts of a panel."""
    panel = Panel.open(path)
    meta, listed, traded = panel.meta, panel.listed, panel.traded
    yield "dates", _span(panel.dates)
    yield "symbols", f"{len(panel.symbols):,}, {panel.symbols[0]} to {panel.symbols[-1]}"
    yield "market", ", ".join(meta["market"])
    for name in panel.datasets:
        yield from _dataset(panel, name)
    yield "universes", ", ".join(("all", *panel.indices))
    yield "industries", f"{len(meta.get('industries', []))} names"
    yield "fundamentals", ", ".join(meta["fundamentals"]) or "none"
    yield "fingerprint", panel.fingerprint
    for source in meta["sources"]:
        files = _some([f"{name} {digest}" for name, digest in source["files"].items()])
        yield "made from", f"{source['table']}, {source['rows']:,} rows: {files}"
    yield "listed", _share(int(listed.sum()), listed.size, "stock-dates")
    yield "traded", _share(int(traded.sum()), int(listed.sum()), "listed stock-dates")
    prices = [name for name in ("open", "high", "low", "vwap") if panel.has(name)]
    for name in prices:
        gone = int(np.isnan(panel.market(name)[traded]).sum())
        yield "missing", f"{name} {_share(gone, int(traded.sum()), 'traded stock-dates')}"
    bad = meta["bad_rows"]
    done = {"drop": "dropped", "mask": "masked"}.get(bad["mode"], "found")
    yield "bad rows", f"{bad['rows']:,} {done}" + f": {_counts(bad['counts'])}" * bool(bad["rows"])
    for sentence in panel.switched_off or ("nothing",):
        yield "switched off", sentence


def of_table(table: DatedTable) -> Facts:
    """Facts of a factor matrix or a score."""
    values = table.values
    yield "shape", f"{len(table):,} rows, {len(table.columns)} columns: {_some(table.columns)}"
    if len(table):
        dates, counts = np.unique(table.dates, return_counts=True)
        yield "dates", _span(dates)
        yield "symbols", f"{len(np.unique(table.symbols)):,}"
        sizes = f"{counts.min():,} to {counts.max():,}, {counts.mean():,.1f} on average"
        yield "stocks a date", sizes
        broken = int((~np.isfinite(values)).sum())
        yield "missing", _share(broken, values.size, "values not finite")
        constant = int((values == values[0]).all(axis=0).sum())
        yield "constant", f"{constant} of {len(table.columns)} columns"
    yield from _provenance(table.metadata)


def of_importance(path: Path) -> Facts:
    """Facts of what fits rest on, beside a score.

    Raises:
        ArtefactError: damaged.
    """
    columns = read_importance(path)
    fits = np.unique(columns["date"])
    yield "shape", f"{len(columns['gain']):,} rows, {len(fits)} fits"
    yield "dates", f"{fits[0]} to {columns['until'].max()}"
    made = [f"{u} on {d}" for u, d in zip(columns["unit"], columns["dataset"], strict=True)]
    names, place = np.unique(made, return_inverse=True)
    for what in ("gain", "shap"):
        sums = np.bincount(place, columns[what])
        shares = sums / (sums.sum() or 1.0)
        order = np.argsort(-shares, kind="stable")
        yield what, _some([f"{names[k]} {shares[k]:.0%}" for k in order])


def of_checkpoint(path: Path) -> Facts:
    """Facts of a checkpoint; nothing but tensors and plain values is loaded.

    Raises:
        UserError: damaged, or no checkpoint of a factor unit.
    """
    from alpha_lightning.factors.checkpoint import PROVENANCE, read_checkpoint

    checkpoint = read_checkpoint(path)
    weights = checkpoint["state_dict"].values()
    settings = checkpoint.get("hyper_parameters", {})
    for part in ("network", "loss", "optimizer"):
        if isinstance(settings.get(part), dict):
            given = settings[part].get("init_args", {})
            name = str(settings[part]["class_path"]).rpartition(".")[2]
            yield part, f"{name}({', '.join(f'{key}={value}' for key, value in given.items())})"
    yield "weights", f"{sum(w.numel() for w in weights):,} numbers in {len(weights)} tensors"
    broken = sum(int((~w.isfinite()).sum()) for w in weights)
    yield "not finite", f"{broken:,} numbers"
    yield "trained", f"{checkpoint['epoch'] + 1} epochs, {checkpoint['global_step']:,} steps"
    for state in checkpoint.get("callbacks", {}).values():
        if state.get("best_model_score") is not None:
            yield "best", f"{state['monitor']} {float(state['best_model_score']):.4f}"
    yield "lightning", str(checkpoint["pytorch-lightning_version"])
    yield from _provenance(checkpoint.get(PROVENANCE, {}))


def of_evaluation(path: Path) -> Facts:
    """Facts of a folder that `evaluate` wrote."""
    about = _parsed(path / "evaluation.json", json.loads)
    rule = about["rule"]
    span = f"{about['first_signal']} to {about['last_signal']}"
    yield "signals", f"{about['signals']:,} {rule['frequency']}, {span}"
    yield "universe", str(rule["universe"])
    yield "execution", str(about["execution"])
    if about.get("also"):
        yield "also", f"{len(about['also'])} parts of these scores, and the same made in other ways"
    if about.get("oracle"):
        yield "oracle", f"{about['oracle']['file']} {about['oracle']['fingerprint']}"
    for score in about["scores"]:
        baseline = ", baseline" * bool(score["baseline"])
        yield "score", f"{score['name']} {score['fingerprint']}{baseline}: {score['file']}"
    yield "tables", ", ".join(sorted(file.stem for file in (path / "tables").glob("*.csv")))
    yield "panel", f"{about['panel']} {about['panel_fingerprint']}"
    yield "software", ", ".join(f"{name} {version}" for name, version in about["software"].items())
    for sentence in about["warnings"] or ("none",):
        yield "warnings", sentence


def of_study(path: Path) -> Facts:
    """Facts of a study's folder, and of its evaluation when there is one."""
    settings = _parsed(path / "study.yaml", yaml.safe_load)
    yield "name", str(settings.get("name"))
    for kind, where in (settings.get("source") or {}).items():
        if kind in ("panel", "market", "daily", "qlib") and where:
            yield "source", f"{kind} {where}"
    for what in ("units", "datasets", "vintages", "seeds"):
        yield what, ", ".join(str(value) for value in settings.get(what) or [])
    begun = {log.parent: read_marker(log.parent) for log in sorted((path / "tasks").rglob(LOG))}
    done = [marker for marker in begun.values() if marker]
    seconds = sum(float(marker["seconds"]) for marker in done)
    yield "tasks", f"{len(done)} done of {len(begun)} begun, {seconds:,.0f} s in all"
    for folder in (folder for folder, marker in begun.items() if not marker):
        yield "not done", f"{folder.relative_to(path / 'tasks')}, failed, killed or running"
        yield "", str(folder / LOG)
    if (path / "evaluation" / "evaluation.json").exists():
        yield from of_evaluation(path / "evaluation")
    if (path / "portfolios" / "portfolios.json").exists():
        yield "portfolios", f"{path / 'portfolios'}: inspect it for more"
    page = path / "report" / "index.html"
    yield "report", str(page) if page.exists() else "not made yet"


def _oracle(path: Path) -> Facts:
    rows, _ = count_nulls(path / "oracle.parquet")
    if rows > _ORACLE_ROWS:
        yield "oracle", f"{rows:,} rows, too many to measure its RankIC here"
        return
    means, dates = oracle_rank_ics(path)
    whole = next(iter(means))
    if not dates:
        yield "oracle", "RankIC undefined: no signal was planted, or there are too few dates"
        return
    yield "oracle", f"RankIC {means[whole]:.2%}, {dates:,} dates: what a perfect forecast reaches"
    for name, mean in means.items():
        if name.startswith(f"{whole}_"):
            source = name.removeprefix(f"{whole}_")
            yield "", f"RankIC {mean:.2%} from what the {source} tables show alone"
        elif name != whole:
            yield "attainable", f"RankIC {mean:.2%} from the news of the last 30 days"


def _dataset(panel: Panel, name: str) -> Facts:
    dataset, about = panel.dataset(name), panel.meta["datasets"][name]
    label, names = f"data set {name}", [feature.name for feature in dataset.features]
    yield label, f"{len(names)} features: {_some(names)}"
    kinds = Counter(feature.kind for feature in dataset.features)
    yield label, f"by kind: {', '.join(f'{kind} {count}' for kind, count in kinds.items())}"
    rows = np.unique(np.linspace(0, len(panel.dates) - 1, _LOOKED_AT).astype(int))
    held = np.concatenate([dataset.array[row][panel.traded[row]] for row in rows])
    gone = int(np.isnan(held).sum())
    looked = f"values of traded stocks on {len(rows)} dates looked at"
    yield label, f"missing {_share(gone, held.size, looked)}"
    if about.get("proxy"):
        yield label, "a proxy made from minute bars, not Level-2 data"
    for sentence in about.get("lacking", ()):
        yield label, f"lacking: {sentence}"


def _provenance(about: Mapping[str, Any]) -> Facts:
    for key, value in about.items():
        if isinstance(value, Mapping):
            yield key, ", ".join(f"{name}={inner}" for name, inner in value.items())
        elif key in ("refits", "skipped"):
            yield key, f"{len(value)} months"
            for month in (month for month in value if "reason" in month):
                yield "", f"{month['date'][:7]}: {month['reason']}"
        elif key == "weights_by_month":
            yield key, f"{len(value)} months, the last {_some(value[-1]['weights'])}"
        elif isinstance(value, list):
            names = [item["name"] if isinstance(item, Mapping) else item for item in value]
            yield key, _some(names) or "none"
        elif key != "kind":
            yield key, str(value)


def _parsed(file: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        tree = parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        msg = f"{file} is damaged ({str(error).splitlines()[0]}): write it again"
        raise ArtefactError(msg) from error
    if not isinstance(tree, dict):
        msg = f"{file} is damaged (no mapping): write it again"
        raise ArtefactError(msg)
    return tree


def _span(dates: NDArray[Any]) -> str:
    return f"{len(dates):,}, {dates[0]} to {dates[-1]}"


def _share(part: int, whole: int, what: str) -> str:
    return f"{part / max(whole, 1):.2%}, {part:,} of {whole:,} {what}"


def _some(values: Sequence[object]) -> str:
    shown = ", ".join(str(value) for value in values[:_SHOWN])
    return shown + f", ... ({len(values)})" * (len(values) > _SHOWN)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
