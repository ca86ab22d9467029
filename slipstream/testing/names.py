"""Which names announce a secret, and what stands in a secret's place."""

from __future__ import annotations

import re
from typing import Final

from slipstream.redaction.names import announces_secret

SCRUBBED: Final = "SCRUBBED"
"""Stands where a secret stood that nobody has to send again."""

USERNAME: Final = "recorded-user"
PASSWORD: Final = "recorded-password"  # noqa: S105 - it stands in for one
# A client may tell an API key from a user's name by its looks.
KEY: Final = "00000000-0000-4000-8000-000000000000"
SECRET: Final = "recorded-secret"  # noqa: S105 - it stands in for one

EMAIL: Final = "someone@example.com"
CLIENT_ADDRESS: Final = "192.0.2.1"

_PLACEHOLDER = re.compile(rf"SCRUBBED|(?:credential/)?(?:recorded-[a-z0-9-]+|{KEY})")
_CREDENTIAL_ID = re.compile(r"credential/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_sensitive(name: str) -> bool:
    """Tell whether a key, field, attribute or tag of this name holds a secret.

    :param name: the name in any case and with any separators.
    :returns: true for ``secretKey`` and ``parameter--node--db--root_password`` alike.
    """
    return not is_placeholder(name) and announces_secret(name)


def is_placeholder(value: str) -> bool:
    """Tell whether a value is what the scrubber itself leaves behind.

    :param value: the whole value.
    :returns: true for ``SCRUBBED``, ``recorded-...`` and :data:`KEY`.
    """
    return bool(_PLACEHOLDER.fullmatch(value))


def blanked(value: str) -> str:
    """Put the placeholder in a secret's place.

    Empty values and placeholders are no secrets. The id of a credential is the public half of
    an API key, which later requests name again.

    :param value: a value found where a secret stands.
    :returns: the value if it gives nothing away, else :data:`SCRUBBED`.
    """
    harmless = not value.strip() or is_placeholder(value) or _CREDENTIAL_ID.fullmatch(value)
    return value if harmless else SCRUBBED
