"""What a scenario is given: an address, credentials and a name of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NoReturn, Self

from attrs import field, fields, frozen

from slipstream.testing.placeholders import KEY, PASSWORD, SECRET, USERNAME

VARIABLES: Final = {
    "username": "SLIPSTREAM_USERNAME",
    "password": "SLIPSTREAM_PASSWORD",
    "key": "SLIPSTREAM_KEY",
    "secret": "SLIPSTREAM_SECRET",
}
"""The environment variables that hold the credentials to record with."""

_PLACEHOLDERS: Final = {
    "username": USERNAME,
    "password": PASSWORD,
    "key": f"credential/{KEY}",
    "secret": SECRET,
}
_PAIRS = (("username", "password"), ("key", "secret"))
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


class MissingCredentialsError(LookupError):
    """The environment does not hold what a recording needs; the message names the variables."""


def _masked(value: str | None) -> str:
    return "None" if value is None else "'***'"


def _with_prefix(key: str | None) -> str | None:
    # A server takes the key with and without it; a recording knows only one way.
    return f"credential/{key.removeprefix('credential/')}" if key else None


@frozen(kw_only=True)
class ScenarioCredentials:
    """The ways to log in that a scenario may use; each is whole or absent.

    :param username: the user's name.
    :param password: the user's password.
    :param key: the id of an API key, with ``credential/`` in front.
    :param secret: the secret of that key.
    """

    username: str | None = None
    password: str | None = field(default=None, repr=_masked)
    key: str | None = field(default=None, converter=_with_prefix)
    secret: str | None = field(default=None, repr=_masked)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read real credentials.

        :param environment: where to look, by default the process's own.
        :returns: the credentials.
        :raises MissingCredentialsError: if neither a password nor an API key is complete, or one
            of them is there by half.
        """
        # Not the default argument itself: documentation tools print those, secrets included.
        environment = os.environ if environment is None else environment
        given = {name: environment.get(variable) for name, variable in VARIABLES.items()}
        halves = [name for pair in _PAIRS if any(map(given.get, pair)) for name in pair]
        missing = [VARIABLES[name] for name in halves or VARIABLES if not given[name]]
        if missing:
            raise MissingCredentialsError(f"set {', '.join(missing)} to record a server")
        return cls(**{name: value or None for name, value in given.items()})

    @classmethod
    def placeholders(cls, names: tuple[str, ...]) -> Self:
        """Make the credentials that a replay takes for real.

        :param names: which were at hand when the recording was made.
        :returns: the credentials.
        """
        return cls(**{name: _PLACEHOLDERS[name] for name in names})

    def given(self) -> tuple[str, ...]:
        """Name the credentials that are there.

        :returns: some of ``username``, ``password``, ``key`` and ``secret``.
        """
        names = (attribute.name for attribute in fields(type(self)))
        return tuple(name for name in names if getattr(self, name))

    def secrets(self) -> dict[str, str]:
        """Map the secret values to their placeholders, for a scrubber.

        :returns: password and secret, as far as they are given.
        """
        values = {self.password: PASSWORD, self.secret: SECRET}
        return {value: placeholder for value, placeholder in values.items() if value}

    def names(self) -> dict[str, str]:
        """Map the user's and the key's names to their placeholders, for a scrubber.

        :returns: user name and bare id of the key, as far as they are given.
        """
        values = {self.username: USERNAME, (self.key or "").removeprefix("credential/"): KEY}
        return {value: placeholder for value, placeholder in values.items() if value}


@frozen(kw_only=True)
class Scenario:
    """One session with a server, recorded or about to be.

    :param name: unique among the scenarios and always the same: fit for a name or a tag of what
        the scenario creates.
    :param endpoint: the server's URL.
    :param credentials: real ones while recording, placeholders while replaying.
    :param recording: whether requests go to a real server and waiting takes real time.
    """

    name: str
    endpoint: str
    credentials: ScenarioCredentials
    recording: bool
    _refuse: Callable[[str], NoReturn] = field(repr=False)

    def unsupported(self, reason: str) -> NoReturn:
        """Declare that this server cannot serve the scenario, and end it.

        The reason is kept beside the cassettes, and the scenario skipped for this server.

        :param reason: what the server lacks, as a short sentence.
        """
        self._refuse(reason)


def scenario_name(module: str, function: str, parameters: str = "") -> str:
    """Derive a scenario's name from its test.

    :param module: the test's module, for example ``test_nodes``.
    :param function: the test's function, for example ``test_deploy``.
    :param parameters: the id of the test's parameters, empty if it has none.
    :returns: for example ``nodes.deploy`` or ``nodes.deploy.small``.
    """
    parts = (module.rpartition(".")[2].removeprefix("test_"), function.removeprefix("test_"))
    return ".".join([*parts, *([_UNSAFE.sub("-", parameters)] if parameters else [])])


def cassette_path(folder: Path, name: str) -> Path:
    """Say where the cassette of a scenario lies.

    :param folder: the folder of its origin.
    :param name: the scenario's name.
    :returns: for example ``folder/nodes/deploy.yaml``.
    """
    module, _, rest = name.partition(".")
    return folder / module / f"{rest}.yaml"
