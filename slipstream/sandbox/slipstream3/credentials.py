"""
Adding credentials from templates.

Source: SlipStreamServer, cimi-resources credential_template_*.clj and credential_*.clj.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable, Mapping
from datetime import timedelta
from hashlib import md5, sha256
from typing import TYPE_CHECKING, Any

from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.moments import iso
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.slipstream3 import people
from slipstream.sandbox.slipstream3.access import Identity, modifiable_by
from slipstream.sandbox.slipstream3.templates import COMMON_FIELDS
from slipstream.sandbox.ssh_keys import generate

if TYPE_CHECKING:
    from slipstream.sandbox.slipstream3.world import World
    from slipstream.sandbox.store import Document

_SCHEMA = "resource does not satisfy defined schema:\n"
_ALGORITHMS = {"ssh-rsa": "rsa", "ssh-dss": "dsa"}


def add_credential(world: World, identity: Identity, body: Any) -> tuple[Document, dict[str, str]]:
    """
    Add a credential.

    :param world: The world.
    :param identity: Who asks; somebody.
    :param body: The JSON document that was sent.
    :returns: The new document, and what is told only once.
    :raises JsonProblem: If it is refused.
    """
    sent = body.get("credentialTemplate") if isinstance(body, dict) else None
    if not isinstance(sent, dict) or not isinstance(sent.get("href"), str):
        raise JsonProblem(400, f"{_SCHEMA}credentialTemplate is missing\n")
    template = world.store.get(sent["href"])
    if template is None or not sent["href"].startswith("credential-template/"):
        if world.version.since(42):
            raise JsonProblem(400, f"requested href not found: {sent['href']}")
        raise JsonProblem(403, "invalid credentials for ''")
    unknown = (
        set(sent) - set(template) - {"href", "domain-name", "tenant-name", "disabledMonitoring"}
    )
    if unknown:
        raise JsonProblem(400, f"{_SCHEMA}extra keys: {', '.join(sorted(unknown))}\n")
    wanted = {key: value for key, value in template.items() if key not in COMMON_FIELDS}
    wanted |= {key: value for key, value in sent.items() if key != "href"}
    fields, once = _makers(template)(world, identity, wanted)
    fields = {"type": template["type"], "method": template["method"], **fields}
    for name in ("name", "description", "properties"):
        if name in body:
            fields[name] = body[name]
    document = world.document(
        "credential",
        "http://sixsq.com/slipstream/1/Credential",
        acl=modifiable_by(identity.name or ""),
        **fields,
    )
    people.adopt_document(world, document)
    return document, once


_Made = tuple[dict[str, Any], dict[str, str]]
_Maker = Callable[["World", Identity, Mapping[str, Any]], _Made]


def _makers(template: Document) -> _Maker:
    return {
        "generate-api-key": _api_key,
        "import-ssh-public-key": _imported_key,
        "generate-ssh-key-pair": _generated_key,
    }.get(template["method"], _cloud_account)


def _api_key(world: World, identity: Identity, wanted: Mapping[str, Any]) -> _Made:
    ttl = wanted["ttl"]
    if not isinstance(ttl, int) or isinstance(ttl, bool) or ttl < 0:
        raise JsonProblem(400, f"{_SCHEMA}In: [:ttl] fails spec\n")
    secret = world.ids.secret()
    roles = [one for one in identity.roles if one != identity.session]
    fields: dict[str, Any] = {
        "digest": sha256(bare_secret(secret).encode()).hexdigest(),
        "claims": {"identity": identity.name, "roles": roles},
    }
    if ttl:
        fields["expiry"] = iso(world.now() + timedelta(seconds=ttl))
    return fields, {"secretKey": secret}


def fingerprint(public_key: str) -> tuple[str, str]:
    """
    Read an OpenSSH public key.

    :param public_key: The key, in one line.
    :returns: The algorithm, and the MD5 fingerprint in pairs with colons.
    :raises ValueError: If it is no RSA or DSA key.
    """
    kind, _, rest = public_key.strip().partition(" ")
    if kind not in _ALGORITHMS:
        raise ValueError(f"unknown key type: {kind}")
    try:
        blob = base64.b64decode(rest.split(" ")[0], validate=True)
        length = struct.unpack(">I", blob[:4])[0]
    except (binascii.Error, struct.error):
        raise ValueError("invalid encoding") from None
    if blob[4 : 4 + length] != kind.encode():
        raise ValueError("invalid encoding")
    digest = md5(blob, usedforsecurity=False).hexdigest()
    return _ALGORITHMS[kind], ":".join(digest[at : at + 2] for at in range(0, 32, 2))


def _imported_key(_: World, __: Identity, wanted: Mapping[str, Any]) -> _Made:
    key = wanted["publicKey"]
    try:
        algorithm, digest = fingerprint(str(key))
    except ValueError as error:
        message = f"error creating SSH public key credential: '{error}'"
        raise JsonProblem(400, message) from None
    return {"publicKey": key, "algorithm": algorithm, "fingerprint": digest}, {}


def _generated_key(_: World, __: Identity, wanted: Mapping[str, Any]) -> _Made:
    if wanted["algorithm"] != "rsa" or wanted["size"] not in {1024, 2048, 4096}:
        raise JsonProblem(400, "error creating SSH public key credential: 'unknown algorithm'")
    public, private = generate(wanted["size"])
    algorithm, digest = fingerprint(public)
    fields = {"publicKey": public, "algorithm": algorithm, "fingerprint": digest}
    return fields, {"privateKey": private}


def _cloud_account(world: World, _: Identity, wanted: Mapping[str, Any]) -> _Made:
    connector = wanted.get("connector")
    href = connector.get("href", "") if isinstance(connector, dict) else ""
    if str(href).removeprefix("connector/") not in world.connectors:
        raise JsonProblem(400, f"requested href not found: {href}")
    return dict(wanted), {}
