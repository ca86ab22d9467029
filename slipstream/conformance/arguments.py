"""The driver's arguments from the command line, and which of them are secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from slipstream.redaction.names import announces_secret

_NAMED_KEY = re.compile(r"key", re.IGNORECASE)
_NAMES_A_FILE = re.compile(r"(?:file|path)$", re.IGNORECASE)
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)")
_WORDS = {"true": True, "false": False}


@attrs.frozen
class Arguments:
    """
    The arguments to make a driver with.

    :param values: The values by their names.
    :param hidden: The names of those that were read from somewhere else than the command line.
    """

    values: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    hidden: frozenset[str] = frozenset()

    @property
    def masked(self) -> tuple[str, ...]:
        """The texts that no output may show: all that look like secrets, keys included."""
        return self._texts(
            name for name in self.values if name in self.hidden or _is_secret_or_key(name)
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets proper; a key is one only if there is nothing else that could be."""
        return self._texts(self._secret_names())

    def with_wrong_secrets(self) -> dict[str, Any] | None:
        """The same arguments with another secret, ``None`` if there is none to replace."""
        names = self._secret_names()
        if not names:
            return None
        return {**self.values, **{name: f"wrong-{self.values[name]}" for name in names}}

    def _secret_names(self) -> list[str]:
        proper = [name for name in self.values if _is_secret(name)]
        return proper or [name for name in self.values if _is_secret_or_key(name)]

    def _texts(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(str(self.values[name]) for name in names)


def parse(given: Iterable[str]) -> Arguments:
    """
    Read arguments that are written as ``name=value``.

    :param given: What was written; ``env:NAME`` as a value names an environment variable,
        ``file:PATH`` a file, and ``text:...`` is never converted.
    :returns: The arguments.
    :raises ValueError: If one cannot be read; the sentence holds no value.
    """
    values: dict[str, Any] = {}
    hidden = set()
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError("--arg takes a name and a value, as in --arg host=nuv.la")
        if name in values:
            raise ValueError(f"--arg {name} is given twice")
        values[name] = _value(name, value)
        if value.startswith(("env:", "file:")):
            hidden.add(name)
    return Arguments(values, frozenset(hidden))


def _is_secret(name: str) -> bool:
    return announces_secret(name) and not _NAMES_A_FILE.search(name)


def _is_secret_or_key(name: str) -> bool:
    return _is_secret(name) or bool(_NAMED_KEY.search(name) and not _NAMES_A_FILE.search(name))


def _value(name: str, written: str) -> Any:
    source, colon, rest = written.partition(":")
    if colon and source == "env":
        return _from_variable(name, rest)
    if colon and source == "file":
        return _read(name, rest)
    if colon and source == "text":
        return rest
    return written if _is_text(name) else _plain(written)


def _is_text(name: str) -> bool:
    """Secrets are texts whatever they look like, and so are versions of a protocol."""
    return _is_secret_or_key(name) or name.endswith("version")


def _plain(written: str) -> Any:
    if written.lower() in _WORDS:
        return _WORDS[written.lower()]
    return int(written) if _WHOLE.fullmatch(written) else written


def _from_variable(name: str, variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise ValueError(f"--arg {name}: there is no environment variable {variable}") from None


def _read(name: str, path: str) -> str:
    try:
        return Path(path).expanduser().read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ValueError(f"--arg {name}: cannot read {path}: {reason}") from None
