"""SlipStream 3.71: JSON collections and an XML service behind one cookie."""

from slipstream.sandbox.slipstream3.routes import application
from slipstream.sandbox.slipstream3.seeds import plant
from slipstream.sandbox.slipstream3.world import World

__all__ = ["World", "application", "plant"]
