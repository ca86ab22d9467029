"""Changes to a document as RFC 6902 writes them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
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
            _apply(document, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchError(f"{operation}: {error}") from None
    return document


def _apply(document: Any, operation: Mapping[str, Any]) -> None:
    name, path = operation["op"], operation["path"]
    if name in {"copy", "move"}:
        place, last = _reached(document, operation["from"])
        value = deepcopy(_at(place, last))
        if name == "move":
            _remove(place, last, None)
        _add(*_reached(document, path), value)
    else:
        _OPERATIONS[name](*_reached(document, path), operation.get("value"))


def _reached(document: Any, path: str) -> tuple[Any, str]:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    place = document
    for part in way:
        place = _at(place, part)
    return place, last


def _at(place: Any, key: str) -> Any:
    return place[int(key)] if isinstance(place, list) else place[key]


def _test(place: Any, last: str, value: Any) -> None:
    if _at(place, last) != value:
        raise ValueError("the value is another one")


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


_OPERATIONS = {"add": _add, "replace": _replace, "remove": _remove, "test": _test}
