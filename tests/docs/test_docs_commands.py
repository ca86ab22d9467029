"""The commands, links and files that the documents name exist."""

from __future__ import annotations

import re
import shlex

import pytest
from pages import PAGES, ROOT, blocks

from slipstream.cli import ALL as COMMANDS
from slipstream.cli import main
from slipstream.cli.app import COMMANDS as USER_COMMANDS

OUTSIDE = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
ALL = [*PAGES, *OUTSIDE]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def _name(page):
    return str(page.relative_to(ROOT).with_suffix(""))


def _commands(page):
    """The commands of a page's console blocks, word by word."""
    for block in blocks(page):
        if block.language in {"console", "shell", "bash"}:
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    yield shlex.split(line[2:], comments=True)


def _ours(page):
    for words in _commands(page):
        if words[:3] == ["python", "-m", "slipstream"]:
            yield words[3:]
        elif words[0] == "slipstream":
            yield words[1:]


def _help(capsys, *command):
    assert main([*command, "--help"]) == 0
    return capsys.readouterr().out


WITH_OURS = [page for page in ALL if any(_ours(page))]


@pytest.mark.parametrize("page", WITH_OURS, ids=_name)
def test_the_command_line_knows_every_command_and_option_that_a_page_shows(page, capsys):
    for words in _ours(page):
        if words[0].startswith("-"):
            assert words[0] in _help(capsys)
            continue
        assert re.search(rf"^\s+{words[0]}\s", _help(capsys), re.MULTILINE), words
        known = _help(capsys, words[0])
        for word in words[1:]:
            option = word.partition("=")[0]
            if option.startswith("-"):
                assert re.search(rf"{option}\b", known), f"{words} has an unknown {option}"


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_the_reference_of_the_command_line_lists_every_command_and_option(command, capsys):
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text("utf-8")
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", _help(capsys, command))) - {"--help"}
    shared = _listed(text, "Options of every user command")
    if command in {item.name for item in USER_COMMANDS}:
        assert shared <= options
        options -= shared
    assert _listed(text, f"slipstream {command}") == options


def _listed(text, title):
    section = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"\| `(--[a-z-]+)` \|", section))


@pytest.mark.parametrize(
    "page", [p for p in ALL if any(c[0] == "make" for c in _commands(p))], ids=_name
)
def test_make_knows_every_target_that_a_page_shows(page):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for words in _commands(page):
        if words[0] == "make":
            targets = [word for word in words[1:] if "=" not in word]
            for target in targets:
                assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", ALL, ids=_name)
def test_the_links_of_a_page_lead_to_files(page):
    for target in _LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
