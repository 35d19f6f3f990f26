"""The command `inspect`: what an artefact is, its shape, dates, provenance and health."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

from alpha_lightning.artefacts.dated_table import read_dated_table, read_metadata
from alpha_lightning.artefacts.errors import ArtefactError, UserError
from alpha_lightning.study import facts, portfolio_facts, risk_facts

_USAGE = "alpha-lightning inspect PATH"
_KINDS = (
    "the vendor tables of simulate, a panel, a factor matrix, a score, a checkpoint,"
    " an evaluation, a risk model, target weights, a backtest, portfolios or a study"
)
_WIDTH = 100
_FOLDERS = {
    "panel.json": ("panel", facts.of_panel),
    "study.yaml": ("study", facts.of_study),
    "evaluation.json": ("evaluation", facts.of_evaluation),
    "portfolios.json": ("portfolios", portfolio_facts.of_portfolios),
    "enhanced.json": ("index-enhanced portfolios", portfolio_facts.of_enhanced),
    "market.json": ("vendor tables", facts.of_vendor_tables),
    "summary.json": ("backtest", portfolio_facts.of_backtest),
    "risk.json": ("risk model", risk_facts.of_risk_model),
}
_PARTS = {"summary.json": "a backtest", "risk.json": "a risk model"}


def inspect(args: list[str]) -> str:
    """`inspect PATH`.

    Args:
        args: the path of an artefact.

    Returns:
        Aligned text: what it is, and a line for each fact.

    Raises:
        UserError: no path, nothing there, damaged, or no artefact.
    """
    if args and args[0] in ("-h", "--help"):
        return f"usage: {_USAGE}\n\nPATH is {_KINDS}."
    if len(args) != 1:
        msg = f"inspect needs one path: {_USAGE}"
        raise UserError(msg)
    path = Path(args[0])
    if not path.exists():
        msg = f"{path} does not exist: check the path"
        raise ArtefactError(msg)
    kind, found = _folder(path) if path.is_dir() else _file(path)
    return "\n".join([f"{kind} {path}", *_aligned(found)])


def _folder(path: Path) -> tuple[str, facts.Facts]:
    for marker, (kind, describe) in _FOLDERS.items():
        if (path / marker).is_file():
            return kind, describe(path)
    inside = [*sorted(path.glob("*.parquet")), *sorted(path.rglob("*.ckpt"))]
    hint = f" or one of {', '.join(map(str, inside))}" if inside else ""
    msg = f"{path} is no artefact of alpha_lightning: name {_KINDS}{hint}"
    raise ArtefactError(msg)


def _file(path: Path) -> tuple[str, facts.Facts]:
    if path.suffix == ".ckpt":
        return "checkpoint", facts.of_checkpoint(path)
    if path.name.endswith(".importance.parquet"):
        return "importance", facts.of_importance(path)
    if path.suffix != ".parquet":
        msg = f"{path} is no artefact of alpha_lightning: name {_KINDS}"
        raise ArtefactError(msg)
    for marker, whole in _PARTS.items():
        if (path.parent / marker).is_file():
            msg = f"{path} is a part of {whole}: name its folder {path.parent}"
            raise ArtefactError(msg)
    if read_metadata(path).get("kind") == "target_weights":
        return "target weights", portfolio_facts.of_weights(path)
    table = read_dated_table(path)
    return str(table.metadata.get("kind", "table")).replace("_", " "), facts.of_table(table)


def _aligned(found: Iterable[facts.Fact]) -> list[str]:
    rows = list(found)
    width = max((len(label) for label, _ in rows), default=0)
    lines, before = [], ""
    for label, text in rows:
        # A label that repeats is said once, a long text goes on below itself.
        said = "" if label == before else label
        wrapped = textwrap.wrap(text, _WIDTH - width, break_on_hyphens=False) or [""]
        lines += [f"  {said:<{width}}  {wrapped[0]}"]
        lines += [f"  {'':<{width}}  {line}" for line in wrapped[1:]]
        before = label or before
    return [line.rstrip() for line in lines]
