"""Commands that README.md shows exist: each is parsed with the options it is shown with."""

import re
import shlex
from pathlib import Path

import pytest

from alpha_lightning.cli import COMMANDS, main
from alpha_lightning.study.sweep import _parser as sweep_parser
from alpha_lightning.study.sweep_file import read_sweep
from alpha_lightning.study.sweep_fit import check_space
from alpha_lightning.study.sweep_space import read_space

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
SHELL = "\n".join(text for language, text in BLOCKS if language in ("bash", "console", "sh"))
# A line that ends in a backslash goes on in the next; a comment is no command.
LINES = re.sub(r"\\\n", "", SHELL).splitlines()
SHOWN = [shlex.split(line.removeprefix("$ "), comments=True) for line in LINES]
OURS = [words for words in SHOWN if words and words[0] == "alpha-lightning"]
MADE = [words for words in SHOWN if words and words[0] == "make"]
SPOKEN = re.findall(r"`alpha-lightning ([^`]*)`", README)


def test_there_is_something_to_check() -> None:
    assert len(OURS) >= 5
    assert len(MADE) >= 2


@pytest.mark.parametrize("words", MADE, ids=" ".join)
def test_make_targets_exist(words: list[str]) -> None:
    assert re.search(
        rf"^{re.escape(words[1])}:.*## \S", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


@pytest.mark.parametrize("text", SPOKEN)
def test_commands_named_in_the_text_exist(text: str) -> None:
    command = text.split(maxsplit=1)[0]
    assert command in COMMANDS or command in ("COMMAND", "--help", "--version")


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_commands_are_understood(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    command, options = words[1], words[2:]
    assert command in COMMANDS
    shipped = [word for word in options if word.startswith("configs/")]
    assert [path for path in shipped if not Path(path).is_file()] == []
    read = command == "inspect" or options[:1] == ["status"]
    if read or any(word.endswith("/config.yaml") for word in options):
        # It reads what an earlier command shown would have written.
        return
    if command == "sweep":
        found = read_sweep(options[0])
        _, for_fit = sweep_parser().parse_known_args(options[1:])
        space = read_space(found.parameters, options[0])
        check_space(space, [*found.options, *for_fit], options[0])
        return
    with pytest.raises(SystemExit) as ended:
        main([command, *options, "--print_config"])
    assert ended.value.code == 0, capsys.readouterr().err


def test_files_named_in_the_text_exist() -> None:
    named = set(re.findall(r"`?\b((?:configs|scripts|tests|docs)/[\w./-]+\.\w+)", README))
    named |= set(re.findall(r"\]\(([\w./-]+)\)", README))
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_tree_is_the_tree() -> None:
    block = next(text for _, text in BLOCKS if "├── cli.py" in text)
    shown = [name.rstrip("/") for name in re.findall(r"[├└]── (\S+)", block)]
    package = ROOT / "alpha_lightning"
    folders = {path.name for path in package.iterdir() if (path / "__init__.py").is_file()}
    assert set(shown) == folders | {"cli.py"}
    assert len(shown) == len(set(shown))
