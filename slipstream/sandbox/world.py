"""The base of the worlds of both families: identifiers, API keys, tokens, and seeds."""

from __future__ import annotations

import functools
import random
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import attrs
import jwt
import yaml

from slipstream.sandbox.clock import Clock, iso
from slipstream.sandbox.store import Document, Store

Row: TypeAlias = dict[str, Any]
"""What a line of the dashboard shows; its tone is ``moving``, ``good``, ``bad`` or ``over``."""
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Identifiers:
    """Makes identifiers in a fixed order, so that recordings of the sandbox can be repeated."""

    def __init__(self, seed: int = 2017, password: str | None = None) -> None:
        self._password = password
        self._random = random.Random(seed)  # noqa: S311 - nothing here is a secret
        self._addresses = 0
        self.fixed_address: str | None = None

    def uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def password(self, name: str) -> str:
        if self._password is None:
            return f"{name}-in-the-sandbox"
        return self._password if name == "alice" else f"{name}-{self._password}"

    def secret(self) -> str:
        """Make the secret of an API key: five groups of six characters."""
        groups = ("".join(self._random.choices(_ALPHABET, k=6)) for _ in range(5))
        return ".".join(groups)

    def address(self) -> str:
        """The next address of the networks reserved for documentation."""
        if self.fixed_address is not None:
            return self.fixed_address
        number = self._addresses % 500
        self._addresses += 1
        network = "203.0.113" if number < 250 else "198.51.100"
        return f"{network}.{number % 250 + 4}"


def _digest(secret: str) -> str:
    """The stored digest of an API key's secret, of the letters of its alphabet."""
    bare = "".join(letter for letter in secret if letter in _ALPHABET)
    return sha256(bare.encode()).hexdigest()


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

    def __init__(self, *, clock: Clock, ids: Identifiers) -> None:
        self.clock, self.ids = clock, ids
        # Why the next deployment that starts fails; empty if it does not.
        self.next_failure = ""
        self.base_url = ""
        self.token_key = str(uuid4())
        self.lock = threading.RLock()
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
        digest = _digest(secret)
        return secret, {"method": "generate-api-key", "digest": digest, "claims": claims}

    def api_key_claims(self, key: str, secret: str) -> Document | None:
        """The claims of an API key; None if there is none, or it has expired."""
        credential = self.store.get("credential/" + key.removeprefix("credential/")) or {}
        is_right = credential.get("digest") == _digest(secret)
        is_fresh = credential.get("expiry", "9") > iso(self.now())
        return credential["claims"] if is_right and is_fresh else None

    def sign(self, claims: dict[str, Any]) -> str:
        """Make the token of a session."""
        return jwt.encode(claims, self.token_key, algorithm="HS256")

    def verify(self, token: str) -> dict[str, Any] | None:
        """Read the claims of a token; None if another key has signed it, or it has expired."""
        # The sandbox's clock decides what has expired, not the machine's.
        options: Any = {"verify_exp": False}
        try:
            claims = jwt.decode(token, self.token_key, algorithms=["HS256"], options=options)
        except jwt.PyJWTError:
            return None
        return claims if claims["exp"] > self.now().timestamp() else None

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


_BLOG = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/sandbox/dashboard.css">
</head>
<body class="stand-in">
<main>
<h1>{title}</h1>
<p class="note"><strong>This page is a stand-in.</strong> The sandbox shows it at the address of
what was deployed. No machine was started, and there is no WordPress here.</p>
<p><a href="/">Back to the dashboard of the sandbox</a></p>
</main>
</body>
</html>
"""


def blog(title: str) -> str:
    return _BLOG.format(title=escape(title))
