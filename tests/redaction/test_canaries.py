"""Unlikely texts as secrets, looked for in everything that anybody could be shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from slipstream.errors import PluginFailed
from slipstream.libcloud.errors import DriverError, InvalidCredentials
from slipstream.sandbox import Sandbox

from .support import PASSWORD, TEMPLATE_FIELD, VALUE, Driver, LiveEndpoint, Login, Seen, deploy

on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
JSON = {"Content-Type": "application/json"}
UNKNOWN_KEY = "credential/0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"


def cookies(driver: Driver) -> list[str]:
    values = [str(cookie.value) for cookie in driver._session.cookies]
    assert values
    return [part for value in values for part in (value, value.removeprefix("token="))]


def use(seen: Seen, driver: Driver, sandbox: Sandbox) -> list[str]:
    """Do what programs do; the cookies met on the way are secrets too."""
    secrets = cookies(driver)
    seen.note_session(driver)
    seen.note(driver.list_locations(), driver.list_nodes(), driver.list_key_pairs())
    sandbox.clock.advance(8 * 24 * 3600)
    driver.list_nodes()
    secrets += cookies(driver)
    for fault in ({"cut": "before"}, {"status": 500}, {"body": "rubbish"}, {"status": 403}):
        sandbox.faults.add(times=None, **fault)
        with pytest.raises(DriverError) as caught:
            driver.list_nodes()
        seen.note(caught.value)
        sandbox.faults.clear()
    return secrets


@pytest.mark.parametrize("by_key", [False, True])
def test_secret_of_a_login_is_not_shown(
    endpoint: LiveEndpoint, sandbox: Sandbox, seen: Seen, by_key: bool
) -> None:
    key, secret = (sandbox.key, sandbox.secret) if by_key else ("alice", PASSWORD)
    if endpoint.family == "slipstream":
        sandbox.world.accounts["alice"].password = PASSWORD
    else:
        sandbox.world.passwords[sandbox.world.user_id("alice")] = PASSWORD
    secrets = use(seen, endpoint.login(key, secret), sandbox)
    assert seen.logins() >= 2
    assert key in seen.everything()
    assert seen.leaks(secret, *secrets) == []


@pytest.mark.parametrize(
    ("key", "method"),
    [
        ("alice", None),
        ("alice", "password"),
        ("nobody", "internal"),
        *((UNKNOWN_KEY, method) for method in (None, "api-key")),
    ],
)
def test_wrong_secret_is_refused_and_not_shown(
    login: Login, sandbox: Sandbox, seen: Seen, key: str, method: str | None
) -> None:
    with pytest.raises(InvalidCredentials, match="Cannot log in by '") as caught:
        login(key, PASSWORD, ex_login_method=method)
    seen.note(caught.value)
    is_template_of_nuvla = (sandbox.family, method) == ("slipstream", "password")
    assert caught.value.http_code == (404 if is_template_of_nuvla else 403)
    assert caught.value.operation == "__init__"
    assert sandbox.url in str(caught.value)
    assert seen.logins() == 1
    assert seen.leaks(PASSWORD) == []


def test_session_of_a_cookie_file_is_not_shown(
    login: Login, sandbox: Sandbox, seen: Seen, tmp_path: Path
) -> None:
    login().ex_save_cookies(tmp_path / "cookies.txt")
    driver = login(None, ex_cookie_file=tmp_path / "cookies.txt")
    seen.note_session(driver)
    driver.list_nodes()
    secrets = cookies(driver)
    sandbox.clock.advance(8 * 24 * 3600)
    with pytest.raises(DriverError) as caught:
        driver.list_nodes()
    seen.note(caught.value)
    assert any("Cookie: " in block for block in seen.blocks())
    assert seen.leaks(*secrets) == []


def test_fields_of_a_session_template_are_not_shown(login: Any, sandbox: Any, seen: Seen) -> None:
    fields = {"username": "alice", "pin-of-the-bank": TEMPLATE_FIELD, "password": PASSWORD}
    body = json.dumps({"status": 403, "message": f"no {TEMPLATE_FIELD} and no {PASSWORD}"})
    sandbox.faults.add("POST", "/api/session", status=403, body=body, headers=JSON)
    with pytest.raises(InvalidCredentials) as caught:
        login(None, ex_login_method="bank-2", ex_login_parameters=fields)
    seen.note(caught.value)
    assert seen.logins() == 1
    assert "pin-of-the-bank" in seen.everything()
    assert seen.leaks(TEMPLATE_FIELD, PASSWORD) == []


@pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
@pytest.mark.parametrize("is_callable", [False, True])
def test_code_of_a_second_factor_is_not_shown(
    login: Login, sandbox: Sandbox, seen: Seen, is_callable: bool
) -> None:
    code: Any = sandbox.world.two_factor_code("carol")
    carol, option = sandbox.users["carol"], (lambda: code) if is_callable else code
    driver = login("carol", carol.password, ex_login_parameters={"code": option})
    seen.note_session(driver)
    wrong = "918273"
    with pytest.raises(InvalidCredentials) as caught:
        login("carol", carol.password, ex_login_parameters={"code": wrong})
    seen.note(caught.value)
    assert sum("/api/callback/" in words[5] for words in seen.commands() if len(words) > 5) == 2
    assert seen.leaks(code, wrong, carol.password, *cookies(driver)) == []


@on_slipstream
def test_token_of_a_session_template_is_not_shown(login: Login, sandbox: Any, seen: Seen) -> None:
    sandbox.world.provider_tokens[PASSWORD] = "alice"
    options: dict[str, Any] = {"ex_login_method": "mitreid-token"}
    driver = login(None, ex_login_parameters={"token": PASSWORD}, **options)
    secrets = use(seen, driver, sandbox)
    with pytest.raises(InvalidCredentials) as caught:
        login(None, ex_login_parameters={"token": TEMPLATE_FIELD}, **options)
    seen.note(caught.value)
    assert seen.logins() >= 3
    assert seen.leaks(PASSWORD, TEMPLATE_FIELD, *secrets) == []


def broken(session: Any, credentials: Any) -> None:
    raise RuntimeError(f"cannot use {credentials.secret}") from ValueError(credentials.secret)


def test_secret_that_a_broken_login_method_quotes_is_not_shown(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    session = driver._session
    session.login_method = attrs.evolve(session.login_method, authenticate=broken)
    with pytest.raises(PluginFailed, match="RuntimeError") as caught:
        session.log_in()
    seen.note(caught.value)
    assert "cannot use" not in seen.everything()
    assert seen.leaks(sandbox.password) == []


def test_parameter_whose_name_announces_a_secret_is_not_shown(
    endpoint: LiveEndpoint, driver: Driver, seen: Seen
) -> None:
    node = deploy(endpoint, driver, VALUE)
    seen.note(node, vars(node), node.extra)
    assert any("admin_password" in block.lower() for block in seen.blocks())
    endpoint.sandbox.clock.advance(300)
    seen.note(driver.ex_get_node(node).extra, driver.list_nodes(ex_addresses=True))
    body = json.dumps({"status": 400, "message": f"no good: {VALUE}"})
    for method in ("POST", "PUT"):
        pattern = r"/run|/api/deployment(/.*)?"
        endpoint.sandbox.faults.add(method, pattern, status=400, body=body, headers=JSON)
    with pytest.raises(DriverError) as caught:
        deploy(endpoint, driver, VALUE)
    seen.note(caught.value, caught.value.__dict__)
    assert seen.leaks(VALUE) == []


@on_slipstream
def test_value_of_a_parameter_is_shown_to_its_reader_alone(
    endpoint: LiveEndpoint, driver: Driver, seen: Seen
) -> None:
    node = deploy(endpoint, driver)
    endpoint.sandbox.clock.advance(600)
    value = driver.ex_get_node_parameter(node, "machine:admin_password")
    assert value
    assert any("/run/" in block for block in seen.blocks())
    assert seen.leaks(value) == []


@on_slipstream
def test_passwords_of_clouds_are_not_shown(login: Login, sandbox: Sandbox, seen: Seen) -> None:
    for name in ("exoscale-ch-gva.password", "ec2-eu-west.secret.key"):
        sandbox.world.accounts["alice"].parameters[name].value = VALUE
    login().create_key_pair("new")
    assert any("exoscale-ch-gva.password" in block for block in seen.blocks())
    assert sum("-X PUT" in block and "/user/" in block for block in seen.blocks()) == 1
    assert seen.leaks(VALUE) == []


def test_new_private_key_is_not_shown(driver: Driver, sandbox: Sandbox, seen: Seen) -> None:
    pair = driver.create_key_pair("new")
    private = str(pair.private_key)
    body = json.dumps({"status": 404, "message": f"you said {private}"})
    sandbox.faults.add(status=404, body=body, headers=JSON)
    with pytest.raises(DriverError) as caught:
        driver.get_image("apps/x")
    seen.note(pair, caught.value)
    assert seen.leaks(private, *(line for line in private.splitlines()[1:-1])) == []


def test_user_of_a_proxy_is_not_shown(login: Login, seen: Seen, monkeypatch: Any) -> None:
    url, nowhere = (
        "http://joe:Tg5canary@127.0.0.1:1",
        r"through the proxy http://\S+127\.0\.0\.1:1",
    )
    bad = "http://joe:Tg5canary@bad host:1"
    for address, message in {url: nowhere, bad: "not the URL of a proxy", None: nowhere}.items():
        monkeypatch.setenv("http_proxy", url)
        with pytest.raises(DriverError, match=message) as caught:
            login(proxy_url=address)
        seen.note(caught.value)
    assert "--proxy 'http://***@127.0.0.1:1'" in seen.everything()
    assert seen.leaks("Tg5canary") == []
