"""The kinds of endpoint of this family."""

from __future__ import annotations

from slipstream.backends.nuvla.backend import Nuvla
from slipstream.hookspecs import EndpointKind, hookimpl
from slipstream.values import CloudEntryPoint


def _is_nuvla(entry_point: CloudEntryPoint) -> bool:
    """Whether the entry point speaks as version 2 does: kebab case, one map of collections."""
    raw = entry_point.raw
    return raw.get("resource-type") == "cloud-entry-point" and "deployment" in (
        entry_point.collections
    )


HOSTED = EndpointKind(
    name="nuvla.io",
    backend=Nuvla,
    hosts={"nuvla.io"},
    description="the hosted Nuvla service",
)
SELF_HOSTED = EndpointKind(
    name="nuvla",
    backend=Nuvla,
    recognises=_is_nuvla,
    api_version="2",
    description="a Nuvla API server of one's own",
)


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    """The endpoints that speak Nuvla's API, version 2."""
    return [HOSTED, SELF_HOSTED]
