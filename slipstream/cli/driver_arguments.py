"""The ``--arg`` options of ``slipstream conformance``, and which of them are secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from slipstream.errors import BadInput
from slipstream.values.paths import user_path
from slipstream.values.secret_names import announces_secret

_KEY = re.compile(r"key", re.IGNORECASE)
_FILE = re.compile(r"(?:file|path)$", re.IGNORECASE)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_BOOLEANS = {"true": True, "false": False}


@attrs.frozen
class DriverArguments:
    """The arguments to construct a driver with; ``hidden`` names those read from elsewhere."""

    values: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    hidden: frozenset[str] = frozenset()

    @property
    def masked(self) -> tuple[str, ...]:
        """The values that no output may show: everything hidden or secret, keys included."""
        names = (name for name in self.values if name in self.hidden or _is_secret_or_key(name))
        return self._values(names)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets proper; a key is one only if there is nothing else that could be."""
        return self._values(self._secret_names())

    def with_wrong_secrets(self) -> dict[str, Any] | None:
        """The same arguments with wrong secrets, ``None`` if there is no secret."""
        names = self._secret_names()
        wrong = {name: f"wrong-{self.values[name]}" for name in names}
        return {**self.values, **wrong} if names else None

    def _secret_names(self) -> list[str]:
        return [name for name in self.values if _is_secret(name)] or [
            name for name in self.values if _is_secret_or_key(name)
        ]

    def _values(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(str(self.values[name]) for name in names)


def parse(options: Iterable[str]) -> DriverArguments:
    """Parse arguments that are written as ``name=value``."""
    values: dict[str, Any] = {}
    hidden = set()
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError("--arg takes a name and a value, as in --arg host=nuv.la")
        if name in values:
            raise ValueError(f"--arg {name} is repeated")
        values[name] = _parse_value(name, value)
        if value.startswith(("env:", "file:")):
            hidden.add(name)
    return DriverArguments(values, frozenset(hidden))


def _is_secret(name: str) -> bool:
    return announces_secret(name) and not _FILE.search(name)


def _is_secret_or_key(name: str) -> bool:
    return _is_secret(name) or bool(_KEY.search(name) and not _FILE.search(name))


def _parse_value(name: str, text: str) -> Any:
    rest = text.partition(":")[2]
    if text.startswith("env:"):
        if rest not in os.environ:
            raise ValueError(f"--arg {name}: there is no environment variable {rest}")
        return os.environ[rest]
    if text.startswith("file:"):
        return _read(name, rest)
    if text.startswith("text:"):
        return rest
    # Secrets are strings whatever they look like, and so are versions of a protocol.
    if _is_secret_or_key(name) or name.endswith("version"):
        return text
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    return int(text) if _INTEGER.fullmatch(text) else text


def _read(name: str, path: str) -> str:
    try:
        return user_path("the file", path).read_text("utf-8").rstrip("\r\n")
    except (BadInput, OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"--arg {name}: the file cannot be read: {reason}") from None
