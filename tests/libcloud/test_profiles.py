"""Endpoint and credentials from the environment or a profile."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from slipstream.errors import BadInput
from slipstream.libcloud.profiles import PROFILE_VARIABLE, VARIABLES, driver_arguments

SECRET = "hunter2-and-more"
PRINT = f"{shlex.quote(sys.executable)} -c \"print('{SECRET}'); print('user: alice')\""
LOGIN = f'username = "alice"\npassword = "{SECRET}"\n'


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of the file, in an environment without variables of ours."""
    for variable in (*VARIABLES.values(), PROFILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    (tmp_path / "slipstream").mkdir()
    return tmp_path / "slipstream" / "profiles.toml"


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


def refusal(name: str | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        driver_arguments(name)
    assert SECRET not in f"{caught.value!r}{caught.value}{vars(caught.value)}"
    return str(caught.value)


def set_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for key, value in values.items():
        monkeypatch.setenv(VARIABLES[key], value)


def test_environment_wins_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, f"[default]\n{LOGIN}")
    set_environment(monkeypatch, endpoint="https://a.example", username="bob", password="p")
    assert driver_arguments() == {
        "key": "bob",
        "secret": "p",
        "ex_endpoint": "https://a.example",
    }


def test_api_key_wins_over_a_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, username="bob", password="p", key="credential/1", secret="s")
    assert driver_arguments() == {"key": "credential/1", "secret": "s"}


@pytest.mark.parametrize("variable", [None, "work"])
def test_profile_is_chosen_by_argument_or_variable(
    variable: str | None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, f'[default]\n{LOGIN}[work]\nkey = "credential/1"\nsecret = "s"\n')
    assert driver_arguments()["key"] == "alice"
    set_environment(monkeypatch, **({} if variable else {"username": "bob", "password": "p"}))
    if variable:
        monkeypatch.setenv(PROFILE_VARIABLE, variable)
    assert driver_arguments(None if variable else "work")["key"] == "credential/1"


def test_options_win_over_the_profile(file: Path) -> None:
    write(file, f'[default]\nendpoint = "https://a.example"\ntimeout = 5\nverify = false\n{LOGIN}')
    assert driver_arguments(timeout=9, ex_endpoint="https://b.example") == {
        "key": "alice",
        "secret": SECRET,
        "timeout": 9,
        "ex_verify": False,
        "ex_endpoint": "https://b.example",
    }


def test_cookie_file_needs_no_secret(file: Path) -> None:
    write(file, '[default]\ncookie_file = "~/cookies.txt"\n', 0o644)
    assert driver_arguments() == {"key": None, "secret": None, "ex_cookie_file": "~/cookies.txt"}


@pytest.mark.parametrize("quoted", [f"'''{PRINT}'''", f'["{sys.executable}", "-c", "print(1)"]'])
def test_command_prints_the_secret(quoted: str, file: Path) -> None:
    write(file, f'[default]\nusername = "alice"\npassword_command = {quoted}\n', 0o644)
    assert driver_arguments()["secret"] in {SECRET, "1"}


def test_command_runs_without_a_shell(file: Path) -> None:
    write(file, "[default]\nusername = 'a'\npassword_command = 'echo $HOME; echo `id` | cat'\n")
    assert driver_arguments()["secret"] == "$HOME; echo `id` | cat"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("'no-such-program-at-all'", "cannot be run: No such file or directory"),
        (f"'{sys.executable} -c \"raise SystemExit(3)\"'", "failed with exit code 3"),
        ("'true'", "printed nothing"),
        ("'echo \"'", "cannot be run: it is no command"),
        ("[1]", "cannot be run: it is no command"),
    ],
)
def test_failing_command_is_named(command: str, reason: str, file: Path) -> None:
    write(file, f"[default]\nusername = 'a'\npassword_command = {command}\n")
    assert f"{file}, profile 'default': password_command {reason}" in refusal()


@pytest.mark.parametrize(
    ("text", "mode", "reason"),
    [
        (LOGIN, 0o600, "username is outside of a profile"),
        (f"[default]\n{LOGIN}", 0o640, "holds password, and others can read it. Run: chmod 600"),
        (f"[default]\n{LOGIN}", 0o604, "holds password, and others can read it"),
        (f"[default]\nusername='a'\n[b]\n{LOGIN}", 0o644, "others can read it"),
        (f"[default]\ncolour='red'\n{LOGIN}", 0o644, "others can read it"),
        ("[default]\nusername='a'\npassword_command='id'", 0o622, "others can change it"),
        (
            f"[default]\npasword = '{SECRET}'",
            0o600,
            "pasword is no key of a profile. Did you",
        ),
        ("[default]\ncolour = 'red'", 0o600, "colour is no key of a profile. The keys: ca_cert,"),
        ("[default]\nverify = 'no'", 0o600, "verify is empty, or has the wrong type"),
        ("[default]\nusername = 'a'\npassword = 12", 0o600, "password is empty, or has the wrong"),
        ("[default]\nusername = 'a'", 0o600, "password is missing"),
        (f"[default]\npassword = '{SECRET}'", 0o600, "username is missing"),
        ("[default]", 0o600, "username and password is missing"),
        (f"[default]\n{LOGIN}password_command='id'", 0o600, "password and password_command exclu"),
        (f"[default]\npassword = {SECRET}", 0o600, "is no TOML file (at line 2, column"),
        (f"[work]\n{LOGIN}", 0o600, "There is no profile 'default'"),
    ],
)
def test_wrong_file_is_refused_without_a_value(
    text: str, mode: int, reason: str, file: Path
) -> None:
    write(file, text, mode)
    message = refusal()
    assert str(file) in message
    assert reason in message


def test_mistakes_in_other_profiles_do_not_matter(file: Path) -> None:
    write(file, f"[default]\n{LOGIN}[b]\ncolour = 'red'\n")
    assert driver_arguments()["key"] == "alice"


def test_missing_profile_is_named_with_the_others(file: Path) -> None:
    assert f"There is no profile 'default' in {file}, none at all." in refusal()
    write(file, f"[b]\n{LOGIN}[a]\n{LOGIN}")
    assert f"There is no profile 'c' in {file}, only a, b." in refusal("c")


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"endpoint": "https://a.example"}, "SLIPSTREAM_USERNAME and SLIPSTREAM_PASSWORD"),
        ({"password": SECRET}, "SLIPSTREAM_USERNAME is"),
        ({"key": "k", "username": "a", "password": SECRET}, "SLIPSTREAM_SECRET is"),
    ],
)
def test_half_a_login_in_the_environment_is_never_completed_from_the_file(
    variables: dict[str, str], missing: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, f"[default]\n{LOGIN}")
    set_environment(monkeypatch, **variables)
    assert f"The environment has no login: {missing}" in refusal()
