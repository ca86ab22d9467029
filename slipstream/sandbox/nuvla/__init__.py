"""The dialect of Nuvla's API, version 2."""

from __future__ import annotations

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.login import Login
from slipstream.sandbox.nuvla.app import application
from slipstream.sandbox.nuvla.seeds import plant
from slipstream.sandbox.nuvla.version import Version
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.server import Application


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
