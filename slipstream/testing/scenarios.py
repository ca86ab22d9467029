"""Scenarios: their address, credentials and names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Self

import pyotp
from attrs import asdict, field, fields, frozen

from slipstream.testing.scrubbing import CREDENTIALS

_LOGINS = (
    ("username", "password"),
    ("key", "secret"),
    ("token",),
    ("other_username", "other_password"),
    ("two_factor_username", "two_factor_password", "two_factor_seed"),
)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class MissingCredentialsError(LookupError):
    """The environment has no credentials for a recording; the message names the variables."""


def _masked(value: str | None) -> str:
    return "None" if value is None else "'***'"


def _with_prefix(key: str | None) -> str | None:
    # A server takes the key with and without it; a recording has one way.
    return f"credential/{key.removeprefix('credential/')}" if key else None


@frozen(kw_only=True)
class ScenarioCredentials:
    """The credentials that a scenario may use; each sort is complete or absent.

    :param username: The user's name.
    :param password: The user's password.
    :param key: The id of an API key, with ``credential/`` in front.
    :param secret: The secret of that key.
    :param token: What else a login method takes for a secret, such as a token.
    :param other_username: The name of a second user, who shares nothing with the first.
    :param other_password: The second user's password.
    :param two_factor_username: The name of a user with a second factor by TOTP.
    :param two_factor_password: That user's password.
    :param two_factor_seed: What that user's codes are computed from, in Base32.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=_masked)
    key: str | None = field(default=None, converter=_with_prefix)
    secret: str | None = field(default=None, repr=_masked)
    token: str | None = field(default=None, repr=_masked)
    other_username: str | None = None
    other_password: str | None = field(default=None, repr=_masked)
    two_factor_username: str | None = None
    two_factor_password: str | None = field(default=None, repr=_masked)
    two_factor_seed: str | None = field(default=None, repr=_masked)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read real credentials from ``SLIPSTREAM_USERNAME`` and so on.

        :param environment: Where to look, by default the process's own environment.
        :returns: The credentials.
        :raises MissingCredentialsError: If there is no login, or one is incomplete.
        """
        # Not the default argument itself: documentation tools print those, secrets included.
        environment = os.environ if environment is None else environment
        variables = {a.name: f"SLIPSTREAM_{a.name.upper()}" for a in fields(cls)}
        values = {name: environment.get(variable) for name, variable in variables.items()}
        needed = [name for login in _LOGINS if any(map(values.get, login)) for name in login]
        own = [*_LOGINS[0], *_LOGINS[1]]
        if not any(map(values.get, [*own, "token"])):
            needed = [*own, *needed]
        if missing := [variables[name] for name in needed if not values[name]]:
            raise MissingCredentialsError(f"set {', '.join(missing)} to record a server")
        return cls(**{name: value or None for name, value in values.items()})

    @classmethod
    def placeholders(cls, names: tuple[str, ...]) -> Self:
        """Make the credentials of a replay."""
        return cls(**{name: CREDENTIALS[name] for name in names})

    def available(self) -> tuple[str, ...]:
        """The names of the available credentials."""
        return tuple(name for name, value in asdict(self).items() if value)

    def secrets(self) -> dict[str, str]:
        """Map the secret values to their placeholders, for a scrubber."""
        secret = (field.name for field in fields(type(self)) if field.repr is _masked)
        return self._placeholders_of(*secret)

    def names(self) -> dict[str, str]:
        """Map the names of users and key to their placeholders, for a scrubber."""
        names = self._placeholders_of("username", "key", "other_username", "two_factor_username")
        return {
            value.removeprefix("credential/"): placeholder.removeprefix("credential/")
            for value, placeholder in names.items()
        }

    def _placeholders_of(self, *names: str) -> dict[str, str]:
        return {getattr(self, name): CREDENTIALS[name] for name in names if getattr(self, name)}


@frozen(kw_only=True)
class Scenario:
    """One session with a server, recorded or replayed.

    :param name: Unique and always the same: fit for the name of what the scenario creates.
    :param endpoint: The server's URL.
    :param endpoint_kind: The driver's ``ex_endpoint_kind``; ``None`` for SlipStream and Nuvla.
    :param credentials: Real ones while recording, placeholders while replaying.
    :param recording: Whether requests go to a real server and waiting takes real time.
    :param now: The server's clock, by which codes of a second factor are computed.
    """

    name: str
    endpoint: str
    endpoint_kind: str | None
    credentials: ScenarioCredentials
    recording: bool
    now: Callable[[], datetime] = field(repr=False)
    _refuse: Callable[[str], NoReturn] = field(repr=False)

    def code(self) -> str:
        """Compute the present code of the second factor.

        :returns: Six digits; on replay always the same.
        """
        if not self.recording or not self.credentials.two_factor_seed:
            return "000000"
        return pyotp.TOTP(self.credentials.two_factor_seed).at(self.now())

    def unsupported(self, reason: str) -> NoReturn:
        """Declare that this server cannot serve the scenario, and end it.

        The reason is kept beside the cassettes, and the scenario skipped for this server.

        :param reason: What the server lacks, as a short sentence.
        """
        self._refuse(reason)


def scenario_name(module: str, function: str, parameters: str = "") -> str:
    """Derive a scenario's name from its test."""
    parts = (module.rpartition(".")[2].removeprefix("test_"), function.removeprefix("test_"))
    return ".".join([*parts, *([_UNSAFE.sub("-", parameters)] if parameters else [])])


def without_parameters(name: str) -> str:
    """The name of a scenario that a test with parameters has for all of them."""
    return ".".join(name.split(".")[:2])


def cassette_path(folder: Path, name: str) -> Path:
    """Name the file of a scenario's cassette."""
    module, _, rest = name.partition(".")
    return folder / module / f"{rest}.yaml"
