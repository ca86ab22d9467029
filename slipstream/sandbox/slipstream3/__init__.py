"""The dialect of SlipStream 3: JSON collections and an XML service behind one cookie."""

from __future__ import annotations

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.login import Login
from slipstream.sandbox.server import Application
from slipstream.sandbox.slipstream3.app import application
from slipstream.sandbox.slipstream3.seeds import plant
from slipstream.sandbox.slipstream3.version import Version
from slipstream.sandbox.slipstream3.world import World


def begin(clock: Clock, version: str) -> tuple[World, Application, dict[str, Login]]:
    """
    Begin a sandbox of this family.

    :param clock: Its clock.
    :param version: The release to play.
    :returns: The filled world, its application, and the users' logins by name.
    :raises ValueError: If there is no such release.
    """
    world = World(clock=clock, version=Version.parse(version))
    logins = plant(world)
    return world, application(world), logins
