"""
Credentials: keys, secrets and accounts.

Source: nuvla/api-server, server/resources/credential.clj, credential_template*.clj and
credential/key_utils.clj.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from flask import Response

from slipstream.sandbox.cimi import JsonProblem, created, not_played, unfit
from slipstream.sandbox.clock import iso
from slipstream.sandbox.nuvla.resource import COMMON, Resource
from slipstream.sandbox.nuvla.state import ANON, USER, managed_acl
from slipstream.sandbox.schema import Description, anything, count, describe, misfit
from slipstream.sandbox.store import Document

_KEYS = ("public-key", "private-key")
_OUTER = ("name", "description", "tags", "parent")
_CREATE = {name: COMMON[name] for name in (*_OUTER, "acl", "resource-type")}
# Of what a template has no value, but a document may.
_OPTIONAL: dict[str, Description] = {
    "generate-ssh-key": describe(*_KEYS),
    "generate-api-key": describe(ttl=count),
    "gpg-key": describe(*_KEYS),
}
_UNPLAYED = ("create-credential-vpn-customer", "generate-hashed-password")


def _make_ssh_key() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    form, unencrypted = PrivateFormat.TraditionalOpenSSL, NoEncryption()
    private = key.private_bytes(Encoding.PEM, form, unencrypted)
    return public.decode(), private.decode()


class Credential(Resource):
    name = "credential"
    played = ("search", "read", "add", "delete")
    description = COMMON | describe(
        *("method", "digest", "expiry", "status", "last-check", "public-key", "private-key"),
        *("ca", "cert", "key", "username", "password", "access-key", "secret-key"),
        *("scope", "token", "parent-credential"),
        claims=anything,
    )

    def may_add(self) -> bool:
        """Whether the sender may add a credential: the template decides."""
        return True

    def create(self) -> Response:
        """Make a credential from a template; the values of the body win over the template's."""
        body = self.body()
        template = self._template(body)
        method = template["method"]
        own = {name: value for name, value in template.items() if name not in COMMON}
        sent = {name: value for name, value in body["template"].items() if name != "href"}
        values = own | sent
        allowed = COMMON | describe(*own) | _OPTIONAL.get(method, {})
        outside = {name: body[name] for name in body if name != "template"}
        if name := misfit(_CREATE, outside) or misfit(allowed, values):
            raise unfit(name)
        stored, once = self._stored(method, values)
        outer = {name: body[name] for name in _OUTER if name in body}
        rights = body.get("acl") or values.get("acl") or managed_acl(self.identity.owner)
        fixed = {"method": method, "subtype": template["subtype"], "acl": rights}
        return created(self.store(stored | outer | fixed)["id"], **once)

    def _template(self, body: Document) -> Document:
        sent = body.get("template")
        href = sent.get("href") if isinstance(sent, dict) else None
        if not isinstance(href, str):
            text = "cannot validate CredentialTemplate create document with subtype: ''"
            raise JsonProblem(400, text)
        template = self.world.store.get(href)
        if template is None or template["resource-type"] != "credential-template":
            raise JsonProblem(400, f"requested href not found: {href}")
        if self.identity.user is None:
            raise JsonProblem(400, f"requested href cannot be accessed: {href}")
        if template["method"] in _UNPLAYED:
            raise not_played(f"adding a credential by {href}")
        return template

    def _stored(self, method: str, values: Document) -> tuple[Document, dict[str, Any]]:
        """The stored attributes, and those that are returned only once."""
        if method == "generate-ssh-key":
            once = {key.replace("-", "_"): values[key] for key in _KEYS if key in values}
            if not once:
                public, private = _make_ssh_key()
                values["public-key"] = public
                once = {"public_key": public, "private_key": private}
            return values, once
        if method != "generate-api-key":
            return values, {}
        if ttl := values.pop("ttl"):
            values["expiry"] = iso(self.world.now() + timedelta(seconds=ttl))
        identity = self.identity.owner
        secret, key = self.world.new_api_key(identity, [identity, USER, ANON])
        return values | key, {"secret_key": secret}

    def offered(self, document: Document) -> Sequence[str]:
        return ("check",) if document["subtype"].startswith("infrastructure-service-") else ()
