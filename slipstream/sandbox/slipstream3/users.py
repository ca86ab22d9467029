"""
Users: their profiles, credentials, logins and cookies.

Source: SlipStreamServer, jar-service user/UserResource.java, cimi-resources user,
user_params_exec, session.clj, session_internal.clj and session_api_key.clj.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element as Read

import attrs

from slipstream.sandbox.cimi import JsonProblem
from slipstream.sandbox.clock import cookie_date, iso
from slipstream.sandbox.identifiers import secret_digest, sign_token, verify_token
from slipstream.sandbox.schema import Description, texts
from slipstream.sandbox.slipstream3.modules import Parameter
from slipstream.sandbox.slipstream3.state import (
    NOBODY,
    Account,
    Identity,
    State,
    general_parameters,
    granted,
)
from slipstream.sandbox.slipstream3.xml import XmlProblem, read_xml
from slipstream.sandbox.store import Document

_MANDATORY = {"firstName": "First name", "lastName": "Last name", "password": "Password"}
ORCHESTRATOR_KEY = Parameter(
    "General.orchestrator.publicsshkey",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDm0rchestrator orchestrator\n",
    description="",
)


def put_user(state: State, account: Account, body: bytes, *, by_super: bool) -> None:
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
    """The parameters after an edit: those that were not sent get their defaults."""
    sent = {
        element.get("name", ""): element.findtext("value") or ""
        for element in root.findall("parameters/entry/parameter")
    }
    yield from general_parameters(sorted(state.connectors), sent)
    for name, parameter in account.parameters.items():
        if parameter.category != "General":
            yield attrs.evolve(parameter, value=sent.get(name, ""))


def publish(state: State, account: Account) -> None:
    """Write the credentials of an account."""
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
    """Store an API key."""
    fields |= {"type": "api-key", "method": "generate-api-key", "digest": secret_digest}
    fields["claims"] = {"identity": account.name, "roles": roles}
    return _write(state, f"credential/{state.ids.uuid()}", account, fields)


def forget_credential(state: State, document: Document) -> None:
    """Update the accounts after a cloud credential was deleted."""
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


COOKIE = "com.sixsq.slipstream.cookie"
LIFETIME = timedelta(days=1)
FIELDS: Mapping[str, Description] = {
    "internal": texts("username", "password"),
    "api-key": texts("key", "secret"),
    "mitreid-token": texts("token"),
}
"""What the template of each login method is filled in with."""


def _refused(name: str) -> JsonProblem:
    return JsonProblem(403, f"invalid credentials for '{name}'", name)


def check_password(state: State, name: str, password: str) -> Account:
    """Check a password."""
    account = state.accounts.get(name)
    if account is None or not account.active or account.password != password:
        raise _refused(name)
    return account


def log_in(state: State, method: str, template: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Check the fields of a session template; return the user's name and roles."""
    if method == "api-key":
        key = template["key"]
        credential = state.store.get("credential/" + key.removeprefix("credential/")) or {}
        expired = "expiry" in credential and credential["expiry"] <= iso(state.now())
        if credential.get("digest") != secret_digest(template["secret"]) or expired:
            raise _refused(key)
        return credential["claims"]["identity"], credential["claims"]["roles"]
    if method == "internal":
        account = check_password(state, template["username"], template["password"])
        return account.name, account.roles
    owner = state.accounts.get(state.provider_tokens.get(template["token"], ""))
    if owner is None or not owner.active:
        raise _refused("unknown user")
    return owner.name, owner.roles


def make_cookie(
    state: State, name: str, roles: str, ends: datetime, *, session: str | None = None
) -> str:
    """The ``Set-Cookie`` header with a token."""
    claims: dict[str, Any] = {"username": name, "roles": roles, "exp": int(ends.timestamp())}
    # Not a claim of the real server: it lets all tokens be called back at once.
    claims["generation"] = state.generation
    if session:
        claims["session"] = session
    token = sign_token(claims, realm=state.realm)
    expires = cookie_date(ends, zone="+0000")
    return f"{COOKIE}=token={token};Secure;Path=/;Expires={expires}"


def clearing_cookie(state: State) -> str:
    """The ``Set-Cookie`` with which the JSON service deletes the token."""
    now = cookie_date(state.now(), zone="+0000")
    return f"{COOKIE}=INVALID;Path=/;Max-Age=0;Expires={now}"


def java_clearing_cookie(state: State) -> str:
    """The ``Set-Cookie`` with which the XML service deletes the token."""
    # There is no Max-Age: a client compares this with its own clock, which may be behind.
    now = cookie_date(min(state.now(), datetime.now(UTC)), zone="GMT")
    return f"{COOKIE}=INVALID; Path=/; Expires={now}"


def identify(state: State, cookie: str | None) -> Identity:
    """The sender of a request, from its cookie."""
    claims = verify_token(
        (cookie or "").removeprefix("token="), realm=state.realm, now=state.now()
    )
    if claims is None or claims["generation"] != state.generation:
        return NOBODY
    return Identity(claims["username"], tuple(claims["roles"].split()), claims.get("session"))
