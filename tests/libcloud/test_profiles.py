"""Endpoint and credentials from the environment or a profile."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from slipstream.errors import BadInput
from slipstream.libcloud.profiles import PROFILE_VARIABLE, VARIABLES, driver_arguments

SECRET = "hunter2-and-more"
PRINT = f"{shlex.quote(sys.executable)} -c \"print('{SECRET}'); print('user: alice')\""
LOGIN = f'username = "alice"\npassword = "{SECRET}"\n'


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the file, in an environment without variables of ours."""
    for variable in (*VARIABLES.values(), PROFILE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    (tmp_path / "slipstream").mkdir()
    return tmp_path / "slipstream" / "profiles.toml"


def set_variables(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Set the variables of these keys of a profile."""
    for key, value in values.items():
        monkeypatch.setenv(VARIABLES[key], value)


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


def refusal(name: str | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        driver_arguments(name)
    assert SECRET not in f"{caught.value!r}{caught.value}{vars(caught.value)}"
    return str(caught.value)


def test_environment_wins_over_the_file(file: Path, monkeypatch: Any) -> None:
    write(file, f"[default]\n{LOGIN}")
    set_variables(monkeypatch, endpoint="https://a.example", username="bob", password="p")
    expected = {"key": "bob", "secret": "p", "ex_endpoint": "https://a.example"}
    assert driver_arguments() == expected
    set_variables(monkeypatch, key="credential/1", secret="s")
    assert driver_arguments() == expected | {"key": "credential/1", "secret": "s"}


def test_profile_is_chosen_by_argument_or_variable(file: Path, monkeypatch: Any) -> None:
    write(file, f'[default]\n{LOGIN}[work]\nkey = "credential/1"\nsecret = "s"\n')
    assert driver_arguments()["key"] == "alice"
    monkeypatch.setenv(PROFILE_VARIABLE, "work")
    assert driver_arguments()["key"] == "credential/1"
    monkeypatch.delenv(PROFILE_VARIABLE)
    set_variables(monkeypatch, username="bob", password="p")
    assert driver_arguments("work")["key"] == "credential/1"


def test_options_win_over_the_profile(file: Path) -> None:
    # Mistakes in other profiles do not matter.
    write(
        file,
        f'[default]\nendpoint = "https://a.example"\ntimeout = 5\nverify = false\n{LOGIN}'
        "[other]\ncolour = 'red'\n",
    )
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


COMMANDS = {
    f"'''{PRINT}'''": SECRET,
    f'["{sys.executable}", "-c", "print(1)"]': "1",
    "'echo $HOME; echo `id` | cat'": "$HOME; echo `id` | cat",
}
"""Commands, which run without a shell, and the secrets that they print."""


@pytest.mark.parametrize("command", COMMANDS)
def test_command_prints_the_secret(command: str, file: Path) -> None:
    write(file, f"[default]\nusername = 'alice'\npassword_command = {command}\n", 0o644)
    assert driver_arguments()["secret"] == COMMANDS[command]


FAILING = {
    "'no-such-program-at-all'": "cannot be run: No such file or directory",
    f"'{sys.executable} -c \"raise SystemExit(3)\"'": "failed with exit code 3",
    "'true'": "printed nothing",
    "'echo \"'": "cannot be run: it is not a command",
    "[1]": "cannot be run: it is not a command",
}


@pytest.mark.parametrize("command", FAILING)
def test_failing_command_is_named(command: str, file: Path) -> None:
    write(file, f"[default]\nusername = 'a'\npassword_command = {command}\n")
    assert f"{file}, profile 'default': password_command {FAILING[command]}" in refusal()


WRONG = [
    (LOGIN, 0o600, "username is outside of a profile"),
    (f"[default]\n{LOGIN}", 0o640, "holds password, and others can read it. Run: chmod 600"),
    (f"[default]\n{LOGIN}", 0o604, "holds password, and others can read it"),
    (f"[default]\nusername='a'\n[b]\n{LOGIN}", 0o644, "others can read it"),
    (f"[default]\ncolour='red'\n{LOGIN}", 0o644, "others can read it"),
    ("[default]\nusername='a'\npassword_command='id'", 0o622, "others can change it"),
    (f"[default]\npasword = '{SECRET}'", 0o600, "pasword is not a key of a profile. Did you"),
    ("[default]\ncolour = 'red'", 0o600, "colour is not a key of a profile. The keys: ca_cert,"),
    ("[default]\nverify = 'no'", 0o600, "verify is empty, or has the wrong type"),
    ("[default]\nusername = 'a'\npassword = 12", 0o600, "password is empty, or has the wrong"),
    ("[default]\nusername = 'a'", 0o600, "password is missing"),
    (f"[default]\npassword = '{SECRET}'", 0o600, "username is missing"),
    ("[default]\nusername = ['a']", 0o600, "username is empty, or has the wrong"),
    ("[default]", 0o600, "username and password is missing"),
    (f"[default]\n{LOGIN}password_command='id'", 0o600, "password and password_command exclu"),
    (f"[default]\npassword = {SECRET}", 0o600, "is not a TOML file (at line 2, column"),
    (f"[b]\n{LOGIN}[a]\n{LOGIN}", 0o600, "There is no profile 'default'"),
]


@pytest.mark.parametrize(("text", "mode", "reason"), WRONG)
def test_wrong_file_is_refused_without_a_value(
    text: str, mode: int, reason: str, file: Path
) -> None:
    assert f"There is no profile 'default' in {file}, none at all." in refusal()
    write(file, text, mode)
    message = refusal()
    assert str(file) in message
    assert reason in message


def test_missing_profile_is_named_with_the_others(file: Path) -> None:
    write(file, f"[b]\n{LOGIN}[a]\n{LOGIN}")
    assert f"There is no profile 'c' in {file}, only a, b." in refusal("c")


HALVES: list[tuple[dict[str, str], str]] = [
    ({"endpoint": "https://a.example"}, "SLIPSTREAM_USERNAME and SLIPSTREAM_PASSWORD"),
    ({"password": SECRET}, "SLIPSTREAM_USERNAME is"),
    ({"key": "k", "username": "a", "password": SECRET}, "SLIPSTREAM_SECRET is"),
]


@pytest.mark.parametrize(("variables", "missing"), HALVES)
def test_half_a_login_is_never_completed_from_the_file(
    variables: dict[str, str], missing: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, f"[default]\n{LOGIN}")
    set_variables(monkeypatch, **variables)
    assert f"The environment has no login: {missing}" in refusal()
