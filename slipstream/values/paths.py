"""Paths of files that users name, and of resources on servers."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from slipstream.errors import BadInput

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
    """Read the path of a file as a user writes it."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be the path of a file, not {type(value).__name__}.")
    text = os.fspath(value)
    if len(text) > LONGEST or any(end in str(text) for end in ("\n", "\r", "-----BEGIN")):
        # The contents of a file, it seems, which may be a private key: they are not quoted.
        raise BadInput(
            f"{name} is a text of {len(text)} characters: the path of a file is needed."
        )
    if not text or "\0" in str(text):
        raise BadInput(f"{name} is {text!r}: the path of a file is needed.")
    try:
        path = Path(text).expanduser()
        os.fsencode(path)
    except (RuntimeError, UnicodeEncodeError):
        reason = "has no home directory" if "~" in text[:1] else "cannot be written as a file name"
        raise BadInput(f"{name} is {text!a}: {Path(text).parts[0]!a} {reason}.") from None
    return path
