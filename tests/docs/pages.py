"""The code blocks of the documents, and what runs them."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import attrs

import slipstream.libcloud.compute_driver as driver_module
from slipstream.sandbox import Clock, Sandbox
from slipstream.testing.cassette_file import FROM_SANDBOX, Header, save
from slipstream.values.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN = "Not run by the tests: "
SERVERS = {
    "nuv.la": "slipstream",
    "slipstream.example.org": "slipstream",
    "nuvla.io": "nuvla",
    "nuvla.example.org": "nuvla",
}
"""The servers that the documents name, and the family that each is of."""

TEST_MODULE = """\
import pytest

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


"""

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^`]*)$")
_FILE = re.compile(r"# (?P<name>\w+\.py)\n")
_OPTION = re.compile(r":(?P<name>[\w-]+):\s*(?P<value>.*)")
_CHECKER = doctest.OutputChecker()
_LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@attrs.frozen(kw_only=True)
class Block:
    """A fenced block: its language, its text, the options of a directive, and where it is."""

    page: Path
    line: int
    language: str
    text: str
    options: dict[str, str]

    @property
    def is_run(self) -> bool:
        return self.language == "python" and self.options.get("class") != "not-run"

    @property
    def file_name(self) -> str | None:
        found = _FILE.match(self.text)
        return found["name"] if found else None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return list(_blocks(page, iter(enumerate(page.read_text("utf-8").splitlines(), 1))))


def _blocks(page: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Block]:
    for number, line in lines:
        if opening := _FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner == opening["fence"]:
                    break
                body.append(inner)
            yield _block(page, number, opening["info"].strip(), body)


def _block(page: Path, number: int, info: str, body: list[str]) -> Block:
    options = {}
    if info.startswith("{"):
        info = info.removeprefix("{code-block}").strip()
        while body and (option := _OPTION.match(body[0])):
            options[option["name"]] = option["value"].strip("\"'")
            body = body[1:]
            number += 1
    text = "\n".join([*body, ""])
    return Block(page=page, line=number, language=info, text=text, options=options)


def run(page: Path, sandbox: Sandbox, folder: Path) -> None:
    """
    Run a page's Python from top to bottom, in one namespace.

    A block that begins with a comment that names a file becomes that file, which is imported, or
    run at the page's end if it is one of tests. Blocks of ``py`` are for the tests of the hooks,
    which have the plugins that they need. A ``text`` block after one of Python is what that
    prints; ``...`` stands for anything.
    """
    namespace: dict[str, object] = {"__name__": "__main__"}
    printed: str | None = None
    servers = {sandbox.family: sandbox}
    with _reaching(servers), _waiting_on(servers, namespace), contextlib.chdir(folder):
        taken_for_granted(page, namespace)
        for block in blocks(page):
            if block.is_run and block.file_name:
                (folder / block.file_name).write_text(block.text, "utf-8")
                printed = None
                if not block.file_name.startswith(("test_", "conftest")):
                    _execute(block, {"__name__": block.file_name.removesuffix(".py")})
            elif block.is_run:
                printed = _execute(block, namespace)
            elif block.language == "text" and printed is not None:
                _compare(block, printed)
                printed = None
            else:
                printed = None
    if list(folder.glob("test_*.py")):
        run_tests(page, folder)


def taken_for_granted(page: Path, namespace: dict[str, object]) -> None:
    """What a page's readers have at hand: for pages that show parts of a test module."""
    if page.stem == "record-a-session":
        header = Header(
            scenario="deploy",
            origin="sandbox-3.71",
            kind=FROM_SANDBOX,
            server="SlipStream",
            version="3.71",
            date="2026-01-01",
            library="slipstream-libcloud-driver 1.0",
            endpoint="https://server.example",
            credentials=("username", "password"),
        )
        save(Path("deploy.yaml"), header, [])
        exec(TEST_MODULE, namespace)


def _execute(block: Block, namespace: dict[str, object]) -> str:
    code = compile("\n" * block.line + block.text, str(block.page), "exec")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(code, namespace)
    return output.getvalue()


def _compare(block: Block, printed: str) -> None:
    assert _CHECKER.check_output(block.text, printed, _LOOSELY), (
        f"{block} says that this is printed:\n{block.text}\nbut it is:\n{printed}"
    )


def run_tests(page: Path, folder: Path, *options: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    command += [*options, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the tests shown on {page.name} fail:\n{done.stdout}"


@contextlib.contextmanager
def _reaching(servers: dict[str, Sandbox]) -> Iterator[None]:
    """
    Let the addresses and the credentials of the documents be those of sandboxes.

    That of a family is started when a page first reaches for it, and added to ``servers``.
    """
    connect = driver_module.connect

    def reach(endpoint, credentials, **options):
        family = SERVERS.get(endpoint.host)
        if family is not None:
            if family not in servers:
                servers[family] = started.enter_context(Sandbox(family=family, speed=0))
            endpoint = Endpoint.parse(servers[family].url)
            credentials = _translated(credentials, servers[family])
        return connect(endpoint, credentials, **options)

    with contextlib.ExitStack() as started, mock.patch.object(driver_module, "connect", reach):
        yield


def _translated(credentials, sandbox: Sandbox):
    given = (credentials.key, credentials.secret)
    if credentials.key == "username":
        given = (sandbox.username, sandbox.password if given[1] == "password" else given[1])
    elif (credentials.key or "").startswith("credential/") and credentials.secret == "the-secret":
        given = (sandbox.key, sandbox.secret)
    return attrs.evolve(credentials, key=given[0], secret=given[1])


@contextlib.contextmanager
def _waiting_on(servers: dict[str, Sandbox], namespace: dict[str, object]) -> Iterator[None]:
    """Let a wait move the clocks of the page's sandboxes instead of taking time."""
    slept = Clock(speed=0)
    begin = slept.now()

    def sleep(seconds: float) -> None:
        slept.advance(seconds)
        for server in servers.values():
            server.clock.advance(seconds)
        for value in list(namespace.values()):
            if isinstance(value, Sandbox):
                value.clock.advance(seconds * max(value.clock.speed, 1))

    def monotonic() -> float:
        return (slept.now() - begin).total_seconds()

    fake = SimpleNamespace(sleep=sleep, monotonic=monotonic, time=time.time)
    with mock.patch("slipstream.transport.clock.time", fake):
        yield
