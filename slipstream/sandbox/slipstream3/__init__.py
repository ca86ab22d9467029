"""SlipStream 3.71: JSON collections and an XML service behind one cookie."""

from __future__ import annotations

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.identifiers import Identifiers
from slipstream.sandbox.login import Login
from slipstream.sandbox.server import Application
from slipstream.sandbox.slipstream3.routes import application
from slipstream.sandbox.slipstream3.seeds import plant
from slipstream.sandbox.slipstream3.world import World


def begin(clock: Clock, ids: Identifiers) -> tuple[World, Application, dict[str, Login]]:
    """Make a filled world of this family, its application, and the users' logins by name."""
    world = World(clock=clock)
    world.ids = ids
    logins = plant(world)
    return world, application(world), logins
