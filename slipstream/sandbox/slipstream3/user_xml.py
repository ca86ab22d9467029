"""
Users as XML documents, and what is refused when one is sent.

Source: SlipStreamServer, jar-service user/UserResource.java and jar-persistence User.java.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element as Read

import attrs

from slipstream.sandbox.slipstream3.accounts import Account, general_parameters
from slipstream.sandbox.slipstream3.java_moments import java
from slipstream.sandbox.slipstream3.module_read import parameters_of, read_xml
from slipstream.sandbox.slipstream3.parameters import Parameter, parameter_map
from slipstream.sandbox.slipstream3.people import publish_account
from slipstream.sandbox.slipstream3.problems import XmlProblem
from slipstream.sandbox.slipstream3.xmltext import Element

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World

_TEMPLATE = "new"
_ORCHESTRATOR_KEY = "General.orchestrator.publicsshkey"
_QUOTE_FREE = {"RestrictedString", "RestrictedText", "Password"}
_NAME = re.compile(r"\w[\w.]+", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def user_document(world: World, account: Account) -> Element:
    """
    Write a user.

    :param world: The world.
    :param account: The user.
    :returns: The ``user`` element.
    """
    return Element(
        "user",
        {
            "creation": java(account.created),
            "lastModified": java(account.modified),
            "deleted": account.state == "DELETED",
            "resourceUri": f"user/{account.name}",
            "name": account.name,
            "email": account.email,
            "firstName": account.first_name,
            "lastName": account.last_name,
            "organization": account.organization,
            "roles": _roles(world, account),
            "issuper": account.super,
            "state": account.state,
            "activeSince": java(account.created),
            **_last_seen(world, account),
        },
        [
            parameter_map(
                _shown_parameters(world, account),
                kind="org.hibernate.collection.internal.PersistentMap",
            )
        ],
    )


def _last_seen(world: World, account: Account) -> dict[str, object]:
    moments = {"lastOnline": account.last_online, "lastExecute": account.last_execute}
    if world.version.since(71):
        return {}
    return {name: java(moment) for name, moment in moments.items() if moment}


def _roles(world: World, account: Account) -> str:
    return (" " if world.version.since(46) else ",").join(account.roles)


def _shown_parameters(world: World, account: Account) -> Iterator[Parameter]:
    hidden = account.super and world.version.since(48)
    for parameter in account.parameters.values():
        if parameter.category == "General" or not hidden:
            yield parameter
    yield Parameter(
        _ORCHESTRATOR_KEY,
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDm0rchestrator sandbox@example.org",
        description="Orchestrator public key",
        type="RestrictedText",
        order=100,
    )


def user_item(world: World, account: Account) -> Element:
    """
    Write an entry of the list of users.

    :param world: The world.
    :param account: The user.
    :returns: The ``item`` element.
    """
    return Element(
        "item",
        {
            "name": account.name,
            "resourceUri": f"user/{account.name}",
            "firstName": account.first_name,
            "lastName": account.last_name,
            "email": account.email,
            "state": account.state,
            "activeSince": java(account.created),
            **_last_seen(world, account),
            "organization": account.organization,
            "roles": _roles(world, account),
            "issuper": account.super,
            "online": False,
        },
    )


def put_user(
    world: World, name: str, body: bytes, *, asker: Account, must_be_new: bool = False
) -> bool:
    """
    Create or replace a user.

    :param world: The world.
    :param name: The name in the path.
    :param body: The document; a privileged user may send that of another name.
    :param asker: Who sends it.
    :param must_be_new: Whether to refuse what would replace a user.
    :returns: Whether there was no user of the name in the path.
    :raises XmlProblem: 400, 403 or 409 if it is refused.
    """
    root = read_xml(body)
    if root.tag != "user":
        raise XmlProblem(400, f"Invalid xml user: {root.tag}")
    old = world.accounts.get(name)
    if not asker.super:
        _check_privileges(root)
    _check_may_put(name, old, asker, must_be_new=must_be_new)
    account = _merge(world, root, old, now=world.now(), by_super=asker.super)
    _check(account)
    if account.name != name and not asker.super:
        raise XmlProblem(400, "The uploaded user does not correspond to the target user uri")
    if old is None and asker.super and account.state == "NEW":
        account.state = "ACTIVE"
    world.accounts[account.name] = account
    publish_account(world, account)
    return old is None


def _check_privileges(root: Read) -> None:
    if root.get("issuper") == "true":
        raise XmlProblem(403, "Only super users are authorized to create a privileged user!")
    if "roles" in root.attrib:
        raise XmlProblem(403, "Only super users are authorized to update roles!")


def _check_may_put(name: str, old: Account | None, asker: Account, *, must_be_new: bool) -> None:
    # Anyone who is logged in may create a user.
    allowed = asker.super or old is None or old.name == asker.name
    if name == _TEMPLATE or not allowed:
        raise XmlProblem(403, "Forbidden to update this resource.")
    if must_be_new and old is not None:
        raise XmlProblem(403, "Cannot create this resource. It already exists.")


def _merge(
    world: World, root: Read, old: Account | None, *, now: datetime, by_super: bool
) -> Account:
    sent = {one.name: one for one in parameters_of(root)}
    name = root.get("name", "")
    account = Account(
        name=name,
        password=root.get("password", old.password if old else ""),
        email=root.get("email", ""),
        first_name=root.get("firstName", ""),
        last_name=root.get("lastName", ""),
        organization=root.get("organization"),
        roles=old.roles if old else (),
        super=old.super if old else False,
        state=root.get("state") or (old.state if old else "NEW"),
        created=old.created if old else now,
        modified=now,
        last_online=old.last_online if old else None,
        last_execute=old.last_execute if old else None,
        parameters={one.name: one for one in _parameters(world, sent, old)},
    )
    if by_super and "roles" in root.attrib:
        account.roles = tuple(re.split(r"[,\s]+", root.get("roles", "").strip()))
    if by_super and "issuper" in root.attrib:
        account.super = root.get("issuper") == "true"
    return account


def _parameters(
    world: World, sent: dict[str, Parameter], old: Account | None
) -> Iterator[Parameter]:
    clouds = tuple(sorted(world.connectors))
    for parameter in general_parameters(default_cloud="", clouds=clouds):
        given = sent.get(parameter.name)
        yield parameter if given is None else attrs.evolve(parameter, value=given.value)
    for name, parameter in (old.parameters if old else {}).items():
        if parameter.category != "General" and name not in sent:
            yield attrs.evolve(parameter, value="")
    for name, parameter in sent.items():
        if name.partition(".")[0] in world.connectors:
            known = old.parameters.get(name) if old else None
            yield attrs.evolve(known or parameter, value=parameter.value)


def _check(account: Account) -> None:
    if account.name in {"", _TEMPLATE}:
        raise XmlProblem(409, "Invalid name")
    _check_quotes(account)
    if account.state == "NEW" and not _NAME.fullmatch(account.name):
        raise XmlProblem(
            409, "Username must start with a letter and contain only letters and digits."
        )
    for label, text in (
        ("First name", account.first_name),
        ("Last name", account.last_name),
        ("Password", account.password),
    ):
        if not text:
            raise XmlProblem(409, f"{label} cannot be empty.")
    if not _EMAIL.fullmatch(account.email):
        raise XmlProblem(409, "Invalid email address.")


def _check_quotes(account: Account) -> None:
    for parameter in account.parameters.values():
        if parameter.type in _QUOTE_FREE and "'" in (parameter.value or ""):
            raise XmlProblem(409, f"Value of {parameter.name} must not contain a single quote")
