"""Read the cloud entry point, which needs no login."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from slipstream.errors import MalformedAnswer
from slipstream.session.login import refusal
from slipstream.transport import Transport
from slipstream.transport.messages import Request
from slipstream.values import CloudEntryPoint

_READ = Request(
    method="GET",
    path="/api/cloud-entry-point",
    headers={"Accept": "application/json"},
    repeatable=True,
)


def read_entry_point(transport: Transport) -> CloudEntryPoint:
    """Read the cloud entry point."""
    url = transport.endpoint.url
    response = transport.send(_READ)
    if response.status >= 500 or response.status == 429:
        raise refusal(response, doing="read the cloud entry point", endpoint=url, detail=None)
    document: Any = None
    with suppress(MalformedAnswer):
        document = response.json() if response.status == 200 else None
    if (
        not isinstance(document, dict)
        or not {"baseURI", "base-uri"} & document.keys()
        or not isinstance(document.get("collections", {}), dict)
    ):
        raise MalformedAnswer(
            f"{url} is no SlipStream or Nuvla server: its /api/cloud-entry-point gives HTTP"
            f" {response.status} with {response.kind}.",
            endpoint=url,
            hint="Check the address, and leave /api out.",
        )
    collections = document.get("collections", document)
    base_uri = document.get("baseURI") or document.get("base-uri")
    return CloudEntryPoint(
        collections={
            name: entry["href"]
            for name, entry in collections.items()
            if isinstance(entry, dict) and isinstance(entry.get("href"), str)
        },
        base_uri=base_uri if isinstance(base_uri, str) else None,
        raw=document,
    )
