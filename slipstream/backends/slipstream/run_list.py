"""
The list of runs, page after page.

The server pages by number alone, newest start first, while runs are created and end.
Source: SlipStreamServer, run/RunListResource.java.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise, takewhile

from slipstream.backends.slipstream import xml
from slipstream.backends.slipstream.dialect import uncached
from slipstream.backends.slipstream.profile import XML
from slipstream.backends.slipstream.run_document import summary
from slipstream.errors import MalformedAnswer
from slipstream.session import Session
from slipstream.transport.messages import Request
from slipstream.values import Deployment

PAGE = 500
"""Runs asked for at a time; asking for more is an error."""

KEPT = 4 * PAGE
"""How many of the ids that were handed over last are kept."""

STEPS_BACK = 20
"""How often in a row a listing goes back, and meets nothing new, before it gives up."""


def every_run(session: Session, *, active_only: bool) -> Iterator[Deployment]:
    """
    Every run, newest first.

    A run created meanwhile moves the others to the next page, so one may be met twice: it is
    handed over once. One that ends meanwhile moves them the other way, so a page starts with
    runs of the one before, and if those are not there any more, a page earlier.

    :param session: The logged-in session.
    :param active_only: Leave out those that have ended.
    :returns: Summaries, fetched page by page.
    :raises MalformedAnswer: If an answer holds less than it says, or the list changes too fast.
    """
    handed = _HandedOver()
    offset, total, back = 0, 1, 0
    while offset < total:
        total, runs = _page(session, offset, active_only)
        handed.check_order(runs)
        if offset and (not runs or runs[0] not in handed):
            offset, back = max(0, min(offset, total) - PAGE), back + 1
            if back > STEPS_BACK or (not offset and handed.has_forgotten):
                raise _too_fast(session)
            continue
        for run in runs:
            if run not in handed:
                handed.add(run)
                back = 0
                yield run
        complete = offset + len(runs) >= total
        offset = total if complete else offset + max(1, len(runs) - _overlap(runs))


class _HandedOver:
    """
    Tells runs that were handed over from others, and remembers few of them.

    What started later than the oldest one was handed over, or created since the listing began;
    what started in the same moment is told by its id. Where moments cannot be read, or do not
    order the list, the last ids are all that is known.
    """

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._tied: set[str] = set()
        self._oldest: datetime | None = None
        self._ordered = True
        self._complete = True

    @property
    def has_forgotten(self) -> bool:
        """Whether a run may have been handed over that cannot be told from a new one."""
        return not (self._ordered or self._complete)

    def __contains__(self, run: Deployment) -> bool:
        if run.id in self._ids or run.id in self._tied:
            return True
        if self._oldest is None or run.started is None:
            return False
        return self._ordered and run.started > self._oldest

    def add(self, run: Deployment) -> None:
        self._ids[run.id] = None
        if len(self._ids) > KEPT:
            self._ids.popitem(last=False)
            self._complete = False
        if run.started is None:
            return
        if self._oldest is None or run.started < self._oldest:
            self._oldest = run.started
            self._tied.clear()
        if run.started == self._oldest:
            self._tied.add(run.id)

    def check_order(self, runs: Sequence[Deployment]) -> None:
        """Go by the ids alone from the first page on that is not ordered by start."""
        moments = [run.started for run in runs if run.started is not None]
        if len(moments) < len(runs) or any(one < other for one, other in pairwise(moments)):
            self._ordered = False


def _overlap(runs: Sequence[Deployment]) -> int:
    """
    With how many runs of a page the next one starts: all of the last moment and one before.

    Nothing is known of the order among runs that started in the same moment.
    """
    last = runs[-1].started if runs else None
    tied = sum(1 for _ in takewhile(lambda run: run.started == last, reversed(runs)))
    return tied + 1 if tied + 1 < len(runs) else 1


def _too_fast(session: Session) -> MalformedAnswer:
    return MalformedAnswer(
        "Cannot list deployments: the list changes faster than it can be read.",
        endpoint=session.endpoint.url,
        hint="Try again later.",
    )


def _page(session: Session, offset: int, active_only: bool) -> tuple[int, list[Deployment]]:
    query = (
        ("offset", str(offset)),
        ("limit", str(PAGE)),
        ("activeOnly", "true" if active_only else "false"),
        uncached(),
    )
    request = Request(method="GET", path="/run", query=query, headers=XML, repeatable=True)
    root = xml.parse(session.send(request, doing="list deployments"), "runs")
    total = xml.whole(root.get("totalCount"))
    runs = [summary(item) for item in root.iterfind("item")]
    if total is None or (not runs and offset < total):
        raise MalformedAnswer(
            f"Cannot list deployments: the server counts {total or 'nothing'} but gave"
            f" {len(runs)} from number {offset} on.",
            endpoint=session.endpoint.url,
            hint="Try again; the list may be changing.",
        )
    return total, runs
