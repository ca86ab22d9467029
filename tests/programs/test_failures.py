"""Failures are of the classes that programs catch; they print, pickle and explain themselves."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.types import LibcloudError

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


def test_a_missing_key_file_is_not_found(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "missing.pub")
    error = caught(
        lambda: driver.import_key_pair_from_file("laptop", path), FileNotFoundError, BadInput
    )
    assert path in str(error)


def test_an_unreadable_key_file_is_a_permission_error(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret.pub"
    path.write_text("ssh-ed25519 AAAA", "utf-8")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    with pytest.raises(PermissionError) as raised:
        driver.import_key_pair_from_file("laptop", str(path))
    monkeypatch.undo()
    caught(lambda: _raise(raised.value), PermissionError, BadInput)


def test_a_key_file_that_is_a_directory_is_an_os_error(driver: Driver, tmp_path: Path) -> None:
    error = caught(
        lambda: driver.import_key_pair_from_file("laptop", str(tmp_path)), OSError, BadInput
    )
    assert (error.errno, error.filename) == (errno.EISDIR, str(tmp_path))


def test_a_missing_key_file_has_the_number_of_its_error(driver: Driver, tmp_path: Path) -> None:
    path = str(tmp_path / "missing.pub")
    with pytest.raises(FileNotFoundError) as raised:
        driver.import_key_pair_from_file("laptop", path)
    for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):
        assert (error.errno, error.filename) == (errno.ENOENT, path)


def _raise(error: Exception) -> None:
    raise error
