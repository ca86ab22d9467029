"""Logging in to a server of each family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint, Login, logins

from slipstream.libcloud.errors import BadInput
from slipstream.sandbox import Sandbox

pytestmark = pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)


@pytest.mark.parametrize("method", [None, "internal", "api-key", "api-key without its prefix"])
def test_login_sends_the_template_of_its_method(endpoint: Any, sandbox: Any, method: Any) -> None:
    by_key = method is not None and method.startswith("api-key")
    fields = {"username": sandbox.username, "password": sandbox.password}
    template = "password" if endpoint.family == "nuvla" else "internal"
    if by_key:
        key = sandbox.key.removeprefix("credential/" if method != "api-key" else "")
        fields, template = {"key": key, "secret": sandbox.secret}, "api-key"
    name = "api-key" if by_key else method
    assert endpoint.login(*fields.values(), ex_login_method=name).list_nodes() == []
    (post,) = sandbox.journal.entries("POST", "/api/session")
    sent = post.json["template" if endpoint.family == "nuvla" else "sessionTemplate"]
    assert sent == {"href": f"session-template/{template}", **fields}


NO_METHOD = "neither a login method nor the name of a session|Unknown login method .* did you"


@pytest.mark.parametrize(
    ("key", "secret", "options", "message"),
    [
        ("alice", None, {}, "password to log in with is missing.*'secret'"),
        ("alice", "", {}, "password to log in with is missing.*'secret'"),
        ("", "secret", {}, "username to log in with is missing.*'key'"),
        *(
            ("x", "y", {"ex_login_method": method}, NO_METHOD)
            for method in ("Internal!", "../internal", "session-template/", "a b")
        ),
        ("x", "y", {"ex_login_method": "mitreid-token"}, "its fields from ex_login_parameters"),
        ("x", "y", {"api_version": "3"}, "1, 2"),
        ("x", "y", {"ex_endpoint_kind": "slipstrem"}, r"Unknown kind of .*'slipstream'"),
    ],
)
def test_login_with_bad_input_sends_nothing(
    login: Login, sandbox: Sandbox, key: str, secret: str | None, options: Any, message: str
) -> None:
    if sandbox.family == "slipstream":
        # The server would fill a missing password in with this word.
        sandbox.world.accounts["alice"].password = "password"
    with pytest.raises(BadInput, match=message):
        login(key, secret, **options)
    assert logins(sandbox) == 0


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
