"""SlipStream 3.x: the hosted service and self-hosted servers. This package is a plugin."""

from slipstream.backends.slipstream.backend import SlipStream3, slipstream_endpoints

__all__ = ["SlipStream3", "slipstream_endpoints"]
