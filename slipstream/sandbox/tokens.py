"""The signed token in a session's cookie: a JWT, in both families."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def sign(claims: dict[str, Any], *, realm: str) -> str:
    """Make a token."""
    return jwt.encode(claims, _key(), algorithm="RS256", headers={"kid": realm})


def verify(token: str, *, realm: str, now: datetime) -> dict[str, Any] | None:
    """Read a token."""
    # The sandbox's clock decides what has expired, not the machine's.
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, _key().public_key(), algorithms=["RS256"], options=options)
    except jwt.PyJWTError:
        return None
    if header.get("kid") != realm or claims["exp"] <= now.timestamp():
        return None
    return dict(claims)
