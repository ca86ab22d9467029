"""Sessions that end, on every kind of endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint, logins
from fake_time import FakeTime
from key_files import KEY

from slipstream.libcloud.errors import InvalidCredentials, RequestFailed
from slipstream.sandbox import Sandbox
from slipstream.session import Session


def _request(driver: Any) -> object:
    resource = "module" if driver.api_version == "2" else "service-offer"
    return driver.connection.request(f"/api/{resource}").object["count"]


CALLS: dict[str, Callable[[Driver], object]] = {
    "list_nodes": lambda driver: driver.list_nodes(),
    "list_sizes": lambda driver: driver.list_sizes(ex_all=True),
    "list_locations": lambda driver: driver.list_locations(),
    "list_key_pairs": lambda driver: driver.list_key_pairs(),
    "get_image": lambda driver: driver.get_image("apps/WordPress/wordpress"),
    "request": _request,
    "import_key_pair": lambda driver: driver.import_key_pair_from_string("work", KEY).name,
}


def lifetime(endpoint: LiveEndpoint) -> int:
    """Seconds for which the server accepts a session."""
    return (7 if endpoint.family == "nuvla" else 1) * 24 * 3600


@pytest.mark.parametrize("call", CALLS)
def test_session_that_has_ended_is_renewed_once(
    endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox, call: str
) -> None:
    before = repr(CALLS[call](driver))
    for number in (1, 2):
        sandbox.clock.advance(lifetime(endpoint) + 60)
        sandbox.journal.clear()
        assert repr(CALLS[call](driver)) == before
        if sandbox.journal:  # the one size of Nuvla needs no request
            (post,) = sandbox.journal.entries("POST", "/api/session")
            assert "cookie" not in post.headers, number


@pytest.mark.parametrize(("left", "renewals"), [(30, 1), (3600, 0)])
def test_session_is_renewed_a_little_before_it_ends(
    endpoint: LiveEndpoint,
    driver: Driver,
    monkeypatch: pytest.MonkeyPatch,
    left: int,
    renewals: int,
) -> None:
    later = FakeTime()
    later.ahead = lifetime(endpoint) - left
    monkeypatch.setattr("slipstream.transport.calls.time", later)
    driver.list_nodes()
    assert logins(endpoint.sandbox) == renewals


def test_session_is_not_renewed_for_a_node_of_another_user(
    endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox, bob: Driver
) -> None:
    node = endpoint.deploy(driver)
    sandbox.journal.clear()
    with pytest.raises(RequestFailed) as caught:
        bob.ex_get_node(node)
    assert caught.value.http_code == 403
    assert not isinstance(caught.value, InvalidCredentials)
    assert logins(sandbox) == 0
    assert len(sandbox.journal) <= 2


@pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
def test_session_not_renewable(endpoint: Any, driver: Any, sandbox: Any, tmp_path: Path) -> None:
    driver.ex_save_cookies(tmp_path / "cookies.txt")
    by_file = endpoint.login(ex_cookie_file=tmp_path / "cookies.txt")
    world = sandbox.world
    if endpoint.family == "nuvla":
        world.passwords[world.user_id("alice")] = "changed"
    else:
        world.accounts["alice"].password = "changed"
    world.expire_sessions()
    message = "has ended and cannot be renewed. Cannot log in by 'internal'"
    with pytest.raises(InvalidCredentials, match=message):
        driver.list_nodes()
    assert logins(sandbox) == 1
    with pytest.raises(InvalidCredentials, match="save a new file with ex_save_cookies"):
        by_file.list_nodes()


def test_session_that_the_server_never_accepts_is_renewed_once(
    endpoint: LiveEndpoint, driver: Driver, sandbox: Sandbox
) -> None:
    method, path = ("PUT", "/api/deployment") if endpoint.family == "nuvla" else ("GET", "/run")
    sandbox.faults.add(method, path, times=None, expire_sessions=True)
    with pytest.raises(InvalidCredentials, match="ends each session as soon as it is made"):
        driver.list_nodes()
    assert len(sandbox.journal.entries(method, path)) == 2
    assert logins(sandbox) == 1


@pytest.mark.parametrize(
    "call", [name for name in CALLS if name not in {"list_sizes", "import_key_pair"}]
)
def test_session_that_ends_again_long_after_its_renewal_is_renewed_again(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    later, send, sent = FakeTime(sandbox.clock.advance), Session.exchange, []
    monkeypatch.setattr("slipstream.transport.calls.time", later)

    def expire(self: Session, request: Any, *login: Any) -> Any:
        if "session" not in request.path:  # what reads whether it has ended
            sent.append(request)
        if "session" not in request.path and len(sent) <= 2:
            later.sleep(61 * (len(sent) - 1))
            sandbox.world.expire_sessions()
        return send(self, request, *login)

    monkeypatch.setattr(Session, "exchange", expire)
    assert CALLS[call](driver) is not None
    assert logins(sandbox) == 2
