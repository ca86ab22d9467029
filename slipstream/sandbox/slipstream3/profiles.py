"""
The profiles of users: their XML documents, and the JSON documents made from them.

Source: SlipStreamServer, jar-service user/UserResource.java, cimi-resources user and
user_params_exec.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha512
from typing import Any
from uuid import NAMESPACE_OID, uuid3
from xml.etree.ElementTree import Element as Read

import attrs

from slipstream.sandbox.slipstream3.access import granted
from slipstream.sandbox.slipstream3.accounts import GENERAL, Account, general_parameters
from slipstream.sandbox.slipstream3.modules import Parameter
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import XmlProblem, attributes_of, read_xml
from slipstream.sandbox.store import Document

_MANDATORY = {"firstName": "First name", "lastName": "Last name", "password": "Password"}
_JSON = (
    "firstName=first_name lastName=last_name organization state deleted username=name "
    "emailAddress=email isSuperUser=super"
)
_TIMES = ("activeSince", "lastOnline", "lastExecute")
ORCHESTRATOR_KEY = Parameter(
    "General.orchestrator.publicsshkey",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDm0rchestrator orchestrator\n",
    description="",
)


def put_user(state: State, account: Account, body: bytes, *, by_super: bool) -> None:
    """Replace a user's profile."""
    root = read_xml(body)
    if root.tag != "user":
        raise XmlProblem(400, f"Invalid xml user: {root.tag}")
    if root.get("issuper") == "true" and not by_super:
        raise XmlProblem(403, "Only super users are authorized to create a privileged user!")
    if "roles" in root.attrib and not by_super:
        raise XmlProblem(403, "Only super users are authorized to update roles!")
    if root.get("name") != account.name:
        raise XmlProblem(400, "The uploaded user does not correspond to the target user uri")
    parameters = {parameter.name: parameter for parameter in _merged(state, account, root)}
    for parameter in parameters.values():
        if parameter.type != "Enum" and "'" in (parameter.value or ""):
            raise XmlProblem(409, f"Value of {parameter.name} must not contain a single quote")
    for attribute, label in _MANDATORY.items():
        if not root.get(attribute, account.password):
            raise XmlProblem(409, f"{label} cannot be empty.")
    for name in ("email", "firstName", "lastName", "organization"):
        attribute = {"firstName": "first_name", "lastName": "last_name"}.get(name, name)
        setattr(account, attribute, root.get(name, ""))
    account.password = root.get("password", account.password)
    account.parameters, account.modified = parameters, state.now()
    publish(state, account)


def _merged(state: State, account: Account, root: Read) -> Iterator[Parameter]:
    """The parameters afterwards: one that was not sent gets its default."""
    sent = {
        element.get("name", ""): element.findtext("value") or ""
        for element in root.findall("parameters/entry/parameter")
    }
    yield from general_parameters(sorted(state.connectors), sent)
    for name, parameter in account.parameters.items():
        if parameter.category != "General":
            yield attrs.evolve(parameter, value=sent.get(name, ""))


def publish(state: State, account: Account) -> None:
    """Write the JSON documents that follow from an account."""
    fields = attributes_of(account, _JSON) | dict.fromkeys(_TIMES, "1970-01-01T00:00:00.000Z")
    fields |= {
        "roles": " ".join(account.roles),
        "method": "direct",
        "resourceMetadata": "user-template-direct",
        "password": sha512(account.password.encode()).hexdigest().upper(),
    }
    _write(state, f"user/{account.name}", account, fields)
    general: dict[str, Any] = {
        attribute: account.value(name) for name, (attribute, *_) in GENERAL.items()
    }
    general |= {name: int(general[name] or 0) for name in ("timeout", "verbosityLevel")}
    identifier = f"user-param/{uuid3(NAMESPACE_OID, account.name)}"
    _write(state, identifier, account, {"paramsType": "execution", **general})
    for cloud in state.connectors:
        _publish_cloud(state, account, cloud)


def _publish_cloud(state: State, account: Account, cloud: str) -> None:
    existing = credential_of(state, account.name, cloud)
    user, password = account.cloud_login(cloud)
    if not (user and password):
        if existing:
            state.store.remove(existing["id"])
        return
    kind = state.connectors[cloud]["cloudServiceType"]
    fields = {
        "name": cloud,
        "type": f"cloud-cred-{kind}",
        "method": f"store-cloud-cred-{kind}",
        "key": user,
        "secret": password,
        "quota": 20,
        "domain-name": "",
        "connector": {"href": f"connector/{cloud}"},
    }
    identifier = existing["id"] if existing else f"credential/{state.ids.uuid()}"
    _write(state, identifier, account, fields)


def credential_of(state: State, user: str, cloud: str) -> Document | None:
    """A user's credential for a cloud, or None."""
    for document in state.store.collection("credential"):
        if document.get("connector") == {"href": f"connector/{cloud}"} and any(
            rule["principal"] == user for rule in document["acl"]["rules"]
        ):
            return document
    return None


def add_api_key(
    state: State, account: Account, secret_digest: str, roles: list[str], **fields: Any
) -> Document:
    """Keep an API key."""
    fields |= {"type": "api-key", "method": "generate-api-key", "digest": secret_digest}
    fields["claims"] = {"identity": account.name, "roles": roles}
    return _write(state, f"credential/{state.ids.uuid()}", account, fields)


def forget_credential(state: State, document: Document) -> None:
    """Let the accounts follow a cloud credential that was deleted."""
    cloud = document.get("connector", {}).get("href", "/").partition("/")[2]
    owners = {rule["principal"] for rule in document["acl"]["rules"]} & set(state.accounts)
    for owner in owners if cloud else ():
        for name, parameter in state.accounts[owner].parameters.items():
            if name.startswith(f"{cloud}."):
                parameter.value = ""


def _write(state: State, identifier: str, account: Account, fields: dict[str, Any]) -> Document:
    kind = identifier.partition("/")[0]
    existing = state.store.get(identifier)
    created = {"created": existing["created"]} if existing else {}
    more = {"id": identifier, "acl": granted(account.name, "MODIFY"), **created}
    return state.document(kind, **more, **fields)
