"""Which names announce a secret, wherever a name and a value stand together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ANYWHERE = re.compile(
    "password|passwd|passphrase|passcode|secret|privatekey|authorization|token|cookie"
    "|apikey|accessid|accesskey"
)
_LAST_WORDS = frozenset({"digest", "jwt", "otp", "pass", "pw", "pwd"})
_AUTHENTICATION_WORDS = frozenset({"auth", "authn", "authz"})
_declared: set[str] = set()
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

NAMING: Final = frozenset({"name", "key", "id", "parameter", "filename"})
"""Members and attributes that name the thing whose value stands beside them, squeezed."""

VALUE_NAMES: Final = frozenset(
    {"value", "default", "defaultvalue", "initialvalue", "content", "text", "filecontent"},
)
"""Members that hold the value of the thing whose name stands beside them, squeezed."""


def squeezed(name: str) -> str:
    """Write a name in lower-case letters and digits alone: ``secret-Key`` as ``secretkey``."""
    return _SEPARATORS.sub("", name.lower())


def declare(names: Iterable[str]) -> None:
    """Add names that announce a secret from now on, in logs, errors and cassettes alike."""
    _declared.update(squeezed(name) for name in names)


def announces_secret(name: str) -> bool:
    """Tell whether what stands under a key, field, attribute or tag of this name is a secret."""
    words = _words(name)
    plain = squeezed(name)
    return bool(words) and (
        words[-1] in _LAST_WORDS or plain in _declared or bool(_ANYWHERE.search(plain))
    )


def authenticates(header: str) -> bool:
    """Tell whether a header of this name holds credentials, or another secret."""
    return announces_secret(header) or not _AUTHENTICATION_WORDS.isdisjoint(_words(header))


def _words(name: str) -> list[str]:
    return [word for word in _SEPARATORS.split(_HUMP.sub("-", name).lower()) if word]
