"""Names that become part of a path, made sure to reach what they name and nothing else."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from slipstream.errors import BadInput, shorten
from slipstream.values.text import CONTROL_CHARACTERS

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def segments(path: str, what: str) -> list[str]:
    """
    The parts of a module path.

    Servers and proxies decode paths, some of them twice: a part that would fall apart then, or
    lead to another resource, is refused.

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
    if not all(map(_is_plain, parts)):
        raise BadInput(
            f"{shorten(path)!r} is not {what}.",
            hint="Paths look like 'apps/WordPress/wordpress', with a version behind or without.",
        )
    return parts


def module_path(module_id: str) -> str:
    """
    The path of one module, checked so that neither the root nor another resource is reached.

    :param module_id: What the user gave.
    :returns: The path, with a version behind it or without.
    :raises BadInput: If it is no module's id.
    """
    parts = segments(module_id, "the id of a module")
    if not parts:
        raise BadInput(
            f"{shorten(module_id)!r} is not the id of a module: it names all of them.",
            hint="Paths look like 'apps/WordPress/wordpress', with a version behind or without.",
        )
    return "/".join(parts)


def _is_plain(part: str) -> bool:
    decoded = part
    for _ in range(5):
        decoded = unquote(decoded)
    name = decoded.partition(";")[0].strip()
    return not (
        name in {"", ".", ".."}
        or CONTROL_CHARACTERS.search(decoded)
        or (decoded != part and {"/", "\\"} & set(decoded))
        or unquote(decoded) != decoded
    )


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
