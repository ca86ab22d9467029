"""
Credentials: keys, secrets and accounts.

Source: nuvla/api-server, server/resources/credential.clj, credential_template*.clj and
credential/key_utils.clj.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from slipstream.sandbox.cimi import Reply, action, created
from slipstream.sandbox.identifiers import bare_secret
from slipstream.sandbox.moments import iso
from slipstream.sandbox.nuvla.access import ADMIN, ANON, USER, managed_acl
from slipstream.sandbox.nuvla.jobs import queued
from slipstream.sandbox.nuvla.resource import COMMON, Resource, schema, unfit
from slipstream.sandbox.nuvla.state import State
from slipstream.sandbox.problems import JsonProblem
from slipstream.sandbox.schema import Description, described, names, text, violation, within
from slipstream.sandbox.ssh_keys import generate
from slipstream.sandbox.store import Document

_PEM = {"ca": "ca-public-certificate", "cert": "client-public-certificate"}
_KEY = {"key": "client-private-certificate"}
_ACCOUNT = {"username": "username", "password": "password"}
TEMPLATES: dict[str, tuple[str, dict[str, Any]]] = {
    "infrastructure-service-swarm": ("infrastructure-service-swarm", _PEM | _KEY),
    "infrastructure-service-kubernetes": ("infrastructure-service-kubernetes", _PEM | _KEY),
    "infrastructure-service-registry": ("infrastructure-service-registry", _ACCOUNT),
    "infrastructure-service-helm-repo": ("infrastructure-service-helm-repo", _ACCOUNT),
    "infrastructure-service-minio": (
        "infrastructure-service-minio",
        {"access-key": "access-key", "secret-key": "secret-key"},
    ),
    "swarm-token": ("swarm-token", {"scope": "scope", "token": "token"}),
    "gpg-key": ("gpg-key", {}),
    "generate-ssh-key": ("ssh-key", {}),
    "generate-api-key": ("api-key", {"ttl": 0}),
}
"""Subtype, and what stands in for what is left out, by the name of the template."""
_OPTIONAL: dict[str, Description] = {
    "generate-ssh-key": described(public_key=text, private_key=text),
    "generate-api-key": described(ttl=within(0)),
    "gpg-key": described(public_key=text, private_key=text),
}
_CREATE = names(COMMON, ("name", "description", "tags", "parent", "acl", "resource-type"))


class CredentialTemplate(Resource):
    """What credentials are made from."""

    name = "credential-template"
    methods = ("search", "read")
    searchers = ANON
    adders = None
    editable = False


class Credential(Resource):
    """Credentials."""

    name = "credential"
    adders = USER
    description = schema(
        method=text,
        claims=lambda _: None,
        digest=text,
        expiry=text,
        status=text,
        last_check=text,
        public_key=text,
        private_key=text,
        ca=text,
        cert=text,
        key=text,
        username=text,
        password=text,
        access_key=text,
        secret_key=text,
        scope=text,
        token=text,
        parent_credential=text,
    )

    def may_add(self) -> bool:
        """Whether the sender may add a credential: the template decides."""
        return True

    def create(self, body: Document) -> Reply:
        """Make a credential from a template."""
        template = body.get("template")
        href = template.get("href") if isinstance(template, dict) else None
        if not isinstance(template, dict) or not isinstance(href, str):
            text_ = "cannot validate CredentialTemplate create document with subtype: ''"
            raise JsonProblem(400, text_)
        method = href.removeprefix("credential-template/")
        if method not in TEMPLATES or method == href:
            raise JsonProblem(400, f"requested href not found: {href}")
        if self.identity.user is None:
            raise JsonProblem(400, f"requested href cannot be accessed: {href}")
        subtype, defaults = TEMPLATES[method]
        values = defaults | {key: value for key, value in template.items() if key != "href"}
        self._check_request(body, method, values)
        stored, once = self._made(method, values)
        outer = {
            key: body[key] for key in ("name", "description", "tags", "parent") if key in body
        }
        rights = body.get("acl") or template.get("acl") or managed_acl(self.identity.owner)
        fixed = {"method": method, "subtype": subtype, "acl": rights}
        return created(self.store(stored | outer | fixed)["id"], **once)

    def _check_request(self, body: Document, method: str, values: Document) -> None:
        bare = {key: value for key, value in body.items() if key != "template"}
        wrong = violation(_CREATE, bare)
        if wrong is None:
            fields = dict.fromkeys(TEMPLATES[method][1], COMMON["name"])
            description = COMMON | {"method": COMMON["name"]} | fields
            wrong = violation(description | _OPTIONAL.get(method, {}), values)
            wrong = wrong and wrong.below("template")
        if wrong is not None:
            raise unfit(wrong)

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
        values["digest"] = sha256(bare_secret(secret).encode()).hexdigest()
        values["claims"] = {"identity": identity, "roles": [identity, USER, ANON]}
        if ttl:
            values["expiry"] = iso(self.world.now() + timedelta(seconds=ttl))
        return values, {"secret_key": secret}

    def changed(self, document: Document, changes: Document) -> Document:
        """Leave alone what makes a credential what it is."""
        fixed = {"claims", "digest", "method", "subtype"}
        return {name: value for name, value in changes.items() if name not in fixed}

    def offered(self, document: Document) -> Sequence[str]:
        """The actions on a credential."""
        subtype = document.get("subtype", "")
        return ("check",) if subtype.startswith("infrastructure-service-") else ()

    @action
    def check(self, credential: Document) -> Reply:
        """Queue the job that tries a credential."""
        self.require("manage", credential)
        return queued(self, "credential_check", credential, f"starting {credential['id']}")


_KEYS = ("public-key", "private-key")


def add_templates(world: State) -> None:
    """Add what credentials are made from."""
    for method, (subtype, defaults) in TEMPLATES.items():
        world.document(
            "credential-template",
            ADMIN,
            attributes=defaults,
            rights={"view_acl": (USER,)},
            id=f"credential-template/{method}",
            name=method.replace("-", " "),
            description=f"Makes a credential: {method}",
            resource_metadata=f"resource-metadata/credential-template-{subtype}",
            method=method,
            subtype=subtype,
        )
