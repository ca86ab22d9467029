"""
Endpoint and credentials from the environment, or from a named profile in a file::

    [default]
    endpoint = "https://nuv.la"
    username = "alice"
    password_command = "pass show nuvla"

One source is used as a whole, so that the credentials for one server never go to another one.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipstream.errors import BadInput, nearest, shorten
from slipstream.values.plain import file_error

FILE_NAME = "profiles.toml"
VARIABLES = {
    "endpoint": "SLIPSTREAM_ENDPOINT",
    "username": "SLIPSTREAM_USERNAME",
    "password": "SLIPSTREAM_PASSWORD",
    "key": "SLIPSTREAM_KEY",
    "secret": "SLIPSTREAM_SECRET",
}
"""The environment variable for each key of a profile."""

PROFILE_VARIABLE = "SLIPSTREAM_PROFILE"
_LOGINS = {"key": "secret", "username": "password"}
"""Who logs in, and the secret that belongs to it. An API key wins over a user name."""

_COMMANDS = {f"{secret}_command": secret for secret in _LOGINS.values()}
_ARGUMENTS = {
    "endpoint": "ex_endpoint",
    "ca_cert": "ex_ca_cert",
    "verify": "ex_verify",
    "login_method": "ex_login_method",
    "cookie_file": "ex_cookie_file",
    "group": "ex_group",
    "proxy_url": "proxy_url",
    "timeout": "timeout",
}
"""The driver's argument for each further key."""

_KEYS = {*_LOGINS, *_LOGINS.values(), *_COMMANDS, *_ARGUMENTS}
_KEY_NAMES = ", ".join(sorted(_KEYS))
_POSITION = re.compile(r"\(at [^)]*\)$")


def profiles_file() -> Path:
    """The file with the profiles, in the user's configuration directory."""
    from platformdirs import user_config_path  # noqa: PLC0415 - only needed without variables

    return user_config_path("slipstream") / FILE_NAME


def driver_arguments(name: str | None = None, **options: Any) -> dict[str, Any]:
    """The arguments of a driver, from the environment or a profile."""
    environment = {
        key: os.environ[variable]
        for key, variable in VARIABLES.items()
        if os.environ.get(variable)
    }
    if name is not None or not environment:
        profile = _profile(name or os.environ.get(PROFILE_VARIABLE) or "default", options)
    elif missing := _missing(environment, options):
        raise BadInput(
            f"The environment has no login: {' and '.join(VARIABLES[key] for key in missing)} is"
            " not set.",
            hint=f"Set it, or unset {', '.join(VARIABLES[key] for key in environment)} to use"
            f" a profile in {profiles_file()}.",
        )
    else:
        profile = environment
    arguments = {argument: profile[key] for key, argument in _ARGUMENTS.items() if key in profile}
    user = next((key for key in _LOGINS if key in profile), "key")
    login = {"key": profile.get(user), "secret": profile.get(_LOGINS[user])}
    return {**login, **arguments, **options}


def _profile(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    path = profiles_file()
    profiles = _read(path)
    if name not in profiles:
        names = f"only {', '.join(sorted(profiles))}" if profiles else "none at all"
        raise BadInput(
            f"There is no profile {shorten(str(name))!r} in {path}, {names}.",
            hint="Add it, or set SLIPSTREAM_USERNAME and SLIPSTREAM_PASSWORD instead.",
        )
    where = f"{path}, profile {name!r}"
    profile = dict(profiles[name])
    _check_keys(where, profile)
    for key, secret in _COMMANDS.items():
        if key in profile:
            if secret in profile:
                raise BadInput(f"{where}: {secret} and {key} exclude each other.")
            profile[secret] = _run(profile[key], f"{where}: {key}")
    missing = _missing(profile, options)
    if missing:
        raise BadInput(
            f"{where}: {' and '.join(missing)} is missing.",
            hint="A profile needs username and password, or key and secret.",
        )
    return profile


def _missing(profile: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """The keys without which there is no login."""
    if {"ex_cookie_file", "ex_login_method", "key"} & options.keys() or (
        {"cookie_file", "login_method"} & profile.keys()
    ):
        return []
    for who, secret in _LOGINS.items():
        if who in profile or secret in profile:
            return [key for key in (who, secret) if key not in profile and key not in options]
    return ["username", "password"]


def _read(path: Path) -> Mapping[str, Mapping[str, Any]]:
    import tomllib  # noqa: PLC0415 - not needed to make a driver

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            profiles = tomllib.loads(file.read().decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise file_error(f"Cannot read {path}", path, error) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The whole message could hold a piece of a secret.
        position = _POSITION.search(str(error))
        raise BadInput(f"{path} is not a TOML file {position[0] if position else ''}.") from None
    for name, profile in profiles.items():
        if not isinstance(profile, dict):
            raise BadInput(
                f"{path}: {name} is outside of a profile.", hint="Begin with [default]."
            )
    _check_mode(path, mode, profiles)
    return profiles


def _check_keys(where: str, profile: Mapping[str, Any]) -> None:
    for key, value in profile.items():
        if key not in _KEYS:
            near = nearest(key, _KEYS)
            raise BadInput(
                f"{where}: {key} is not a key of a profile.",
                hint=f"Did you mean {near}?" if near else f"The keys: {_KEY_NAMES}.",
            )
        types: Any = {"verify": bool, "timeout": int | float}.get(
            key, str | list if key in _COMMANDS else str
        )
        if not isinstance(value, types) or not (value or key == "verify"):
            raise BadInput(f"{where}: {key} is empty, or has the wrong type.")


def _check_mode(path: Path, mode: int, profiles: Mapping[str, Mapping[str, Any]]) -> None:
    if os.name != "posix":
        return
    keys = {key for profile in profiles.values() for key in profile}
    for secrets, modes, danger in (
        (_LOGINS.values(), stat.S_IRWXG | stat.S_IRWXO, "read"),
        (_COMMANDS, stat.S_IWGRP | stat.S_IWOTH, "change"),
    ):
        names = sorted(keys & set(secrets))
        if names and mode & modes:
            raise BadInput(
                f"{path} holds {' and '.join(names)}, and others can {danger} it.",
                hint=f"Run: chmod 600 {shlex.quote(str(path))}.",
            )


def _run(command: str | list[str], where: str) -> str:
    """Run a command without a shell, and return the first line that it prints."""
    try:
        words = shlex.split(command) if isinstance(command, str) else command
        process = subprocess.run(words, stdout=subprocess.PIPE, check=False)  # noqa: S603
        lines = process.stdout.decode("utf-8").splitlines()
    except (OSError, TypeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a command, or does not print text"
        raise BadInput(f"{where} cannot be run: {reason}.") from None
    if process.returncode:
        raise BadInput(f"{where} failed with exit code {process.returncode}.")
    if not lines or not lines[0]:
        raise BadInput(f"{where} printed nothing.")
    return lines[0]
