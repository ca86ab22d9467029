"""
Logging in and out.

Source: SlipStreamServer, cimi-resources session.clj, session_internal.clj, session_api_key.clj.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs

from slipstream.sandbox import moments, tokens
from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.slipstream3.access import NOBODY, Identity, acl, role

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World
    from slipstream.sandbox.store import Document

COOKIE = "com.sixsq.slipstream.cookie"
LIFETIME = 24 * 3600
_HREF = re.compile(r"session-template/[a-z]+(-[a-z]+)*")
_SCHEMA = "resource does not satisfy defined schema:\n"
_FIELDS: Mapping[str, frozenset[str]] = {
    "internal": frozenset({"username", "password"}),
    "api-key": frozenset({"key", "secret"}),
    "mitreid-token": frozenset({"token"}),
    "github": frozenset(),
}
_TOP_FIELDS = {
    "sessionTemplate",
    "name",
    "description",
    "properties",
    "redirectURI",
    "resourceURI",
}


@attrs.frozen(kw_only=True)
class Opened:
    """
    The outcome of a login.

    :param session: The session's document.
    :param cookie: The ``Set-Cookie`` header; None while the user is with the provider.
    :param redirect: Where the client is sent; None for nowhere.
    """

    session: Document
    cookie: str | None = attrs.field(repr=False)
    redirect: str | None = None


def open_session(world: World, body: Any, *, base: str) -> Opened:
    """
    Log in.

    :param world: The world.
    :param body: The JSON document that was sent.
    :param base: The address of the server as the client sees it.
    :returns: The new session.
    :raises JsonProblem: If the login is refused.
    """
    template = body.get("sessionTemplate") if isinstance(body, dict) else None
    if not isinstance(template, dict) or "href" not in template:
        raise JsonProblem(500, "Unexpected exception thrown: unknown Session create type: nil")
    unknown = set(body) - _TOP_FIELDS
    if unknown or not isinstance(template["href"], str) or not _HREF.fullmatch(template["href"]):
        raise JsonProblem(400, f"{_SCHEMA}{body.keys() - _TOP_FIELDS or 'href'}")
    kept = world.store.get(template["href"])
    if kept is None:
        raise JsonProblem(404, f"{template['href']} not found", template["href"])
    redirect = body.get("redirectURI") or template.get("redirectURI")
    sent = {key: value for key, value in template.items() if key not in {"href", "redirectURI"}}
    _check_fields(str(kept["method"]), sent)
    if kept["method"] == "github":
        return _stub(world, kept, redirect, base)
    roles, name = _METHODS[str(kept["method"])](world, {**kept, **sent})
    return _establish(world, kept, name, roles, body, redirect)


def _check_fields(method: str, sent: Mapping[str, Any]) -> None:
    bad = sorted(set(sent) - _FIELDS[method])
    bad += sorted(name for name, value in sent.items() if not isinstance(value, str) or not value)
    if bad:
        shown = "\n".join(f"In: [:sessionTemplate :{name}] fails spec" for name in bad)
        raise JsonProblem(400, f"{_SCHEMA}{shown}\n")


def _refusal(name: str) -> JsonProblem:
    return JsonProblem(403, f"invalid credentials for '{name}'")


def check_password(world: World, name: str, password: str) -> list[str] | None:
    """
    Check a password.

    :param world: The world.
    :param name: The user's name.
    :param password: The password.
    :returns: The user's roles, or None.
    """
    account = world.accounts.get(name)
    if account is None or not account.active or account.password != password:
        return None
    return account.login_roles


def _by_password(world: World, template: Mapping[str, Any]) -> tuple[list[str], str]:
    roles = check_password(world, template["username"], template["password"])
    if roles is None:
        raise _refusal(template["username"])
    return roles, template["username"]


def _by_api_key(world: World, template: Mapping[str, Any]) -> tuple[list[str], str]:
    key = "credential/" + template["key"].removeprefix("credential/")
    credential = world.store.get(key) or {}
    digest = sha256(bare_secret(template["secret"]).encode()).hexdigest()
    expired = "expiry" in credential and credential["expiry"] <= moments.iso(world.now())
    if credential.get("digest") != digest or expired:
        raise _refusal(template["key"])
    claims = credential["claims"]
    return list(claims["roles"]), str(claims["identity"])


def _by_token(world: World, template: Mapping[str, Any]) -> tuple[list[str], str]:
    name = world.provider_tokens.get(template["token"])
    account = world.accounts.get(name or "")
    if account is None or not account.active:
        raise _refusal("unknown user")
    return account.login_roles, account.name


_METHODS: Mapping[str, Callable[[World, Mapping[str, Any]], tuple[list[str], str]]] = {
    "internal": _by_password,
    "api-key": _by_api_key,
    "mitreid-token": _by_token,
}


def _establish(
    world: World,
    template: Document,
    name: str,
    roles: list[str],
    body: Mapping[str, Any],
    redirect: str | None,
) -> Opened:
    if name in world.accounts:
        world.accounts[name].last_online = world.now()
    identifier = f"session/{world.ids.uuid()}"
    ends = world.now() + timedelta(seconds=LIFETIME)
    every = " ".join([*roles, identifier])
    optional = {key: body[key] for key in ("name", "description", "properties") if key in body}
    if redirect:
        optional["redirectURI"] = redirect
    session = _document(world, identifier, template, ends, username=name, roles=every, **optional)
    cookie = make_cookie(world, name, every, ends, session=identifier)
    return Opened(session=session, cookie=cookie, redirect=redirect)


def _document(
    world: World, identifier: str, template: Document, ends: datetime, **fields: Any
) -> Document:
    return world.document(
        "session",
        "http://sixsq.com/slipstream/1/Session",
        id=identifier,
        method=template["method"],
        sessionTemplate={"href": template["id"]},
        expiry=moments.iso(ends) if world.version.since(51) else _cookie_date(world, ends),
        acl=acl(role("ADMIN", "VIEW"), role("ADMIN", "ALL"), owner=identifier),
        **fields,
    )


def _stub(world: World, template: Document, redirect: str | None, base: str) -> Opened:
    identifier = f"session/{world.ids.uuid()}"
    uuid = identifier.partition("/")[2]
    ends = world.now() + timedelta(minutes=3)
    optional = {"redirectURI": redirect} if redirect else {}
    session = _document(world, identifier, template, ends, **optional)
    if world.version.since(52):
        callback = f"{base}/api/callback/{uuid}/execute"
    else:
        callback = f"{base}/api/session/{uuid}/validate"
    location = (
        "https://github.com/login/oauth/authorize?scope=user:email&client_id=sandbox"
        f"&redirect_uri={callback}"
    )
    return Opened(session=session, cookie=None, redirect=location)


def _cookie_date(world: World, moment: datetime) -> str:
    return moments.cookie(moment, zone="+0000" if world.version.since(51) else "UTC")


def make_cookie(
    world: World, name: str, roles: str, ends: datetime, *, session: str | None = None
) -> str:
    """
    Make the header that hands out a token.

    :param world: The world.
    :param name: The user's name.
    :param roles: The roles, in one text.
    :param ends: When the token expires.
    :param session: Id of the session; None for a login without one.
    :returns: The value of ``Set-Cookie``.
    """
    claims: dict[str, Any] = {"username": name, "roles": roles, "exp": int(ends.timestamp())}
    # Not a claim of the real server: it lets all tokens be called back at once.
    claims["generation"] = world.generation
    if session:
        claims["session"] = session
    token = tokens.sign(claims, realm=world.realm)
    return f"{COOKIE}=token={token};Secure;Path=/;Expires={_cookie_date(world, ends)}"


def clearing_cookie(world: World) -> str:
    """
    Make the header that takes the token away from a client.

    :param world: The world.
    :returns: The value of ``Set-Cookie``.
    """
    now = _cookie_date(world, world.now())
    return f"{COOKIE}=INVALID;Path=/;Max-Age=0;Expires={now}"


def identify(world: World, cookie: str | None) -> Identity:
    """
    Tell who sends a request.

    :param world: The world.
    :param cookie: The value of the cookie, or None.
    :returns: The identity; nobody's, if the cookie is missing or worthless.
    """
    if not cookie or not cookie.startswith("token="):
        return NOBODY
    claims = tokens.verify(cookie.removeprefix("token="), realm=world.realm, now=world.now())
    if claims is None or claims["generation"] != world.generation:
        return NOBODY
    return Identity(claims["username"], tuple(claims["roles"].split()), claims.get("session"))
