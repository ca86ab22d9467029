"""The family of Nuvla's API server, release 6.19."""

from slipstream.sandbox.nuvla.service import application
from slipstream.sandbox.nuvla.world import World, plant

__all__ = ["World", "application", "plant"]
