"""The users of the server and their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import attrs

from slipstream.sandbox.slipstream3.modules import Parameter

_USER_NAMES, _PASSWORD_NAMES = ("username", "access.id"), ("password", "secret.key")
KEEP_RUNNING = "General.keep-running"
SSH_KEY = "General.ssh.public.key"
DEFAULT_CLOUD = "General.default.cloud.service"
# Attribute of the user-param document: parameter, description, instructions.
GENERAL = {
    "defaultCloudService": (
        DEFAULT_CLOUD,
        "Default Cloud",
        "Select the cloud that you want to use as the default.",
    ),
    "keepRunning": (KEEP_RUNNING, "Keep running after deployment", "When to keep the machines."),
    "verbosityLevel": ("General.Verbosity Level", "Level of verbosity", "From 0 to 3."),
    "timeout": ("General.Timeout", "Execution timeout (in minutes)", "The longest transition."),
    "sshPublicKey": (SSH_KEY, "SSH Public Key(s) (one per line)", "Some clouds use only one."),
    "mailUsage": ("General.mail-usage", "Cloud usage email", "How often a mail is sent."),
}
_DEFAULTS = {"keepRunning": "on-success", "timeout": "30", "mailUsage": "never"}


@attrs.define(kw_only=True)
class Account:
    """A user, with general parameters and those of connectors; the password is in clear."""

    name: str
    password: str = attrs.field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    organization: str | None = None
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
    def roles(self) -> list[str]:
        """Roles that every session of the user has."""
        return [*(["ADMIN"] if self.super else []), "USER", "ANON"]

    def cloud_login(self, cloud: str) -> tuple[str, str]:
        """The user's name and password for a cloud; empty where they are not set."""
        names = (self.value(f"{cloud}.{name}") for name in _USER_NAMES)
        passwords = (self.value(f"{cloud}.{name}") for name in _PASSWORD_NAMES)
        return next(filter(None, names), ""), next(filter(None, passwords), "")


def general_parameters(clouds: tuple[str, ...], **values: str) -> Iterator[Parameter]:
    """Make the parameters that every user has."""
    for attribute, (name, description, instructions) in GENERAL.items():
        is_choice = name == DEFAULT_CLOUD
        yield Parameter(
            name,
            values.get(attribute, _DEFAULTS.get(attribute, "")),
            description=description,
            instructions=instructions,
            type="Enum" if is_choice else "String",
            choices=clouds if is_choice else (),
        )


def cloud_parameters(
    cloud: str, user: str, password: str, names: Sequence[str]
) -> Iterator[Parameter]:
    """Make the parameters of a connector."""
    rows = (
        (names[0], user, "Account username", "String", 10),
        (names[1], password, "Account password", "Password", 20),
    )
    for name, value, description, kind, order in rows:
        yield Parameter(
            f"{cloud}.{name}",
            value,
            category=cloud,
            type=kind,
            mandatory=True,
            description=description,
            instructions="You find it on the page of your account.",
            order=order,
        )
