"""The commands that use a driver, against both families of the sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipstream.cli import slipstream
from slipstream.cli.driver_command import print_table
from slipstream.errors import NotSupported
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.profiles import PROFILE_VARIABLE, VARIABLES
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
LOCATIONS = {"slipstream": "exoscale-ch-gva", "nuvla": "swarm-lausanne"}
Run = Callable[..., Result]


@pytest.fixture(params=["slipstream", "nuvla"])
def sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A server whose credentials are in the environment."""
    monkeypatch.setattr("slipstream.cli.nodes.PERIOD", 0.05)
    for variable in (*VARIABLES.values(), PROFILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    with Sandbox(family=request.param, speed=600) as sandbox:
        monkeypatch.setenv("SLIPSTREAM_ENDPOINT", sandbox.url)
        monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
        monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)
        yield sandbox


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(slipstream, arguments, **options)

    return invoke


@pytest.fixture
def deploy(run: Run, sandbox: Sandbox) -> Callable[..., dict[str, Any]]:
    def call(name: str = "blog", *options: str) -> dict[str, Any]:
        location = LOCATIONS[sandbox.family]
        named = ("--name", name, "--location", location, "-o", "json")
        result = run("deploy", BLOG, *named, *options)
        assert result.exit_code == 0, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return call


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()]


def test_login(run: Run, sandbox: Sandbox) -> None:
    assert run("login").output == f"Logged in to {sandbox.url} as alice.\n"
    document = json.loads(run("login", "--output", "json").stdout)
    assert document == {"endpoint": sandbox.url, "login": "alice"}


def test_lists(run: Run, sandbox: Sandbox) -> None:
    assert rows(run("images"))[0] == ["IMAGE", "TYPE", "DESCRIPTION"]
    assert BLOG in [row[0] for row in rows(run("images"))]
    assert LOCATIONS[sandbox.family] in [row[0] for row in rows(run("locations"))]
    assert "ff:b3:46:0a:1b:4b:68:16:4e:78:51:44:83:6d:15:33" in [
        row[-1] for row in rows(run("keys"))
    ]
    assert rows(run("sizes"))[0][0] == "SIZE"
    assert rows(run("nodes"))[0][:3] == ["NODE", "NAME", "STATE"]


@pytest.mark.parametrize("command", ["images", "sizes", "locations"])
def test_no_row_of_a_list_is_folded_in_80_columns(
    command: str, run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipstream.cli.driver_command._WIDE", 80)
    documents = json.loads(run(command, "-o", "json").stdout)
    assert len(rows(run(command))) == 1 + len(documents)


def test_what_a_list_shows_names_a_location_and_a_size(run: Run, sandbox: Sandbox) -> None:
    place, size = rows(run("locations"))[-1], rows(run("sizes"))[1]
    result = run("deploy", BLOG, "--location", place[-1], "--size", size[0])
    assert "Unknown" not in result.output


@pytest.mark.parametrize("command", ["images", "sizes", "locations", "keys", "nodes"])
def test_lists_as_json(command: str, run: Run, sandbox: Sandbox) -> None:
    if command == "nodes":
        run("deploy", BLOG, "--location", LOCATIONS[sandbox.family])
    documents = json.loads(run(command, "-o", "json").stdout)
    assert documents or (command, sandbox.family) == ("sizes", "nuvla")
    for document in documents:
        assert {"name", "extra"} <= document.keys()
        assert "private_key" not in document


def test_sizes_of_a_location(run: Run, sandbox: Sandbox) -> None:
    place = LOCATIONS[sandbox.family]
    documents = json.loads(run("sizes", "--location", place, "-o", "json").stdout)
    # The one size of Nuvla is of no location.
    expected = {place} if sandbox.family == "slipstream" else {None}
    assert {document["extra"]["location"] for document in documents} == expected
    table = rows(run("sizes", "--location", place))
    assert table[0] == ["SIZE", "CPU/MiB/GiB", "PRICE", "LOCATION"]
    assert len(table) == 1 + len(documents)
    result = run("sizes", "--location", "exoscale-ch-gvb")
    assert result.exit_code == 2
    assert "Unknown location 'exoscale-ch-gvb'" in result.stderr


def test_a_node_from_deployment_to_destruction(
    run: Run, sandbox: Sandbox, deploy: Callable[..., dict[str, Any]]
) -> None:
    node = deploy("blog", "--param", "wordpress_title=Hi there", "--wait")
    assert node["state"] == "running"
    assert node["extra"]["service_url"].startswith(sandbox.url)
    for name in ("blog", node["id"]):
        output = run("show", name).stdout
        assert node["extra"]["service_url"] in output
        assert ("MACHINE" in output) == (sandbox.family == "slipstream")
    assert [row[:2] for row in rows(run("nodes"))[1:]] == [[node["id"], "blog"]]
    assert run("wait", "blog").exit_code == 0

    for answer in ("n\n", ""):
        result = run("destroy", "blog", input=answer)
        assert result.exit_code == 1
        assert "nothing was destroyed" in result.stderr
    result = run("destroy", "blog", input="y\n")
    assert f"Destroyed {node['id']}." in result.stdout
    assert f"Destroy blog ({node['id']}, " in result.stderr


def test_the_confirmation_shows_no_marks_that_turn_the_text(
    run: Run, deploy: Callable[..., dict[str, Any]]
) -> None:
    node = deploy("a\u202eb")
    result = run("destroy", node["id"], input="n\n")
    assert "Destroy a\\u202eb (" in result.stderr


def test_progress_is_printed_to_standard_error(run: Run, sandbox: Sandbox) -> None:
    place = LOCATIONS[sandbox.family]
    result = run("deploy", BLOG, "--location", place, "--wait")
    assert result.exit_code == 0, result.output
    first, *lines = result.stderr.splitlines()
    assert first.startswith("Deployed ")
    assert all(line.startswith("00:") for line in lines)
    assert lines[-1].split()[1] in {"Ready", "STARTED"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="This system has no /dev/full.")
@pytest.mark.parametrize("sandbox", ["slipstream"], indirect=True)
def test_a_stream_that_cannot_be_written_to_ends_no_wait(sandbox: Sandbox) -> None:
    program = [sys.executable, "-m", "slipstream"]
    deploy = [*program, "deploy", BLOG, "--location", LOCATIONS[sandbox.family], "--wait"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(deploy, stdout=subprocess.PIPE, stderr=full, text=True, check=False)
        assert "service" in done.stdout
        streams = {"stdout": full, "stderr": subprocess.PIPE}
        done = subprocess.run([*program, "images"], **streams, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "slipstream: error: No space left on device\n"


def test_a_wait_that_is_over_is_code_4_and_the_node_is_destroyed_without_confirmation(
    run: Run, sandbox: Sandbox, deploy: Callable[..., dict[str, Any]]
) -> None:
    sandbox.clock.speed = 0
    node = deploy()
    result = run("wait", "blog", "--timeout", "0.1")
    assert result.exit_code == 4
    assert node["id"] in result.stderr.splitlines()[-1]
    document = json.loads(run("destroy", node["id"], "--yes", "-o", "json").stdout)
    assert document == {"id": node["id"], "destroyed": True}


def test_a_name_of_several_nodes_is_refused_with_their_ids(
    run: Run, sandbox: Sandbox, deploy: Callable[..., dict[str, Any]]
) -> None:
    ids = [deploy()["id"], deploy()["id"]]
    result = run("destroy", "blog", "--yes")
    assert result.exit_code == 2
    assert all(node_id in result.stderr for node_id in ids)
    assert "Unknown node 'blok'; did you mean 'blog'?" in run("show", "blok").stderr


def test_a_node_is_shown_where_no_machines_can_be_listed(
    run: Run, deploy: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(driver: SlipStreamNodeDriver, **_: object) -> None:
        raise NotSupported("There are no machines.")

    monkeypatch.setattr(SlipStreamNodeDriver, "ex_list_virtual_machines", refuse)
    node = deploy("blog", "--wait")
    assert node["machines"] == []
    result = run("show", "blog")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("components", [(), ("web", "db")], ids=["only-one", "named"])
def test_logs(
    run: Run,
    sandbox: Sandbox,
    deploy: Callable[..., dict[str, Any]],
    components: tuple[str, ...],
) -> None:
    deploy("blog", "--wait")
    result = run("logs", "blog", *components, "--lines", "3")
    if sandbox.family == "nuvla" and components:
        assert {row[0] for row in rows(result)} == {"web", "db"}
    elif sandbox.family == "nuvla":
        assert "web" in result.output
    else:
        assert result.exit_code == 1
        assert result.stderr.startswith("slipstream logs: error: ")
        assert "cannot read logs" in result.stderr


def test_parameters_of_an_application_name_its_nodes(run: Run, sandbox: Sandbox) -> None:
    images = {"slipstream": "examples/tutorials/service-testing/system", "nuvla": BLOG}
    result = run(
        "deploy",
        images[sandbox.family],
        *("--location", LOCATIONS[sandbox.family]),
        *("--param", "testclient:nosuch=1"),
    )
    assert result.exit_code == 2
    unknown = {"slipstream": "'nosuch' of node testclient", "nuvla": "'testclient:nosuch'"}
    assert unknown[sandbox.family] in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["deploy", BLOG, "--param", "title"], 2, "--param takes a name and a value"),
        (["deploy", "no/such/image"], 1, "no/such/image"),
        (["show"], 2, "Missing argument 'NODE'"),
        (["nodes", "--profile", "nowhere"], 2, "There is no profile 'nowhere'"),
        (["nodes", "--output", "xml"], 2, "'xml' is not one of"),
        (["nodes", "--endpoint", "http://127.0.0.1:1"], 1, "http://127.0.0.1:1"),
    ],
)
def test_a_failure_is_one_line_with_an_exit_code(
    arguments: list[str], code: int, words: str, run: Run, sandbox: Sandbox
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"slipstream {arguments[0]}: error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_a_refused_login_is_code_3_and_shows_no_secret(
    run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", "not-the-one")
    result = run("login")
    assert result.exit_code == 3
    assert "not-the-one" not in result.output


def test_a_pipe_gets_whole_lines_without_colour(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_table(["A", "B"], [["one", "\x1b[31mred " * 20], ["[bold]two", None]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("one        \\x1b[31mred")
    assert lines[2] == "[bold]two"
