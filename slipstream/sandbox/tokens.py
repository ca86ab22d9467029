"""The signed token in a session's cookie: a JWT, in both families."""

from __future__ import annotations

import base64
import functools
import json
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    # Small on purpose: it protects nothing and has to be made in no time.
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(claims: dict[str, Any], *, realm: str) -> str:
    """
    Make a token.

    :param claims: What it says.
    :param realm: Names the server, so that no other one believes the token.
    :returns: A JWT signed with RS256.
    """
    header = {"alg": "RS256", "kid": realm}
    body = ".".join(_encode(json.dumps(part).encode()) for part in (header, claims))
    signature = _key().sign(body.encode(), padding.PKCS1v15(), SHA256())
    return f"{body}.{_encode(signature)}"


def verify(token: str, *, realm: str, now: datetime) -> dict[str, Any] | None:
    """
    Read a token.

    :param token: The JWT.
    :param realm: The server's name.
    :param now: The present moment.
    :returns: The claims; None if the token is forged, foreign or expired.
    """
    body, _, signature = token.rpartition(".")
    try:
        _key().public_key().verify(_decode(signature), body.encode(), padding.PKCS1v15(), SHA256())
        header, claims = (json.loads(_decode(part)) for part in body.split("."))
    except (InvalidSignature, ValueError):
        return None
    if header["kid"] != realm or claims["exp"] <= now.timestamp():
        return None
    return dict(claims)
