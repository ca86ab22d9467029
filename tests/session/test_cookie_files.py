"""Cookie files of this and other programs are read, and saving leaves no other file behind."""

from __future__ import annotations

import http.cookiejar
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint, Login, changed

from slipstream.errors import BadInput, InvalidCredentials
from slipstream.sandbox import Sandbox

FAMILIES = pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)


@pytest.fixture
def file(driver: Driver, sandbox: Sandbox, tmp_path: Path) -> Path:
    """The file with the session of the driver."""
    path = tmp_path / "cookies.txt"
    driver.ex_save_cookies(path)
    sandbox.journal.clear()
    return path


def rewrite(file: Path, *, expires: str) -> None:
    *head, last = file.read_text().splitlines()
    fields = last.split("\t")
    fields[4] = expires
    file.write_text("\n".join([*head, "\t".join(fields)]) + "\n")


@FAMILIES
@pytest.mark.parametrize("key", ["alice", "credential/ce02ef40-1342-4e68-838d-e1b2a75adb1e", None])
def test_cookie_file_logs_in_whatever_key_is_given(
    endpoint: LiveEndpoint, sandbox: Sandbox, file: Path, key: str | None
) -> None:
    driver = endpoint.login(key, "wrong", ex_cookie_file=str(file))
    assert driver.list_nodes() == []
    assert driver.list_key_pairs()
    assert changed(sandbox) == []
    assert sandbox.journal[-1].user == "alice" or endpoint.family == "nuvla"


@pytest.mark.parametrize("family", ["slipstream", "nuvla"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_cookie_file_of_each_spelling_of_the_host(family: str, host: str, tmp_path: Path) -> None:
    listens = "::1" if host == "::1" else "127.0.0.1"
    with Sandbox(family=family, speed=0, host=listens) as sandbox:
        url, path = sandbox.url.replace("127.0.0.1", host), tmp_path / "cookies"
        options: dict[str, Any] = {"ex_endpoint": url, "ex_login_method": "internal"}
        with Driver(sandbox.username, sandbox.password, **options) as first:
            first.ex_save_cookies(path)
        for expires in (None, "0"):
            if expires is not None:
                rewrite(path, expires=expires)
            with Driver(None, ex_endpoint=url, ex_cookie_file=path) as second:
                assert second.list_nodes() == []


@FAMILIES
def test_cookie_file_without_a_session(login: Login, sandbox: Sandbox, file: Path) -> None:
    text = file.read_text()
    file.write_text(text.replace("127.0.0.1", "nuv.la"))
    with pytest.raises(InvalidCredentials, match=r"holds no session of 127\.0\.0\.1"):
        login(ex_cookie_file=file)
    assert not any("cookie" in entry.headers for entry in sandbox.journal)
    file.write_text(text)
    sandbox.world.expire_sessions()
    with pytest.raises(InvalidCredentials, match="has expired or was refused"):
        login(ex_cookie_file=file)


@on_slipstream
def test_cookie_file_without_a_session_document(login: Login, sandbox: Any, file: Path) -> None:
    for session in list(sandbox.world.store.collection("session")):
        sandbox.world.store.remove(session["id"])
    assert login(ex_cookie_file=file).list_key_pairs()[0].name == "alice@laptop"


@on_slipstream
@pytest.mark.parametrize("content", [b"hello", b"", b"\xff\xfe\x00binary", None])
def test_cookie_file_that_is_none(login: Login, file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(BadInput, match="cookie file"):
        login(ex_cookie_file=file)


@on_slipstream
@pytest.mark.parametrize(
    "form",
    [
        "\ufeff# Netscape HTTP Cookie File\r\nLINE\r\n",
        "# netscape http cookie file\nLINE",
        "\n# Of my browser\nLINE",
        "LINE\n\n  \n#HttpOnly_LINE",
    ],
)
@pytest.mark.parametrize("flag", ["FALSE", "TRUE", "true"])
def test_cookie_file_of_other_programs(login: Login, file: Path, form: str, flag: str) -> None:
    domain, _, path, _, *rest = file.read_text().splitlines()[-1].split("\t")
    line = "\t".join([domain, flag, path, "TRUE", *rest])  # which is used over plain http too
    file.write_text(form.replace("LINE", line), "utf-8")
    assert login(ex_cookie_file=file).list_nodes() == []


@on_slipstream
def test_cookie_file_with_an_odd_expiry(login: Login, file: Path) -> None:
    for expires in ("soon", "1e999", "-1", "9" * 400):
        rewrite(file, expires=expires)
        with suppress(BadInput):  # nothing else, a warning neither
            login(ex_cookie_file=file)


@on_slipstream
def test_cookie_file_of_no_path(driver: Driver, login: Login, tmp_path: Path) -> None:
    for path in ("", "a\0b", "~nobody-has-this-name/x"):
        with pytest.raises(BadInput, match=r"path (is|begins)"):
            driver.ex_save_cookies(path)
        with pytest.raises(BadInput, match=r"ex_cookie_file (is|begins)"):
            login(ex_cookie_file=path)
        with pytest.raises(BadInput):
            driver.import_key_pair_from_file("x", path)
    with pytest.raises(BadInput, match="No such file or directory"):
        driver.ex_save_cookies(tmp_path / "nowhere" / "cookies.txt")


@on_slipstream
@pytest.mark.parametrize("name", ["cookies.txt", "~/cookies.txt", Path("cookies.txt")])
def test_save_cookies_for_the_owner_alone(
    driver: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "cookies.txt"
    path.write_text("old")
    path.chmod(0o644)
    driver.ex_save_cookies(name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "com.sixsq.slipstream.cookie" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]
    Driver(None, ex_endpoint=driver.ex_endpoint, ex_cookie_file=name).close()


@on_slipstream
@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_save_cookies_that_fails_leaves_the_old_file_and_no_other(
    driver: Driver, tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    path = tmp_path / "cookies.txt"
    path.write_text("old")
    monkeypatch.setattr(http.cookiejar.MozillaCookieJar, "save", fail)
    expected = BadInput if isinstance(error, OSError) else type(error)
    with pytest.raises(expected, match="No space left" if expected is BadInput else None):
        driver.ex_save_cookies(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
