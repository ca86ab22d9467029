"""SlipStream 3.71: JSON collections and an XML service with one cookie."""

from slipstream.sandbox.slipstream3.routes import application
from slipstream.sandbox.slipstream3.world import World, plant

__all__ = ["World", "application", "plant"]
