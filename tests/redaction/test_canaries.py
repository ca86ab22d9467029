"""Unlikely texts as secrets, looked for in everything that anybody could be shown."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from slipstream.errors import PluginFailed
from slipstream.libcloud.errors import DriverError, InvalidCredentials
from slipstream.plugins import registry as plugins_module
from slipstream.sandbox import Sandbox

from .support import (
    PASSWORD,
    SECRET_INPUT,
    TEMPLATE_FIELD,
    VALUE,
    Driver,
    Login,
    Seen,
    deploy,
    set_password,
)

PLUGIN = """
from slipstream import LoginMethod, hookimpl


def authenticate(attempt, credentials):
    return attempt.log_in_with_template("mitreid-token", {"token": credentials.secret})


@hookimpl
def slipstream_login_methods():
    return [LoginMethod(name="mitreid-token", authenticate=authenticate)]
"""
JSON = {"Content-Type": "application/json"}


def cookies(driver: Driver) -> list[str]:
    values = [str(cookie.value) for cookie in driver._session.cookies]
    assert values
    return [part for value in values for part in (value, value.removeprefix("token="))]


def look_at(seen: Seen, driver: Driver) -> None:
    session = driver._session
    seen.note(driver, driver.connection, session, session._credentials, session.transport)
    seen.note(session.transport.settings, session.transport.secrets, session.transport.redactor)


def use(seen: Seen, driver: Driver, sandbox: Sandbox) -> list[str]:
    """Do what programs do; the cookies met on the way are secrets too."""
    secrets = cookies(driver)
    look_at(seen, driver)
    seen.note(driver.list_locations(), driver.list_nodes(), driver.list_key_pairs())
    sandbox.clock.advance(8 * 24 * 3600)
    driver.list_nodes()
    secrets += cookies(driver)
    for fault in ({"cut": "before"}, {"status": 500}, {"body": "rubbish"}, {"status": 403}):
        sandbox.faults.add(times=None, **fault)  # type: ignore[arg-type]
        with pytest.raises(DriverError) as caught:
            driver.list_nodes()
        seen.note(caught.value)
        sandbox.faults.clear()
    return secrets


def logged_in(seen: Seen) -> int:
    return sum("/api/session" in block and "-X POST" in block for block in seen.blocks())


def test_a_password_shows_nowhere(login: Login, sandbox: Sandbox, seen: Seen) -> None:
    set_password(sandbox, PASSWORD)
    driver = login("alice", PASSWORD)
    secrets = use(seen, driver, sandbox)
    assert logged_in(seen) >= 2
    assert "alice" in seen.everything()
    assert seen.leaks(PASSWORD, *secrets) == []


@pytest.mark.parametrize(
    ("family", "method"),
    [
        *[("slipstream", method) for method in (None, "internal", "api-key")],
        *[("nuvla", method) for method in (None, "internal", "password", "api-key")],
    ],
    indirect=["family"],
)
def test_a_wrong_secret_shows_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen, method: str | None
) -> None:
    with pytest.raises(InvalidCredentials) as caught:
        login("alice", PASSWORD, ex_login_method=method)
    seen.note(caught.value)
    assert logged_in(seen) == 1
    assert seen.leaks(PASSWORD) == []


def test_the_secret_of_an_api_key_shows_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen
) -> None:
    secrets = use(seen, login(sandbox.key, sandbox.secret), sandbox)
    assert logged_in(seen) >= 2
    assert sandbox.key in seen.everything()
    assert seen.leaks(sandbox.secret, *secrets) == []


def test_the_session_of_a_cookie_file_shows_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen, tmp_path: Path
) -> None:
    first = login(sandbox.username, sandbox.password)
    first.ex_save_cookies(tmp_path / "cookies.txt")
    driver = login(None, ex_cookie_file=tmp_path / "cookies.txt")
    look_at(seen, driver)
    driver.list_nodes()
    secrets = cookies(driver)
    sandbox.world.expire_sessions()
    sandbox.clock.advance(8 * 24 * 3600)
    with pytest.raises(DriverError) as caught:
        driver.list_nodes()
    seen.note(caught.value)
    assert any("Cookie: " in block for block in seen.blocks())
    assert seen.leaks(*secrets) == []


def test_the_fields_of_a_session_template_show_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen
) -> None:
    fields = {"username": "alice", "pin-of-the-bank": TEMPLATE_FIELD, "password": PASSWORD}
    body = json.dumps({"status": 403, "message": f"no {TEMPLATE_FIELD} and no {PASSWORD}"})
    sandbox.faults.add("POST", "/api/session", status=403, body=body, headers=JSON)
    with pytest.raises(InvalidCredentials) as caught:
        login(None, ex_login_method="bank-2", ex_login_parameters=fields)
    seen.note(caught.value)
    assert logged_in(seen) == 1
    assert "pin-of-the-bank" in seen.everything()
    assert seen.leaks(TEMPLATE_FIELD, PASSWORD) == []


@pytest.mark.parametrize("family", ["nuvla"], indirect=True)
@pytest.mark.parametrize("is_callable", [False, True])
def test_the_code_of_a_second_factor_shows_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen, is_callable: bool
) -> None:
    code: Any = sandbox.world.two_factor_code("carol")
    carol, option = sandbox.users["carol"], (lambda: code) if is_callable else code
    driver = login("carol", carol.password, ex_login_parameters={"code": option})
    look_at(seen, driver)
    wrong = "918273"
    with pytest.raises(InvalidCredentials) as caught:
        login("carol", carol.password, ex_login_parameters={"code": wrong})
    seen.note(caught.value)
    assert sum("/api/callback/" in words[5] for words in seen.commands() if len(words) > 5) == 2
    assert seen.leaks(code, wrong, carol.password, *cookies(driver)) == []


@pytest.fixture
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A plugin that logs in by a token, as if it were installed."""
    about = tmp_path / "example.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: example-login\nVersion: 1\n")
    entry_point = "[slipstream]\nexample-login = example_slipstream_login\n"
    (about / "entry_points.txt").write_text(entry_point)
    (tmp_path / "example_slipstream_login.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins_module.default_plugins.cache_clear()
    importlib.invalidate_caches()
    yield
    plugins_module.default_plugins.cache_clear()


@pytest.mark.parametrize("family", ["slipstream"], indirect=True)
@pytest.mark.usefixtures("_plugin")
def test_the_token_of_a_plugins_login_shows_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen
) -> None:
    sandbox.world.provider_tokens[PASSWORD] = "alice"
    secrets = use(seen, login(None, PASSWORD, ex_login_method="mitreid-token"), sandbox)
    with pytest.raises(InvalidCredentials) as caught:
        login(None, TEMPLATE_FIELD, ex_login_method="mitreid-token")
    seen.note(caught.value)
    assert logged_in(seen) >= 3
    assert seen.leaks(PASSWORD, TEMPLATE_FIELD, *secrets) == []


def broken(session: Any, credentials: Any) -> None:
    raise RuntimeError(f"cannot use {credentials.secret}") from ValueError(credentials.secret)


def test_the_secret_that_a_broken_login_method_quotes_shows_nowhere(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    session = driver._session
    session.login_method = attrs.evolve(session.login_method, authenticate=broken)
    with pytest.raises(PluginFailed, match="RuntimeError") as caught:
        session.log_in()
    seen.note(caught.value)
    assert "cannot use" not in seen.everything()
    assert seen.leaks(sandbox.password) == []


def test_a_parameter_whose_name_announces_a_secret_shows_nowhere(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    name = SECRET_INPUT[sandbox.family]
    node = deploy(driver, ex_parameters={name: VALUE})
    seen.note(node, vars(node), node.extra)
    assert any(name in block for block in seen.blocks())
    sandbox.clock.advance(300)
    seen.note(driver.ex_get_node(node.id).extra, driver.list_nodes(ex_addresses=True))
    assert seen.leaks(VALUE) == []


def test_a_refusal_that_quotes_such_a_parameter_does_not_show_it(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    body = json.dumps({"status": 400, "message": f"no good: {VALUE}"})
    for method in ("POST", "PUT"):
        pattern = "/run" if sandbox.family == "slipstream" else r"/api/deployment(/.*)?"
        sandbox.faults.add(method, pattern, status=400, body=body, headers=JSON)
    with pytest.raises(DriverError) as caught:
        deploy(driver, ex_parameters={SECRET_INPUT[sandbox.family]: VALUE})
    seen.note(caught.value, caught.value.__dict__)
    assert seen.leaks(VALUE) == []


@pytest.mark.parametrize("family", ["slipstream"], indirect=True)
def test_the_value_of_one_parameter_shows_nowhere_but_in_the_answer(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    node = deploy(driver)
    sandbox.clock.advance(600)
    value = driver.ex_get_node_parameter(node, "machine:admin_password")
    assert value
    assert any("/run/" in block for block in seen.blocks())
    assert seen.leaks(value) == []


@pytest.mark.parametrize("family", ["slipstream"], indirect=True)
def test_the_passwords_of_clouds_show_nowhere(login: Login, sandbox: Sandbox, seen: Seen) -> None:
    account = sandbox.world.accounts["alice"]
    for name in ("exoscale-ch-gva.password", "ec2-eu-west.secret.key"):
        account.parameters[name].value = VALUE
    driver = login(sandbox.username, sandbox.password)
    driver.create_key_pair("new")
    assert any("exoscale-ch-gva.password" in block for block in seen.blocks())
    assert sum("-X PUT" in block and "/user/" in block for block in seen.blocks()) == 1
    assert seen.leaks(VALUE) == []


def test_a_new_private_key_shows_nowhere_even_if_the_server_had_it(
    driver: Driver, sandbox: Sandbox, seen: Seen
) -> None:
    pair = driver.create_key_pair("new")
    seen.note(pair)
    private = str(pair.private_key)
    body = json.dumps({"status": 404, "message": f"you said {private}"})
    sandbox.faults.add(status=404, body=body, headers=JSON)
    with pytest.raises(DriverError) as caught:
        driver.get_image("apps/x")
    seen.note(caught.value)
    assert seen.leaks(private, *(line for line in private.splitlines()[1:-1])) == []


def test_the_user_of_a_proxy_shows_nowhere(
    login: Login, sandbox: Sandbox, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("http://joe:Tg5canary@127.0.0.1:1", "http://joe:Tg5canary@bad host:1"):
        with pytest.raises(DriverError) as caught:
            login(sandbox.username, sandbox.password, proxy_url=address)
        seen.note(caught.value)
    monkeypatch.setenv("http_proxy", "http://joe:Tg5canary@127.0.0.1:1")
    with pytest.raises(DriverError) as caught:
        login(sandbox.username, sandbox.password)
    seen.note(caught.value)
    assert "--proxy 'http://***@127.0.0.1:1'" in seen.everything()
    assert seen.leaks("Tg5canary") == []
