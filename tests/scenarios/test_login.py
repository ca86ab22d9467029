"""Logging in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario


def test_user_name_and_password(scenario: Scenario) -> None:
    own = scenario.credentials
    if not own.username:
        scenario.unsupported("no user name and password were given to record it with")
    driver = Driver(own.username, own.password, ex_endpoint=scenario.endpoint)
    assert isinstance(driver.list_nodes(ex_addresses=False), list)


def test_api_key_is_told_by_its_look(scenario: Scenario) -> None:
    own = scenario.credentials
    if not own.key:
        scenario.unsupported("no API key was given to record it with")
    driver = Driver(own.key, own.secret, ex_endpoint=scenario.endpoint)
    assert isinstance(driver.list_nodes(ex_addresses=False), list)


def test_wrong_password_fails_at_login(scenario: Scenario) -> None:
    user = scenario.credentials.username or "nobody"
    with pytest.raises(InvalidCredsError, match="Check the user name or key and the secret"):
        Driver(user, "not-the-password", ex_endpoint=scenario.endpoint)


def test_unknown_session_template_names_those_that_exist(scenario: Scenario) -> None:
    with pytest.raises(InvalidCredsError, match=r"session templates: (.*, )?(internal|password)"):
        Driver(None, ex_endpoint=scenario.endpoint, ex_login_method="no-such-template")


def test_second_factor(scenario: Scenario, login: Callable[..., Driver]) -> None:
    own = scenario.credentials
    if not own.two_factor_username:
        scenario.unsupported("no account with a second factor was given to record it with")
    driver = login(
        own.two_factor_username,
        own.two_factor_password,
        ex_login_parameters={"code": scenario.code},
    )
    assert isinstance(driver.list_nodes(ex_addresses=False), list)


def test_missing_second_factor(scenario: Scenario, login: Callable[..., Driver]) -> None:
    own = scenario.credentials
    if not own.two_factor_username:
        scenario.unsupported("no account with a second factor was given to record it with")
    with pytest.raises(InvalidCredsError, match="code"):
        login(own.two_factor_username, own.two_factor_password)


def test_group(scenario: Scenario, driver: Driver, login: Callable[..., Driver]) -> None:
    try:
        groups = driver.connection.request("/api/group").object
    except BaseHTTPError:
        scenario.unsupported("it has no groups")
    own = [
        group["id"]
        for group in groups.get("resources", [])
        if group.get("users") and not group["id"].startswith("group/nuvla-")
    ]
    if not own:
        scenario.unsupported("this account is in no group of its own")
    assert isinstance(login(ex_group=own[0]).list_nodes(ex_addresses=False), list)
