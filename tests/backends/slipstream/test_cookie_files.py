"""Cookie files: what was saved is read, whoever wrote it, and nothing is left behind."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from slipstream.errors import BadInput
from slipstream.sandbox import Sandbox
from slipstream.session import cookie_files

from .support import Driver

FAMILIES = ["slipstream", "nuvla"]
HOSTS = ["127.0.0.1", "localhost", "::1"]


def _log_in(sandbox: Sandbox, url: str) -> Driver:
    return Driver(sandbox.username, sandbox.password, ex_endpoint=url, ex_login_method="internal")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("host", HOSTS)
def test_what_was_saved_is_read(family: str, host: str, tmp_path: Path) -> None:
    listens = "::1" if host == "::1" else "127.0.0.1"
    with Sandbox(family=family, speed=0, host=listens) as sandbox:
        url = sandbox.url.replace("127.0.0.1", host)
        path = tmp_path / "cookies"
        first = _log_in(sandbox, url)
        first.ex_save_cookies(path)
        first.close()
        for expires in (None, "0"):
            if expires is not None:
                path.write_text(_with_expiry(path.read_text(), expires))
            second = Driver(None, ex_endpoint=url, ex_cookie_file=path)
            assert second.list_nodes() == []
            second.close()
        assert [file.name for file in tmp_path.iterdir()] == ["cookies"]


def test_the_home_directory_is_known_in_both(
    driver: Driver, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    driver.ex_save_cookies("~/cookies")
    Driver(None, ex_endpoint=sandbox.url, ex_cookie_file="~/cookies").close()


@pytest.mark.parametrize("path", ["", "a\0b", "~nobody-has-this-name/x"])
def test_a_path_that_names_no_file_is_bad_input(
    driver: Driver, sandbox: Sandbox, path: str
) -> None:
    with pytest.raises(BadInput, match="path is"):
        driver.ex_save_cookies(path)
    with pytest.raises(BadInput, match="ex_cookie_file is"):
        Driver(None, ex_endpoint=sandbox.url, ex_cookie_file=path)
    with pytest.raises(BadInput):
        driver.import_key_pair_from_file("x", path)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left"), KeyboardInterrupt(), ValueError()]
)
def test_no_session_is_left_behind_in_a_temporary_file(
    driver: Driver, tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(cookie_files.MozillaCookieJar):
        def save(self, *args: object, **kwargs: object) -> None:
            raise error

    monkeypatch.setattr(cookie_files, "MozillaCookieJar", Failing)
    with pytest.raises(BadInput if isinstance(error, OSError) else type(error)):
        driver.ex_save_cookies(tmp_path / "cookies")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("expires", ["soon", "1e999", "-1", "9" * 400])
def test_an_odd_time_of_expiry_is_no_crash(
    driver: Driver, sandbox: Sandbox, tmp_path: Path, expires: str
) -> None:
    path = tmp_path / "cookies"
    driver.ex_save_cookies(path)
    path.write_text(_with_expiry(path.read_text(), expires))
    with suppress(BadInput):  # nothing else, a warning neither
        Driver(None, ex_endpoint=sandbox.url, ex_cookie_file=path).close()


def _with_expiry(text: str, expires: str) -> str:
    *head, last = text.splitlines()
    fields = last.split("\t")
    fields[4] = expires
    return "\n".join([*head, "\t".join(fields)]) + "\n"
