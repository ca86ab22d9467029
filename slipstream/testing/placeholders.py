"""What stands in a cassette where something secret stood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from slipstream.redaction import KnownSecrets, Policy
from slipstream.redaction.values import SHORTEST
from slipstream.testing.cookies import distant
from slipstream.values.secret_names import squeezed

SCRUBBED: Final = "SCRUBBED"
"""Stands where a secret stood that nobody has to send again."""

USERNAME: Final = "recorded-user"
PASSWORD: Final = "recorded-password"  # noqa: S105 - it stands in for one
# A client may recognise an API key by its form.
KEY: Final = "00000000-0000-4000-8000-000000000000"
SECRET: Final = "recorded-secret"  # noqa: S105 - it stands in for one
TOKEN: Final = "recorded-token"  # noqa: S105 - it stands in for one
OTHER_USERNAME: Final = "recorded-other-user"
OTHER_PASSWORD: Final = "recorded-other-password"  # noqa: S105 - it stands in for one
TWO_FACTOR_USERNAME: Final = "recorded-two-factor-user"
TWO_FACTOR_PASSWORD: Final = "recorded-two-factor-password"  # noqa: S105 - it stands in for one
TWO_FACTOR_SEED: Final = "recorded-two-factor-seed"

EMAIL: Final = "someone@example.com"
CLIENT_ADDRESS: Final = "192.0.2.1"

_SHORTEST_NAME = 3
_PLACEHOLDER = re.compile(rf"SCRUBBED|(?:credential/)?(?:recorded-[a-z0-9-]+|{KEY})")
_CREDENTIAL_ID = re.compile(r"credential/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Outside the domains kept for examples (RFC 2606).
_EMAIL_ADDRESS = re.compile(
    r"(?<![\w.+-])[\w.+-]+@(?!(?:[\w-]+\.)*example\.(?:com|org|net)\b)(?:[\w-]+\.)+[A-Za-z]{2,}\b",
)
_PROTOCOL_WORDS = frozenset(
    {"admin", "alive", "api", "auth", "cloud", "cookie", "count", "credential", "default"}
    | {"deployment", "digest", "false", "href", "http", "https", "image", "internal", "json"}
    | {"login", "message", "method", "module", "name", "node", "null", "nuvla", "operations"}
    | {"parameter", "password", "private", "property", "public", "resource", "role", "secret"}
    | {"server", "service", "session", "slipstream", "state", "status", "template", "text"}
    | {"token", "true", "type", "user", "username", "value", "version"}
)
_OWN_WORDS = (
    *(USERNAME, PASSWORD, KEY, SECRET, TOKEN, OTHER_USERNAME, OTHER_PASSWORD, SCRUBBED, EMAIL),
    *(TWO_FACTOR_USERNAME, TWO_FACTOR_PASSWORD, TWO_FACTOR_SEED),
)


def is_placeholder(value: str) -> bool:
    """Tell whether a whole value is what the scrubber itself leaves behind."""
    return bool(_PLACEHOLDER.fullmatch(value))


def scrubbed(value: str) -> str:
    """Replace a secret, unless it is empty, a placeholder, or the public half of an API key."""
    # Later requests name the credential again.
    harmless = not value.strip() or is_placeholder(value) or _CREDENTIAL_ID.fullmatch(value)
    return value if harmless else SCRUBBED


def _exception(name: str, members: Mapping[str, Any]) -> str | None:
    value, name = members[name], squeezed(name)
    if not isinstance(value, str):
        return None
    if name == "key" and "secret" in members:
        return scrubbed(value)
    if name == "clientip":
        return CLIENT_ADDRESS
    if name == "expiry" and str(members.get("id")).startswith("session/"):
        return distant(value)
    return None


PLACEHOLDERS: Final = Policy(
    replace=scrubbed,
    placeholder=_PLACEHOLDER,
    shapes=((_EMAIL_ADDRESS, EMAIL),),
    keep_form=True,
    exception=_exception,
)
"""For cassettes: what is replaced keeps its structure, and replacing it again changes nothing."""


def known_secrets(secrets: Mapping[str, str], names: Mapping[str, str]) -> KnownSecrets:
    """Gather the values that are known to be secret."""
    known = KnownSecrets()
    for value, placeholder in names.items():
        _check(value, placeholder, _SHORTEST_NAME)
        known.keep(value, replacement=placeholder, word=True)
    for value, placeholder in secrets.items():
        _check(value, placeholder, SHORTEST)
        known.keep(value, replacement=placeholder)
        # As HTTP Basic writes a login.
        logins = (f"{name}:{value}" for name in (*names, *secrets))
        known.keep(*logins, replacement=SCRUBBED)
    return known


def _check(value: str, placeholder: str, shortest: int) -> None:
    if not is_placeholder(placeholder):
        raise ValueError(f"{placeholder!r} is no placeholder: write 'recorded-' and a word")
    common = value in _PROTOCOL_WORDS or any(value in text for text in (placeholder, *_OWN_WORDS))
    if len(value) < shortest or common:
        raise ValueError(
            f"the value that {placeholder!r} shall stand for is too short, or a word of the "
            "protocol: record with an account whose name and password are neither",
        )
