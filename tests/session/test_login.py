"""Logging in to a server of each family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint, Login, logins

from slipstream.libcloud.errors import BadInput, InvalidCredentials, NoAnswer
from slipstream.sandbox import Sandbox

pytestmark = pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
UNKNOWN_KEY = "credential/0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"


def sent_template(endpoint: LiveEndpoint) -> dict[str, str]:
    (post,) = endpoint.sandbox.journal.entries("POST", "/api/session")
    return dict(post.json["template" if endpoint.family == "nuvla" else "sessionTemplate"])


@pytest.mark.parametrize("method", [None, "internal"])
def test_login_by_password(endpoint: LiveEndpoint, sandbox: Sandbox, method: str | None) -> None:
    driver = endpoint.login(sandbox.username, sandbox.password, ex_login_method=method)
    name = "password" if endpoint.family == "nuvla" else "internal"
    fields = {"username": sandbox.username, "password": sandbox.password}
    assert sent_template(endpoint) == {"href": f"session-template/{name}", **fields}
    assert driver.list_nodes() == []


@pytest.mark.parametrize("method", [None, "api-key"])
def test_login_by_api_key(endpoint: LiveEndpoint, sandbox: Sandbox, method: str | None) -> None:
    key = sandbox.key if method is None else sandbox.key.removeprefix("credential/")
    driver = endpoint.login(key, sandbox.secret, ex_login_method=method)
    fields = {"key": key, "secret": sandbox.secret}
    assert sent_template(endpoint) == {"href": "session-template/api-key", **fields}
    assert driver.list_nodes() == []


@pytest.mark.parametrize("key", ["alice", "nobody", UNKNOWN_KEY])
def test_login_with_a_wrong_secret(login: Login, sandbox: Sandbox, key: str) -> None:
    with pytest.raises(InvalidCredentials, match="Cannot log in by '") as caught:
        login(key, "wr0ng-s3cret")
    assert (caught.value.http_code, caught.value.operation) == (403, "__init__")
    assert sandbox.url in str(caught.value)
    assert "wr0ng-s3cret" not in str(caught.value)
    assert logins(sandbox) == 1


@pytest.mark.parametrize(
    ("key", "secret", "missing"),
    [
        ("alice", None, "password to log in with is missing.*'secret'"),
        ("alice", "", "password to log in with is missing.*'secret'"),
        ("", "secret", "username to log in with is missing.*'key'"),
    ],
)
def test_login_without_a_key_or_secret(
    endpoint: LiveEndpoint, sandbox: Sandbox, key: str, secret: str | None, missing: str
) -> None:
    if endpoint.family == "slipstream":
        sandbox.world.accounts["alice"].password = "password"
    with pytest.raises(BadInput, match=missing):
        endpoint.login(key, secret)
    assert logins(sandbox) == 0


@pytest.mark.parametrize("method", ["Internal!", "../internal", "session-template/", "a b"])
def test_login_by_an_impossible_method(login: Login, sandbox: Sandbox, method: str) -> None:
    expected = "neither a login method nor the name of a session|Unknown login method .* did you"
    with pytest.raises(BadInput, match=expected):
        login("x", "y", ex_login_method=method)
    assert logins(sandbox) == 0


def test_login_by_a_template_with_a_secret(login: Login, sandbox: Sandbox) -> None:
    with pytest.raises(BadInput, match="takes its fields from ex_login_parameters"):
        login("alice", "secret", ex_login_method="mitreid-token")
    assert logins(sandbox) == 0


def test_login_survives_passing_faults(login: Login, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=503)
    sandbox.faults.add("POST", "/api/session", status=502)
    assert login().list_nodes() == []


def test_login_where_nobody_listens(sandbox: Sandbox) -> None:
    sandbox.stop()
    with pytest.raises(NoAnswer, match=f"Cannot connect to {sandbox.url}") as caught:
        Driver("alice", "secret", ex_endpoint=sandbox.url, retry_delay=0.001)
    assert not caught.value.may_have_happened


def test_login_leaves_the_files_of_the_user_alone(
    login: Login, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password stolen\n")
    login().list_nodes()
    assert [path.name for path in tmp_path.iterdir()] == [".netrc"]
    assert not any("authorization" in entry.headers for entry in sandbox.journal)


@pytest.mark.parametrize("named", ["api_version", "ex_endpoint_kind", "neither"])
def test_login_detects_the_kind(endpoint: LiveEndpoint, sandbox: Sandbox, named: str) -> None:
    version = "2" if endpoint.family == "nuvla" else "1"
    options: dict[str, Any] = {"api_version": version, "ex_endpoint_kind": endpoint.family}
    endpoint.login(**{name: options[name] for name in options if name == named})
    paths = [entry.path for entry in sandbox.journal]
    assert paths == ["/api/cloud-entry-point"] * (named == "neither") + ["/api/session"]


def test_login_with_an_unknown_api_version(login: Login) -> None:
    with pytest.raises(BadInput, match="1, 2"):
        login(api_version="3")


def test_login_with_an_unknown_kind_of_endpoint(login: Login) -> None:
    with pytest.raises(BadInput, match=r"Unknown kind of endpoint 'slipstrem'.*'slipstream'"):
        login(ex_endpoint_kind="slipstrem")
