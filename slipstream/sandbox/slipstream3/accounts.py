"""The users of the server and their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import attrs

from slipstream.sandbox.slipstream3.modules import Parameter

_NAMES, _PASSWORDS = ("username", "access.id"), ("password", "secret.key")
KEEP_RUNNING = "General.keep-running"
SSH_KEY = "General.ssh.public.key"
DEFAULT_CLOUD = "General.default.cloud.service"
# The parameters that every user has: attribute of the user-param document, description,
# instructions, default.
GENERAL = {
    DEFAULT_CLOUD: ("defaultCloudService", "Default Cloud", "Which cloud is the default.", ""),
    KEEP_RUNNING: ("keepRunning", "Keep running", "When to keep the machines.", "on-success"),
    "General.Verbosity Level": ("verbosityLevel", "Level of verbosity", "From 0 to 3.", "0"),
    "General.Timeout": ("timeout", "Execution timeout", "The longest state, in minutes.", "30"),
    SSH_KEY: ("sshPublicKey", "SSH Public Key(s) (one per line)", "Some clouds use one.", ""),
    "General.mail-usage": ("mailUsage", "Cloud usage email", "How often it is sent.", "never"),
}


@attrs.define(kw_only=True)
class Account:
    """A user, with general parameters and those of connectors; the password is in clear."""

    name: str
    password: str = attrs.field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    organization: str = ""
    super: bool = False
    state: str = "ACTIVE"
    created: datetime
    modified: datetime
    parameters: dict[str, Parameter] = attrs.field(factory=dict, repr=False)

    def value(self, name: str) -> str:
        """The value of a parameter such as ``General.keep-running``; empty if not set."""
        parameter = self.parameters.get(name)
        return (parameter.value or "") if parameter else ""

    @property
    def active(self) -> bool:
        """Whether the user may log in."""
        return self.state == "ACTIVE"

    @property
    def deleted(self) -> bool:
        """Whether the user is gone."""
        return self.state == "DELETED"

    @property
    def roles(self) -> list[str]:
        """Roles that every session of the user has."""
        return [*(["ADMIN"] if self.super else []), "USER", "ANON"]

    def cloud_login(self, cloud: str) -> tuple[str, str]:
        """The user's name and password for a cloud; empty where they are not set."""
        names = (self.value(f"{cloud}.{name}") for name in _NAMES)
        passwords = (self.value(f"{cloud}.{name}") for name in _PASSWORDS)
        return next(filter(None, names), ""), next(filter(None, passwords), "")


def general_parameters(clouds: Sequence[str], values: Mapping[str, str]) -> Iterator[Parameter]:
    """Make the parameters that every user has; one without a value gets its default."""
    for name, (_, description, instructions, default) in GENERAL.items():
        value = values.get(name, default)
        parameter = Parameter(name, value, description=description, instructions=instructions)
        if name == DEFAULT_CLOUD:
            parameter.type, parameter.choices = "Enum", tuple(clouds)
        yield parameter


def cloud_parameters(
    cloud: str, login: Sequence[str], names: Sequence[str]
) -> Iterator[Parameter]:
    """Make the two parameters of a connector."""
    for name, value, kind in zip(names, login, ("String", "Password"), strict=True):
        yield Parameter(
            f"{cloud}.{name}",
            value,
            category=cloud,
            type=kind,
            mandatory=True,
            description=f"Account {name}",
            instructions="You find it on the page of your account.",
            order=10,
        )
