"""
Drivers that ``get_driver`` finds by the name of a kind of endpoint that a plugin adds.

A distribution adds one by an entry point of the group ``slipstream.providers``, whose name
is that of the kind. The class is made when libcloud looks for it.
"""

from __future__ import annotations

from functools import cache

from libcloud.compute.providers import DRIVERS

from slipstream.libcloud.driver import SlipStreamNodeDriver
from slipstream.plugins import default_plugins


def __getattr__(name: str) -> type[SlipStreamNodeDriver]:
    if DRIVERS.get(name) != (__name__, name):  # type: ignore[call-overload]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _driver(name)


@cache
def _driver(kind: str) -> type[SlipStreamNodeDriver]:
    kinds = default_plugins().endpoint_kinds
    record = kinds.get(kind) if kind in kinds.names else None
    page: str | None = SlipStreamNodeDriver.website
    if record is not None:
        page = record.website or (page if record.endpoint is None else record.endpoint.url)
    attributes = {
        "__doc__": f"The driver for {kind} endpoints, with the address that the kind brings.",
        "__module__": __name__,
        "name": (record and record.title) or kind,
        "type": kind,
        "api_name": kind,
        "website": page,
        "_kind": kind,
    }
    return type(kind, (SlipStreamNodeDriver,), attributes)
