"""Logging in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario
Login = Callable[..., Driver]


def assert_lists_nodes(driver: Driver) -> None:
    assert isinstance(driver.list_nodes(ex_addresses=False), list)


def test_user_name_and_password(scenario: Scenario, login: Login) -> None:
    own = scenario.credentials
    if not own.username:
        scenario.unsupported("no user name and password were given to record it with")
    assert_lists_nodes(login(own.username, own.password))


def test_api_key_is_told_by_its_look(scenario: Scenario, login: Login) -> None:
    own = scenario.credentials
    if not own.key:
        scenario.unsupported("no API key was given to record it with")
    assert_lists_nodes(login(own.key, own.secret))


def test_wrong_password_fails_at_login(scenario: Scenario) -> None:
    user = scenario.credentials.username or "nobody"
    with pytest.raises(InvalidCredsError, match="Check the user name or key and the secret"):
        Driver(user, "not-the-password", ex_endpoint=scenario.endpoint)


def test_unknown_session_template_names_those_that_exist(scenario: Scenario) -> None:
    with pytest.raises(InvalidCredsError, match=r"session templates: (.*, )?(internal|password)"):
        Driver(None, ex_endpoint=scenario.endpoint, ex_login_method="no-such-template")


def test_second_factor(scenario: Scenario, two_factors: Login) -> None:
    assert_lists_nodes(two_factors(ex_login_parameters={"code": scenario.code}))


def test_missing_second_factor(two_factors: Login) -> None:
    with pytest.raises(InvalidCredsError, match="code"):
        two_factors()


def test_group(scenario: Scenario, driver: Driver, login: Login) -> None:
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
    assert_lists_nodes(login(ex_group=own[0]))
