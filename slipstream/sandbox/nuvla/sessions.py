"""
Logging in and out, acting for a group, and the second factor.

Source: nuvla/api-server, server/resources/session.clj, session_password.clj,
session_api_key.clj, callback_create_session_2fa.clj and auth/cookies.clj.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyotp
from flask import Response

from slipstream.filters import attr
from slipstream.sandbox.cimi import JsonProblem, base_url, created, message, respond
from slipstream.sandbox.clock import cookie_date, iso
from slipstream.sandbox.nuvla.resource import Resource, forbidden
from slipstream.sandbox.nuvla.state import ADMIN, ANON, NOBODY, USER, Identity, State, acl
from slipstream.sandbox.schema import describe
from slipstream.sandbox.store import Document, Query

COOKIE = "com.com.sixsq.nuvla.cookie"
LIFETIME = timedelta(days=7)
_CODE_LIFETIME = timedelta(seconds=120)
# How the server fails on a body that is no map.
_FAILURES: dict[type, str] = {
    bytes: "find not supported on type: java.io.ByteArrayInputStream",
    list: "find not supported on type: clojure.lang.LazySeq",
}
_FIELDS = {
    "password": describe("username", "password"),
    "api-key": describe("key", "secret"),
}


def _date(timestamp: datetime) -> str:
    # A day below ten has one digit.
    return cookie_date(timestamp, gmt=True).replace(", 0", ", ")


def code(secret: str, now: datetime) -> str:
    return pyotp.TOTP(secret).at(now)


def identify(world: State, cookie: str | None) -> Identity:
    """The sender of a request, from the token alone, not the session's document."""
    content = world.verify(cookie or "")
    if content is None:
        return NOBODY
    user = world.store.get(content["user-id"]) or {}
    return Identity(
        name=user.get("name", content["user-id"]),
        user=content["user-id"],
        active=content.get("active-claim", content["user-id"]),
        claims=frozenset(content["claims"].split()),
        session=content["session"],
    )


class Session(Resource):
    name = "session"
    is_editable = False
    searchers = ANON
    adders = ANON
    played = ("search", "add", "read", "delete")
    actions = ("get-groups", "switch-group")

    def query(self) -> Query:
        """Find the sender's own session, for any filter."""
        return Query(filter=attr("id").eq(self.identity.session or "nobody"))

    def create(self) -> Response:
        body = self.body(_FAILURES)
        values = self.filled_template(body.get("template"), _FIELDS)
        if values is None:
            return respond()
        user, typed = self._find_user(values)
        texts = {name: body[name] for name in ("name", "description", "tags") if name in body}
        login = {"template": values["id"], "texts": texts, "user": user, "typed": typed}
        if values["method"] == "password" and user in self.world.second_factors:
            return self._ask_for_code(login)
        return self.enter(**login)

    def _find_user(self, values: Document) -> tuple[str, str]:
        """The user's id, and the name that the session has."""
        if values["method"] == "api-key":
            claims = self.world.api_key_claims(values["key"], values["secret"])
            if claims is None:
                raise forbidden("credential/" + values["key"].removeprefix("credential/"))
            return claims["identity"], claims["identity"]
        name = values["username"]
        for user in self.world.store.collection("user"):
            is_right = self.world.passwords[user["id"]] == values["password"]
            if name in {user["name"], user.get("email")} and is_right:
                return user["id"], name
        raise JsonProblem(403, f"invalid credentials for '{name}'", name)

    def _ask_for_code(self, login: Document) -> Response:
        ends = iso(self.world.now() + _CODE_LIFETIME)
        callback = self.world.document("callback", ADMIN, login=login, ends=ends, tries=3)["id"]
        # The session exists already, and no user can see it.
        session = self.world.document("session", ADMIN, user=login["user"])["id"]
        location = f"{base_url()}/api/{callback}/execute"
        return message(200, "Authorization code requested", session, location=location)

    def enter(self, user: str, typed: str, template: str, texts: Document) -> Response:
        identifier = f"session/{self.world.ids.uuid()}"
        claims = {user, USER, ANON, identifier}
        ends = self.world.now() + LIFETIME
        self.world.document(
            "session",
            ANON,
            texts,
            id=identifier,
            method=self.world.store[template]["method"],
            template={"href": template},
            user=user,
            identifier=typed,
            roles=" ".join(sorted(claims)),
            expiry=iso(ends),
            acl=acl(identifier),
        )
        return created(identifier, headers=self.cookie(user, claims, ends, identifier))

    def cookie(
        self, user: str, claims: Iterable[str], ends: datetime, session: str, **more: str
    ) -> Mapping[str, str]:
        content: dict[str, Any] = {
            "user-id": user,
            "claims": " ".join(sorted(claims)),
            "session": session,
            "exp": int(ends.timestamp()),
        } | {name.replace("_", "-"): value for name, value in more.items()}
        token, date = self.world.sign(content), _date(ends)
        # The server always says so; over http, clients would not send the cookie back.
        secure = "Secure; " if base_url().startswith("https:") else ""
        return {"Set-Cookie": f"{COOKIE}={token}; {secure}Path=/; HttpOnly; Expires={date}"}

    def remove(self, document: Document) -> Response:
        """Log out: delete the cookie."""
        cookie = f"{COOKIE}=INVALID; Path=/; Max-Age=0; Expires={_date(self.world.now())}"
        session = document["id"]
        return message(200, f"{session} deleted", session, headers={"Set-Cookie": cookie})

    def offered(self, document: Document) -> Sequence[str]:
        return ("get-peers", "get-groups", "switch-group")

    def get_groups(self, session: Document) -> Response:
        """List the groups of the user, each with its subgroups."""
        self.require("view-data", session)
        mine = [group for group in self._groups() if session["user"] in group["users"]]
        inner = {group["id"] for group in mine}
        roots = [group for group in mine if inner.isdisjoint(group.get("parents", ()))]
        return respond([self._branch(group) for group in roots])

    def _groups(self) -> list[Document]:
        return list(self.world.store.collection("group"))

    def _branch(self, group: Document) -> Document:
        inner = [
            group_ for group_ in self._groups() if group_.get("parents", [])[-1:] == [group["id"]]
        ]
        branch = {name: group[name] for name in ("id", "name", "description") if name in group}
        return branch | ({"children": [self._branch(group_) for group_ in inner]} if inner else {})

    def switch_group(self, session: Document) -> Response:
        """Act for a group, or for the user again."""
        self.require("view-data", session)
        claim = str(self.body().get("claim", "null"))
        group = self.world.store.get(claim)
        is_member = group is not None and session["user"] in group.get("users", ())
        if claim != session["user"] and not is_member:
            text = f"Switch group cannot be done to requested group: {claim}!"
            raise JsonProblem(403, text)
        claims = {claim, USER, ANON, session["id"]}
        if is_member and self.body().get("extended") is True:
            claims |= {
                inner["id"] for inner in self._groups() if claim in inner.get("parents", ())
            }
        now, user = self.world.now(), session["user"]
        ends, roles = now + LIFETIME, " ".join(sorted(claims))
        fields = {"active_claim": claim, "roles": roles, "expiry": iso(ends)}
        self.world.change(session["id"], now, by=user, **fields)
        headers = self.cookie(user, claims, ends, session["id"], active_claim=claim)
        document = self.world.store[session["id"]]
        return respond(self.present(document, None), headers=headers)


class Callback(Resource):
    """One-time links, here to continue a login."""

    name = "callback"
    is_editable = False
    actions = ("execute",)
    searchers = ADMIN
    adders = None

    def execute(self, callback: Document) -> Response:
        now, tries, login = self.world.now(), callback["tries"], callback["login"]
        if tries == 0 or iso(now) >= callback["ends"]:
            raise JsonProblem(409, "cannot re-execute callback", callback["id"])
        is_right = self.body().get("token") == code(self.world.second_factors[login["user"]], now)
        self.world.change(callback["id"], now, tries=0 if is_right else tries - 1)
        if not is_right:
            raise JsonProblem(400, f"Wrong 2FA token for {login['user']}")
        return Session(self.world, self.identity, self.sent, {}).enter(**login)
