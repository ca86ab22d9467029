"""The kinds of endpoint of this family."""

from __future__ import annotations

from slipstream.backends.slipstream.backend import SlipStream3
from slipstream.hookspecs import EndpointKind, hookimpl
from slipstream.values import CloudEntryPoint

_NEEDED = {"serviceOffers", "virtualMachines", "sessions"}


def _is_slipstream(entry_point: CloudEntryPoint) -> bool:
    """Whether the entry point speaks as version 3 does: camel case, and a ``resourceURI``."""
    return "resourceURI" in entry_point.raw and entry_point.collections.keys() >= _NEEDED


HOSTED = EndpointKind(
    name="nuv.la",
    backend=SlipStream3,
    hosts={"nuv.la"},
    description="the hosted SlipStream service",
)
SELF_HOSTED = EndpointKind(
    name="slipstream",
    backend=SlipStream3,
    recognises=_is_slipstream,
    api_version="1",
    description="a SlipStream 3 server of one's own",
)


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    """The endpoints that speak the protocol of SlipStream 3."""
    return [HOSTED, SELF_HOSTED]
