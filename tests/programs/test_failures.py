"""
Failures are of the classes that programs catch; they print, pickle and explain themselves.

libcloud's way to mock the network is refused before any request, never ignored.
"""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import BLOG, Driver, LiveEndpoint
from libcloud.common.base import Connection
from libcloud.common.types import LibcloudError
from libcloud.compute.deployment import ScriptDeployment
from libcloud.test import MockHttp

from slipstream.errors import BadInput, NoAnswer, NotSupported
from slipstream.values.plain import file_error


def caught(call: Callable[[], object], *classes: Any) -> Any:
    with pytest.raises(classes[0]) as raised:
        call()
    error = raised.value
    assert all(isinstance(error, cls) for cls in (LibcloudError, *classes))
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), str(error))
    assert len(str(error).split()) > 4
    assert " object at 0x" not in str(error) + repr(error)
    return error


def test_no_connection_is_a_connection_error(endpoint: LiveEndpoint, driver: Driver) -> None:
    caught(lambda: endpoint.login(proxy_url="http://127.0.0.1:1"), OSError, ConnectionError)
    https = endpoint.url.replace("http:", "https:")
    error = caught(lambda: endpoint.login(ex_endpoint=https), OSError, ConnectionError)
    assert f"{https}: wrong version number" in str(error)
    endpoint.sandbox.faults.add(cut="body", times=None)
    caught(driver.list_nodes, OSError, ConnectionError)
    endpoint.sandbox.stop()
    for call in (driver.list_nodes, driver.list_images, driver.list_locations):
        error = caught(call, OSError, ConnectionError, NoAnswer)
        assert endpoint.url in str(error)
        assert error.may_have_happened is False


def test_no_response_in_time_is_a_timeout_error(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login(timeout=0.2, retry_delay=0.001)
    endpoint.sandbox.faults.add(delay=1, times=None)
    error = caught(driver.list_nodes, OSError, TimeoutError)
    assert endpoint.url in str(error)


def test_a_cookie_file_is_never_ignored(endpoint: LiveEndpoint, tmp_path: Path) -> None:
    for method in ("internal", "other"):
        with pytest.raises(BadInput, match=f"'{method}'"):
            endpoint.login(ex_login_method=method, ex_cookie_file=tmp_path / "cookies.txt")


@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
@pytest.mark.parametrize("argument", [
    "ssh_key", "ex_save_cookies", "ex_cookie_file", "ex_ca_cert", "ex_client_cert",
    "ex_client_cert, key", "ca_cert of a profile", "import_key_pair_from_file",
])  # fmt: skip
def test_missing_file_is_not_found(
    endpoint: LiveEndpoint, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, login = str(tmp_path / "missing.pem"), endpoint.login
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(f"[own]\nusername = 'a'\npassword = 'b'\nca_cert = {path!r}\n", "utf-8")
    profiles.chmod(0o600)
    monkeypatch.setattr("slipstream.libcloud.profiles.profiles_file", lambda: profiles)
    steps = ScriptDeployment("true")
    error = caught(
        {
            "ssh_key": lambda: login().deploy_node(deploy=steps, ssh_key=path, image=BLOG),
            "ex_save_cookies": lambda: login().ex_save_cookies(f"{path}/cookies"),
            "ex_cookie_file": lambda: login(ex_cookie_file=path),
            "ex_ca_cert": lambda: login(ex_ca_cert=path),
            "ex_client_cert": lambda: login(ex_client_cert=path),
            "ex_client_cert, key": lambda: login(ex_client_cert=(__file__, path)),
            "ca_cert of a profile": lambda: Driver.ex_from_profile("own"),
            "import_key_pair_from_file": lambda: login().import_key_pair_from_file("own", path),
        }[argument],
        FileNotFoundError,
        BadInput,
    )
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert copy.errno == errno.ENOENT
        assert copy.filename.startswith(path)
    assert path in str(error)


@pytest.mark.parametrize(
    ("error", "cls"), [(PermissionError, PermissionError), (IsADirectoryError, OSError)]
)
def test_an_error_of_a_file_keeps_its_class(error: type[OSError], cls: type[OSError]) -> None:
    failure = file_error("Cannot read it", Path("a.pem"), error(13, "Permission denied"))
    assert isinstance(failure, cls)
    assert str(failure) == "Cannot read it: Permission denied."


REFUSED = "{} is MockHttp, which this driver does"


@pytest.mark.parametrize("cls", [Driver.connectionCls, Connection])
def test_mocked_class_is_refused(endpoint: LiveEndpoint, monkeypatch: Any, cls: type) -> None:
    driver = endpoint.login()
    assert driver.list_nodes() == []
    endpoint.sandbox.journal.clear()
    monkeypatch.setattr(cls, "conn_class", MockHttp)
    for send in (driver.list_nodes, lambda: driver.connection.request("/")):
        with pytest.raises(NotSupported, match=REFUSED.format("conn_class")):
            send()
    if cls is Driver.connectionCls:
        with pytest.raises(NotSupported, match=REFUSED.format("conn_class")):
            endpoint.login()
    assert list(endpoint.sandbox.journal) == []


@pytest.mark.parametrize("attribute", ["connection", "conn_class", "request"])
def test_mocked_connection_is_refused(endpoint: LiveEndpoint, attribute: str) -> None:
    driver = endpoint.login()
    with pytest.raises(NotSupported, match=REFUSED.format(f"connection.{attribute}")):
        setattr(driver.connection, attribute, MockHttp)
    assert driver.list_nodes() == []


@pytest.mark.parametrize("attribute", ["connection", "connectionCls"])
def test_mocked_attribute_is_refused(endpoint: LiveEndpoint, attribute: str) -> None:
    driver = endpoint.login()
    endpoint.sandbox.journal.clear()
    setattr(driver, attribute, MockHttp)
    with pytest.raises(NotSupported, match=REFUSED.format(attribute)):
        driver.list_nodes()
    assert list(endpoint.sandbox.journal) == []
