from __future__ import annotations

import stat
from pathlib import Path
from uuid import uuid4

import pytest
from libcloud.common.types import InvalidCredsError

from slipstream.libcloud.errors import (
    BadInput,
    InvalidCredentials,
    MalformedAnswer,
    NoAnswer,
    ServiceUnavailable,
)
from slipstream.sandbox import Sandbox

from .support import Driver, Login, changes, logins, stub_server


def test_a_login_that_failed_is_an_error_at_login(login: Login, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidCredsError, match="Cannot log in by 'internal'") as caught:
        login("alice", "not the password")
    assert isinstance(caught.value, InvalidCredentials)
    assert caught.value.http_code == 403
    assert caught.value.operation == "__init__"
    assert sandbox.url in str(caught.value)
    assert logins(sandbox) == 1


def test_a_password_given_as_the_user_name_is_not_quoted(login: Login) -> None:
    with pytest.raises(InvalidCredentials, match=r"credentials for '\*\*\*'"):
        login("open-sesame", "mallory")


@pytest.mark.parametrize("secret", [None, ""])
def test_a_forgotten_password_never_logs_in_with_the_word_password(
    login: Login, sandbox: Sandbox, secret: str | None
) -> None:
    sandbox.world.accounts["alice"].password = "password"
    with pytest.raises(BadInput, match=r"The password to log in with is missing.*'secret'"):
        login("alice", secret)
    assert logins(sandbox) == 0


def test_a_forgotten_user_name_never_logs_in_with_the_word_username(
    login: Login, sandbox: Sandbox
) -> None:
    with pytest.raises(BadInput, match=r"The username to log in with is missing.*'key'"):
        login("", "secret")
    assert logins(sandbox) == 0


def test_an_api_key_is_recognised_by_its_look(login: Login, sandbox: Sandbox) -> None:
    driver = login(sandbox.key, sandbox.secret)
    (post,) = sandbox.journal.entries("POST", "/api/session")
    assert post.json == {
        "sessionTemplate": {
            "href": "session-template/api-key",
            "key": sandbox.key,
            "secret": sandbox.secret,
        }
    }
    assert driver.list_nodes() == []


def test_an_api_key_without_its_prefix_works_when_the_method_is_named(
    login: Login, sandbox: Sandbox
) -> None:
    bare = sandbox.key.removeprefix("credential/")
    assert login(bare, sandbox.secret, ex_login_method="api-key").list_nodes() == []


def test_a_wrong_api_key_is_an_error_at_login(login: Login, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidCredentials, match="Cannot log in by 'api-key'"):
        login(f"credential/{uuid4()}", sandbox.secret)


def test_any_template_of_the_server_can_be_used_by_its_name(
    login: Login, sandbox: Sandbox
) -> None:
    driver = login(
        "",
        None,
        ex_login_method="mitreid-token",
        ex_login_parameters={"token": sandbox.token},
    )
    assert driver.list_nodes() == []


def test_a_secret_that_a_template_would_not_use_is_refused_before_it_is_sent(
    login: Login, sandbox: Sandbox
) -> None:
    with pytest.raises(BadInput, match="takes its fields from ex_login_parameters"):
        login("alice", "secret", ex_login_method="mitreid-token")
    assert logins(sandbox) == 0


def test_an_unknown_template_is_an_error_that_lists_the_real_ones(
    login: Login, sandbox: Sandbox
) -> None:
    with pytest.raises(InvalidCredentials) as caught:
        login("", None, ex_login_method="kerberos", ex_login_parameters={"realm": "R"})
    assert "session templates: " in str(caught.value)
    assert {"internal", "api-key"} <= set(str(caught.value).replace(",", "").split())


@pytest.mark.parametrize("method", ["Internal!", "../internal", "session-template/", "a b"])
def test_a_login_method_that_cannot_be_one_is_refused_before_it_is_tried(
    login: Login, sandbox: Sandbox, method: str
) -> None:
    expected = "neither a login method nor the name of a session|Unknown login method .* did you"
    with pytest.raises(BadInput, match=expected):
        login("x", "y", ex_login_method=method)
    assert logins(sandbox) == 0


def test_a_login_that_needs_a_browser_says_so(login: Login, sandbox: Sandbox) -> None:
    sent_away = {
        "Content-Type": "application/json",
        "Location": "https://github.com/login/oauth/authorize?client_id=sandbox",
    }
    body = '{"status": 303, "message": "redirecting to GitHub"}'
    sandbox.faults.add("POST", "/api/session", status=303, headers=sent_away, body=body)
    with pytest.raises(InvalidCredentials, match=r"needs a browser.*API key"):
        login("", None, ex_login_method="github")


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_login_without_a_new_cookie_is_no_login(
    login: Login, sandbox: Sandbox, status: int
) -> None:
    sandbox.faults.add("POST", "/api/session", status=status, body=b"{}")
    with pytest.raises(MalformedAnswer, match="gave no session") as caught:
        login()
    assert "password" not in str(caught.value)


def test_an_http_address_that_redirects_to_https_names_the_right_address() -> None:
    def redirect(_: str, path: str) -> tuple[int, dict[str, str], bytes]:
        return 301, {"Location": f"https://cloud.example.org{path}"}, b""

    with (
        stub_server(redirect) as stub,
        pytest.raises(NoAnswer, match=r"Use ex_endpoint='https://cloud.example.org'") as caught,
    ):
        Driver("alice", "secret", ex_endpoint=stub.url)
    assert stub.url in str(caught.value)
    assert len(stub.seen) == 1


def test_the_post_of_a_login_is_never_turned_into_a_get_by_a_redirect() -> None:
    def redirect(_: str, path: str) -> tuple[int, dict[str, str], bytes]:
        return 301, {"Location": f"https://cloud.example.org{path}"}, b""

    with (
        stub_server(redirect) as stub,
        pytest.raises(NoAnswer, match=r"Use ex_endpoint='https://cloud.example.org'"),
    ):
        Driver("alice", "secret", ex_endpoint=stub.url, ex_endpoint_kind="slipstream")
    assert stub.seen == [("POST", "/api/session")]


def test_a_redirect_to_another_page_is_named_and_not_followed() -> None:
    def redirect(_: str, __: str) -> tuple[int, dict[str, str], bytes]:
        return 302, {"Location": "https://portal.example.org/sign-in?next=secret"}, b""

    with (
        stub_server(redirect) as stub,
        pytest.raises(NoAnswer, match=r"redirects to https://portal.example.org/sign-in;"),
    ):
        Driver("alice", "secret", ex_endpoint=stub.url)


def test_a_server_of_another_kind_is_told_from_a_slipstream_server() -> None:
    with (
        stub_server(
            lambda *_: (200, {"Content-Type": "text/html"}, b"<html>hello</html>")
        ) as stub,
        pytest.raises(MalformedAnswer, match="is no SlipStream or Nuvla server"),
    ):
        Driver("alice", "secret", ex_endpoint=stub.url)


def test_a_server_that_is_not_there_is_an_error_that_names_it(sandbox: Sandbox) -> None:
    sandbox.stop()
    with pytest.raises(NoAnswer, match=f"Cannot connect to {sandbox.url}") as caught:
        Driver("alice", "secret", ex_endpoint=sandbox.url, retry_delay=0.001)
    assert not caught.value.may_have_happened


def test_a_login_survives_a_server_in_a_passing_difficulty(login: Login, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/api/cloud-entry-point", status=503)
    sandbox.faults.add("POST", "/api/session", status=502)
    assert login().list_nodes() == []


def test_a_server_in_maintenance_is_not_taken_for_a_wrong_password(
    login: Login, sandbox: Sandbox
) -> None:
    sandbox.faults.add("POST", "/api/session", status=503, times=None)
    with pytest.raises(ServiceUnavailable, match="HTTP 503"):
        login()


def test_a_slash_at_the_end_of_the_address_does_not_matter(login: Login, sandbox: Sandbox) -> None:
    assert login(ex_endpoint=f"{sandbox.url}/").ex_endpoint == sandbox.url


def test_host_port_and_secure_name_the_endpoint_too(login: Login, sandbox: Sandbox) -> None:
    host, port = sandbox.url.removeprefix("http://").split(":")
    driver = login(ex_endpoint=None, host=host, port=int(port), secure=False)
    assert driver.ex_endpoint == sandbox.url
    assert driver.list_nodes() == []


def test_logging_in_reads_and_writes_no_file_of_the_user(
    login: Login, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password stolen\n")
    login().list_nodes()
    assert [path.name for path in tmp_path.iterdir()] == [".netrc"]
    assert not any("authorization" in entry.headers for entry in sandbox.journal)


def test_two_users_in_one_program_do_not_become_each_other(login: Login, sandbox: Sandbox) -> None:
    alice = login()
    bob = login("bob", sandbox.users["bob"].password)
    sandbox.journal.clear()
    alice.list_nodes()
    bob.list_nodes()
    alice.list_nodes()
    assert [entry.user for entry in sandbox.journal] == ["alice", "bob", "alice"]


def test_a_saved_session_logs_in_without_a_password(
    login: Login, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    login().ex_save_cookies(path)
    sandbox.journal.clear()
    driver = login(ex_cookie_file=str(path))
    driver.list_nodes()
    assert changes(sandbox) == []
    assert sandbox.journal[-1].user == "alice"
    assert driver.list_key_pairs()


def test_a_saved_session_can_be_read_by_its_owner_alone(login: Login, tmp_path: Path) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text("old")
    path.chmod(0o644)
    login().ex_save_cookies(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "com.sixsq.slipstream.cookie" in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_saving_a_session_works_for_a_bare_file_name(
    login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    login().ex_save_cookies("cookies.txt")
    assert (tmp_path / "cookies.txt").is_file()


def test_a_session_that_cannot_be_saved_leaves_the_old_file_alone(
    login: Login, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cookies.txt"
    path.write_text("old")
    driver = login()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("slipstream.session.cookie_files.MozillaCookieJar.save", full)
    with pytest.raises(BadInput, match="No space left"):
        driver.ex_save_cookies(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_saving_into_a_folder_that_is_not_there_says_so(login: Login, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file or directory"):
        login().ex_save_cookies(tmp_path / "nowhere" / "cookies.txt")


def test_a_cookie_file_that_is_not_there_is_refused(
    login: Login, sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="Cannot read the cookie file"):
        login(ex_cookie_file=tmp_path / "none.txt")
    assert changes(sandbox) == []


@pytest.mark.parametrize("content", [b"hello", b"", b"\xff\xfe\x00binary"])
def test_a_file_that_is_no_cookie_file_is_refused(
    login: Login, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "cookies.txt"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="cookie file"):
        login(ex_cookie_file=path)


def test_a_cookie_file_of_another_server_does_not_log_in_here(
    login: Login, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    login().ex_save_cookies(path)
    path.write_text(path.read_text().replace("127.0.0.1", "nuv.la"))
    sandbox.journal.clear()
    with pytest.raises(InvalidCredentials, match=r"holds no session of 127\.0\.0\.1"):
        login(ex_cookie_file=path)
    assert not any("cookie" in entry.headers for entry in sandbox.journal)


def test_a_cookie_file_whose_session_is_over_is_an_error_at_login(
    login: Login, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    login().ex_save_cookies(path)
    sandbox.clock.advance(25 * 3600)
    with pytest.raises(InvalidCredentials, match="has expired or was refused"):
        login(ex_cookie_file=path)


def test_a_cookie_file_works_although_its_session_was_deleted(
    login: Login, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.txt"
    login().ex_save_cookies(path)
    for session in list(sandbox.world.store.collection("session")):
        sandbox.world.store.remove(session["id"])
    driver = login(ex_cookie_file=path)
    assert driver.list_key_pairs()[0].name == "alice@laptop"
