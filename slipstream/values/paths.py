"""Paths of files that users name, and of resources on servers."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from slipstream.errors import BadInput, FileForbidden, FileMissing, FileUnreadable
from slipstream.values.text import safe_text

_KINDS = {FileNotFoundError: FileMissing, PermissionError: FileForbidden}
_ENDINGS = {".cer", ".cookies", ".crt", ".key", ".pem", ".pub", ".toml", ".txt"}

LONGEST = 4096
"""Characters of a path that a system takes."""


def leads_elsewhere(path: str) -> bool:
    """
    Whether a path of a URL reaches another resource than it seems to.

    HTTP clients and servers resolve dots, however they are encoded, and some of them twice.
    """
    segments = re.split(r"[/\\]", unquote(unquote(unquote(path))))
    return not {".", ".."}.isdisjoint(segment.partition(";")[0] for segment in segments)


def user_path(name: str, value: object) -> Path:
    """Read the path of a file as a user writes it; what is no path may be a secret, unquoted."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str):
        raise TypeError(f"{name} must be the path of a file, not {type(value).__name__}.")
    if not text or len(text) > LONGEST or "-----BEGIN" in text or set("\n\r\0") & set(text):
        what = f"a text of {len(text)} characters" if text else "empty"
        raise BadInput(f"{name} is {what}: the path of a file is needed.")
    try:
        path = Path(text).expanduser()
        os.fsencode(path)
    except RuntimeError:
        raise BadInput(f"{name} begins with '~' and somebody who has no home directory.") from None
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
    if is_below or os.path.lexists(path) or path.suffix.lower() in _ENDINGS:
        return safe_text(str(path))
    return f"(a name of {len(str(path))} characters, which may be a secret)"


def file_error(
    message: str, path: Path, error: OSError, *, hint: str | None = None
) -> FileUnreadable:
    """The exception for a file that a user names and that cannot be read or written."""
    cls = _KINDS.get(type(error), FileUnreadable)
    failure = cls(f"{message}: {error.strerror or type(error).__name__}.", hint=hint)
    failure.errno, failure.strerror, failure.filename = error.errno, error.strerror, str(path)
    return failure
