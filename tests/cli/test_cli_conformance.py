"""``slipstream conformance``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from slipstream.cli.conformance import parse
from slipstream.sandbox import Sandbox
from slipstream.testing.backend_checks import BACKEND_CHECKS

HERE = Path(__file__).parents[1] / "conformance"
DUMMY = ["--class", "libcloud.compute.drivers.dummy:DummyNodeDriver", "--arg", "creds=0"]
Run = Callable[..., Result]


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the subcommand, which finds the drivers that its tests come with."""
    monkeypatch.syspath_prepend(str(HERE))
    return partial(run, "conformance")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A server whose password is in the environment."""
    with Sandbox(speed=1000) as sandbox:
        monkeypatch.setenv("PASSWORD", sandbox.password)
        yield sandbox


def login(sandbox: Sandbox) -> list[str]:
    return ["--arg", f"key={sandbox.username}", "--arg", "secret=env:PASSWORD",
            "--arg", f"ex_endpoint={sandbox.url}"]  # fmt: skip


def test_table(run: Run, server: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # The others take long, and are run on both families by the suite for backends.
    checks = [check for check in BACKEND_CHECKS if "hostile" not in check.name]
    monkeypatch.setattr("slipstream.cli.conformance.BACKEND_CHECKS", checks)
    result = run(*login(server))
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("slipstream.libcloud.driver:SlipStreamNodeDriver with libcloud 3.")
    assert lines[2].split() == ["CHECK", "POINT", "OUTCOME", "DETAIL"]
    for name in ("method.list_nodes ", "backend."):
        assert any(line.startswith(name) for line in lines)
    assert result.exit_code == (" 0 fails" not in lines[-1])


SMALL = ["--class", "small_driver.SmallDriver", "--arg", "secret=swordfish"]


def test_json_holds_the_same_for_programs(run: Run) -> None:
    result = run("--json", "--allow-changes", "--location", "here", *SMALL)
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert list(document) == [
        "driver", "provider", "libcloud", "python", "changes", "passed", "summary", "checks",
    ]  # fmt: skip
    assert (document["driver"], document["changes"]) == ("small_driver:SmallDriver", True)
    assert sum(document["summary"].values()) == len(document["checks"])
    by_name = {item["name"]: item for item in document["checks"]}
    assert by_name["node.destroyed"]["outcome"] == "holds"
    assert by_name["login-refused"]["outcome"] == "holds"
    assert list(by_name["login-refused"]) == ["name", "point", "outcome", "detail"]
    assert result.exit_code == (0 if document["passed"] else 1)
    assert "swordfish" not in result.stdout
    output = run("--allow-changes", "--location", "nowhere", *SMALL).stdout
    assert "There is no location 'nowhere'; 1 were listed." in output


def test_exit_code_says_whether_the_driver_holds(run: Run) -> None:
    result = run(*DUMMY)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "libcloud.compute.drivers.dummy:DummyNodeDriver" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(" skipped")
    result = run("--provider", "DUMMY", "--arg", "creds=0", "--json")
    assert (result.exit_code, json.loads(result.stdout)["provider"]) == (1, "DUMMY")
    result = run(*SMALL)
    assert (result.exit_code, result.stderr) == (0, ""), result.stdout


def test_driver_that_cannot_be_constructed(run: Run, server: Sandbox) -> None:
    wrong = ["--arg", "key=alice", "--arg", "secret=not-the-one", "--arg"]
    result = run(*wrong, f"ex_endpoint={server.url}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the driver could not be made: InvalidCredentials: " in result.stderr
    assert not [secret for secret in ("not-the-one", "alice") if secret in result.stderr]


def test_arguments_are_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_KEY", "12")
    options = "a=true b=False c=443 d=-1 e=007 f=1.5 g=a=b secret=12 api_version=2"
    options += " ex_project=text:12345 ex_note=text:env:HOME key=env:CONFORMANCE_KEY"
    assert parse(options.split()).values == {
        "a": True, "b": False, "c": 443, "d": -1, "e": "007", "f": "1.5", "g": "a=b",
        "secret": "12", "api_version": "2", "key": "12", "ex_project": "12345",
        "ex_note": "env:HOME",
    }  # fmt: skip


def test_secret_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("two words\n")
    arguments = parse([f"secret=file:{file}"])
    assert arguments.values == {"secret": "two words"}
    assert "two words" not in repr(arguments)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="--arg secret: the file cannot be read: it is not text"):
        parse([f"secret=file:{file}"])


@pytest.mark.parametrize(
    ("options", "masked", "secrets"),
    [
        (["key=alice", "password=p", "ex_token=t", "port=80"], {"alice", "p", "t"}, {"p", "t"}),
        (["host=env:CONFORMANCE_HOST"], {"inside.example"}, set()),
        (["key_file=/tmp/key.pem", "ex_cookie_file=/tmp/cookies.txt"], set(), set()),
        (["key=token-of-mine", "port=80"], {"token-of-mine"}, {"token-of-mine"}),
    ],
)
def test_secrets_by_their_names(options: Any, masked: Any, secrets: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("CONFORMANCE_HOST", "inside.example")
    arguments = parse(options)
    assert (set(arguments.masked), set(arguments.secrets.values())) == (masked, secrets)
