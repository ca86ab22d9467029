"""The base of the worlds of both families."""

from __future__ import annotations

import functools
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.resources import files
from typing import Any
from uuid import uuid4

import attrs
import yaml

from slipstream.sandbox.clock import Clock, iso
from slipstream.sandbox.identifiers import Identifiers, secret_digest
from slipstream.sandbox.overview import Row
from slipstream.sandbox.store import Document, Store


@attrs.frozen(kw_only=True)
class Login:
    """
    The credentials of a user.

    :param username: The user's name.
    :param password: The password.
    :param key: Id of an API key.
    :param secret: Its secret.
    :param token: A token for the login method ``mitreid-token``; empty where there is none.
    """

    username: str
    password: str = attrs.field(repr=False)
    key: str
    secret: str = attrs.field(repr=False)
    token: str = attrs.field(default="", repr=False)


class BaseWorld(ABC):
    """The state of one sandbox of any family."""

    def __init__(self, *, clock: Clock) -> None:
        self.clock = clock
        # Why the next deployment that starts fails; empty if it does not.
        self.next_failure = ""
        self.base_url = ""
        self.token_key = str(uuid4())
        self.lock = threading.RLock()
        self.ids = Identifiers()
        self.store = Store()

    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def serving(self) -> Iterator[None]:
        with self.lock:
            yield

    @abstractmethod
    def tick(self) -> None:
        """Update the state to the time of the clock."""

    @abstractmethod
    def overview(self) -> dict[str, list[Row]]:
        """The state for the dashboard."""

    def add_document(self, document: Document) -> Document:
        """Add any JSON document, which has its ``id`` and ``acl``."""
        with self.lock:
            return self.store.put(document)

    def new_api_key(self, identity: str, roles: Sequence[str]) -> tuple[str, Document]:
        """Make the secret of an API key, and the stored attributes of the key."""
        secret = self.ids.secret()
        claims = {"identity": identity, "roles": [*roles]}
        digest = secret_digest(secret)
        return secret, {"method": "generate-api-key", "digest": digest, "claims": claims}

    def api_key_claims(self, key: str, secret: str) -> Document | None:
        """The claims of an API key; None if there is none, or it has expired."""
        credential = self.store.get("credential/" + key.removeprefix("credential/")) or {}
        is_right = credential.get("digest") == secret_digest(secret)
        is_fresh = credential.get("expiry", "9") > iso(self.now())
        return credential["claims"] if is_right and is_fresh else None

    def take_failure(self) -> str:
        """Return and remove the reason for which a deployment fails now, if there is one."""
        reason, self.next_failure = self.next_failure, ""
        return reason

    def expire_sessions(self) -> None:
        with self.lock:
            self.token_key = str(uuid4())
            for session in list(self.store.collection("session")):
                self.store.remove(session["id"])


_NAME = re.compile(r"\{([\w-]+)\}")


def fill_in(value: Any, names: Mapping[str, Any]) -> Any:
    """Replace names in braces by values; what ``*`` names is merged into its map."""
    if isinstance(value, dict):
        items = {fill_in(name, names): fill_in(item, names) for name, item in value.items()}
        return items | items.pop("*", {})
    if isinstance(value, list):
        return [fill_in(item, names) for item in value]
    if not isinstance(value, str):
        return value
    if match := _NAME.fullmatch(value):
        return fill_in(names[match[1]], names)
    return _NAME.sub(lambda match: str(names[match[1]]), value)


@functools.cache
def read_seeds(package: str) -> Any:
    """Read a file of seeds, cached, because parsing is slow."""
    return yaml.safe_load(files(package).joinpath("seeds.yaml").read_text("utf-8"))
