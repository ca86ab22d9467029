from __future__ import annotations

import json

import pytest

from slipstream.libcloud.errors import InvalidCredentials, RequestFailed
from slipstream.sandbox import Sandbox

from .support import WORDPRESS, Driver, Login, logins

DAY = 25 * 3600


def test_a_session_is_renewed_whatever_slash_the_address_ends_with(
    login: Login, sandbox: Sandbox
) -> None:
    driver = login(ex_endpoint=f"{sandbox.url}/")
    sandbox.clock.advance(DAY)
    assert driver.list_nodes() == []
    assert logins(sandbox) == 2


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


def test_key_pairs_go_to_the_user_who_logged_in_with_a_key(login: Login, sandbox: Sandbox) -> None:
    user = sandbox.users["bob"]
    login(user.key, user.secret).list_key_pairs()
    assert sandbox.journal[-1].path == "/user/bob"
