"""
The profiles of users: their XML documents, and the JSON documents made from them.

Source: SlipStreamServer, jar-service user/UserResource.java, cimi-resources user and
user_params_exec.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha512
from typing import Any
from xml.etree.ElementTree import Element as Read

import attrs

from slipstream.sandbox.slipstream3.access import Identity, granted
from slipstream.sandbox.slipstream3.accounts import GENERAL, Account, general_parameters
from slipstream.sandbox.slipstream3.modules import Parameter, parameter_map
from slipstream.sandbox.slipstream3.state import State
from slipstream.sandbox.slipstream3.xml import Element, XmlProblem, java_timestamp, read_xml
from slipstream.sandbox.store import Document

SIXSQ = "http://sixsq.com/slipstream/1/"
_MANDATORY = {"firstName": "First name", "lastName": "Last name", "password": "Password"}
_NUMBERS = {"verbosityLevel", "timeout"}
_EPOCH = "1970-01-01 00:00:00.0 UTC"
_ORCHESTRATOR_KEY = Parameter(
    "General.orchestrator.publicsshkey",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDm0rchestrator orchestrator\n",
    description="",
)


def user_document(account: Account, identity: Identity) -> Element:
    """Write a user."""
    parameters = [*account.parameters.values(), _ORCHESTRATOR_KEY]
    return Element(
        "user",
        {
            "lastModified": java_timestamp(account.modified),
            "deleted": account.state == "DELETED",
            "resourceUri": f"user/{account.name}",
            "name": account.name,
            "email": account.email,
            "firstName": account.first_name,
            "lastName": account.last_name,
            "organization": account.organization,
            "roles": " ".join(identity.roles),
            "issuper": account.super,
            "state": account.state,
            "lastOnline": _EPOCH,
            "lastExecute": _EPOCH,
            "activeSince": _EPOCH,
            "creation": java_timestamp(account.created),
        },
        [parameter_map(parameters, kind="java.util.HashMap")],
    )


def put_user(state: State, account: Account, body: bytes, *, by_super: bool) -> None:
    """Replace a user's profile."""
    root = read_xml(body)
    if root.tag != "user":
        raise XmlProblem(400, f"Invalid xml user: {root.tag}")
    if not by_super:
        _check_privileges(root)
    if root.get("name") != account.name:
        raise XmlProblem(400, "The uploaded user does not correspond to the target user uri")
    parameters = {parameter.name: parameter for parameter in _merged(state, account, root)}
    for parameter in parameters.values():
        if parameter.type != "Enum" and "'" in (parameter.value or ""):
            raise XmlProblem(409, f"Value of {parameter.name} must not contain a single quote")
    for attribute, label in _MANDATORY.items():
        if not root.get(attribute, account.password):
            raise XmlProblem(409, f"{label} cannot be empty.")
    account.email = root.get("email", "")
    account.first_name, account.last_name = root.get("firstName", ""), root.get("lastName", "")
    account.organization = root.get("organization")
    account.password = root.get("password", account.password)
    account.parameters = parameters
    account.modified = state.now()
    publish(state, account)


def _check_privileges(root: Read) -> None:
    if root.get("issuper") == "true":
        raise XmlProblem(403, "Only super users are authorized to create a privileged user!")
    if "roles" in root.attrib:
        raise XmlProblem(403, "Only super users are authorized to update roles!")


def _merged(state: State, account: Account, root: Read) -> Iterator[Parameter]:
    """The parameters afterwards: one that was not sent gets its default."""
    sent = {
        element.get("name", ""): element.findtext("value") or ""
        for element in root.findall("parameters/entry/parameter")
    }
    for parameter in general_parameters(tuple(sorted(state.connectors))):
        yield attrs.evolve(parameter, value=sent.get(parameter.name, parameter.value))
    for name, parameter in account.parameters.items():
        if parameter.category != "General":
            yield attrs.evolve(parameter, value=sent.get(name, ""))


def publish(state: State, account: Account) -> None:
    """Write the JSON documents that follow from an account."""
    _write(state, "user", f"user/{account.name}", account.name, _user_fields(account))
    general = {
        attribute: int(value or 0) if attribute in _NUMBERS else value
        for attribute, (name, _, _) in GENERAL.items()
        for value in [account.value(name)]
    }
    existing = _owned(state, "user-param", account.name)
    identifier = next(existing, {"id": f"user-param/{state.ids.uuid()}"})["id"]
    fields = {"paramsType": "execution", **general}
    _write(state, "user-param", identifier, account.name, fields)
    for cloud in state.connectors:
        _publish_cloud(state, account, cloud)


def _user_fields(account: Account) -> dict[str, Any]:
    epoch = "1970-01-01T00:00:00.000Z"
    return {
        "username": account.name,
        "emailAddress": account.email,
        "firstName": account.first_name,
        "lastName": account.last_name,
        "organization": account.organization or "",
        "roles": " ".join(account.roles),
        "isSuperUser": account.super,
        "state": account.state,
        "method": "direct",
        "deleted": account.state == "DELETED",
        "activeSince": epoch,
        "lastOnline": epoch,
        "lastExecute": epoch,
        "resourceMetadata": "user-template-direct",
        "password": sha512(account.password.encode()).hexdigest().upper(),
    }


def _owned(state: State, kind: str, user: str, **fields: Any) -> Iterator[Document]:
    for document in state.store.collection(kind):
        matches = all(document.get(name) == value for name, value in fields.items())
        if matches and any(rule["principal"] == user for rule in document["acl"]["rules"]):
            yield document


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
    _write(state, "credential", identifier, account.name, fields)


def credential_of(state: State, user: str, cloud: str) -> Document | None:
    """A user's credential for a cloud, or None."""
    credentials = _owned(state, "credential", user, connector={"href": f"connector/{cloud}"})
    return next(credentials, None)


def add_api_key(
    state: State, account: Account, secret_digest: str, roles: list[str], **fields: Any
) -> Document:
    """Keep an API key."""
    return state.document(
        "credential",
        f"{SIXSQ}Credential",
        type="api-key",
        method="generate-api-key",
        digest=secret_digest,
        claims={"identity": account.name, "roles": roles},
        acl=granted(account.name, "MODIFY"),
        **fields,
    )


def forget_credential(state: State, document: Document) -> None:
    """Let the accounts follow a cloud credential that was deleted."""
    if not document.get("type", "").startswith("cloud-cred-"):
        return
    cloud = str(document["connector"]["href"]).removeprefix("connector/")
    owners = {rule["principal"] for rule in document["acl"]["rules"]} & set(state.accounts)
    for owner in owners:
        for name, parameter in state.accounts[owner].parameters.items():
            if name.startswith(f"{cloud}."):
                parameter.value = ""


def _write(state: State, kind: str, identifier: str, owner: str, fields: dict[str, Any]) -> None:
    uri = SIXSQ + {"user": "User", "user-param": "UserParam", "credential": "Credential"}[kind]
    existing = state.store.get(identifier)
    created = {"created": existing["created"]} if existing else {}
    acl = granted(owner, "MODIFY")
    state.document(kind, uri, **{"id": identifier, "acl": acl, **created, **fields})
