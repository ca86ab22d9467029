from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from fake_time import FakeTime

from slipstream.libcloud.errors import InvalidCredentials, RequestFailed
from slipstream.sandbox import Sandbox

from .support import WORDPRESS, Driver, Login, logins

DAY = 25 * 3600
CALLS: dict[str, Callable[[Driver], object]] = {
    "the XML half": lambda driver: driver.list_nodes(),
    "the JSON half": lambda driver: driver.list_sizes(),
    "the user's profile": lambda driver: driver.list_key_pairs(),
    "several requests": lambda driver: driver.list_locations(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_session_that_has_ended_overnight_is_renewed_once(
    driver: Driver, sandbox: Sandbox, call: Callable[[Driver], object]
) -> None:
    before = repr(call(driver))
    sandbox.clock.advance(DAY)
    assert repr(call(driver)) == before
    assert logins(sandbox) == 1


def test_a_session_is_renewed_whatever_slash_the_address_ends_with(
    login: Login, sandbox: Sandbox
) -> None:
    driver = login(ex_endpoint=f"{sandbox.url}/")
    sandbox.clock.advance(DAY)
    assert driver.list_nodes() == []
    assert logins(sandbox) == 2


def test_a_session_is_renewed_every_day(driver: Driver, sandbox: Sandbox) -> None:
    for _ in range(3):
        sandbox.clock.advance(DAY)
        driver.list_nodes()
    assert logins(sandbox) == 3


def test_the_old_cookie_is_not_sent_with_a_new_login(driver: Driver, sandbox: Sandbox) -> None:
    driver.list_sizes()
    sandbox.clock.advance(DAY)
    driver.list_sizes()
    (post,) = sandbox.journal.entries("POST", "/api/session")
    assert "cookie" not in post.headers


@pytest.mark.parametrize("half", ["the XML half", "the JSON half"])
def test_sixteen_threads_log_in_once_when_the_session_ends(
    driver: Driver, sandbox: Sandbox, half: str
) -> None:
    sandbox.clock.advance(DAY)
    barrier = Barrier(16)

    def ask(_: int) -> object:
        barrier.wait(10)
        return CALLS[half](driver)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    assert len({repr(answer) for answer in answers}) == 1
    assert logins(sandbox) == 1


def test_a_session_is_renewed_a_little_before_it_ends(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = FakeTime()
    later.ahead = 24 * 3600 - 30
    monkeypatch.setattr("slipstream.transport.clock.time", later)
    driver.list_nodes()
    assert [entry.status for entry in sandbox.journal] == [201, 200]


def test_a_session_with_time_left_is_not_renewed(
    driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = FakeTime()
    later.ahead = 23 * 3600
    monkeypatch.setattr("slipstream.transport.clock.time", later)
    driver.list_nodes()
    assert logins(sandbox) == 0


def test_a_refusal_that_means_not_yours_costs_no_login(
    driver: Driver, bob: Driver, sandbox: Sandbox
) -> None:
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    sandbox.journal.clear()
    with pytest.raises(RequestFailed) as caught:
        bob.ex_get_node(node.id)
    assert caught.value.http_code == 403
    assert len(sandbox.journal) == 1


def test_a_refusal_of_the_json_half_that_means_not_yours_costs_no_login(
    driver: Driver, sandbox: Sandbox
) -> None:
    refusal = json.dumps({"status": 403, "message": "credentials required"})
    sandbox.faults.add(
        "PUT",
        "/api/service-offer",
        status=403,
        body=refusal,
        headers={"Content-Type": "application/json"},
    )
    with pytest.raises(RequestFailed, match="credentials required") as caught:
        driver.list_sizes()
    assert caught.value.http_code == 403
    assert logins(sandbox) == 0
    assert len(sandbox.journal.entries("PUT", "/api/service-offer")) == 1


def test_a_deployment_after_the_session_has_ended_is_made_once(
    driver: Driver, sandbox: Sandbox
) -> None:
    image = driver.get_image(WORDPRESS)
    sandbox.faults.add("POST", "/run", expire_sessions=True)
    driver.create_node(image=image)
    assert [entry.status for entry in sandbox.journal.entries("POST", "/run")] == [401, 201]
    assert len(sandbox.world.runs) == 1


def test_a_password_changed_meanwhile_is_told_and_not_tried_again(
    driver: Driver, sandbox: Sandbox
) -> None:
    sandbox.world.accounts["alice"].password = "another"
    sandbox.clock.advance(DAY)
    with pytest.raises(
        InvalidCredentials, match=r"has ended and cannot be renewed. Cannot log in by 'internal'"
    ):
        driver.list_nodes()
    assert logins(sandbox) == 1


def test_a_server_that_never_accepts_the_new_session_is_not_asked_for_ever(
    driver: Driver, sandbox: Sandbox
) -> None:
    sandbox.faults.add("GET", "/run", times=None, expire_sessions=True)
    with pytest.raises(InvalidCredentials):
        driver.list_nodes()
    assert len(sandbox.journal.entries("GET", "/run")) == 2
    assert logins(sandbox) == 1


def test_a_cookie_file_whose_session_ends_says_what_to_do(
    login: Login, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    login().ex_save_cookies(path)
    driver = login(ex_cookie_file=path)
    sandbox.clock.advance(DAY)
    with pytest.raises(InvalidCredentials, match="save a new file with ex_save_cookies"):
        driver.list_nodes()


def test_key_pairs_go_to_the_user_who_logged_in_with_a_key(login: Login, sandbox: Sandbox) -> None:
    user = sandbox.users["bob"]
    login(user.key, user.secret).list_key_pairs()
    assert sandbox.journal[-1].path == "/user/bob"
