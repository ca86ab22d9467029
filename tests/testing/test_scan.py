"""Every kind of leak, planted, is found; a clean cassette is not complained about."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from textwrap import indent

import pytest

from slipstream.testing.scan import scan, scenario_names, text_findings

PROVENANCE = """\
origin: sandbox-3.71
kind: recorded from the sandbox
server: SlipStream
version: '3.71'
date: '2026-11-23'
library: slipstream-libcloud-driver 1.0
endpoint: https://server.example
"""
MANIFEST = f"{PROVENANCE}unsupported: {{}}\n"
CASSETTE = f"""\
header:
  scenario: nodes.deploy
{indent(PROVENANCE, "  ")}  credentials: [username]
interactions:
- request:
    method: POST
    uri: https://server.example/api/session
    headers:
      content-type: application/json
    body: |-
      {{
       "username": "recorded-user",
       "password": "recorded-password"
      }}
  response:
    status: 201
    reason: Created
    headers:
      set-cookie: com.sixsq.slipstream.cookie=SCRUBBED; Path=/
    body: |-
      {{
       "id": "session/5f0c6c1e-6a0f-4c4e-9a60-222222222222",
       "secretKey": "SCRUBBED"
      }}
"""


VALUE = "<parameter type='Password'><value>hunter2</value></parameter>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "sandbox-3.71" / "nodes"
    folder.mkdir(parents=True)
    (folder.parent / "origin.yaml").write_text(MANIFEST)
    (folder / "deploy.yaml").write_text(CASSETTE)
    return tmp_path


def problems(root: Path, *, scenarios: Collection[str] = ("nodes.deploy",)) -> str:
    return " | ".join(map(str, scan(root, scenarios)))


def spoil(root: Path, old: str, new: str, name: str = "nodes/deploy.yaml") -> None:
    path = root / "sandbox-3.71" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_clean_cassette_has_no_findings_whatever_its_parameter(root: Path) -> None:
    assert problems(root) == ""
    spoil(root, "nodes.deploy", "nodes.deploy.small")
    path = root / "sandbox-3.71" / "nodes" / "deploy.yaml"
    path.rename(path.with_name("deploy.small.yaml"))
    assert problems(root) == ""
    assert "there is no scenario nodes.deploy" in problems(root, scenarios=())


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"recorded-password"', '"hunter2"', "deploy.yaml:20: holds a secret in JSON"),
        ('"secretKey": "SCRUBBED"', '"secretKey": "hunter2"', "a secret in JSON"),
        ("cookie=SCRUBBED", "cookie=token", "the value of a cookie"),
        ("cookie=SCRUBBED", "cookie=eyJhbGciOiJSUzI1NiJ9.eyJz.c2", "a JSON web token"),
        ("content-type: application/json", "authorization: x", "keeps the header authorization"),
        ("set-cookie:", "server: nginx\n      set-cookie:", "keeps the header server"),
        ("api/session\n", "api/session?token=hunter2\n", "a secret in a form or a query"),
        ("recorded-user", "me@sixsq.com", "an e-mail address"),
        ("recorded-user", "AKIAABCDEFGHIJKLMNOP", "an AWS access key"),
        ("recorded-user", "Bearer 0123456789abcdef", "a bearer token"),
        ("recorded-user", "abc234.def567.ghj89k.mnp2qr.stu3vw", "an API key's secret"),
        ("recorded-user", "-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("recorded-user", "password was aB3dE5gH7jK9mN1pQ2sT4", "something random"),
        ("[username]", "[!!python/object/apply:os.getcwd []]", "a Python tag"),
        ("  version: '3.71'\n", "", "the header lacks or does not know version"),
        ("  date: '2026-11-23'\n", "  date: ''\n", "the header lacks or does not know date"),
        ("from the sandbox", "from memory", "does not say honestly"),
        ("origin: sandbox-3.71", "origin: other", "says it belongs to other"),
        ("scenario: nodes.deploy", "scenario: nodes.other", "belongs elsewhere"),
        ("interactions:", "actions:", "not a cassette"),
        ("recorded-user", "x" * 400_000, "is larger than 400 kB"),
        ("recorded-user", VALUE, "is not scrubbed at POST https://server.example/api/session"),
    ],
)
def test_what_is_planted_in_a_cassette_is_found_and_not_quoted(
    root: Path, old: str, new: str, problem: str
) -> None:
    spoil(root, old, new)
    assert problem in problems(root)
    assert "hunter2" not in problems(root)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("body: href=x&password=hunter2", "a secret in a form or a query"),
        ('<parameter type="Password"><value>x</value>', ""),
        ('<runtimeParameter type="Password">hunter2<', "a password in XML"),
        ("<password>hunter2</password>", "an XML element of a secret"),
        ("<password>SCRUBBED</password>", ""),
        ('"nested": "{\\"token\\": \\"hunter2\\"}"', "a secret in JSON"),
        ('"key": "credential/5f0c6c1e-6a0f-4c4e-9a60-222222222222"', ""),
        ("mail bob@example.org", ""),
    ],
)
def test_text_is_looked_through_by_rules_of_its_own(
    tmp_path: Path, text: str, problem: str
) -> None:
    findings = " ".join(map(str, text_findings(tmp_path / "c.yaml", text)))
    assert problem in findings
    assert bool(findings) == bool(problem)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("{}", "\n  nodes.deploy: x", "nodes.deploy unsupported, but there is a cassette"),
        (
            "{}",
            "{}\nunrecorded:\n  nodes.deploy: x",
            "nodes.deploy unrecorded, but there is a cassette",
        ),
        ("{}", "{}\noutdated:\n  nodes.x: y", "nodes.x outdated, but there is no cassette"),
        ("server: SlipStream\n", "", "lacks or does not know server"),
    ],
    ids=["unsupported", "unrecorded", "outdated", "incomplete"],
)
def test_what_is_wrong_with_a_manifest_is_found(
    root: Path, old: str, new: str, problem: str
) -> None:
    spoil(root, old, new, "origin.yaml")
    assert problem in problems(root)


def test_origin_has_its_manifest_and_no_other_files(root: Path) -> None:
    (root / "sandbox-3.71" / "notes.txt").write_text("x")
    assert "is neither a cassette nor a manifest" in problems(root)
    (root / "sandbox-3.71" / "notes.txt").unlink()
    spoil(root, "{}", "{}\noutdated:\n  nodes.deploy: the requests have changed", "origin.yaml")
    assert problems(root) == ""
    (root / "sandbox-3.71" / "origin.yaml").unlink()
    assert "has no origin.yaml" in problems(root)


def test_scenarios_are_found_without_importing_them(tmp_path: Path) -> None:
    (tmp_path / "test_nodes.py").write_text(
        "import nowhere\n@pytest.mark.scenario\ndef test_deploy(scenario): ...\n"
        "def test_other(): ...\n"
        "class TestNames:\n    @pytest.mark.scenario\n    def test_blank(self, scenario): ...\n",
    )
    assert scenario_names(tmp_path) == {"nodes.deploy", "nodes.blank"}
