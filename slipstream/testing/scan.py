"""Scan cassettes for secrets."""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from slipstream.plugins import default_plugins
from slipstream.testing.cassette_file import (
    MANIFEST,
    STATUSES,
    CassetteError,
    Interaction,
    Manifest,
    load,
)
from slipstream.testing.scenarios import cassette_path, scenario_name, without_parameters
from slipstream.testing.scrubbing import REQUEST_HEADERS, RESPONSE_HEADERS, Scrubber

LARGEST: Final = 400_000  # bytes that a cassette may have
_FILES = {"README.md", ".gitkeep"}
_MARKER = "pytest.mark.scenario"
_CALLED = r"(?i:[\w.:-]*(?:passw(?:or)?d|passphrase|secret|token|private[-_.]?key)[\w.:-]*)"
_ALLOWED = r"(?:SCRUBBED|recorded-[a-z0-9-]+|credential/[\w-]+)?"

# On purpose none of the scrubber's own rules: what it overlooks has to be seen here.
_PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a JSON web token": re.compile(r"(?<![\w-])eyJ[\w-]{6,}\.[\w-]+"),
    "an API key's secret": re.compile(r"(?<![\w.])[2-9A-HJ-NP-Za-km-z]{6}(?:\.\w{6}){4}(?![\w.])"),
    "an AWS access key": re.compile(r"(?<![A-Z0-9])A(?:KI|SI)A[A-Z0-9]{16}(?![A-Z0-9])"),
    "a GitHub token": re.compile(r"\bgh[a-z]_\w{30,}"),
    "a bearer token": re.compile(r"(?i)\bbearer +(?!SCRUBBED)[\w.~+/=-]{8,}"),
    "a basic login": re.compile(r"(?i)\bbasic +(?!SCRUBBED)[\w+/]{8,}={0,2}"),
    "an e-mail address": re.compile(
        r"(?<![\w.+-])[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)(?:[\w-]+\.)+[a-zA-Z]{2,}"
    ),
    "a Python tag": re.compile(r"!!python|tag:yaml\.org,2002:python|!<tag:.*python"),
    "a secret in JSON": re.compile(rf'\\?"{_CALLED}\\?"\s*:\s*\\?"(?!{_ALLOWED}\\?")'),
    "a secret in a form or a query": re.compile(
        rf"(?<![\w$.:-]){_CALLED}=(?!{_ALLOWED}(?:\W|$))\w"
    ),
    "a password in XML": re.compile(
        r'(?i)type="password"[^>]*>(?!\s*(?:<instructions|<value|<enumValues|</|SCRUBBED))'
    ),
    "an XML element of a secret": re.compile(rf"<{_CALLED}(?:\s[^>]*)?(?<!/)>(?!{_ALLOWED}\s*<)"),
}
_SECRET_PLACE = re.compile(
    r"(?i)password|secret|token|private.?key|cookie|authorization|passphrase"
)
_WORD = re.compile(r"(?<![\w/+.-])[\w+=/-]{20,}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RANDOM_FROM = 3.7  # bits a character; words and paths stay below, keys of 20 letters above


@frozen
class Finding:
    """One finding. It never quotes the secret.

    :param path: The file.
    :param problem: What is wrong.
    :param line: The line, if it is in one.
    """

    path: Path
    problem: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.problem}"


def scan(root: Path, scenarios: Collection[str] | None = None) -> list[Finding]:
    """Scan every cassette.

    :param root: The folder of all cassettes.
    :param scenarios: The names of the scenarios that exist, to find cassettes without one.
    :returns: What is wrong, in the order of the files; empty if all is well.
    """
    default_plugins()  # what they declare secret is a secret here, too
    findings: list[Finding] = []
    for path in sorted(filter(Path.is_file, root.rglob("*"))):
        if path.suffix == ".yaml":
            findings += _file(path, root, scenarios)
        elif path.name not in _FILES:
            findings.append(Finding(path, "is neither a cassette nor a manifest"))
    return findings


def scenario_names(folder: Path) -> set[str]:
    """List the scenarios of a folder of tests, without importing them."""
    names: set[str] = set()
    for path in folder.rglob("test_*.py"):
        module = ast.parse(path.read_text("utf-8"))
        assignments = [ast.unparse(node) for node in module.body if isinstance(node, ast.Assign)]
        whole = any(re.match(rf"pytestmark = .*{_MARKER}", line) for line in assignments)
        for node in ast.walk(module):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            if whole or _MARKER in map(ast.unparse, node.decorator_list):
                names.add(scenario_name(path.stem, node.name))
    return names


def _file(path: Path, root: Path, scenarios: Collection[str] | None) -> Iterator[Finding]:
    if path.stat().st_size > LARGEST:
        yield Finding(path, f"is larger than {LARGEST // 1000} kB")
    yield from text_findings(path, path.read_text(encoding="utf-8", errors="replace"))
    folder = root / path.relative_to(root).parts[0]
    try:
        if path == folder / MANIFEST:
            yield from _manifest(path, scenarios)
            return
        header, interactions = load(path)
    except CassetteError as error:
        yield Finding(path, str(error))
        return
    if not (folder / MANIFEST).is_file():
        yield Finding(path, f"has no {MANIFEST} in its origin's folder")
    if header.origin != folder.name:
        yield Finding(path, f"says it belongs to {header.origin}")
    if cassette_path(folder, header.scenario) != path:
        yield Finding(path, f"holds the scenario {header.scenario}, which belongs elsewhere")
    if _is_orphan(header.scenario, scenarios):
        yield Finding(path, f"is an orphan: there is no scenario {header.scenario}")
    for interaction in interactions:
        yield from _interaction(path, interaction)


def text_findings(path: Path, text: str) -> Iterator[Finding]:
    """Scan a text for secrets, e-mail addresses and tags that run code."""
    for problem, pattern in _PATTERNS.items():
        for hit in pattern.finditer(text):
            yield Finding(path, f"holds {problem}", text.count("\n", 0, hit.start()) + 1)
    for number, line in enumerate(text.splitlines(), start=1):
        if _SECRET_PLACE.search(line) and any(map(_is_random, _WORD.findall(line))):
            yield Finding(path, "holds something random where a secret stands", number)


def _is_random(word: str) -> bool:
    mixed = all(any(map(kind, word)) for kind in (str.isupper, str.islower, str.isdigit))
    shares = [count / len(word) for count in Counter(word).values()]
    entropy = -sum(share * math.log2(share) for share in shares)
    return mixed and not _UUID.search(word) and entropy > _RANDOM_FROM


def _manifest(path: Path, scenarios: Collection[str] | None) -> Iterator[Finding]:
    manifest = Manifest.load(path.parent)
    if manifest is None or manifest.origin != path.parent.name:
        yield Finding(path, "names another origin than its folder")
        return
    for status in STATUSES:
        for name in getattr(manifest, status):
            there = cassette_path(path.parent, name).exists()
            if there != (status == "outdated"):
                problem = "there is a cassette of it" if there else "there is no cassette of it"
                yield Finding(path, f"calls {name} {status}, but {problem}")
            if _is_orphan(name, scenarios):
                yield Finding(path, f"calls {name} {status}, but there is no such scenario")


def _is_orphan(name: str, scenarios: Collection[str] | None) -> bool:
    return scenarios is not None and not {name, without_parameters(name)} & {*scenarios}


def _interaction(path: Path, interaction: Interaction) -> Iterator[Finding]:
    strange = {*interaction.request_headers} - REQUEST_HEADERS
    strange |= {*interaction.response_headers} - RESPONSE_HEADERS
    for name in sorted(strange):
        yield Finding(path, f"keeps the header {name}")
    for cookie in interaction.response_headers.get("set-cookie", ()):
        if cookie.partition(";")[0].partition("=")[2] not in {"", "SCRUBBED", "INVALID"}:
            yield Finding(path, "holds the value of a cookie")
    scrubber, url = Scrubber(), interaction.uri
    sent, received = interaction.request_headers, interaction.response_headers
    bodies = ((interaction.request_body or b"", sent), (interaction.response_body, received))
    is_scrubbed = (
        scrubber.url(url) == url
        and scrubber.request_headers(sent) == sent
        and scrubber.response_headers(received) == received
        and all(_meaning(scrubber.body(*body, url=url)) == _meaning(body[0]) for body in bodies)
    )
    if not is_scrubbed:
        yield Finding(path, f"is not scrubbed at {interaction.method} {url.partition('?')[0]}")


def _meaning(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return body
