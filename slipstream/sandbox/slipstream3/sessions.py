"""
Cookies, and what a login checks.

Source: SlipStreamServer, cimi-resources session.clj, session_internal.clj, session_api_key.clj.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from slipstream.sandbox import timestamps, tokens
from slipstream.sandbox.cimi import JsonProblem
from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.schema import Description, texts
from slipstream.sandbox.slipstream3.access import NOBODY, Identity
from slipstream.sandbox.slipstream3.accounts import Account
from slipstream.sandbox.slipstream3.state import State

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
    """Check what a session template was filled in with; the user's name and roles."""
    if method == "api-key":
        key = template["key"]
        credential = state.store.get("credential/" + key.removeprefix("credential/")) or {}
        expired = "expiry" in credential and credential["expiry"] <= timestamps.iso(state.now())
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
    """Make the header that hands out a token."""
    claims: dict[str, Any] = {"username": name, "roles": roles, "exp": int(ends.timestamp())}
    # Not a claim of the real server: it lets all tokens be called back at once.
    claims["generation"] = state.generation
    if session:
        claims["session"] = session
    token = tokens.sign(claims, realm=state.realm)
    expires = timestamps.cookie(ends, zone="+0000")
    return f"{COOKIE}=token={token};Secure;Path=/;Expires={expires}"


def clearing_cookie(state: State) -> str:
    """The ``Set-Cookie`` with which the JSON service takes the token away."""
    now = timestamps.cookie(state.now(), zone="+0000")
    return f"{COOKIE}=INVALID;Path=/;Max-Age=0;Expires={now}"


def java_clearing_cookie(state: State) -> str:
    """The ``Set-Cookie`` with which the XML service takes the token away."""
    # There is no Max-Age: a client compares this with its own clock, which may be behind.
    now = timestamps.cookie(min(state.now(), datetime.now(UTC)), zone="GMT")
    return f"{COOKIE}=INVALID; Path=/; Expires={now}"


def identify(state: State, cookie: str | None) -> Identity:
    """Who sends a request, by the value of its cookie."""
    claims = tokens.verify(
        (cookie or "").removeprefix("token="), realm=state.realm, now=state.now()
    )
    if claims is None or claims["generation"] != state.generation:
        return NOBODY
    return Identity(claims["username"], tuple(claims["roles"].split()), claims.get("session"))
