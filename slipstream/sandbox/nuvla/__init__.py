"""The family of Nuvla's API server, release 6.19."""

from __future__ import annotations

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.identifiers import Identifiers
from slipstream.sandbox.login import Login
from slipstream.sandbox.nuvla.seeds import plant
from slipstream.sandbox.nuvla.service import application
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.server import Application


def begin(clock: Clock, ids: Identifiers) -> tuple[World, Application, dict[str, Login]]:
    """Make a filled world of this family, its application, and the users' logins by name."""
    world = World(clock=clock)
    world.ids = ids
    logins = plant(world)
    return world, application(world), logins
