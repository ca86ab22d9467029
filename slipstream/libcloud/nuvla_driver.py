"""The same driver under the name of the second family, with that one's hosted service."""

from __future__ import annotations

from typing import Any

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver


class NuvlaNodeDriver(SlipStreamNodeDriver):
    """
    The driver for nuvla.io, or any other endpoint that is named.

    It is :class:`~slipstream.libcloud.compute_driver.SlipStreamNodeDriver` with another default
    host; see there for the arguments.
    """

    name = "Nuvla"
    website = "https://nuvla.io"
    type = "nuvla"
    api_name = "nuvla"
    features: dict[str, list[str]] = {"create_node": []}  # noqa: RUF012 - as in the base class

    def __init__(
        self,
        key: str | None,
        secret: str | None = None,
        secure: bool = True,
        host: str = "nuvla.io",
        port: int | None = None,
        api_version: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(key, secret, secure, host, port, api_version, **kwargs)
