"""The commands, links and files that the documents name exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, page_name, section

from slipstream.cli import ALL as COMMANDS
from slipstream.cli import main
from slipstream.cli.app import COMMANDS as USER_COMMANDS

OUTSIDE = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
ALL = [*PAGES, *OUTSIDE]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
_HOSTED = re.compile(r"\]\(https://github.com/slipstream/[\w-]+/(?:blob|tree)/main/([^)#]+)")


def _commands(page: Path) -> Iterator[list[str]]:
    """The commands of a page's console blocks, word by word."""
    for block in blocks(page):
        if block.language in {"console", "shell", "bash"}:
            for line in re.findall(r"^\$ (.*)$", block.text, re.MULTILINE):
                yield shlex.split(line, comments=True)


def _ours(page: Path) -> Iterator[list[str]]:
    for command in _commands(page):
        words = command[2:] if command[:2] == ["python", "-m"] else command
        if words[0] == "slipstream":
            yield words[1:]


def _help(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    assert main([*command, "--help"]) == 0
    return capsys.readouterr().out


WITH_OURS = [page for page in ALL if any(_ours(page))]


@pytest.mark.parametrize("page", WITH_OURS, ids=page_name)
def test_command_line_knows_every_command_and_option_that_a_page_shows(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in _ours(page):
        if words[0].startswith("-"):
            assert words[0] in _help(capsys)
            continue
        assert re.search(rf"^\s+{words[0]}\s", _help(capsys), re.MULTILINE), words
        usage = _help(capsys, words[0])
        for word in words[1:]:
            option = word.partition("=")[0]
            if option.startswith("-"):
                assert re.search(rf"{option}\b", usage), f"{words} has an unknown {option}"


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_reference_of_the_command_line_lists_every_command_and_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ROOT / "docs" / "reference" / "command-line.md"
    shared, own = (
        set(re.findall(r"\| `(--[a-z-]+)` \|", section(page, title)))
        for title in ("Options of every user command", f"slipstream {command}")
    )
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", _help(capsys, command))) - {"--help"}
    if command in {item.name for item in USER_COMMANDS}:
        assert shared <= options
        options -= shared
    assert own == options


def test_make_knows_every_target_that_a_page_shows() -> None:
    commands = [words for page in ALL for words in _commands(page) if words[0] == "make"]
    targets = {word for words in commands for word in words[1:] if "=" not in word}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert len(targets) > 5
    assert targets <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", ALL, ids=page_name)
def test_links_of_a_page_lead_to_files(page: Path) -> None:
    text = page.read_text("utf-8")
    relative = [page.parent / target for target in _LINK.findall(text)]
    assert not (relative and page.name == "README.md"), "the package index resolves no such links"
    for target in [*relative, *(ROOT / target for target in _HOSTED.findall(text))]:
        assert target.exists(), f"{page.name} links to {target}"
