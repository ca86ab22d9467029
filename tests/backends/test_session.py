"""Sessions that end, on every kind of endpoint."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import InvalidCredentials, RequestFailed
from slipstream.session import Session

CALLS: dict[str, Callable[[SlipStreamNodeDriver], object]] = {
    "list_nodes": lambda driver: driver.list_nodes(),
    "list_sizes": lambda driver: driver.list_sizes(ex_all=True),
    "list_locations": lambda driver: driver.list_locations(),
    "list_key_pairs": lambda driver: driver.list_key_pairs(),
    "get_image": lambda driver: driver.get_image("apps/WordPress/wordpress"),
}


def lifetime(endpoint: LiveEndpoint) -> int:
    """Seconds for which the server accepts a session."""
    return (7 if endpoint.family == "nuvla" else 1) * 24 * 3600


def logins(endpoint: LiveEndpoint) -> int:
    return len(endpoint.sandbox.journal.entries("POST", "/api/session"))


@pytest.fixture
def driver(endpoint: LiveEndpoint) -> SlipStreamNodeDriver:
    driver = endpoint.login()
    endpoint.sandbox.journal.clear()
    return driver


@pytest.mark.parametrize("call", CALLS)
def test_session_that_has_ended_is_renewed_once(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, call: str
) -> None:
    before = repr(CALLS[call](driver))
    for number in (1, 2):
        endpoint.sandbox.clock.advance(lifetime(endpoint) + 60)
        endpoint.sandbox.journal.clear()
        assert repr(CALLS[call](driver)) == before
        if endpoint.sandbox.journal:  # the one size of Nuvla needs no request
            assert logins(endpoint) == 1, number
            (post,) = endpoint.sandbox.journal.entries("POST", "/api/session")
            assert "cookie" not in post.headers


@pytest.mark.parametrize("call", ["list_nodes", "list_locations"])
def test_sixteen_threads_log_in_once_when_the_session_ends(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, call: str
) -> None:
    endpoint.sandbox.world.expire_sessions()
    barrier = Barrier(16)

    def act(_: int) -> object:
        barrier.wait(10)
        return CALLS[call](driver)

    with ThreadPoolExecutor(16) as pool:
        assert len({repr(result) for result in pool.map(act, range(16))}) == 1
    assert logins(endpoint) == 1


@pytest.mark.parametrize(("left", "renewals"), [(30, 1), (3600, 0)])
def test_session_is_renewed_a_little_before_it_ends(
    endpoint: LiveEndpoint,
    driver: SlipStreamNodeDriver,
    monkeypatch: pytest.MonkeyPatch,
    left: int,
    renewals: int,
) -> None:
    later = FakeTime()
    later.ahead = lifetime(endpoint) - left
    monkeypatch.setattr("slipstream.transport.clock.time", later)
    driver.list_nodes()
    assert logins(endpoint) == renewals


def test_node_of_another_user_costs_no_login(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver
) -> None:
    node = endpoint.deploy(driver)
    bob = endpoint.sandbox.users["bob"]
    stranger = endpoint.login("bob", bob.password, ex_login_method="internal")
    endpoint.sandbox.journal.clear()
    with pytest.raises(RequestFailed) as caught:
        stranger.ex_get_node(node.id)
    assert caught.value.http_code == 403
    assert not isinstance(caught.value, InvalidCredentials)
    assert logins(endpoint) == 0
    assert len(endpoint.sandbox.journal) <= 2


def test_cookie_file_whose_session_ends_says_what_to_do(
    endpoint: LiveEndpoint, driver: SlipStreamNodeDriver, tmp_path: Path
) -> None:
    if endpoint.name == "campus":
        pytest.skip("the endpoints of this plugin take no cookie files")
    path = tmp_path / "cookies.txt"
    driver.ex_save_cookies(path)
    by_file = endpoint.login(ex_cookie_file=path)
    endpoint.sandbox.world.expire_sessions()
    with pytest.raises(InvalidCredentials, match="save a new file with ex_save_cookies"):
        by_file.list_nodes()


@pytest.mark.parametrize("call", [name for name in CALLS if name != "list_sizes"])
def test_session_that_ends_again_long_after_its_renewal_is_renewed_again(
    endpoint: LiveEndpoint,
    driver: SlipStreamNodeDriver,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    later, send, sent = FakeTime(endpoint.sandbox.clock.advance), Session._send, []
    monkeypatch.setattr("slipstream.transport.clock.time", later)

    def expire(self: Session, request: Any, login: Any) -> Any:
        if "session" not in request.path:  # what asks whether it has ended
            sent.append(request)
        if "session" not in request.path and len(sent) <= 2:
            later.sleep(61 * (len(sent) - 1))
            endpoint.sandbox.world.expire_sessions()
        return send(self, request, login)

    monkeypatch.setattr(Session, "_send", expire)
    assert CALLS[call](driver) is not None
    assert logins(endpoint) == 2
