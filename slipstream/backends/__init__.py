"""
The built-in plugins: login methods and server families.

They are registered through the same hooks as everybody else's. A plugin that adds an endpoint
of a family that is already spoken starts from that family's backend, as in
:data:`SLIPSTREAM_3` or :data:`NUVLA_2`.
"""

from slipstream.backends.nuvla.dialect import BACKEND as NUVLA_2
from slipstream.backends.slipstream.dialect import BACKEND as SLIPSTREAM_3

__all__ = ["NUVLA_2", "SLIPSTREAM_3"]
