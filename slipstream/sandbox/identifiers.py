"""Identifiers, addresses, secrets, SSH keys and signed tokens."""

from __future__ import annotations

import random
import uuid
from datetime import datetime
from hashlib import sha256
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class Identifiers:
    """Makes identifiers in a fixed order, so that recordings of the sandbox can be repeated."""

    def __init__(self, seed: int = 2017, password: str | None = None) -> None:
        self._password = password
        self._random = random.Random(seed)  # noqa: S311 - nothing here is a secret
        self._addresses = 0
        self.fixed_address: str | None = None

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

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


def secret_digest(secret: str) -> str:
    """The stored digest of an API key's secret, of the letters of its alphabet."""
    bare = "".join(letter for letter in secret if letter in _ALPHABET)
    return sha256(bare.encode()).hexdigest()


def make_ssh_key(size: int) -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=size)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()
    return public, private


def sign_token(claims: dict[str, Any], key: str) -> str:
    return jwt.encode(claims, key, algorithm="HS256")


def verify_token(token: str, key: str, *, now: datetime) -> dict[str, Any] | None:
    """Read the claims of a token; None if another key has signed it, or it has expired."""
    try:
        # The sandbox's clock decides what has expired, not the machine's.
        claims = jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False})
    except jwt.PyJWTError:
        return None
    return claims if claims["exp"] > now.timestamp() else None
