"""Names for new things, the same in every sandbox for the same requests."""

from __future__ import annotations

import random
import uuid
from hashlib import sha256

_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Identifiers:
    """Makes identifiers in a fixed order, so that recordings of the sandbox can be repeated."""

    def __init__(self, seed: int = 2017, password: str | None = None) -> None:
        self._password = password
        self._random = random.Random(seed)  # noqa: S311 - nothing here is a secret
        self._addresses = 0
        self.fixed_address: str | None = None

    def uuid(self) -> str:
        """Make a random-looking UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def password(self, name: str) -> str:
        """Make a user's password."""
        if self._password is None:
            return f"{name}-in-the-sandbox"
        return self._password if name == "alice" else f"{name}-{self._password}"

    def secret(self) -> str:
        """Make the secret of an API key: five groups of six characters."""
        groups = ("".join(self._random.choices(_ALPHABET, k=6)) for _ in range(5))
        return ".".join(groups)

    def address(self) -> str:
        """Hand out the next address of the networks set aside for documentation."""
        if self.fixed_address is not None:
            return self.fixed_address
        number = self._addresses % 500
        self._addresses += 1
        network = "203.0.113" if number < 250 else "198.51.100"
        return f"{network}.{number % 250 + 4}"


def secret_digest(secret: str) -> str:
    """What is kept of an API key's secret: of the letters of its alphabet, as on the servers."""
    bare = "".join(letter for letter in secret if letter in _ALPHABET)
    return sha256(bare.encode()).hexdigest()
