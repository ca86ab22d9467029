"""
Logging in and out, and acting for a group.

Source: nuvla/api-server, server/resources/session.clj, session_password.clj,
session_api_key.clj and auth/cookies.clj.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import attrs

from slipstream.sandbox import moments, tokens
from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.nuvla import two_factors
from slipstream.sandbox.nuvla.access import ADMIN, ANON, NOBODY, USER, Identity, acl
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created, not_found, required, told
from slipstream.sandbox.nuvla.kind import Kind
from slipstream.sandbox.problems import JsonProblem

if TYPE_CHECKING:
    from slipstream.sandbox.nuvla.world import World
    from slipstream.sandbox.store import Document

COOKIE = "com.com.sixsq.nuvla.cookie"
LIFETIME = timedelta(days=7)
_FIELDS: Mapping[str, frozenset[str]] = {
    "password": frozenset({"username", "password"}),
    "api-key": frozenset({"key", "secret"}),
}


@attrs.frozen(kw_only=True)
class _Entrant:
    """Somebody whose credentials were right."""

    user: str
    typed: str
    template: Document
    optional: dict[str, Any]
    base: str


def _log_in(call: Call) -> Answer:
    template = call.document.get("template")
    if not isinstance(template, dict) or not isinstance(template.get("href"), str):
        raise JsonProblem(500, "Unexpected exception thrown: unknown Session create type: null")
    kept = call.world.store.get(template["href"])
    if kept is None or kept["resource-type"] != "session-template":
        raise not_found(template["href"])
    sent = {name: value for name, value in template.items() if name != "href"}
    unknown = sorted(set(sent) - _FIELDS[kept["method"]])
    if unknown:
        raise JsonProblem(400, f"resource {SCHEMA}extra keys: {', '.join(unknown)}\n")
    # The template's own words stand in for what was left out, as on the server.
    given = {**kept, **sent}
    if kept["method"] == "password":
        user, typed = _by_password(call.world, given["username"], given["password"])
    else:
        user = typed = _by_api_key(call.world, given["key"], given["secret"])
    optional: dict[str, Any] = {
        name: call.document[name]
        for name in ("name", "description", "tags")
        if name in call.document
    }
    entrant = _Entrant(user=user, typed=typed, template=kept, optional=optional, base=call.base)
    if kept["method"] == "password" and user in call.world.second_factors:
        return _ask_for_code(call, entrant)
    return _enter(call, entrant)


def _refusal(name: object) -> JsonProblem:
    return JsonProblem(403, f"invalid credentials for '{name}'", str(name))


def _by_password(world: World, name: object, password: object) -> tuple[str, str]:
    for user in world.store.collection("user"):
        if name in {user["name"], user["email"]} and user["state"] == "ACTIVE":
            if world.passwords[user["id"]] == password:
                return user["id"], str(name)
            break
    raise _refusal(name)


def _by_api_key(world: World, key: object, secret: object) -> str:
    identifier = "credential/" + str(key).removeprefix("credential/")
    credential = world.store.get(identifier) or {}
    digest = sha256(bare_secret(str(secret)).encode()).hexdigest()
    expired = "expiry" in credential and credential["expiry"] <= moments.iso(world.now())
    if credential.get("digest") != digest or expired:
        raise _refusal(identifier)
    return str(credential["claims"]["identity"])


def _ask_for_code(call: Call, entrant: _Entrant) -> Answer:
    callback = two_factors.ask(call.world, entrant.user, entrant)
    location = f"{call.base}/api/{callback}/execute"
    session = f"session/{call.world.ids.uuid()}"
    return told(200, "Authorization code requested", session, location=location)


def _execute(call: Call) -> Answer:
    body = call.document
    return _enter(call, two_factors.redeem(call.world, call.identifier, body.get("token")))


def _enter(call: Call, entrant: _Entrant) -> Answer:
    world = call.world
    identifier = f"session/{world.ids.uuid()}"
    claims = {entrant.user, USER, ANON, identifier}
    ends = world.now() + LIFETIME
    world.document(
        "session",
        ANON,
        attributes=entrant.optional,
        id=identifier,
        method=entrant.template["method"],
        template={"href": entrant.template["id"]},
        user=entrant.user,
        identifier=entrant.typed,
        roles=" ".join(sorted(claims)),
        expiry=moments.iso(ends),
        server=entrant.base.partition("://")[2].partition(":")[0],
        client_ip="127.0.0.1",
        acl=acl(identifier),
    )
    cookie = _cookie(call, entrant.user, claims, ends, session=identifier)
    return attrs.evolve(created(identifier), cookie=cookie)


def _cookie(
    call: Call,
    user: str,
    claims: Iterable[str],
    ends: datetime,
    *,
    session: str,
    active: str | None = None,
) -> str:
    content: dict[str, Any] = {
        "user-id": user,
        "claims": " ".join(sorted(claims)),
        "session": session,
        "exp": int(ends.timestamp()),
        # Not a claim of the real server: it lets all tokens be called back at once.
        "generation": call.world.generation,
    }
    if active:
        content["active-claim"] = active
    token = tokens.sign(content, realm=call.world.realm)
    date = moments.cookie(ends, zone="GMT", padded=False)
    # Clients do not send back what is for https alone, and a sandbox speaks http.
    secure = "Secure;" if call.base.startswith("https:") else ""
    return f"{COOKIE}={token};{secure}Path=/;HttpOnly;Expires={date}"


def identify(world: World, cookie: str | None, header: str | None) -> Identity:
    """
    Tell who sends a request. The token alone decides, not the session's document.

    :param world: The world.
    :param cookie: The value of the cookie, or None.
    :param header: The value of ``nuvla-authn-info``, which goes before the cookie, or None.
    :returns: The identity; nobody's, if the cookie is missing or worthless.
    """
    words = (header or "").split()
    if words:
        active = words[1] if len(words) > 1 else None
        return Identity(
            user=words[0], active=active, claims=frozenset({words[0], ANON, *words[2:]})
        )
    content = tokens.verify(cookie, realm=world.realm, now=world.now()) if cookie else None
    if content is None or content["generation"] != world.generation:
        return NOBODY
    return Identity(
        user=content["user-id"],
        active=content.get("active-claim", content["user-id"]),
        claims=frozenset(content["claims"].split()),
        session=content["session"],
    )


def log_out(call: Call) -> Answer:
    """
    Answer that a session ended, and take the cookie away.

    :param call: The request that deleted the session.
    :returns: The answer.
    """
    now = moments.cookie(call.world.now(), zone="GMT", padded=False)
    cookie = f"{COOKIE}=INVALID;Path=/;Max-Age=0;Expires={now}"
    return told(200, f"{call.identifier} deleted", call.identifier, cookie=cookie)


def _groups(call: Call, session: Document) -> Answer:
    required(call, "view-data", session)
    mine = [
        group
        for group in call.world.store.collection("group")
        if session["user"] in group["users"]
    ]
    inner = {group["id"] for group in mine}
    roots = [one for one in mine if inner.isdisjoint(one.get("parents", ()))]
    return Answer(document=[_branch(call.world, group) for group in roots])


def _branch(world: World, group: Document) -> dict[str, Any]:
    shown = {name: group[name] for name in ("id", "name", "description") if name in group}
    children = [_branch(world, one) for one in _children(world, group["id"])]
    return shown | ({"children": children} if children else {})


def _children(world: World, group: str) -> list[Document]:
    every = world.store.collection("group")
    return [one for one in every if one.get("parents", [])[-1:] == [group]]


def _peers(call: Call, session: Document) -> Answer:
    required(call, "view-data", session)
    groups = call.world.store.collection("group")
    users = {
        one for group in groups if session["user"] in group["users"] for one in group["users"]
    }
    return Answer(document={one: call.world.store[one]["email"] for one in sorted(users)})


def _switch(call: Call, session: Document) -> Answer:
    required(call, "view-data", session)
    world, claim = call.world, str(call.document.get("claim"))
    group = world.store.get(claim)
    is_member = group is not None and session["user"] in group.get("users", ())
    if claim != session["user"] and not is_member:
        raise JsonProblem(403, f"Switch group cannot be done to requested group: {claim}!")
    claims = {claim, USER, ANON, session["id"]}
    if is_member and call.document.get("extended") is True:
        every = world.store.collection("group")
        claims |= {one["id"] for one in every if claim in one.get("parents", ())}
    ends = world.now() + LIFETIME
    world.change(
        session["id"],
        world.now(),
        active_claim=claim,
        roles=" ".join(sorted(claims)),
        expiry=moments.iso(ends),
    )
    cookie = _cookie(call, session["user"], claims, ends, session=session["id"], active=claim)
    return Answer(document=world.store[session["id"]], cookie=cookie)


def _rels(_: Call, __: Document) -> tuple[str, ...]:
    return ("get-peers", "get-groups", "switch-group")


SESSION = Kind(
    name="session",
    query=ANON,
    adders=ANON,
    add=_log_in,
    editable=False,
    rels=_rels,
    actions={"get-groups": _groups, "get-peers": _peers, "switch-group": _switch},
)


def _find_callback(world: World, identifier: str) -> Document | None:
    if identifier in world.callbacks:
        # It belongs to the server: nobody reads what a login waits with.
        return {"id": identifier, "acl": acl(ADMIN)}
    return world.store.get(identifier)


CALLBACK = Kind(
    name="callback",
    find=_find_callback,
    actions={"execute": lambda call, _: _execute(call)},
)
