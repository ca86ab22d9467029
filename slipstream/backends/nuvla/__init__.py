"""Nuvla API v2: nuvla.io and self-hosted API servers. This package is a plugin."""

from slipstream.backends.nuvla.backend import Nuvla, slipstream_endpoints

__all__ = ["Nuvla", "slipstream_endpoints"]
