"""``slipstream conformance``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipstream.cli import main
from slipstream.cli.conformance import parse
from slipstream.sandbox import Sandbox
from slipstream.testing.backend_checks import BACKEND_CHECKS

HERE = Path(__file__).parents[1] / "conformance"
DUMMY = ["--class", "libcloud.compute.drivers.dummy:DummyNodeDriver", "--arg", "creds=0"]
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["conformance", *arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A server whose password is in the environment."""
    with Sandbox(speed=1000) as sandbox:
        monkeypatch.setenv("PASSWORD", sandbox.password)
        yield sandbox


def login(sandbox: Sandbox) -> list[str]:
    return ["--arg", f"key={sandbox.username}", "--arg", "secret=env:PASSWORD",
            "--arg", f"ex_endpoint={sandbox.url}"]  # fmt: skip


def test_the_table_is_printed_and_nothing_changes(
    call: Call, server: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The others take long, and are run on both families by the suite for backends.
    checks = [check for check in BACKEND_CHECKS if "hostile" not in check.name]
    monkeypatch.setattr("slipstream.cli.conformance.BACKEND_CHECKS", checks)
    code, out, err = call(*login(server))
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("slipstream.libcloud.driver:SlipStreamNodeDriver with libcloud 3.")
    assert lines[2].split() == ["CHECK", "POINT", "OUTCOME", "DETAIL"]
    for name in ("method.list_nodes ", "backend."):
        assert any(line.startswith(name) for line in lines)
    assert code == (" 0 fails" not in lines[-1])
    changing = {(entry.method, entry.path) for entry in server.journal if entry.method != "GET"}
    searches = {("PUT", f"/api/{n}") for n in ("service-offer", "credential", "virtual-machine")}
    assert changing <= {("POST", "/api/session"), *searches}


SMALL = ["--class", "small_driver.SmallDriver", "--arg", "secret=swordfish"]


def test_the_json_holds_the_same_for_programs(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    code, out, err = call("--json", "--allow-changes", "--location", "here", *SMALL)
    assert err == ""
    document = json.loads(out)
    assert list(document) == [
        "driver", "provider", "libcloud", "python", "changes", "passed", "summary", "checks",
    ]  # fmt: skip
    assert (document["driver"], document["changes"]) == ("small_driver:SmallDriver", True)
    assert sum(document["summary"].values()) == len(document["checks"])
    by_name = {item["name"]: item for item in document["checks"]}
    assert by_name["node.destroyed"]["outcome"] == "holds"
    assert by_name["login-refused"]["outcome"] == "holds"
    assert list(by_name["login-refused"]) == ["name", "point", "outcome", "detail"]
    assert code == (0 if document["passed"] else 1)
    assert "swordfish" not in out
    _, out, _ = call("--allow-changes", "--location", "nowhere", *SMALL)
    assert "There is no location 'nowhere'; 1 were listed." in out


def test_a_driver_that_fails_makes_the_command_fail(call: Call) -> None:
    code, out, err = call(*DUMMY)
    assert (code, err) == (1, "")
    assert "libcloud.compute.drivers.dummy:DummyNodeDriver" in out
    assert out.splitlines()[-1].endswith(" skipped")
    code, out, _ = call("--provider", "DUMMY", "--arg", "creds=0", "--json")
    assert (code, json.loads(out)["provider"]) == (1, "DUMMY")


def test_a_driver_that_holds_makes_it_succeed_and_is_named_as_python_does_too(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    code, out, err = call(*SMALL)
    assert (code, err) == (0, ""), out


WRONG = {
    "no such option": ["--everything"],
    "no such provider": ["--provider", "nowhere"],
    "a provider and a class": ["--provider", "dummy", "--class", "a:B"],
    "no such class": ["--class", "libcloud.compute.drivers.dummy:Nothing"],
    "no such module": ["--class", "nowhere.at.all:Driver"],
    "no class": ["--class", "driver"],
    "a class of something else": ["--class", "json:JSONDecoder"],
    "an argument without a value": ["--arg", "secret"],
    "an argument without a name": ["--arg", "=value"],
    "an argument twice": ["--arg", "key=a", "--arg", "key=b"],
    "no such variable": ["--arg", "secret=env:CONFORMANCE_NO_SUCH_VARIABLE"],
    "no such file": ["--arg", "secret=file:/no/such/file"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG)
def test_a_wrong_command_is_one_line(call: Call, arguments: list[str]) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("slipstream conformance: error: ")
    assert err.count("\n") == 1


def test_a_wrong_command_leaves_the_process_with_2() -> None:
    command = [sys.executable, "-m", "slipstream", "conformance", "--class", "driver"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("slipstream conformance: error: 'driver' names no class")


def test_a_driver_that_cannot_be_made_is_reported_without_its_secret(
    call: Call, server: Sandbox
) -> None:
    wrong = ["--arg", "key=alice", "--arg", "secret=not-the-one", "--arg"]
    code, out, err = call(*wrong, f"ex_endpoint={server.url}")
    assert (code, out) == (2, "")
    assert "the driver could not be made: InvalidCredentials: " in err
    assert not [secret for secret in ("not-the-one", "alice") if secret in err]


def test_an_argument_that_the_driver_does_not_know_is_named(call: Call) -> None:
    code, _, err = call("--arg", "ex_endpiont=http://127.0.0.1")
    assert code == 2
    assert "TypeError" in err
    assert "ex_endpoint" in err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("a=true", True),
        ("b=False", False),
        ("c=443", 443),
        ("d=-1", -1),
        ("e=007", "007"),
        ("f=1.5", "1.5"),
        ("g=a=b", "a=b"),
        ("secret=12", "12"),
        ("api_version=2", "2"),
        ("ex_project=text:12345", "12345"),
        ("ex_note=text:env:HOME", "env:HOME"),
        ("key=env:CONFORMANCE_KEY", "12"),
    ],
)
def test_argument_is_converted(
    option: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFORMANCE_KEY", "12")
    assert list(parse([option]).values.values()) == [value]


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
def test_secrets_are_known_by_their_names(
    options: list[str], masked: set[str], secrets: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFORMANCE_HOST", "inside.example")
    arguments = parse(options)
    assert (set(arguments.masked), set(arguments.secrets)) == (masked, secrets)
    wrong = arguments.with_wrong_secrets()
    assert (wrong is None) == (not secrets)
    assert not secrets & set((wrong or {}).values())
