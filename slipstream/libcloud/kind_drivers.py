"""
Drivers that ``get_driver`` finds by the name of a kind of endpoint that a plugin adds.

A distribution asks for one with an entry point of the group ``slipstream.providers``, whose name
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
    record = kinds.get(kind) if kind in kinds else None
    title, page = kind, SlipStreamNodeDriver.website
    if record is not None:
        title = record.title or kind
        page = record.website or (page if record.endpoint is None else record.endpoint.url)

    class KindDriver(SlipStreamNodeDriver):
        __doc__ = f"""The driver for {kind} endpoints, with the address that the kind brings."""

        name = title
        type = kind
        api_name = kind
        website = page
        _kind = kind

    KindDriver.__module__ = __name__
    KindDriver.__name__ = KindDriver.__qualname__ = kind
    return KindDriver
