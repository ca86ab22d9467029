"""Changes to a document as RFC 6902 writes them: ``add``, ``replace`` and ``remove``."""

from __future__ import annotations

from typing import Any


class PatchError(ValueError):
    """A patch that does not fit the document."""


def patched(document: Any, operations: Any) -> Any:
    """
    Apply a patch.

    :param document: The document, which is changed in place.
    :param operations: The operations, one after the other.
    :returns: The document.
    :raises PatchError: If an operation is unknown, or points at nothing.
    """
    if not isinstance(operations, list):
        raise PatchError("a patch is a list of operations")
    for operation in operations:
        try:
            _apply(document, operation["op"], operation["path"], operation.get("value"))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchError(f"{operation}: {error}") from None
    return document


def _apply(document: Any, name: str, path: str, value: Any) -> None:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    place = document
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    _OPERATIONS[name](place, last, value)


def _add(place: Any, last: str, value: Any) -> None:
    if isinstance(place, list):
        place.insert(len(place) if last == "-" else int(last), value)
    else:
        place[last] = value


def _replace(place: Any, last: str, value: Any) -> None:
    key: Any = int(last) if isinstance(place, list) else last
    place[key]
    place[key] = value


def _remove(place: Any, last: str, _: Any) -> None:
    del place[int(last) if isinstance(place, list) else last]


_OPERATIONS = {"add": _add, "replace": _replace, "remove": _remove}
