"""
Accounts as JSON documents.

Since v3.42 the general parameters of a user are a document of ``user-param``, and the accounts on
clouds are credentials; the XML document of a user is made from them.
Source: SlipStreamServer, cimi-resources user and user_params_exec.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.moments import iso
from slipstream.sandbox.slipstream3.access import modifiable_by, owned_by
from slipstream.sandbox.slipstream3.accounts import Account

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World
    from slipstream.sandbox.store import Document

_SIXSQ = "http://sixsq.com/slipstream/1/"
_GENERAL = {
    "defaultCloudService": "General.default.cloud.service",
    "keepRunning": "General.keep-running",
    "mailUsage": "General.mail-usage",
    "verbosityLevel": "General.Verbosity Level",
    "timeout": "General.Timeout",
    "sshPublicKey": "General.ssh.public.key",
}
_NUMBERS = {"verbosityLevel", "timeout"}
_USER_NAMES, _PASSWORD_NAMES = ("username", "access.id"), ("password", "secret.key")


def publish_account(world: World, account: Account) -> None:
    """
    Write the documents that follow from an account.

    :param world: The world.
    :param account: The account.
    """
    _publish_user(world, account)
    if world.version.since(42):
        _publish_parameters(world, account)
        for cloud in world.connectors:
            _publish_cloud(world, account, cloud)


def _publish_user(world: World, account: Account) -> None:
    fields: dict[str, Any] = {
        "username": account.name,
        "emailAddress": account.email,
        "firstName": account.first_name,
        "lastName": account.last_name,
        "organization": account.organization or "",
        "acl": owned_by(account.name),
    }
    if world.version.since(42):
        fields |= {
            "roles": " ".join(account.roles),
            "isSuperUser": account.super,
            "state": account.state,
            "method": "direct",
            "deleted": account.state == "DELETED",
            "activeSince": iso(account.created),
            "password": sha256(account.password.encode()).hexdigest(),
        }
    _write(world, f"user/{account.name}", f"{_SIXSQ}User", fields)


def _publish_parameters(world: World, account: Account) -> None:
    known = next(iter(_parameters_of(world, account.name)), None)
    identifier = known["id"] if known else f"user-param/{world.ids.uuid()}"
    fields: dict[str, Any] = {"paramsType": "execution", "acl": owned_by(account.name)}
    for name, parameter in _GENERAL.items():
        value = account.value(parameter)
        fields[name] = int(value or 0) if name in _NUMBERS else value
    _write(world, identifier, f"{_SIXSQ}UserParam", fields)


def _parameters_of(world: World, user: str) -> list[Document]:
    every = world.store.collection("user-param")
    return [one for one in every if one["acl"]["owner"]["principal"] == user]


def _publish_cloud(world: World, account: Account, cloud: str) -> None:
    known = credential_of(world, account.name, cloud)
    user = _first_value(account, cloud, _USER_NAMES)
    password = _first_value(account, cloud, _PASSWORD_NAMES)
    if not (user and password):
        if known:
            world.store.remove(known["id"])
        return
    kind = world.connectors[cloud]["cloudServiceType"]
    fields = {
        "name": cloud,
        "type": f"cloud-cred-{kind}",
        "method": f"store-cloud-cred-{kind}",
        "key": user,
        "secret": password,
        "quota": 20,
        "connector": {"href": f"connector/{cloud}"},
        "acl": modifiable_by(account.name),
    }
    identifier = known["id"] if known else f"credential/{world.ids.uuid()}"
    _write(world, identifier, f"{_SIXSQ}Credential", fields)


def credential_of(world: World, user: str, cloud: str) -> Document | None:
    """
    Find a user's credential for a cloud.

    :param world: The world.
    :param user: The user.
    :param cloud: The connector.
    :returns: Its document, or None.
    """
    for one in world.store.collection("credential"):
        mine = any(rule["principal"] == user for rule in one["acl"]["rules"])
        if mine and one.get("connector", {}).get("href") == f"connector/{cloud}":
            return one
    return None


def _first_value(account: Account, cloud: str, names: tuple[str, ...]) -> str:
    values = (account.value(f"{cloud}.{name}") for name in names)
    return next((value for value in values if value), "")


def _write(world: World, identifier: str, uri: str, fields: dict[str, Any]) -> None:
    old = world.store.get(identifier)
    kept = {"created": old["created"]} if old else {}
    kind = identifier.partition("/")[0]
    world.document(kind, uri, id=identifier, **kept, **fields)


def adopt_document(world: World, document: Document) -> None:
    """
    Let an account follow a document that was changed.

    :param world: The world.
    :param document: A document of ``user``, ``user-param`` or ``credential``.
    """
    kind = document["id"].partition("/")[0]
    if kind == "user-param":
        _adopt_parameters(world.accounts[document["acl"]["owner"]["principal"]], document)
    elif kind == "user":
        account = world.accounts[document["username"]]
        account.email = document.get("emailAddress", account.email)
        account.first_name = document.get("firstName", account.first_name)
        account.last_name = document.get("lastName", account.last_name)
        account.organization = document.get("organization", account.organization)
    elif document.get("type", "").startswith("cloud-cred-"):
        _adopt_cloud(world, document, document.get("key", ""), document.get("secret", ""))


def _adopt_parameters(account: Account, document: Document) -> None:
    for name, parameter in _GENERAL.items():
        if name in document and parameter in account.parameters:
            account.parameters[parameter].value = str(document[name])


def forget_document(world: World, document: Document) -> None:
    """
    Let an account follow a document that was deleted.

    :param world: The world.
    :param document: The document.
    """
    if document.get("type", "").startswith("cloud-cred-"):
        _adopt_cloud(world, document, "", "")


def _adopt_cloud(world: World, document: Document, user: str, password: str) -> None:
    cloud = str(document["connector"]["href"]).removeprefix("connector/")
    owners = {rule["principal"] for rule in document["acl"]["rules"]} & set(world.accounts)
    for owner in owners:
        for name, parameter in world.accounts[owner].parameters.items():
            if name in {f"{cloud}.{one}" for one in _USER_NAMES}:
                parameter.value = user
            elif name in {f"{cloud}.{one}" for one in _PASSWORD_NAMES}:
                parameter.value = password
