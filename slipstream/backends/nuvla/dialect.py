"""
The words of Nuvla's API, version 2: states, and the requests that most operations send.

Source: nuvla/api-server, spec/deployment.cljc.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from slipstream.backends.cimi import JSON, SEND_JSON
from slipstream.transport.messages import Request, Response
from slipstream.values import Phase

__all__ = ["GONE", "JSON", "STATES", "delete", "get", "post", "put"]

GONE = "DELETED"
"""Our word for a deployment that the server does not have any more."""

STATES = {
    "CREATED": Phase.PENDING,
    "PENDING": Phase.PENDING,
    "STARTING": Phase.STARTING,
    "STARTED": Phase.RUNNING,
    "UPDATING": Phase.UPDATING,
    "UPDATED": Phase.RUNNING,
    "PAUSING": Phase.PAUSED,
    "PAUSED": Phase.PAUSED,
    "SUSPENDING": Phase.SUSPENDED,
    "SUSPENDED": Phase.SUSPENDED,
    "STOPPING": Phase.STOPPING,
    "STOPPED": Phase.STOPPED,
    "ERROR": Phase.ERROR,
    GONE: Phase.TERMINATED,
}

Expected = Callable[[], Response] | None


def get(path: str, select: str | None = None) -> Request:
    """A request that reads."""
    query = (("select", select),) if select else ()
    return Request(method="GET", path=f"/api/{path}", query=query, headers=JSON, repeatable=True)


def post(
    path: str, document: Any = None, *, repeatable: bool = False, expects: Expected = None
) -> Request:
    """A request that creates or acts."""
    return Request(
        method="POST",
        path=f"/api/{path}",
        headers=SEND_JSON if document is not None else JSON,
        body=None if document is None else json.dumps(document).encode(),
        repeatable=repeatable,
        expects=expects,
    )


def put(path: str, document: Any, *, expects: Expected = None) -> Request:
    """A request that sets attributes, to the same values however often it is sent."""
    return Request(
        method="PUT",
        path=f"/api/{path}",
        headers=SEND_JSON,
        body=json.dumps(document).encode(),
        repeatable=True,
        expects=expects,
    )


def delete(path: str, *, expects: Expected = None) -> Request:
    """A request that deletes."""
    return Request(
        method="DELETE", path=f"/api/{path}", headers=JSON, repeatable=True, expects=expects
    )
