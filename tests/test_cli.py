"""The command line: help, spelling, errors and exit statuses."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from alpha_lightning import __version__, cli
from alpha_lightning.cli import COMMANDS, main

ROOT = Path(__file__).parents[1]
CHAIN = [
    "simulate",
    "ingest",
    "characterise",
    "fit",
    "validate",
    "test",
    "predict",
    "weigh",
    "combine",
    "evaluate",
    "risk",
    "construct",
    "backtest",
    "report",
    "study",
    "sweep",
    "inspect",
]
HEAVY = ("torch", "pandas", "pytorch_lightning", "lightgbm", "matplotlib", "polars", "jsonargparse")


@pytest.mark.parametrize("args", [[], ["-h"], ["--help"], ["help"]])
def test_help_lists_the_commands_in_the_order_of_the_chain(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines() if line.startswith("  ")]
    assert [line[0] for line in lines] == CHAIN == list(COMMANDS)
    assert all(len(line) > 1 for line in lines), "a command without a word of what it does"


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_the_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    assert capsys.readouterr().out == f"alpha_lightning {__version__}\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_as_a_module_without_any_heavy_import(option: str) -> None:
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['alpha_lightning', {option!r}]\n"
        "try:\n"
        "    runpy.run_module('alpha_lightning', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as ended:\n"
        "    assert not ended.code\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith("loaded: []\n")
    assert done.stderr == ""


def test_as_a_module_in_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["alpha_lightning", "inspect", "nowhere"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("alpha_lightning", run_name="__main__")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: nowhere does not exist: check the path\n"


def test_an_unknown_command_is_named_and_the_known_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["trian"]) == 1
    err = capsys.readouterr().err
    assert err == f"error: unknown command 'trian': choose one of {', '.join(CHAIN)}\n"


@pytest.mark.parametrize("command", [*CHAIN, "study run"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    status: object = None
    try:
        status = main([*command.split(), "--help"])
    except SystemExit as ended:  # the parser's own help
        status = ended.code
    assert status == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: ")
    assert command.split(maxsplit=1)[0] in out.splitlines()[0]


@pytest.mark.parametrize(
    "command",
    [
        "simulate",
        "ingest",
        "characterise",
        "weigh",
        "evaluate",
        "risk",
        "construct",
        "backtest",
        "study run",
    ],
)
def test_every_option_is_explained(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    out = capsys.readouterr().out
    assert out.count("\n  --") > 5
    # The parser prints the type straight after an option on which there is not a word.
    assert re.findall(r"\n  (--\S+) \S+\s+\((?:type|required)", out) == []


def test_a_mistake_is_one_message_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "daily.parquet")
    assert main(["ingest", "--daily", missing, "--out", str(tmp_path / "panel")]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("error: ")
    assert missing in err
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_defect_is_not_told_as_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: list[str]) -> str:
        msg = "a defect"
        raise RuntimeError(msg)

    monkeypatch.setattr(cli, "_load", lambda _: broken)
    with pytest.raises(RuntimeError, match="a defect"):
        main(["inspect", "x"])


@pytest.mark.parametrize("spelling", ["--bad-rows", "--bad_rows"])
def test_dashes_and_underscores_are_the_same_option(
    spelling: str, tmp_path: Path, market_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daily, out = str(market_folder / "daily.parquet"), tmp_path / "panel"
    assert main(["ingest", "--daily", daily, "--out", str(out), f"{spelling}=mask"]) == 0
    assert capsys.readouterr().out.startswith(f"panel {out}\n")
    assert '"mode": "mask"' in (out / "panel.json").read_text()


def test_training_commands_take_dashes_too(capsys: pytest.CaptureFixture[str]) -> None:
    config = str(ROOT / "configs" / "units" / "gru.yaml")
    with pytest.raises(SystemExit) as ended:
        main(["fit", "--config", config, "--seed-everything", "7", "--print-config"])
    assert ended.value.code == 0
    assert "seed_everything: 7" in capsys.readouterr().out


def test_lists_are_given_as_words(capsys: pytest.CaptureFixture[str]) -> None:
    words = "combine --out x --scores a.parquet b.parquet --print_config"
    with pytest.raises(SystemExit):
        main(words.split())
    assert "scores:\n- a.parquet\n- b.parquet\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "args", ["ingest --dail x --out y", "report", "simulate --out x --market.stocks few"]
)
def test_wrong_options_end_with_status_2(args: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(args.split())
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize("section", ["enhanced:\n  index", "benchmark:\n  index"])
def test_an_index_without_quotes_is_told_to_have_some(
    section: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "own.yaml"
    config.write_text(f"{section}: 000300\n")
    with pytest.raises(SystemExit) as ended:
        main(["backtest", "--config", str(config), "--panel", "x", "--out", "y"])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.endswith('192, a number: a name of digits needs quotes in YAML, such as "000300"\n')


def test_an_interrupt_ends_with_status_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: list[str]) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load", lambda _: interrupted)
    assert main(["study", "run"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_what_a_command_wrote_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "market"
    sizes = ["--market.stocks", "20", "--market.days", "60"]
    assert main(["simulate", "--out", str(out), *sizes]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert main(["inspect", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"vendor tables {out}\n")


def test_a_study_runs_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "run", "nowhere.yaml"]) == 1
    assert "nowhere.yaml does not exist" in capsys.readouterr().err


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    line = [sys.executable, "-m", "alpha_lightning", "inspect", "--help"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        ended = subprocess.run(line, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_help_makes_later_commands_of_a_process_no_slower(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from jsonargparse import ArgumentParser

    from alpha_lightning.panel.returns import Horizon

    with pytest.raises(SystemExit):
        main(["weigh", "--help"])
    assert "Trading days held" in capsys.readouterr().out
    parser = ArgumentParser()
    parser.add_class_arguments(Horizon)
    assert "Trading days held" not in parser.format_help()
