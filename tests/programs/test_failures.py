"""Failures are of the classes that programs catch; they print, pickle and explain themselves."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import BLOG, LiveEndpoint
from libcloud.common.types import LibcloudError
from libcloud.compute.deployment import ScriptDeployment

from slipstream.errors import BadInput, NoAnswer
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver


def caught(call: Callable[[], object], *classes: type[Exception]) -> Any:
    with pytest.raises(classes[0]) as raised:
        call()
    error = raised.value
    assert isinstance(error, LibcloudError)
    assert all(isinstance(error, cls) for cls in classes)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert len(str(error).split()) > 4
    assert " object at 0x" not in str(error) + repr(error)
    return error


def test_no_connection_is_a_connection_error(endpoint: LiveEndpoint, driver: Driver) -> None:
    endpoint.sandbox.stop()
    for call in (driver.list_nodes, driver.list_images, driver.list_locations):
        error = caught(call, OSError, ConnectionError, NoAnswer)
        assert endpoint.url in str(error)
        assert error.may_have_happened is False


def test_a_cut_connection_is_a_connection_error(endpoint: LiveEndpoint, driver: Driver) -> None:
    endpoint.sandbox.faults.add(cut="body", times=None)
    caught(driver.list_nodes, OSError, ConnectionError)


def test_no_response_in_time_is_a_timeout_error(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login(timeout=0.2, retry_delay=0.001)
    endpoint.sandbox.faults.add(delay=1, times=None)
    error = caught(driver.list_nodes, OSError, TimeoutError)
    assert endpoint.url in str(error)


def test_no_connection_at_login_is_a_connection_error(endpoint: LiveEndpoint) -> None:
    caught(lambda: endpoint.login(proxy_url="http://127.0.0.1:1"), OSError, ConnectionError)


def _use(endpoint: LiveEndpoint, argument: str, path: str) -> Callable[[], object]:
    """A call with the path of a file."""
    login = endpoint.login
    return {
        "key_file_path": lambda: login().import_key_pair_from_file("laptop", path),
        "ssh_key": lambda: login().deploy_node(
            deploy=ScriptDeployment("true"), ssh_key=path, image=BLOG
        ),
        "ex_save_cookies": lambda: login().ex_save_cookies(f"{path}/cookies"),
        "ex_cookie_file": lambda: login(ex_cookie_file=path),
        "ex_ca_cert": lambda: login(ex_ca_cert=path),
        "ex_client_cert": lambda: login(ex_client_cert=path),
        "ex_client_cert, key": lambda: login(ex_client_cert=(__file__, path)),
        "ca_cert of a profile": lambda: Driver.ex_from_profile("own"),
    }[argument]


PATHS = [
    "key_file_path", "ssh_key", "ex_save_cookies", "ex_cookie_file", "ex_ca_cert",
    "ex_client_cert", "ex_client_cert, key", "ca_cert of a profile",
]  # fmt: skip


@pytest.mark.parametrize("argument", PATHS)
def test_a_missing_file_is_not_found(
    endpoint: LiveEndpoint, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "missing.pem")
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(f"[own]\nusername = 'a'\npassword = 'b'\nca_cert = {path!r}\n", "utf-8")
    profiles.chmod(0o600)
    monkeypatch.setattr("slipstream.libcloud.profiles.profiles_file", lambda: profiles)
    call = _use(endpoint, argument, path)
    if endpoint.name == "campus" and argument == "ex_cookie_file":
        with pytest.raises(BadInput, match=r"campus endpoints do not take .* 'cookie-file'"):
            call()
        return
    error = caught(call, FileNotFoundError, BadInput)
    assert path in str(error)
    for each in (error, pickle.loads(pickle.dumps(error))):
        assert each.errno == errno.ENOENT
        assert each.filename.startswith(path)


@pytest.mark.parametrize("argument", PATHS[:-1])
@pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
def test_a_forbidden_file_is_a_permission_error(
    endpoint: LiveEndpoint, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.pem"
    path.mkdir() if argument == "ex_save_cookies" else path.write_text("ssh-ed25519 AAAA", "utf-8")
    call = _use(endpoint, argument, str(path))

    def refuse(file: object = path, *args: Any, **options: Any) -> Any:
        if str(file).startswith(str(path)):
            raise PermissionError(errno.EACCES, "Permission denied")
        return original(file, *args, **options)

    original = open
    for name in ("pathlib.Path.read_bytes", "builtins.open", "io.open", "tempfile.mkstemp"):
        monkeypatch.setattr(name, refuse)
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda _, cafile: refuse(cafile))
    with pytest.raises(PermissionError) as raised:
        call()
    monkeypatch.undo()
    caught(lambda: _raise(raised.value), PermissionError, BadInput)


def test_a_key_file_that_is_a_directory_is_an_os_error(driver: Driver, tmp_path: Path) -> None:
    error = caught(
        lambda: driver.import_key_pair_from_file("laptop", str(tmp_path)), OSError, BadInput
    )
    assert (error.errno, error.filename) == (errno.EISDIR, str(tmp_path))


def _raise(error: Exception) -> None:
    raise error
