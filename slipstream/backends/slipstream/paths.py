"""Names that become part of a path, made sure to reach what they name and nothing else."""

from __future__ import annotations

import re
from urllib.parse import quote

from slipstream.errors import BadInput, shorten
from slipstream.values.text import CONTROL_CHARACTERS

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def segments(path: str, what: str) -> list[str]:
    """
    The parts of a module path.

    :param path: The path as users write it: a slash at its start or end and ``module/`` before
        it do not matter.
    :param what: What it is, for the message.
    :returns: Its parts, none of them empty, a dot or two dots; none at all for the root.
    :raises BadInput: If it is no path.
    """
    if not isinstance(path, str) or CONTROL_CHARACTERS.search(path):
        raise BadInput(f"{path!r:.120} is not {what}: it holds control characters.")
    stripped = path.strip("/")
    parts = stripped.split("/") if stripped else []
    if parts[:1] == ["module"]:
        del parts[0]
    if any(part.strip() in {"", ".", ".."} for part in parts):
        raise BadInput(
            f"{shorten(path)!r} is not {what}.",
            hint="Paths look like 'apps/WordPress/wordpress', with a version behind or without.",
        )
    return parts


def quoted(path: str) -> str:
    """
    A path ready for a URL; every character that means something there is encoded.

    :param path: The path.
    """
    return quote(path, safe="/")


def run_id(text: str) -> str:
    """
    A deployment's id, checked so that no other path can be reached through it.

    :param text: What the user gave.
    :returns: The id.
    :raises BadInput: If it is no UUID.
    """
    if not _UUID.fullmatch(text):
        raise BadInput(
            f"{shorten(text)!r} is not the id of a deployment: that is a UUID.",
            hint="list_nodes() gives the ids.",
        )
    return text.lower()
