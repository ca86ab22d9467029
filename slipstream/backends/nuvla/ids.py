"""Resource ids, made sure to reach what they name and nothing else."""

from __future__ import annotations

import re
from typing import Any

from slipstream.errors import BadInput, shorten

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)/\w[\w.:-]*", re.ASCII)
_MODULE = re.compile(rf"(?:module/)?({_UUID})(?:_([0-9]+))?")


def resource_id(text: str, collection: str, what: str) -> str:
    """
    The id of a resource.

    :param text: What the user gave: the id, or its UUID alone.
    :param collection: The collection that it is in.
    :param what: What it names, for the message.
    :returns: The id with its collection.
    :raises BadInput: If it is neither.
    """
    match = re.fullmatch(rf"(?:{collection}/)?({_UUID})", text)
    if not match:
        raise BadInput(
            f"{shorten(text)!r} is not the id of a {what}: that is '{collection}/<uuid>'."
        )
    return f"{collection}/{match[1]}"


def module_id(text: str) -> tuple[str, int | None] | None:
    """The parts of a module's id."""
    match = _MODULE.fullmatch(text)
    if not match:
        return None
    return f"module/{match[1]}", int(match[2]) if match[2] else None


def is_id(value: Any, collection: str | None = None) -> bool:
    """Whether something that a server gave is an id, which is safe to be part of an address."""
    match = _ID.fullmatch(value) if isinstance(value, str) else None
    return match is not None and collection in {None, match[1]}
