"""HTTP with one endpoint: connections, certificates, proxies, retries."""

from __future__ import annotations

from slipstream.transport.client import Transport
from slipstream.transport.settings import TransportSettings, UncheckedCertificate

__all__ = ["Transport", "TransportSettings", "UncheckedCertificate"]
