"""The code blocks of the documents, and what runs them."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from fake_time import FakeTime
from markdown_it import MarkdownIt

from slipstream.cli.sandbox import _announce
from slipstream.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_EXPORT = re.compile(r"^ +export (\w+)=(.+)$", re.MULTILINE)
_FILE = re.compile(r"# (\w+\.py)\n")
_CHECKER = doctest.OutputChecker()
_LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@attrs.frozen
class Block:
    """A fenced block: its language, or its directive, its text, and its position."""

    page: Path
    line: int
    section: str
    language: str
    text: str

    @property
    def is_run(self) -> bool:
        return self.language == "python"

    @property
    def family(self) -> str:
        """The sandbox whose ``export`` lines the reader has pasted."""
        return "nuvla" if "Nuvla" in self.section or "nuvla" in self.page.stem else "slipstream"

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    section = tag = ""
    for token in MarkdownIt().parse(page.read_text("utf-8")):
        if tag == "h2" and token.type == "inline":
            section = token.content
        tag = token.tag
        if token.type == "fence" and token.map:
            yield Block(page, token.map[0] + 1, section, token.info.strip(), token.content)


@attrs.define
class Shell:
    """What a page's blocks share: the sandboxes, and the names of the program."""

    monkeypatch: pytest.MonkeyPatch
    servers: contextlib.ExitStack
    family: str = ""
    namespace: dict[str, object] = attrs.field(factory=dict)

    def paste_exports(self, family: str) -> None:
        """Begin a program in a shell with the lines of the sandbox of a family."""
        sandbox = self.servers.enter_context(Sandbox(family=family, speed=0))
        self.family, self.namespace = family, {"__name__": "__main__", "its sandbox": sandbox}
        with contextlib.redirect_stdout(io.StringIO()) as banner:
            _announce(sandbox, as_json=False, prog="slipstream sandbox")
        for name, value in _EXPORT.findall(banner.getvalue()):
            self.monkeypatch.setenv(name, shlex.split(value)[0])

    def advance(self, seconds: float) -> None:
        """Move the clocks of the program's sandboxes by the time of a wait."""
        for server in self.namespace.values():
            if isinstance(server, Sandbox):
                server.clock.advance(seconds * max(server.clock.speed, 1))

    def run(self, block: Block) -> str | None:
        """Run a block and return what it prints; one of tests is run at the page's end."""
        if block.family != self.family:
            self.paste_exports(block.family)
        file_name = _FILE.match(block.text)
        if file_name is None:
            return _execute(block, self.namespace)
        path = Path(file_name[1])
        path.write_text(block.text, "utf-8")
        if "__main__" in block.text:
            return _run_python(str(path))
        if not path.name.startswith(("test_", "conftest")):
            _execute(block, {"__name__": path.stem})
        return None


def run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Run a page's Python from top to bottom, as in a shell with the sandbox's ``export`` lines.

    What is below "On Nuvla" is a program of its own, in a shell with those of ``--family nuvla``.
    A block that begins with a comment that names a file becomes that file. Blocks of ``py`` are
    for the tests of the hooks, which have the plugins that they need. A ``text`` block after one
    of Python is what that prints; ``...`` stands for anything. Waiting takes no time.
    """
    printed: str | None = None
    monkeypatch.chdir(folder)
    with contextlib.ExitStack() as servers:
        shell = Shell(monkeypatch, servers)
        monkeypatch.setattr("slipstream.transport.calls.time", FakeTime(shell.advance))
        for block in blocks(page):
            if block.is_run:
                printed = shell.run(block)
                continue
            if block.language == "text" and printed is not None:
                assert _CHECKER.check_output(block.text, printed, _LOOSELY), (
                    f"{block} says that this is printed:\n{block.text}\nbut it is:\n{printed}"
                )
            printed = None
        if list(folder.glob("test_*.py")):
            _run_tests(page)


def _execute(block: Block, namespace: dict[str, object]) -> str:
    code = compile("\n" * block.line + block.text, str(block.page), "exec")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(code, namespace)
    return output.getvalue()


def _run_tests(page: Path) -> None:
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir=."]
    if "pytest.mark.scenario" in page.read_text("utf-8"):
        _run_python(*command, "--record")
        assert list(Path().glob("tests/cassettes/sandbox-*/*.yaml"))
    _run_python(*command)


def _run_python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT).with_suffix(""))


def section(page: Path, heading: str) -> str:
    """The text below a heading of the second level."""
    return page.read_text("utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def cells(text: str) -> list[list[str]]:
    """The rows of the tables of a text, without those of the headings and lines."""
    lines = re.findall(r"^\| [^-].*\|$(?!\n\| --)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def words(cell: str) -> list[str]:
    """The names in backquotes."""
    return re.findall(r"`(\w+)`", cell)
