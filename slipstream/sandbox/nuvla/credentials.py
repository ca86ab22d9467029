"""
Credentials: keys, secrets and accounts.

Source: nuvla/api-server, server/resources/credential.clj, credential_template*.clj and
credential/key_utils.clj.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla.access import ANON, USER, acl, normalised
from slipstream.sandbox.nuvla.call import SCHEMA, Answer, Call, created, required
from slipstream.sandbox.nuvla.jobs import queued
from slipstream.sandbox.nuvla.kind import Kind
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.ssh_keys import generate

if TYPE_CHECKING:
    from slipstream.sandbox.store import Document

_Made: TypeAlias = tuple[dict[str, Any], dict[str, str]]
_PEM = ("ca", "cert", "key")
_ACCOUNT = ("username", "password")
TEMPLATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "infrastructure-service-swarm": ("infrastructure-service-swarm", _PEM),
    "infrastructure-service-kubernetes": ("infrastructure-service-kubernetes", _PEM),
    "infrastructure-service-registry": ("infrastructure-service-registry", _ACCOUNT),
    "infrastructure-service-helm-repo": ("infrastructure-service-helm-repo", _ACCOUNT),
    "infrastructure-service-minio": (
        "infrastructure-service-minio",
        ("access-key", "secret-key"),
    ),
    "swarm-token": ("swarm-token", ("scope", "token")),
    "gpg-key": ("gpg-key", ("public-key",)),
    "generate-ssh-key": ("ssh-key", ()),
    "generate-api-key": ("api-key", ()),
}
"""Subtype, and what must be given, by the name of the template."""
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "generate-ssh-key": frozenset({"public-key", "private-key"}),
    "generate-api-key": frozenset({"ttl"}),
    "gpg-key": frozenset({"private-key"}),
}
_ON_TOP = frozenset({"href", "subtype", "parent", "name", "description", "tags", "acl"})


def _add(call: Call) -> Answer:
    body = call.document
    template = body.get("template")
    if not isinstance(template, dict) or not isinstance(template.get("href"), str):
        raise JsonProblem(400, f"resource {SCHEMA}template href is missing\n")
    method = template["href"].removeprefix("credential-template/")
    if call.identity.user is None:
        raise JsonProblem(400, f"requested href cannot be accessed: {template['href']}")
    if method not in TEMPLATES or method == template["href"]:
        raise JsonProblem(400, f"requested href not found: {template['href']}")
    subtype, needed = TEMPLATES[method]
    known = {*needed, *_OPTIONAL.get(method, ()), *_ON_TOP}
    missing = [name for name in needed if not template.get(name)]
    extra = sorted(set(template) - known)
    if missing or extra:
        raise JsonProblem(400, f"resource {SCHEMA}missing {missing}, extra keys {extra}\n")
    given = {name: template[name] for name in template if name not in {"href", "acl"}}
    stored, once = _MAKERS.get(method, _as_given)(call, given)
    return created(_keep(call, method, stored | {"subtype": subtype})["id"], **once)


def _keep(call: Call, method: str, stored: dict[str, Any]) -> Document:
    body, owner = call.document, call.identity.owner
    outer = ("name", "description", "tags", "parent")
    rights = body.get("acl") or call.document["template"].get("acl")
    return call.world.document(
        "credential",
        owner,
        attributes=stored | {name: body[name] for name in outer if name in body},
        created_by=call.identity.user,
        method=method,
        acl=normalised(rights) if rights else acl(owner),
    )


def _as_given(_: Call, given: dict[str, Any]) -> _Made:
    return given, {}


def _api_key(call: Call, given: dict[str, Any]) -> _Made:
    ttl = given.pop("ttl", 0)
    if not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 0:
        raise JsonProblem(400, f"resource {SCHEMA}ttl\n")
    secret = call.world.ids.secret()
    identity = call.identity.owner
    given["digest"] = sha256(bare_secret(secret).encode()).hexdigest()
    given["claims"] = {"identity": identity, "roles": [identity, USER, ANON]}
    if ttl:
        given["expiry"] = iso(call.world.now() + timedelta(seconds=ttl))
    return given, {"secret_key": secret}


def _ssh_key(_: Call, given: dict[str, Any]) -> _Made:
    sent = {
        name.replace("-", "_"): given[name]
        for name in ("public-key", "private-key")
        if name in given
    }
    if sent:
        return given, sent
    public, private = generate(3072)
    return given | {"public-key": public}, {"public_key": public, "private_key": private}


_MAKERS: Mapping[str, Callable[[Call, dict[str, Any]], _Made]] = {
    "generate-api-key": _api_key,
    "generate-ssh-key": _ssh_key,
}


def _edit(_: Call, __: Document, changes: Document) -> Document:
    fixed = {"claims", "digest", "method", "subtype"}
    return {name: value for name, value in changes.items() if name not in fixed}


def _check(call: Call, credential: Document) -> Answer:
    required(call, "manage", credential)
    return queued(call, "credential_check", credential)


def _rels(_: Call, credential: Document) -> tuple[str, ...]:
    return ("check",) if credential["subtype"].startswith("infrastructure-service-") else ()


CREDENTIAL = Kind(
    name="credential",
    add=_add,
    edit=_edit,
    rels=_rels,
    actions={"check": _check},
)
