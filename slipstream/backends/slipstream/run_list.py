"""
The list of runs, page after page.

The server pages by number alone, newest start first, while runs are created and end.
Source: SlipStreamServer, run/RunListResource.java.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from xml.etree.ElementTree import Element

from slipstream.backends import limits
from slipstream.backends.slipstream import xml
from slipstream.backends.slipstream.dialect import uncached
from slipstream.backends.slipstream.profile import XML
from slipstream.backends.slipstream.run_document import summary
from slipstream.errors import MalformedAnswer
from slipstream.session import Session
from slipstream.transport.messages import Request
from slipstream.values import Deployment

PAGE = 500
"""Runs of a page; a larger limit is an error."""

OVERLAP = 10
"""Runs of a page that the one before it has, too: more than ever start in one millisecond."""

REMEMBERED = 20
"""Pages whose runs are remembered; a listing cannot go back further."""

ATTEMPTS = 3
"""How often a page is read that is not what the server counts."""


def iterate_runs(session: Session, *, active_only: bool) -> Iterator[Deployment]:
    """Go through the runs, newest first; see :func:`iterate_pages`."""
    return map(summary, chain.from_iterable(iterate_pages(session, active_only=active_only)))


def iterate_pages(session: Session, *, active_only: bool) -> Iterator[list[Element]]:
    """
    Go through the pages of runs, newest first.

    A run that is created meanwhile moves others to the next page: they are met twice and handed
    over once. One that ends meanwhile moves others to the page before: a page that does not begin
    with a run of that one goes back.

    :param session: The logged-in session.
    :param active_only: Leave out those that have ended.
    :returns: The elements of the runs: a summary is made of one when it is used.
    :raises MalformedAnswer: If the list is not what the server counts, or changes too fast.
    """
    met: dict[str, None] = {}
    is_complete = True
    offset = pages = handed = back = most = 0
    while True:
        total, runs = _page(session, offset, active_only)
        pages, most = pages + 1, most or limits.most_pages(total, PAGE)
        follows = (offset == 0 and is_complete) or (bool(runs) and runs[0].get("uuid", "") in met)
        new = {
            run_id: run for run in runs if follows and (run_id := run.get("uuid", "")) not in met
        }
        met |= dict.fromkeys(new)
        handed += len(new)
        yield list(new.values())
        is_last = follows and offset + len(runs) >= total
        if is_last and total - handed <= OVERLAP * (pages - 1):
            return
        back = 0 if new else back + 1 if back or not follows else limits.IDLE_PAGES + 1
        if is_last or back > limits.IDLE_PAGES or pages > most or not (follows or offset):
            raise _malformed(
                session, f"{pages} pages brought {handed} of the {total} that the server counts"
            )
        for run_id in list(met)[: max(0, len(met) - REMEMBERED * PAGE)]:
            del met[run_id]
            is_complete = False
        if follows:
            offset += max(1, len(runs) - OVERLAP)
        else:
            offset = max(0, min(offset, total) - PAGE + OVERLAP)


def _page(session: Session, offset: int, active_only: bool) -> tuple[int, list[Element]]:
    for _ in range(ATTEMPTS):
        query = (
            ("offset", str(offset)),
            ("limit", str(PAGE)),
            ("activeOnly", "true" if active_only else "false"),
            uncached(),
        )
        request = Request(method="GET", path="/run", query=query, headers=XML, repeatable=True)
        root = xml.parse(session.send(request, doing="list deployments"), "runs")
        total = xml.whole(root.get("totalCount"))
        runs = root.findall("item")
        if not all(run.get("uuid") for run in runs):
            raise _malformed(session, "the server gave one without an id")
        if total is None or total > limits.MAX_ENTRIES:
            break
        # The server counts and reads one after the other, and a run may be created between.
        if len(runs) == max(0, min(PAGE, total - offset)):
            return total, runs
    counts = "none" if total is None else str(total)
    raise _malformed(
        session, f"the server counts {counts} and gave {len(runs)} from number {offset} on"
    )


def _malformed(session: Session, reason: str) -> MalformedAnswer:
    return MalformedAnswer(
        f"Cannot list deployments: {reason}.",
        endpoint=session.endpoint.url,
        hint="Try again; the list may be changing.",
    )
