"""
Drivers that ``get_driver`` finds by the name of a kind of endpoint that a plugin adds.

A distribution adds one by an entry point of the group ``slipstream.providers``, whose name
is that of the kind. The class is made when libcloud looks for it.
"""

from __future__ import annotations

from libcloud.compute.providers import DRIVERS

from slipstream.libcloud.driver import SlipStreamNodeDriver
from slipstream.plugins import default_plugins


def __getattr__(name: str) -> type[SlipStreamNodeDriver]:
    if DRIVERS.get(name) != (__name__, name):  # type: ignore[call-overload]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    kinds = default_plugins().endpoint_kinds
    record = kinds.get(name) if name in kinds.names else None
    page: str | None = SlipStreamNodeDriver.website
    if record is not None:
        page = record.website or (page if record.endpoint is None else record.endpoint.url)
    attributes = {
        "__doc__": f"The driver for {name} endpoints, with the address that the kind brings.",
        "__module__": __name__,
        "name": (record and record.title) or name,
        "type": name,
        "api_name": name,
        "website": page,
        "_kind": name,
    }
    driver = type(name, (SlipStreamNodeDriver,), attributes)
    globals()[name] = driver  # found there from now on
    return driver
