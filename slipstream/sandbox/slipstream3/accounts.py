"""The people of the server."""

from __future__ import annotations

from datetime import datetime

import attrs

from slipstream.sandbox.slipstream3.parameters import Parameter


@attrs.define(kw_only=True)
class Account:
    """
    A user.

    :param name: The login name.
    :param password: The password, in clear: this server is a toy.
    :param super: Whether the user is privileged.
    :param roles: The user's own roles.
    :param state: ``ACTIVE``, ``NEW``, ``SUSPENDED`` or ``DELETED``.
    :param last_online: When the user logged in last.
    :param last_execute: When the user deployed last.
    :param parameters: General parameters, and those of connectors, by name.
    """

    name: str
    password: str = attrs.field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    organization: str | None = None
    roles: tuple[str, ...] = ()
    super: bool = False
    state: str = "ACTIVE"
    created: datetime
    modified: datetime
    last_online: datetime | None = None
    last_execute: datetime | None = None
    parameters: dict[str, Parameter] = attrs.field(factory=dict, repr=False)

    def value(self, name: str) -> str:
        """
        Read a parameter.

        :param name: Its full name, such as ``General.keep-running``.
        :returns: The value; empty if not set.
        """
        found = self.parameters.get(name)
        return (found.value or "") if found else ""

    def configured(self, cloud: str) -> bool:
        """
        Ask whether the user gave an account for a cloud.

        :param cloud: The connector's name.
        :returns: True if a user name and a password are there.
        """
        names = [one.name for one in self.parameters.values() if one.value]
        mine = {name.removeprefix(f"{cloud}.") for name in names if name.startswith(f"{cloud}.")}
        return bool(mine & {"username", "access.id"}) and bool(mine & {"password", "secret.key"})

    @property
    def active(self) -> bool:
        """Whether the user may log in."""
        return self.state == "ACTIVE"

    @property
    def login_roles(self) -> list[str]:
        """Roles every session of the user has."""
        return [*(["ADMIN"] if self.super else []), "USER", "ANON", *self.roles]


def general_parameters(
    *, default_cloud: str, clouds: tuple[str, ...], ssh_keys: str = "", timeout: str = "30"
) -> list[Parameter]:
    """
    Make the parameters every user has.

    :param default_cloud: The default cloud.
    :param clouds: The clouds to choose from.
    :param ssh_keys: Public keys, one a line.
    :param timeout: Minutes a run may stay in one state.
    :returns: The parameters, in the order of the page.
    """
    every = ("always", "on-success", "on-error", "never")
    return [
        _general(
            "default.cloud.service",
            default_cloud,
            "Default Cloud",
            10,
            kind="Enum",
            choices=clouds,
        ),
        _general("keep-running", "on-success", "Keep running", 20, kind="Enum", choices=every),
        _general(
            "Verbosity Level", "0", "Level of verbosity", 30, kind="Enum", choices=tuple("0123")
        ),
        _general("Timeout", timeout, "Execution timeout (in minutes)", 40),
        _general(
            "ssh.public.key", ssh_keys, "SSH Public Key(s) (one per line)", 50, "RestrictedText"
        ),
        _general(
            "mail-usage", "never", "Usage by mail", 60, kind="Enum", choices=("never", "daily")
        ),
    ]


def _general(
    name: str,
    value: str,
    description: str,
    order: int,
    kind: str = "String",
    choices: tuple[str, ...] = (),
) -> Parameter:
    return Parameter(
        f"General.{name}",
        value,
        description=description,
        mandatory=True,
        type=kind,
        order=order,
        choices=choices,
    )


def cloud_parameters(
    cloud: str, user: str, password: str, *, names: tuple[str, str] = ("username", "password")
) -> list[Parameter]:
    """
    Make the parameters of one connector.

    :param cloud: The connector's name.
    :param user: The account's name, empty for not configured.
    :param password: Its password.
    :param names: How the connector calls the two.
    :returns: The two parameters.
    """
    return [
        Parameter(
            f"{cloud}.{names[0]}",
            user,
            category=cloud,
            type="RestrictedString",
            mandatory=True,
            description="Account username",
            order=10,
        ),
        Parameter(
            f"{cloud}.{names[1]}",
            password,
            category=cloud,
            type="Password",
            mandatory=True,
            description="Account password",
            order=20,
        ),
    ]
