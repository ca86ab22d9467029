"""
The built-in plugins: login methods and server families.

They are registered through the same hooks as other plugins. A plugin that adds an endpoint of one
of these families uses the family's backend, :class:`SlipStream3` or
:class:`Nuvla`, or a class derived from it.
"""

from slipstream.backends.nuvla.backend import Nuvla
from slipstream.backends.slipstream.backend import SlipStream3

__all__ = ["Nuvla", "SlipStream3"]
