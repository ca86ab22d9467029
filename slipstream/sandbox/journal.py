"""The requests that the sandbox received."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import attrs


@attrs.frozen(kw_only=True)
class Entry:
    """
    A request and its status.

    :param method: The HTTP method.
    :param path: The path, decoded, without the query.
    :param query: The query; the values of each name in the order sent.
    :param headers: The request's headers, names in lower case.
    :param form: The fields of a form body, or None if the body is no form.
    :param json: The JSON body, or None if the body is no JSON.
    :param body: The body as it came.
    :param user: Who the server took the sender for; None for nobody.
    :param status: The status answered; 0 if the connection was cut instead.
    """

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str] = attrs.field(repr=False)
    form: dict[str, list[str]] | None = attrs.field(repr=False)
    json: Any = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    user: str | None
    status: int


class Journal(Sequence[Entry]):
    """The requests received, oldest first."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...

    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        return self._entries[index]

    def add(self, entry: Entry) -> None:
        """
        Write down one request.

        :param entry: The request and its status.
        """
        self._entries.append(entry)

    def entries(self, method: str | None = None, path: str | None = None) -> list[Entry]:
        """
        Read the journal.

        :param method: Only requests of this method.
        :param path: Only requests of exactly this path.
        :returns: A copy of the entries.
        """
        return [
            entry
            for entry in self._entries.copy()
            if method in {None, entry.method} and path in {None, entry.path}
        ]

    def clear(self) -> None:
        """Forget every request so far."""
        self._entries.clear()
