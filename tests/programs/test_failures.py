"""Failures are of the classes that programs catch; they print, pickle and explain themselves."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from libcloud.common.types import LibcloudError

from slipstream.errors import BadInput, NoAnswer


def caught(call: Callable[[], object], *classes: type[Exception]) -> Any:
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


@pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
@pytest.mark.parametrize(
    ("name", "cls", "number"),
    [
        ("missing.pub", FileNotFoundError, errno.ENOENT),
        (".", OSError, errno.EISDIR),
        ("secret.pub", PermissionError, errno.EACCES),
    ],
)
def test_a_key_file_that_cannot_be_read_is_an_os_error(
    driver: Driver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    cls: type[OSError],
    number: int,
) -> None:
    path = tmp_path / name

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        if cls is PermissionError:
            for function in ("pathlib.Path.read_bytes", "builtins.open", "io.open"):
                patch.setattr(function, refuse)
        with pytest.raises(cls) as raised:
            driver.import_key_pair_from_file("laptop", str(path))

    def again() -> None:
        raise raised.value

    error = caught(again, cls, BadInput)
    for copy in (error, pickle.loads(pickle.dumps(error))):
        assert (copy.errno, copy.filename) == (number, str(path))
    assert str(path) in str(error)


def test_a_cookie_file_is_never_ignored(endpoint: LiveEndpoint, tmp_path: Path) -> None:
    for method in ("internal", "other"):
        with pytest.raises(BadInput, match=f"'{method}'"):
            endpoint.login(ex_login_method=method, ex_cookie_file=tmp_path / "cookies.txt")
