"""The commands that use a driver, against both families of the sandbox."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from endpoints_under_test import BLOG, LOCATIONS, LiveEndpoint

from slipstream.cli.printing import print_table
from slipstream.errors import NotSupported
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.sandbox import Sandbox

pytestmark = [
    pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True),
    pytest.mark.usefixtures("waiting"),
]
Run = Callable[..., Result]
Deploy = Callable[..., dict[str, Any]]


@pytest.fixture
def run(run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with the credentials for the server in the environment."""
    monkeypatch.setenv("SLIPSTREAM_ENDPOINT", sandbox.url)
    monkeypatch.setenv("SLIPSTREAM_USERNAME", sandbox.username)
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", sandbox.password)
    return run


@pytest.fixture
def place(endpoint: LiveEndpoint) -> str:
    """The name of the location to deploy on."""
    return LOCATIONS[endpoint.family]


@pytest.fixture
def deploy(run: Run, place: str) -> Deploy:
    """Deploy a blog, and give the document that is printed."""

    def call(name: str = "blog", *options: str) -> dict[str, Any]:
        named = ("--name", name, "--location", place, "-o", "json")
        result = run("deploy", BLOG, *named, *options)
        assert result.exit_code == 0, result.output
        document: dict[str, Any] = json.loads(result.stdout)
        return document

    return call


def rows(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()]


def test_login(run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("login").output == f"Logged in to {sandbox.url} as alice.\n"
    document = json.loads(run("login", "--output", "json").stdout)
    assert document == {"endpoint": sandbox.url, "login": "alice"}
    monkeypatch.setenv("SLIPSTREAM_PASSWORD", "not-the-one")
    result = run("login")
    assert result.exit_code == 3
    assert "not-the-one" not in result.output


LISTS = {
    "images": ["IMAGE", "TYPE", "DESCRIPTION"],
    "sizes": ["SIZE", "CPU/MiB/GiB", "PRICE", "LOCATION"],
    "locations": ["LOCATION", "COUNTRY", "ID"],
    "keys": ["KEY", "FINGERPRINT"],
    "nodes": ["NODE", "NAME", "STATE", "ADDRESSES"],
}
FINGERPRINT = "ff:b3:46:0a:1b:4b:68:16:4e:78:51:44:83:6d:15:33"


def test_lists(run: Run, deploy: Deploy, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy()
    monkeypatch.setattr("slipstream.cli.printing._WIDE", 80)
    tables = {command: rows(run(command)) for command in LISTS}
    for command, columns in LISTS.items():
        documents = json.loads(run(command, "-o", "json").stdout)
        assert documents
        assert all({"name", "extra"} <= document.keys() for document in documents)
        assert not any("private_key" in document for document in documents)
        assert tables[command][0] == columns
        folds = command in {"keys", "nodes"}
        assert folds or len(tables[command]) == 1 + len(documents)
    assert BLOG in [row[0] for row in tables["images"]]
    assert place in [row[0] for row in tables["locations"]]
    assert FINGERPRINT in [row[-1] for row in tables["keys"]]
    location, size = tables["locations"][-1][-1], tables["sizes"][1][0]
    assert "Unknown" not in run("deploy", BLOG, "--location", location, "--size", size).output


def test_sizes_of_a_location(run: Run, sandbox: Sandbox, place: str) -> None:
    documents = json.loads(run("sizes", "--location", place, "-o", "json").stdout)
    # The one size of Nuvla is of no location.
    expected = {place} if sandbox.family == "slipstream" else {None}
    assert {document["extra"]["location"] for document in documents} == expected
    result = run("sizes", "--location", "exoscale-ch-gvb")
    assert result.exit_code == 2
    assert "Unknown location 'exoscale-ch-gvb'" in result.stderr


def test_deploy_show_wait_and_destroy(run: Run, sandbox: Sandbox, deploy: Deploy) -> None:
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


def test_destroy_confirmation_escapes_marks_that_turn_the_text(run: Run, deploy: Deploy) -> None:
    node = deploy("a\u202eb")
    result = run("destroy", node["id"], input="n\n")
    assert "Destroy a\\u202eb (" in result.stderr


def test_deploy_prints_progress_to_standard_error(run: Run, place: str) -> None:
    result = run("deploy", BLOG, "--location", place, "--wait")
    assert result.exit_code == 0, result.output
    first, *lines = result.stderr.splitlines()
    assert first.startswith("Deployed ")
    assert all(line.startswith("00:") for line in lines)
    assert lines[-1].split()[1] in {"Ready", "STARTED"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="This system has no /dev/full.")
def test_full_disk_ends_no_wait(run: Run, start: Any, sandbox: Sandbox, place: str) -> None:
    deploy = ("-m", "slipstream", "deploy", BLOG, "--location", place, "--wait")
    sandbox.clock.speed = 600
    pipes: dict[str, Any] = {"capture_output": False, "stdout": subprocess.PIPE}
    with Path("/dev/full").open("w") as full:
        assert "service" in start(*deploy, **pipes, stderr=full).stdout
        pipes = {"capture_output": False, "stdout": full, "stderr": subprocess.PIPE}
        done = start("-m", "slipstream", "images", **pipes)
    assert done.returncode == 1
    assert done.stderr == "slipstream: error: No space left on device\n"


def test_wait_timed_out_and_destroy_with_yes(run: Run, deploy: Deploy) -> None:
    node = deploy()
    result = run("wait", "blog", "--timeout", "0.1")
    assert result.exit_code == 4
    assert node["id"] in result.stderr.splitlines()[-1]
    document = json.loads(run("destroy", node["id"], "--yes", "-o", "json").stdout)
    assert document == {"id": node["id"], "destroyed": True}


def test_destroy_of_a_name_of_several_nodes_names_their_ids(run: Run, deploy: Deploy) -> None:
    ids = [deploy()["id"], deploy()["id"]]
    result = run("destroy", "blog", "--yes")
    assert result.exit_code == 2
    assert all(node_id in result.stderr for node_id in ids)
    assert "Unknown node 'blok'; did you mean 'blog'?" in run("show", "blok").stderr


def test_show_without_machines(run: Run, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(driver: SlipStreamNodeDriver, **_: object) -> None:
        raise NotSupported("There are no machines.")

    monkeypatch.setattr(SlipStreamNodeDriver, "ex_list_virtual_machines", refuse)
    assert deploy("blog", "--wait")["machines"] == []
    result = run("show", "blog")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("components", [(), ("web", "db")], ids=["only-one", "named"])
def test_logs(run: Run, sandbox: Sandbox, deploy: Deploy, components: tuple[str, ...]) -> None:
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


def test_deploy_parameters_of_a_node(run: Run, sandbox: Sandbox, place: str) -> None:
    images = {"slipstream": "examples/tutorials/service-testing/system", "nuvla": BLOG}
    options = ("--location", place, "--param", "testclient:nosuch=1")
    result = run("deploy", images[sandbox.family], *options)
    assert result.exit_code == 2
    unknown = {"slipstream": "'nosuch' of node testclient", "nuvla": "'testclient:nosuch'"}
    assert unknown[sandbox.family] in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["deploy", BLOG, "--param", "title"], 2, "--param takes a name and a value"),
        (["deploy", "no/such/image"], 1, "no/such/image"),
        (["nodes", "--endpoint", "http://127.0.0.1:1"], 1, "http://127.0.0.1:1"),
    ],
)
def test_failure_is_one_line(run: Run, arguments: list[str], code: int, words: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(f"slipstream {arguments[0]}: error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_pipe_gets_whole_lines(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_table(["A", "B"], [["one", "\x1b[31mred " * 20], ["[bold]two", None]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("one        \\x1b[31mred")
    assert lines[2] == "[bold]two"
