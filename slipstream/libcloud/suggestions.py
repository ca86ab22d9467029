"""Find what a name was meant for, and say which names there are when it is none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from slipstream.errors import BadInput, DriverError, UnknownName, nearest
from slipstream.hookspecs import Backend

T = TypeVar("T")

LISTED = 20
"""Candidates that a message lists."""


def nearest_path(backend: Backend, module_id: str) -> str | None:
    """Find the path that was meant by one that does not exist."""
    path = _without_version(module_id)
    for project in _projects(path):
        with suppress(DriverError):  # a suggestion must not hide the error that asks for it
            paths = [
                module.path
                for module in backend.list_modules(path=project, recurse=False, connector=None)
            ]
            if path in paths:
                return None
            same_name = [p for p in paths if _last_part(p).lower() == path.lower()]
            match = same_name[0] if len(same_name) == 1 else nearest(path, paths)
            if match is not None:
                return match
    return None


def only_match(what: str, name: str, candidates: Sequence[tuple[str, str, T]], getter: str) -> T:
    """Find the only candidate of a name."""
    matches = [candidate for candidate in candidates if candidate[0] == name]
    if len(matches) == 1:
        return matches[0][2]
    if matches:
        ids = [match[1] for match in matches[:LISTED]]
        more = f" and {len(matches) - LISTED} more" if len(matches) > LISTED else ""
        raise BadInput(
            f"{len(matches)} {what}s are named {name!r}: {', '.join(ids)}{more}.",
            hint=f"Give the id of one to {getter}().",
        )
    names = {candidate[0] for candidate in candidates}
    if len(names) <= LISTED:
        raise UnknownName(what, name, names)
    near = nearest(name, names)
    meant = f"; did you mean {near!r}?" if near else f" among {len(names)}."
    raise BadInput(f"Unknown {what} {name!r}{meant}", hint=f"list_{what}s() lists all.")


def _without_version(module_id: str) -> str:
    path, _, last = module_id.strip("/").rpartition("/")
    return path if path and last.isdigit() else module_id.strip("/")


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]


def _projects(path: str) -> Iterator[str | None]:
    yield None
    project = path.rpartition("/")[0]
    if project:
        yield project
