"""A project's scenarios are recorded from a server, then replayed without it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import vcr.patch
from _pytest.pytester import RunResult

import slipstream.session.polling
from slipstream.sandbox import Sandbox

# Runs within this process forget what they imported; these must not be imported twice.
__all__ = ["requests", "slipstream", "vcr"]

pytest_plugins = ["pytester"]

PASSWORD = "hunter2-is-secret"

SCENARIOS = """
import socket, time
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


class Server(BaseHTTPRequestHandler):
    def answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length", 0)))
        document = {
            "resourceURI": "x",
            "baseURI": "x",
            **{name: {"href": name} for name in ("serviceOffers", "virtualMachines", "sessions")},
            "base": f"http://{self.headers['host']}/api/",
            "user": "marvin.martian",
            "echo": json.loads(sent or "null"),
        }
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "c=token=eyJhbGciOiJSUzI1NiJ9.e.s;Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - named by http.server

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    for name in ("KEY", "SECRET"):
        monkeypatch.delenv(f"SLIPSTREAM_{name}", raising=False)
    monkeypatch.setenv("SLIPSTREAM_USERNAME", "marvin.martian")
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", PASSWORD)
    pytester.makeconftest("pytest_plugins = ['slipstream.testing.pytest_plugin']")
    pytester.makeini("[pytest]\nslipstream_cassettes = cassettes\nfilterwarnings = error\n")
    pytester.makepyfile(test_some=SCENARIOS.replace("BROKEN", "False"))
    return pytester


@pytest.fixture(scope="module")
def cassettes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what the first test of this module that needs it has recorded."""
    return tmp_path_factory.mktemp("recorded") / "cassettes"


@pytest.fixture
def recorded(project: pytest.Pytester, server: str, cassettes: Path) -> pytest.Pytester:
    """The project with its cassettes."""
    if cassettes.exists():
        shutil.copytree(cassettes, project.path / "cassettes")
    else:
        record(project, server).assert_outcomes(passed=4, skipped=1, deselected=1)
        shutil.copytree(project.path / "cassettes", cassettes)
    return project


def record(project: pytest.Pytester, server: str, *options: str) -> RunResult:
    return run(project, "--record", "--endpoint", server, "--origin", "fake-1.2", *options)


def run(project: pytest.Pytester, *options: str) -> RunResult:
    return project.runpytest_inprocess("-p", "no:cacheprovider", *options)


def cassette(project: pytest.Pytester, name: str = "login") -> Path:
    return project.path / "cassettes" / "fake-1.2" / "some" / f"{name}.yaml"


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_what_was_recorded_replays_without_the_server(
    recorded: pytest.Pytester, server: str
) -> None:
    run(recorded, "-rs").assert_outcomes(passed=5, skipped=1)
    text = cassette(recorded).read_text()
    assert PASSWORD not in text
    assert "marvin" not in text
    assert server.rpartition(":")[2] not in text


def test_the_cassettes_say_where_they_come_from_and_parameters_are_part_of_their_names(
    recorded: pytest.Pytester,
) -> None:
    head = cassette(recorded).read_text().partition("interactions:")[0]
    for line in ("scenario: some.login", "origin: fake-1.2", "server: SlipStream", "'1.2'"):
        assert line in head
    assert "kind: recorded from a real server" in head
    assert cassette(recorded, "sized.small").is_file()
    assert cassette(recorded, "sized.large-one").is_file()


def test_what_the_server_cannot_serve_is_reported_and_later_skipped(
    project: pytest.Pytester, server: str
) -> None:
    record(project, server).stdout.fnmatch_lines(
        ["recorded *some.login", "unsupported *some.moon: it has no rocket"],
    )
    run(project, "-rs").stdout.fnmatch_lines(["*fake-1.2 cannot serve it: it has no rocket*"])


def test_a_scenario_that_fails_is_not_written_and_the_others_are(
    project: pytest.Pytester, server: str
) -> None:
    project.makepyfile(test_some=SCENARIOS.replace("BROKEN", "True"))
    result = record(project, server)
    result.assert_outcomes(passed=3, skipped=1, failed=1, deselected=1)
    result.stdout.fnmatch_lines(["failed *some.broken: the test failed"])
    assert cassette(project).is_file()
    assert not cassette(project, "broken").exists()


def test_one_scenario_can_be_recorded_by_name(recorded: pytest.Pytester, server: str) -> None:
    cassette(recorded).unlink()
    other = cassette(recorded, "broken").stat().st_mtime_ns
    record(recorded, server, "--scenario", "some.login").assert_outcomes(passed=1, deselected=5)
    assert cassette(recorded).is_file()
    assert cassette(recorded, "broken").stat().st_mtime_ns == other
    result = record(recorded, server, "--scenario", "some.logout")
    result.stderr.fnmatch_lines(["*no scenario is called some.logout, but *some.login*"])


def test_a_missing_cassette_fails(recorded: pytest.Pytester) -> None:
    cassette(recorded).unlink()
    result = run(recorded)
    result.assert_outcomes(passed=4, skipped=1, errors=1)
    result.stdout.fnmatch_lines(["*record --origin fake-1.2 some.login*"])


@pytest.mark.parametrize(
    ("file", "old", "new", "passed", "lines"),
    [
        ("login", '"username": "recorded', '"username": "x', 0,
         ['*+  "username": "recorded-user"*']),
        ("", '    session.delete(scenario.endpoint + "/api/session/1")', "", 1,
         ["*holds requests that were not made:", "*DELETE https://server.example/api/session/1"]),
        ("login", "  server: SlipStream\n", "", 0,
         ["*the header lacks or does not know server*"]),
    ],
    ids=["changed-body", "request-no-longer-made", "incomplete-header"],
)  # fmt: skip
def test_a_replay_that_differs_fails_and_shows_the_difference(
    recorded: pytest.Pytester, file: str, old: str, new: str, passed: int, lines: list[str]
) -> None:
    edit(cassette(recorded, file) if file else recorded.path / "test_some.py", old, new)
    result = run(recorded, "-k", "login")
    result.assert_outcomes(passed=passed, errors=1, deselected=5)
    result.stdout.fnmatch_lines(lines)


def test_replay_blocks_the_network_even_where_the_error_is_hidden(
    recorded: pytest.Pytester, server: str
) -> None:
    port = server.rpartition(":")[2]
    recorded.makepyfile(
        test_some=f"""
import pytest, socket, time, requests
@pytest.mark.scenario
def test_login(scenario):
    with pytest.raises(RuntimeError, match="the network is blocked"):
        socket.create_connection(("127.0.0.1", {port}))
    with socket.socket() as s, pytest.raises(RuntimeError, match="the network is blocked"):
        s.connect(("127.0.0.1", {port}))
""",
    )
    result = run(recorded)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the network was wanted: 127.0.0.1, *"])


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("unrecorded", "fake-1.2 was not recorded with it: made later"),
        ("outdated", "the recording of fake-1.2 cannot be replayed any more: made later"),
    ],
)
def test_a_scenario_that_the_manifest_excuses_is_skipped_and_counted(
    recorded: pytest.Pytester, status: str, message: str
) -> None:
    manifest = recorded.path / "cassettes" / "fake-1.2" / "origin.yaml"
    manifest.write_text(f"{manifest.read_text()}{status}:\n  some.sized: made later\n")
    for size in ("small", "large-one") if status == "unrecorded" else ():
        cassette(recorded, f"sized.{size}").unlink()
    result = run(recorded, "-rs")
    result.assert_outcomes(passed=3, skipped=3)
    counts = "2 unrecorded, 0" if status == "unrecorded" else "0 unrecorded, 2"
    result.stdout.fnmatch_lines_random(
        [f"*{message}*", f"recorded sessions: 2 replayed, 1 unsupported, {counts} outdated"],
    )


def test_recording_ends_an_excuse(recorded: pytest.Pytester, server: str) -> None:
    manifest = recorded.path / "cassettes" / "fake-1.2" / "origin.yaml"
    manifest.write_text(f"{manifest.read_text()}outdated:\n  some.login: made later\n")
    record(recorded, server)
    assert "outdated" not in manifest.read_text()
    assert "it has no rocket" in manifest.read_text()


SCENARIO = "import pytest\n@pytest.mark.scenario\ndef test_x(scenario): ...\n"
METHOD = "class {}:\n    @pytest.mark.scenario\n    def test_x(self, scenario): ...\n"
TWINS: dict[str, Mapping[str, str]] = {
    "methods of two classes": {
        "test_some": "import pytest\n" + METHOD.format("TestA") + METHOD.format("TestB")
    },
    "two folders": dict.fromkeys(("a/test_some", "b/test_some"), SCENARIO),
    **{
        name: {
            "test_some": SCENARIO.replace("(scenario)", "(scenario, size)").replace(
                "def", f"@pytest.mark.parametrize('size', {sizes})\ndef"
            )
        }
        for name, sizes in (("ids", ["a b", "a-b"]), ("dots at the end", ["a", "a."]))
    },
    "capital letters": {"test_some": SCENARIO + SCENARIO.replace("test_x", "test_X")},
    "two ways to write an accent": dict.fromkeys(
        ("test_some_\u00e9", "test_some_e\u0301"), SCENARIO
    ),
}


@pytest.mark.parametrize("files", TWINS.values(), ids=TWINS)
def test_two_scenarios_with_one_cassette_are_refused_and_named(
    project: pytest.Pytester, files: Mapping[str, str]
) -> None:
    (project.path / "test_some.py").unlink()
    for name, source in files.items():
        path = project.path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        if path.parent != project.path:
            (path.parent / "__init__.py").touch()
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_some*::test_?*and*test_some*::test_?*share the cassette*"])


def test_a_cassette_of_a_test_in_another_folder_is_neither_overwritten_nor_replayed(
    recorded: pytest.Pytester, server: str
) -> None:
    (recorded.path / "b").mkdir()
    (recorded.path / "b" / "__init__.py").touch()
    twin = recorded.path / "b" / "test_some.py"
    twin.write_text(SCENARIOS.replace("BROKEN", "False"))
    before = cassette(recorded).read_text()
    assert "test: test_some.py::test_login" in before
    again, replayed = record(recorded, server, "b"), run(recorded, "b")
    again.assert_outcomes(errors=4, skipped=1, deselected=1)
    replayed.assert_outcomes(errors=4, skipped=1, passed=1)
    for result in (again, replayed):
        result.stdout.fnmatch_lines(["*test_some.py::test_login and b/test_some.py::test_login*"])
    assert cassette(recorded).read_text() == before
    # A test that was moved keeps what it has recorded.
    (recorded.path / "test_some.py").unlink()
    run(recorded, "b").assert_outcomes(passed=5, skipped=1)


def test_a_cassette_of_a_test_of_another_class_is_not_overwritten(
    project: pytest.Pytester, server: str
) -> None:
    source = TWINS["methods of two classes"]["test_some"]
    send = "requests.get(scenario.endpoint + '/api/who')"
    project.makepyfile(test_some="import requests\n" + source.replace("...", send))
    record(project, server, "test_some.py::TestA").assert_outcomes(passed=1)
    record(project, server, "test_some.py::TestB").assert_outcomes(errors=1)


def test_every_origin_present_is_played(recorded: pytest.Pytester) -> None:
    folder = recorded.path / "cassettes"
    other = folder / "other-2"
    (folder / "fake-1.2").rename(other)
    for path in other.rglob("*.yaml"):
        path.write_text(path.read_text().replace("origin: fake-1.2", "origin: other-2"))
    run(recorded).assert_outcomes(passed=5, skipped=1)
    run(recorded, "--origin", "fake-1.2").assert_outcomes(passed=1, skipped=5)


def test_without_cassettes_scenarios_are_skipped(project: pytest.Pytester) -> None:
    result = run(project, "-rs")
    result.assert_outcomes(passed=1, skipped=5)
    result.stdout.fnmatch_lines(["*there are no cassettes yet*"])


def test_missing_credentials_are_named_before_anything_is_sent(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLIPSTREAM_PASSWORD")
    result = record(project, "http://127.0.0.1:1")
    result.stderr.fnmatch_lines(["*set SLIPSTREAM_PASSWORD to record a server*"])


def test_a_server_that_does_not_answer_is_named(
    project: pytest.Pytester, pauses: list[float]
) -> None:
    result = record(project, "http://127.0.0.1:1")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["*cannot record http://127.0.0.1:1: *"])


def test_without_an_endpoint_the_sandbox_is_recorded_and_waiting_takes_no_time(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        test_some="""
import pytest, requests
from slipstream.transport import clock

@pytest.mark.scenario
def test_wait(scenario):
    assert requests.get(scenario.endpoint + "/api/cloud-entry-point").ok
    before = clock.monotonic()
    clock.sleep(3600)
    assert clock.monotonic() - before >= 3600
""",
    )
    run(project, "--record").assert_outcomes(passed=1)
    path = project.path / "cassettes" / "sandbox-3.71" / "some" / "wait.yaml"
    assert "kind: recorded from the sandbox" in path.read_text()
    run(project).assert_outcomes(passed=1)


def test_the_clock_of_the_sandbox_fixture_moves_by_hand(sandbox: Sandbox) -> None:
    before = sandbox.clock.now()
    assert sandbox.clock.now() == before
    sandbox.clock.advance(60)
    assert (sandbox.clock.now() - before).total_seconds() == 60


@pytest.mark.parametrize("options", [["--endpoint", "http://x"], ["--origin", "A/B"]])
def test_options_that_make_no_sense_are_refused(
    project: pytest.Pytester, options: list[str]
) -> None:
    assert run(project, *options).ret == pytest.ExitCode.USAGE_ERROR
