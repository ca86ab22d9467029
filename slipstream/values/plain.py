"""Check numbers, texts and paths, and recognise the names of secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import TIMEOUT_MAX
from typing import Any, Final
from urllib.parse import unquote

from slipstream.errors import BadInput, FileForbidden, FileMissing, FileUnreadable

CONTROL_CHARACTERS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
"""Control characters, line ends, and code points that are no characters: not for a name."""

NOT_IN_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""
What no XML document can hold (XML 1.0, production 2).

A server that accepts such a value cannot write the document any more in which it stands.
"""

# Marks that turn the direction of the text around them could make a line read as another one.
_UNSAFE = re.compile(
    CONTROL_CHARACTERS.pattern + r"|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def safe_text(text: str, limit: int = 500) -> str:
    r"""
    Make a server's text safe for messages, warnings and log lines.

    :param text: Any text.
    :param limit: Characters that the result may have.
    :returns: The text on one line: control characters are written as ``\n`` or ``\x1b``, and what
        is longer than the limit is cut and ends with ``…``.
    """
    safe = _UNSAFE.sub(_escaped, text[: limit + 1])
    return safe if len(safe) <= limit else f"{safe[: limit - 1]}…"


def _escaped(hit: re.Match[str]) -> str:
    return hit[0].encode("unicode_escape").decode("ascii")


LONGEST_SOCKET_TIMEOUT: Final = 2_000_000.0
"""Seconds; a system counts the milliseconds of a socket's timeout in 31 bits."""


def check_number(
    name: str,
    value: object,
    *,
    least: float = 0,
    most: float = TIMEOUT_MAX,
    above_zero: bool = False,
    whole: bool = False,
) -> Any:
    """Check a number, by default of seconds that a thread can wait."""
    kinds = int if whole else int | float
    number: Any = value if isinstance(value, kinds) and not isinstance(value, bool) else None
    # Comparisons are false for NaN, and safe for an int that no float can hold.
    if number is not None and least <= number <= most and (number or not above_zero):
        return number if whole else float(number)
    from_ = "above 0" if above_zero else f"from {least:g}"
    raise BadInput(
        f"{name} must be a {'whole ' if whole else ''}number {from_} to {most:.0f},"
        f" not {_shown_number(value)}."
    )


def within(**limits: Any) -> Callable[[Any, Any, Any], None]:
    """Make a validator of attrs of the arguments of :func:`check_number`; ``None`` passes."""

    def validate(_: object, field: Any, value: object) -> None:
        if value is not None:
            check_number(field.name, value, **limits)

    return validate


def _shown_number(value: object) -> str:
    if isinstance(value, int) and abs(value) > 10**20:
        return f"a number of {value.bit_length()} bits"
    # A text may be a password in the wrong place.
    return repr(value) if isinstance(value, int | float) else type(value).__name__


_FILE_ERRORS = {FileNotFoundError: FileMissing, PermissionError: FileForbidden}
_FILE_ENDINGS = {".cer", ".cookies", ".crt", ".key", ".pem", ".pub", ".toml", ".txt"}

_LONGEST_PATH = 4096
"""Characters of a path that a system takes."""


def leads_elsewhere(path: str) -> bool:
    """
    Whether a path of a URL has dots or control characters that lead to another resource.

    HTTP clients and servers resolve dots, however they are encoded, and some of them twice. Some
    end a path at a NUL, drop control characters, or decode what is no UTF-8 as something else.
    """
    decoded = unquote(unquote(unquote(path)))
    segments = [segment.partition(";")[0].strip() for segment in re.split(r"[/\\]", decoded)]
    return bool({".", ".."} & set(segments) or re.search(r"[\x00-\x1f\x7f\ufffd]", decoded))


def user_path(name: str, value: object) -> Path:
    """Read the path of a file from a user; an invalid one may be a secret, and is not quoted."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be the path of a file, not {type(value).__name__}.")
    if not text or len(text) > _LONGEST_PATH or "-----BEGIN" in text or set("\n\r\0") & set(text):
        what = f"a text of {len(text)} characters" if text else "empty"
        raise BadInput(f"{name} is {what}: pass the path of a file.")
    try:
        path = Path(text).expanduser()
        os.fsencode(path)
    except RuntimeError:
        raise BadInput(f"{name} begins with '~' and a user without a home directory.") from None
    except UnicodeEncodeError:
        raise BadInput(f"{name} cannot be written as a file name.") from None
    return path


def shown_path(path: Path) -> str:
    """
    A path for messages: quoted if it exists, its first directory does, or its ending is a usual
    one; anything else may be a password or a line of a key.
    """
    first = path.parts[: 2 if path.is_absolute() else 1]
    is_below = len(path.parts) > len(first) and os.path.isdir(Path(*first))  # noqa: PTH112
    # os.path survives names that are too long.
    if is_below or os.path.lexists(path) or path.suffix.lower() in _FILE_ENDINGS:
        return safe_text(str(path))
    return f"(a name of {len(str(path))} characters, which may be a secret)"


def file_error(
    message: str, path: Path, error: OSError, *, hint: str | None = None
) -> FileUnreadable:
    """The exception for a file that a user names and that cannot be read or written."""
    cls = _FILE_ERRORS.get(type(error), FileUnreadable)
    failure = cls(f"{message}: {error.strerror or type(error).__name__}.", hint=hint)
    failure.errno, failure.strerror, failure.filename = error.errno, error.strerror, str(path)
    return failure


_SECRET_WORDS = re.compile(
    "password|passwd|passphrase|passcode|secret|privatekey|authorization|token|cookie"
    "|apikey|accessid|accesskey"
)
_LAST_SECRET_WORDS = frozenset({"digest", "jwt", "otp", "pass", "pw", "pwd"})
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


def declare_secret_names(names: Iterable[str]) -> None:
    """Add names that announce a secret from now on, in logs, errors and cassettes alike."""
    _declared.update(squeezed(name) for name in names)


def announces_secret(name: str) -> bool:
    """Whether the value of a key, field, attribute or tag of this name is a secret."""
    words = _words(name)
    plain = squeezed(name)
    return bool(words) and (
        words[-1] in _LAST_SECRET_WORDS or plain in _declared or bool(_SECRET_WORDS.search(plain))
    )


def authenticates(header: str) -> bool:
    """Whether a header of this name holds credentials, or another secret."""
    return announces_secret(header) or not _AUTHENTICATION_WORDS.isdisjoint(_words(header))


def _words(name: str) -> list[str]:
    return [word for word in _SEPARATORS.split(_HUMP.sub("-", name).lower()) if word]
