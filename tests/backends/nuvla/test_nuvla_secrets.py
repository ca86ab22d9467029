from __future__ import annotations

import json
import logging
import pickle
from typing import Any

import pytest

from slipstream.libcloud.errors import DriverError
from slipstream.sandbox import Sandbox

from .support import JSON, Driver, Login, deploy, stored

VALUE = "hunter2-of-the-blog"
GIVEN = {"WP_ADMIN_PASSWORD": VALUE}


def everything(thing: Any) -> str:
    return repr(thing) + repr(vars(thing)) + repr(getattr(thing, "extra", ""))


def test_the_values_of_the_environment_are_shown_nowhere(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = deploy(driver, name="blog", ex_parameters=GIVEN)
    sandbox.clock.advance(300)
    (listed,) = driver.list_nodes(ex_addresses=True)
    read = driver.ex_get_node(created.id)
    assert VALUE in repr(stored(sandbox, created.id))
    for node in (created, listed, read):
        assert VALUE not in everything(node)
    assert VALUE not in caplog.text


def test_the_credentials_of_a_deployment_are_shown_nowhere(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = deploy(driver, name="blog")
    secret = stored(sandbox, created.id)["api-credentials"]["api-secret"]
    (listed,) = driver.list_nodes()
    read = driver.ex_get_node(created.id)
    for node in (created, listed, read):
        assert secret not in everything(node)
        assert "api-credentials" not in node.extra
    assert secret not in caplog.text


def test_credentials_that_come_unasked_are_dropped(driver: Driver, sandbox: Sandbox) -> None:
    created = deploy(driver, name="blog")
    document = stored(sandbox, created.id)
    secret = document["api-credentials"]["api-secret"]
    sandbox.faults.add("GET", r"/api/deployment/.*", body=json.dumps(document), headers=JSON)
    assert secret not in everything(driver.ex_get_node(created.id))


@pytest.mark.parametrize("step", ["/api/deployment", "/api/deployment/[^/]+", ".*/start"])
@pytest.mark.parametrize("fault", [{"status": 500}, {"cut": "before"}, {"body": "[1, 2"}])
def test_no_failure_of_a_deployment_quotes_a_value(
    driver: Driver,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    step: str,
    fault: dict[str, Any],
) -> None:
    caplog.set_level(logging.DEBUG)
    image = driver.get_image("apps/WordPress/wordpress")
    cloud = driver.list_locations()[0].extra["credentials"][0]["id"]
    sandbox.faults.add("POST", step, **fault, times=4)
    sandbox.faults.add("PUT", step, **fault, times=4)
    try:
        driver.create_node("blog", None, image, ex_cloud=cloud, ex_parameters=GIVEN)
    except DriverError as error:
        shown = f"{error!r} {error} {error.__cause__!r} {pickle.dumps(error)!r}"
        assert VALUE not in shown
    assert VALUE not in caplog.text


@pytest.mark.parametrize("by", ["password", "key"])
def test_a_driver_shows_neither_password_nor_secret(
    login: Login, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, by: str
) -> None:
    caplog.set_level(logging.DEBUG)
    values = {
        "password": (sandbox.username, sandbox.password),
        "key": (sandbox.key, sandbox.secret),
    }
    driver = login(*values[by])
    driver.list_locations()
    shown = repr(driver) + repr(driver._session) + caplog.text
    assert values[by][1] not in shown
    for cookie in driver._session.cookies:
        assert str(cookie.value) not in shown


def test_an_error_that_quotes_the_secret_is_not_passed_on(login: Login, sandbox: Sandbox) -> None:
    body = json.dumps({"status": 403, "message": f"no {sandbox.secret} here"})
    sandbox.faults.add("POST", "/api/session", status=403, body=body, headers=JSON)
    with pytest.raises(DriverError) as caught:
        login(sandbox.key, sandbox.secret)
    assert sandbox.secret not in str(caught.value) + repr(caught.value.__dict__)
