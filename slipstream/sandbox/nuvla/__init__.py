"""The family of Nuvla's API server, release 6.19."""

from __future__ import annotations

import re

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.identifiers import Identifiers
from slipstream.sandbox.login import Login
from slipstream.sandbox.nuvla.seeds import plant
from slipstream.sandbox.nuvla.service import application
from slipstream.sandbox.nuvla.world import World
from slipstream.sandbox.server import Application


def begin(
    clock: Clock, version: str, ids: Identifiers
) -> tuple[World, Application, dict[str, Login]]:
    """
    Begin a sandbox of this family.

    :param clock: Its clock.
    :param version: The release to play, such as ``6.19``.
    :param ids: Makes ids, passwords and secrets.
    :returns: The filled world, its application, and the users' logins by name.
    :raises ValueError: If there is no such release.
    """
    if not re.fullmatch(r"v?6\.19(\.\d+)?", version):
        raise ValueError(f"{version!r} is not a version of Nuvla the sandbox speaks: try 6.19.")
    world = World(clock=clock)
    world.ids = ids
    logins = plant(world)
    return world, application(world), logins
