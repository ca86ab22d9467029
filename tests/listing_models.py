"""Servers that are nothing but lists, changed by others between any two pages."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import attrs
from hypothesis import strategies as st

from slipstream.backends import SlipStream3
from slipstream.backends.cimi import CimiBackend
from slipstream.filters import NUVLA, parse
from slipstream.transport.messages import Request, Response

START = datetime(2017, 10, 13, 16, 55, 12, tzinfo=UTC)


@attrs.define
class Change:
    """
    What others do between two pages.

    :param created: A number for each entry they create, which decides about its place.
    :param deleted: The places of the entries that they delete, modulo the list's length.
    """

    created: list[int]
    deleted: list[int]


Answer = Callable[["Listed", Request], tuple[str, bytes]]


def _scripts(most: int) -> st.SearchStrategy[list[Change]]:
    some = st.lists(st.integers(0, 99), max_size=most)
    return st.lists(st.builds(Change, created=some, deleted=some), max_size=12)


changes, slow_changes = _scripts(4), _scripts(1)


class Listed:
    """
    A list of entries, and what happens to it after each page.

    :param entries: What is there at first.
    :param create: Makes an entry of a number of its own and puts it in a place.
    :param script: What others do after each page.
    """

    def __init__(
        self,
        entries: Iterable[Any],
        create: Callable[[list[Any], int, int], None],
        script: Sequence[Change],
    ) -> None:
        self.entries = list(entries)
        self.always = set(map(identity, self.entries))
        self.requests: list[Request] = []
        self._create, self._script = create, list(script)
        self._numbers = itertools.count(1000)

    def session(self, answer: Answer, backend: type[CimiBackend] = SlipStream3) -> Any:
        """Stand in for a session of a family's backend, with a function as the server."""

        def send(request: Request, **_: object) -> Response:
            self.requests.append(request)
            kind, body = answer(self, request)
            self._change()
            return Response(status=200, headers={"Content-Type": kind}, body=body, url="")

        return SimpleNamespace(send=send, backend=backend)

    def _change(self) -> None:
        if not self._script:
            return
        change = self._script.pop(0)
        for place in change.deleted[: len(self.entries)]:
            gone = self.entries.pop(place % len(self.entries))
            self.always.discard(identity(gone))
        for number in change.created:
            self._create(self.entries, number, next(self._numbers))


def identity(entry: Any) -> str:
    """The id of an entry, however it is written."""
    return str(entry["id"])


def fields(request: Request) -> dict[str, str]:
    """The fields of a form."""
    assert request.body is not None
    return {name: values[0] for name, values in parse_qs(request.body.decode()).items()}


def cimi(
    listed: Listed, request: Request, prefix: str = "", key: str = "resources", newest: bool = True
) -> tuple[str, bytes]:
    """A search in a CIMI collection, by id, or the newest first and those without a time last."""
    form = {name.removeprefix(prefix): text for name, text in fields(request).items()}
    assert form["orderby"] == ("created:desc,id:asc" if newest else "id")
    where = parse(form.get("filter", "id!=null"), NUVLA)
    entries = sorted(filter(where.matches, listed.entries), key=identity)
    if newest:
        entries.sort(key=lambda entry: entry.get("created", ""), reverse=True)
    page = entries[int(form["first"]) - 1 : int(form["last"])]
    return "application/json", json.dumps({"count": len(entries), key: page}).encode()


def runs(listed: Listed, request: Request) -> tuple[str, bytes]:
    """The list of runs, newest start first; the order among equals stays as it is."""
    query = dict(request.query)
    offset, limit = int(query["offset"]), int(query["limit"])
    entries = sorted(listed.entries, key=lambda entry: entry["second"], reverse=True)
    items = "".join(
        f'<item uuid="{entry["id"]}-0000-4000-8000-000000000000"/>'
        for entry in entries[offset : offset + limit]
    )
    return "application/xml", f'<runs totalCount="{len(entries)}">{items}</runs>'.encode()


def run(number: int, second: int) -> dict[str, Any]:
    """A run with an id of a number, and the second of its start."""
    return {"id": f"{number:08}", "second": second}
