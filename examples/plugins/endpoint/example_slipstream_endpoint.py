"""The SlipStream server of the campus."""

from __future__ import annotations

from slipstream import EndpointKind, hookimpl
from slipstream.backends import SlipStream3


@hookimpl
def slipstream_endpoints() -> list[EndpointKind]:
    return [
        EndpointKind(
            name="campus",
            backend=SlipStream3,
            hosts={"slipstream.campus.example", "localhost"},
            login_methods=("api-key", "internal"),
            default_login="api-key",
            description="the SlipStream server of the campus",
        )
    ]
