"""The state of a server: users, connectors and JSON documents, and the rights on these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from slipstream.sandbox.clock import Clock, iso
from slipstream.sandbox.slipstream3.records import Library, Parameter, Run
from slipstream.sandbox.store import Document
from slipstream.sandbox.world import BaseWorld, Identifiers


@attrs.frozen
class Identity:
    """The sender of a request, with an empty name if not logged in; the session's id is a role."""

    name: str | None = None
    roles: tuple[str, ...] = ("ANON",)
    session: str | None = None

    def may_view(self, acl: Mapping[str, Any]) -> bool:
        """Whether an ``acl`` grants any right."""
        return self._is_any(acl["owner"], *acl.get("rules", ()))

    def may_modify(self, acl: Mapping[str, Any]) -> bool:
        """Whether an ``acl`` grants the right to change, or of a collection to add."""
        rules = (rule for rule in acl.get("rules", ()) if rule["right"] != "VIEW")
        return self._is_any(acl["owner"], *rules)

    def _is_any(self, *principals: Mapping[str, str]) -> bool:
        roles, name = {*self.roles, "ANON"}, self.name
        return "ADMIN" in roles or any(
            principal["principal"] in ({name} if principal["type"] == "USER" else roles)
            for principal in principals
        )


NOBODY = Identity()


def role(principal: str, right: str) -> dict[str, str]:
    return {"principal": principal, "type": "ROLE", "right": right}


def acl(*rules: dict[str, str], owner: str = "ADMIN") -> dict[str, Any]:
    return {"owner": {"principal": owner, "type": "ROLE"}, "rules": list(rules)}


def granted(name: str, right: str) -> dict[str, Any]:
    """The ACL of a document of the server with a right of a user."""
    return acl({"principal": name, "type": "USER", "right": right}, role("ADMIN", "ALL"))


KEEP_RUNNING = "General.keep-running"
SSH_KEY = "General.ssh.public.key"
DEFAULT_CLOUD = "General.default.cloud.service"
# The parameters that every user has: description, instructions, default.
_GENERAL = {
    DEFAULT_CLOUD: ("Default Cloud", "Which cloud is the default.", ""),
    KEEP_RUNNING: ("Keep running", "When to keep the machines.", "on-success"),
    "General.Verbosity Level": ("Level of verbosity", "From 0 to 3.", "0"),
    "General.Timeout": ("Execution timeout", "The longest state, in minutes.", "30"),
    SSH_KEY: ("SSH Public Key(s) (one per line)", "Some clouds use one.", ""),
    "General.mail-usage": ("Cloud usage email", "How often it is sent.", "never"),
}


@attrs.define(kw_only=True)
class Account:
    """A user, with general parameters and those of connectors; the password is in clear."""

    name: str
    password: str = attrs.field(repr=False)
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    organization: str = ""
    super: bool = False
    created: datetime
    modified: datetime
    parameters: dict[str, Parameter] = attrs.field(factory=dict, repr=False)

    def value(self, name: str) -> str:
        """The value of a parameter such as ``General.keep-running``; empty if not set."""
        parameter = self.parameters.get(name)
        return (parameter.value or "") if parameter else ""

    @property
    def roles(self) -> list[str]:
        """Roles that every session of the user has."""
        return [*(["ADMIN"] if self.super else []), "USER", "ANON"]


def general_parameters(clouds: Sequence[str], values: Mapping[str, str]) -> Iterator[Parameter]:
    """Make the parameters that every user has; one without a value gets its default."""
    for name, (description, instructions, default) in _GENERAL.items():
        value = values.get(name, default)
        parameter = Parameter(name, value, description=description, instructions=instructions)
        if name == DEFAULT_CLOUD:
            parameter.type, parameter.choices = "Enum", tuple(clouds)
        yield parameter


def cloud_parameters(
    cloud: str, login: Sequence[str], names: Sequence[str]
) -> Iterator[Parameter]:
    for name, value, kind in zip(names, login, ("String", "Password"), strict=True):
        yield Parameter(
            f"{cloud}.{name}",
            value,
            category=cloud,
            type=kind,
            mandatory=True,
            description=f"Account {name}",
            instructions="You find it on the page of your account.",
            order=10,
        )


def resource_uri(kind: str) -> str:
    base = "schemas.dmtf.org/cimi/2" if kind == "event" else "sixsq.com/slipstream/1"
    return f"http://{base}/" + "".join(word.capitalize() for word in kind.split("-"))


class State(BaseWorld):
    """
    The state of a server.

    :param clock: Its clock.
    """

    refuses_early_termination: bool | None = None
    """
    Whether terminating a run before its machine exists answers 409, as the real server does: the
    run is cancelled all the same, and its machine starts afterwards. None means while the clock
    runs: where it stands still, a client would wait for the machine in vain.
    """

    def __init__(self, *, clock: Clock, ids: Identifiers) -> None:
        super().__init__(clock=clock, ids=ids)
        self.library = Library()
        self.accounts: dict[str, Account] = {}
        self.runs: dict[str, Run] = {}
        self.connectors: dict[str, Document] = {}
        self.provider_tokens: dict[str, str] = {}

    def document(self, kind: str, /, **fields: Any) -> Document:
        """Add a JSON document of a kind, with a new id unless one is passed."""
        now, identifier = iso(self.now()), fields.get("id") or f"{kind}/{self.ids.uuid()}"
        common = {"resourceURI": resource_uri(kind), "created": now, "updated": now}
        return self.store.put({"id": identifier, **common, **fields})

    def event(
        self, run: Run, text: str, at: datetime, *, kind: str = "state", severity: str = "medium"
    ) -> None:
        self.document(
            "event",
            **dict.fromkeys(("timestamp", "created", "updated"), iso(at)),
            type=kind,
            severity=severity,
            content={"resource": {"href": run.href}, "state": text},
            acl=granted(run.owner, "ALL") | {"owner": {"principal": run.owner, "type": "USER"}},
        )

    def credential_of(self, user: str, cloud: str) -> Document | None:
        for document in self.store.collection("credential"):
            if document.get("connector") == {"href": f"connector/{cloud}"} and any(
                rule["principal"] == user for rule in document["acl"]["rules"]
            ):
                return document
        return None

    def add_api_key(self, account: Account, **fields: Any) -> tuple[str, str]:
        """Add an API key with the rights of its user; return its id and secret."""
        secret, key = self.new_api_key(account.name, account.roles)
        rights = granted(account.name, "MODIFY")
        document = self.document("credential", type="api-key", acl=rights, **key, **fields)
        return document["id"], secret
