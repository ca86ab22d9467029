"""
Credentials: keys, secrets and accounts.

Source: nuvla/api-server, server/resources/credential.clj, credential_template*.clj and
credential/key_utils.clj.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from slipstream.sandbox.cimi import Reply, action, created, not_played
from slipstream.sandbox.identifiers import secret_digest
from slipstream.sandbox.nuvla.access import ANON, USER, managed_acl
from slipstream.sandbox.nuvla.jobs import queued
from slipstream.sandbox.nuvla.resource import COMMON, Resource, schema
from slipstream.sandbox.schema import Description, anything, described, texts, within
from slipstream.sandbox.ssh_keys import generate
from slipstream.sandbox.store import Document
from slipstream.sandbox.timestamps import iso

_KEYS = ("public-key", "private-key")
# Of what a template has no value, but a document may.
_OPTIONAL: dict[str, Description] = {
    "generate-ssh-key": texts("public-key", "private-key"),
    "generate-api-key": described(ttl=within(0)),
    "gpg-key": texts("public-key", "private-key"),
}
_UNPLAYED = ("create-credential-vpn-customer", "generate-hashed-password")


class Credential(Resource):
    """Credentials."""

    name = "credential"
    description = schema(
        texts("method", "digest", "expiry", "status", "last-check", "public-key", "private-key"),
        texts("ca", "cert", "key", "username", "password", "access-key", "secret-key"),
        texts("scope", "token", "parent-credential"),
        claims=anything,
    )

    def may_add(self) -> bool:
        """Whether the sender may add a credential: the template decides."""
        return True

    def create(self, body: Document) -> Reply:
        """Make a credential from a template."""
        template, values = self.from_template(body)
        method, subtype = template["method"], template["subtype"]
        if method in _UNPLAYED:
            raise not_played(f"adding a credential by {template['id']}")
        allowed = dict.fromkeys(set(template) - set(COMMON), COMMON["name"])
        self.check_template(body, values, allowed | _OPTIONAL.get(method, {}))
        stored, once = self._made(method, values)
        outer = {
            name: body[name] for name in ("name", "description", "tags", "parent") if name in body
        }
        rights = body.get("acl") or values.get("acl") or managed_acl(self.identity.owner)
        fixed = {"method": method, "subtype": subtype, "acl": rights}
        return created(self.store(stored | outer | fixed)["id"], **once)

    def _made(self, method: str, values: Document) -> tuple[Document, dict[str, Any]]:
        """What is kept, and what is shown only once."""
        if method == "generate-api-key":
            return self._api_key(values)
        if method != "generate-ssh-key":
            return values, {}
        sent = {key.replace("-", "_"): values[key] for key in _KEYS if key in values}
        if sent:
            return values, sent
        public, private = generate(3072)
        return values | {"public-key": public}, {"public_key": public, "private_key": private}

    def _api_key(self, values: Document) -> tuple[Document, dict[str, Any]]:
        ttl = values.pop("ttl")
        secret, identity = self.world.ids.secret(), self.identity.owner
        values["digest"] = secret_digest(secret)
        values["claims"] = {"identity": identity, "roles": [identity, USER, ANON]}
        if ttl:
            values["expiry"] = iso(self.world.now() + timedelta(seconds=ttl))
        return values, {"secret_key": secret}

    def changed(self, document: Document, changes: Document) -> Document:
        """Leave alone what makes a credential what it is."""
        fixed = {"claims", "digest", "method", "subtype"}
        return {name: value for name, value in changes.items() if name not in fixed}

    def offered(self, document: Document) -> Sequence[str]:
        subtype = document.get("subtype", "")
        return ("check",) if subtype.startswith("infrastructure-service-") else ()

    @action
    def check(self, credential: Document) -> Reply:
        """Queue the job that tries a credential."""
        self.require("manage", credential)
        return queued(self, "credential_check", credential, f"starting {credential['id']}")
