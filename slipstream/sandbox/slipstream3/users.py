"""
Users: their profiles, credentials, logins and cookies.

Source: SlipStreamServer, jar-service user/UserResource.java, cimi-resources user,
user_params_exec, session.clj, session_internal.clj and session_api_key.clj.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from slipstream.sandbox.cimi import JsonProblem
from slipstream.sandbox.clock import cookie_date
from slipstream.sandbox.identifiers import sign_token, verify_token
from slipstream.sandbox.schema import Description, describe
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

ORCHESTRATOR_KEY = Parameter(
    "General.orchestrator.publicsshkey",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAQQDm0rchestrator orchestrator\n",
    description="",
)


def put_user(state: State, account: Account, body: bytes) -> None:
    """Replace a profile; a parameter that was not sent gets its default."""
    root = read_xml(body)
    if "roles" in root.attrib and not account.super:
        raise XmlProblem(403, "Only super users are authorized to update roles!")
    sent = {
        element.get("name", ""): element.findtext("value") or ""
        for element in root.findall("parameters/entry/parameter")
    }
    for name, parameter in account.parameters.items():
        if parameter.type != "Enum" and "'" in sent.get(name, ""):
            raise XmlProblem(409, f"Value of {name} must not contain a single quote")
    account.email, account.organization = root.get("email", ""), root.get("organization", "")
    account.first_name, account.last_name = root.get("firstName", ""), root.get("lastName", "")
    account.password = root.get("password", account.password)
    for parameter in general_parameters(sorted(state.connectors), sent):
        account.parameters[parameter.name] = parameter
    for name, parameter in account.parameters.items():
        if parameter.category != "General":
            parameter.value = sent.get(name, "")
    account.modified = state.now()


def credential_of(state: State, user: str, cloud: str) -> Document | None:
    for document in state.store.collection("credential"):
        if document.get("connector") == {"href": f"connector/{cloud}"} and any(
            rule["principal"] == user for rule in document["acl"]["rules"]
        ):
            return document
    return None


def add_api_key(state: State, account: Account, **fields: Any) -> tuple[str, str]:
    """Add an API key with the rights of its user; return its id and secret."""
    secret, key = state.new_api_key(account.name, account.roles)
    rights = granted(account.name, "MODIFY")
    document = state.document("credential", type="api-key", acl=rights, **key, **fields)
    return document["id"], secret


COOKIE = "com.sixsq.slipstream.cookie"
LIFETIME = timedelta(days=1)
FIELDS: Mapping[str, Description] = {
    "internal": describe("username", "password"),
    "api-key": describe("key", "secret"),
    "mitreid-token": describe("token"),
}
"""What the template of each login method is filled in with."""


def log_in(state: State, values: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """Check the fields of a session template; return the user's name and roles."""
    if values["method"] == "api-key":
        name, claims = values["key"], state.api_key_claims(values["key"], values["secret"])
        if claims is not None:
            return claims["identity"], claims["roles"]
    elif values["method"] == "internal":
        name = values["username"]
        account = state.accounts.get(name)
        if account is not None and account.password == values["password"]:
            return name, account.roles
    else:
        name = "unknown user"
        account = state.accounts.get(state.provider_tokens.get(values["token"], ""))
        if account is not None:
            return account.name, account.roles
    raise JsonProblem(403, f"invalid credentials for '{name}'", name)


def make_cookie(state: State, name: str, roles: str, ends: datetime, session: str) -> str:
    claims = {"username": name, "roles": roles, "exp": int(ends.timestamp()), "session": session}
    token, expires = sign_token(claims, state.token_key), cookie_date(ends, gmt=False)
    return f"{COOKIE}=token={token};Secure;Path=/;Expires={expires}"


def clearing_cookie(state: State) -> str:
    """The ``Set-Cookie`` with which the XML service deletes the token."""
    # There is no Max-Age: a client compares this with its own clock, which may be behind.
    now = cookie_date(min(state.now(), datetime.now(UTC)), gmt=True)
    return f"{COOKIE}=INVALID; Path=/; Expires={now}"


def identify(state: State, cookie: str | None) -> Identity:
    token = (cookie or "").removeprefix("token=")
    claims = verify_token(token, state.token_key, now=state.now())
    if claims is None:
        return NOBODY
    return Identity(claims["username"], tuple(claims["roles"].split()), claims["session"])
