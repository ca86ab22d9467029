"""The driver with Nuvla's name and default host."""

from __future__ import annotations

from slipstream.libcloud.driver import SlipStreamNodeDriver


class NuvlaNodeDriver(SlipStreamNodeDriver):
    """
    The driver for nuvla.io, or another endpoint.

    It is :class:`~slipstream.libcloud.compute_driver.SlipStreamNodeDriver` with another host
    when ``host`` and ``ex_endpoint`` are left out; see there for the arguments.
    """

    name = "Nuvla"
    website = "https://nuvla.io"
    type = "nuvla"
    api_name = "nuvla"
    features: dict[str, list[str]] = {"create_node": []}  # noqa: RUF012 - as in the base class
    _default_host = "nuvla.io"
