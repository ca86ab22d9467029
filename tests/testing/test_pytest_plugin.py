"""A project's scenarios are recorded from a server, then replayed without it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import requests
import vcr.patch  # type: ignore[import-untyped]
from _pytest.pytester import RunResult
from werkzeug import Request, Response
from werkzeug.serving import make_server

import slipstream.session.polling

# Runs within this process forget what they imported; these must not be imported twice.
__all__ = ["requests", "slipstream", "vcr"]

pytest_plugins = ["pytester"]

PASSWORD = "hunter2-is-secret"

SCENARIOS = """
import socket
import pytest, requests

@pytest.fixture
def client(scenario):
    session = requests.Session()
    login = {"username": scenario.credentials.username, "password": scenario.credentials.password}
    session.post(scenario.endpoint + "/api/session", json={"sessionTemplate": login})
    yield session
    session.delete(scenario.endpoint + "/api/session/1")

@pytest.mark.scenario
def test_login(scenario, client):
    assert client.cookies["c"]
    answer = client.get(scenario.endpoint + "/api/who").json()
    assert answer["base"] == scenario.endpoint + "/api/"
    assert answer["user"] == scenario.credentials.username
    assert scenario.name == "some.login"

@pytest.mark.scenario
def test_moon(scenario, client):
    scenario.unsupported("it has no rocket")

@pytest.mark.scenario
def test_broken(scenario, client):
    assert not scenario.recording or BROKEN is False

@pytest.mark.scenario
@pytest.mark.parametrize("size", ["small", "large one"])
def test_sized(scenario, client, size):
    assert scenario.name.startswith("some.sized." + size[:5])

def test_beside():
    pass
"""


HIDDEN_CONNECTION = """\
    with pytest.raises(RuntimeError, match="the network is blocked"):
        socket.create_connection(("127.0.0.1", 9))
    yield session"""


@Request.application
def respond(request: Request) -> Response:
    document = {
        **dict.fromkeys(("resourceURI", "baseURI"), "x"),
        **{name: {"href": name} for name in ("serviceOffers", "virtualMachines", "sessions")},
        "base": f"{request.url_root}api/",
        "user": "marvin.martian",
        "echo": request.get_json(silent=True),
    }
    cookie = "c=token=eyJhbGciOiJSUzI1NiJ9.e.s;Path=/"
    return Response(
        json.dumps(document), headers={"Set-Cookie": cookie}, mimetype="application/json"
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = make_server("127.0.0.1", 0, respond, threaded=True)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.port}"
    running.shutdown()
    thread.join()
    running.server_close()


@attrs.frozen
class Project:
    """A project with the scenarios, and the folder of its cassettes."""

    pytester: pytest.Pytester
    server: str

    @property
    def folder(self) -> Path:
        return self.pytester.path / "cassettes" / "fake-1.2"

    @property
    def manifest(self) -> Path:
        return self.folder / "origin.yaml"

    def cassette(self, name: str = "login") -> Path:
        return self.folder / "some" / f"{name}.yaml"

    def run(self, *options: str, **outcomes: int) -> RunResult:
        result = self.pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rs", *options)
        if outcomes:
            result.assert_outcomes(**outcomes)
        return result

    def record(self, *options: str, **outcomes: int) -> RunResult:
        server = ("--endpoint", self.server, "--origin", "fake-1.2")
        return self.run("--record", *server, *options, **outcomes)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: str) -> Project:
    for name in ("KEY", "SECRET"):
        monkeypatch.delenv(f"SLIPSTREAM_{name}", raising=False)
    monkeypatch.setenv("SLIPSTREAM_USERNAME", "marvin.martian")
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", PASSWORD)
    pytester.makeconftest("pytest_plugins = ['slipstream.testing.pytest_plugin']")
    pytester.makeini("[pytest]\nslipstream_cassettes = cassettes\nfilterwarnings = error\n")
    pytester.makepyfile(test_some=SCENARIOS.replace("BROKEN", "False"))
    return Project(pytester, server)


@pytest.fixture(scope="module")
def cassettes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the first test of this module that needs it has recorded."""
    return tmp_path_factory.mktemp("recorded") / "cassettes"


@pytest.fixture
def recorded(project: Project, cassettes: Path) -> Project:
    """The project with its cassettes."""
    if cassettes.exists():
        shutil.copytree(cassettes, project.folder.parent)
    else:
        project.record(passed=4, skipped=1, deselected=1)
        shutil.copytree(project.folder.parent, cassettes)
    return project


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_recording_replays_without_the_server_and_names_its_origin(recorded: Project) -> None:
    recorded.run(passed=5, skipped=1)
    text = recorded.cassette().read_text()
    for secret in (PASSWORD, "marvin", recorded.server.rpartition(":")[2]):
        assert secret not in text
    head = text.partition("interactions:")[0]
    for line in ("scenario: some.login", "origin: fake-1.2", "server: SlipStream", "'1.2'"):
        assert line in head
    assert "kind: recorded from a real server" in head
    assert recorded.cassette("sized.small").is_file()
    assert recorded.cassette("sized.large-one").is_file()


def test_recording_reports_what_fails_and_what_the_server_cannot_serve(project: Project) -> None:
    project.pytester.makepyfile(test_some=SCENARIOS.replace("BROKEN", "True"))
    project.record(passed=3, skipped=1, failed=1, deselected=1).stdout.fnmatch_lines_random(
        [
            *("recorded *some.login", "unsupported *some.moon: it has no rocket"),
            "failed *some.broken: the test failed",
        ]
    )
    assert project.cassette().is_file()
    assert not project.cassette("broken").exists()
    lines = ["*fake-1.2 cannot serve it: it has no rocket*"]
    project.run("-k", "moon").stdout.fnmatch_lines(lines)


def test_missing_cassette_fails_until_its_scenario_is_recorded(recorded: Project) -> None:
    recorded.cassette().unlink()
    result = recorded.run(passed=4, skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*record --origin fake-1.2 some.login*"])
    other = recorded.cassette("broken").stat().st_mtime_ns
    recorded.record("--scenario", "some.login", passed=1, deselected=5)
    assert recorded.cassette().is_file()
    assert recorded.cassette("broken").stat().st_mtime_ns == other
    result = recorded.record("--scenario", "some.logout")
    result.stderr.fnmatch_lines(["*no scenario is called some.logout, but *some.login*"])


@pytest.mark.parametrize(
    ("file", "old", "new", "passed", "lines"),
    [
        ("login", '"username": "recorded', '"username": "x', 0,
         ['*+  "username": "recorded-user"*']),
        ("", '    session.delete(scenario.endpoint + "/api/session/1")', "", 1,
         ["*holds requests that were not made:", "*DELETE https://server.example/api/session/1"]),
        ("login", "  server: SlipStream\n", "", 0,
         ["*the header lacks or does not know server*"]),
        ("", "    yield session", HIDDEN_CONNECTION, 1,
         ["*the network was used: 127.0.0.1"]),
    ],
    ids=["changed-body", "request-no-longer-made", "incomplete-header", "hidden-connection"],
)  # fmt: skip
def test_replay_that_differs_fails_and_shows_the_difference(
    recorded: Project, file: str, old: str, new: str, passed: int, lines: list[str]
) -> None:
    path = recorded.cassette(file) if file else recorded.pytester.path / "test_some.py"
    edit(path, old, new)
    result = recorded.run("-k", "login", passed=passed, errors=1, deselected=5)
    result.stdout.fnmatch_lines(lines)


@pytest.mark.parametrize(
    ("status", "message", "counts"),
    [
        ("unrecorded", "fake-1.2 was not recorded with it: made later", "2 unrecorded, 0"),
        (
            "outdated",
            "the recording of fake-1.2 cannot be replayed any more: made later",
            "0 unrecorded, 2",
        ),
    ],
)
def test_scenario_that_the_manifest_excuses_is_skipped_until_it_is_recorded(
    recorded: Project, status: str, message: str, counts: str
) -> None:
    before = recorded.manifest.read_text()
    recorded.manifest.write_text(f"{before}{status}:\n  some.sized: made later\n")
    for size in ("small", "large-one") if status == "unrecorded" else ():
        recorded.cassette(f"sized.{size}").unlink()
    recorded.run(passed=3, skipped=3).stdout.fnmatch_lines_random(
        [f"*{message}*", f"recorded sessions: 2 replayed, 1 unsupported, {counts} outdated"],
    )
    recorded.record("-k", "sized")
    assert recorded.manifest.read_text() == before


SCENARIO = "import pytest\n@pytest.mark.scenario\ndef test_x(scenario): ...\n"
METHOD = "class {}:\n    @pytest.mark.scenario\n    def test_x(self, scenario): ...\n"
TWINS: dict[str, Mapping[str, str]] = {
    "methods": {"test_some": "import pytest\n" + METHOD.format("TestA") + METHOD.format("TestB")},
    "folders": dict.fromkeys(("a/test_some", "b/test_some"), SCENARIO),
    "ids": {
        "test_some": SCENARIO.replace("(scenario)", "(scenario, size)").replace(
            "def", "@pytest.mark.parametrize('size', ['a b', 'a-b'])\ndef"
        )
    },
    "capital letters": {"test_some": SCENARIO + SCENARIO.replace("test_x", "test_X")},
}


@pytest.mark.parametrize("files", TWINS.values(), ids=TWINS)
def test_two_scenarios_with_one_cassette_are_refused_and_named(
    project: Project, files: Mapping[str, str]
) -> None:
    (project.pytester.path / "test_some.py").unlink()
    for name, source in files.items():
        path = project.pytester.path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        if "/" in name:
            (path.parent / "__init__.py").touch()
    lines = ["*test_some*::test_?*and*test_some*::test_?*share the cassette*"]
    for options in ([], ["-n", "1"] if files is TWINS["ids"] else ["--record"]):
        project.run(*options, errors=1).stdout.fnmatch_lines(lines)


def test_each_origin_is_replayed(recorded: Project) -> None:
    other = recorded.folder.with_name("other-2")
    recorded.folder.rename(other)
    for path in other.rglob("*.yaml"):
        path.write_text(path.read_text().replace("origin: fake-1.2", "origin: other-2"))
    recorded.run(passed=5, skipped=1)
    result = recorded.run("--origin", "fake-1.2", passed=1, skipped=5)
    result.stdout.fnmatch_lines(["*there are no cassettes yet*"])


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("PASSWORD", "*set SLIPSTREAM_PASSWORD to record a server*"),
        ("", "*cannot record http://127.0.0.1:1: *"),
    ],
    ids=["no-password", "no-server"],
)
def test_recording_that_cannot_begin_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, variable: str, line: str, pauses: Any
) -> None:
    monkeypatch.delenv(f"SLIPSTREAM_{variable}", raising=False)
    result = attrs.evolve(project, server="http://127.0.0.1:1").record()
    assert result.ret == 2
    result.stdout.fnmatch_lines([line])


def test_sandbox_is_recorded_without_an_endpoint_and_waiting_takes_no_time(
    project: Project,
) -> None:
    project.pytester.makepyfile(
        test_some="""
import pytest, requests
from slipstream.transport import calls

@pytest.mark.scenario
def test_wait(scenario):
    assert requests.get(scenario.endpoint + "/api/cloud-entry-point").ok
    before = calls.monotonic()
    calls.sleep(3600)
    assert calls.monotonic() - before >= 3600
""",
    )
    project.run("--record", passed=1)
    path = project.folder.with_name("sandbox-3.71") / "some" / "wait.yaml"
    assert "kind: recorded from the sandbox" in path.read_text()
    project.run(passed=1)


@pytest.mark.parametrize("options", [["--endpoint", "http://x"], ["--origin", "A/B"]])
def test_options_that_contradict_each_other_are_refused(
    project: Project, options: list[str]
) -> None:
    assert project.run(*options).ret == pytest.ExitCode.USAGE_ERROR
