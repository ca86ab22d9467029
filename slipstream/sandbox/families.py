"""The families of servers that the sandbox has."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from slipstream.sandbox import nuvla, slipstream3
from slipstream.sandbox.cimi import serve
from slipstream.sandbox.clock import Clock
from slipstream.sandbox.server import Application
from slipstream.sandbox.world import BaseWorld, Identifiers, Login


@attrs.frozen
class Family:
    """A family of servers, its driver, and a location where its users can deploy."""

    title: str
    version: str
    package: Any
    """What has the class of its worlds, and the functions that fill and serve one."""
    module: str
    driver: str
    location: str

    def begin(
        self, clock: Clock, ids: Identifiers
    ) -> tuple[BaseWorld, Application, Mapping[str, Login]]:
        """Make a filled world, its application, and the users' logins by name."""
        world = self.package.World(clock=clock, ids=ids)
        logins = self.package.plant(world)
        return world, serve(self.package.application(), world), logins

    def exports(self, url: str, login: Login) -> list[str]:
        """The lines for a shell with which programs and commands log in."""
        activate = Path(sys.prefix, "bin", "activate")
        in_environment = sys.prefix != sys.base_prefix and activate.exists()
        return [
            *([f". {shlex.quote(str(activate))}"] if in_environment else []),
            f"export SLIPSTREAM_ENDPOINT={url}",
            f"export SLIPSTREAM_USERNAME={login.username}",
            f"export SLIPSTREAM_PASSWORD={shlex.quote(login.password)}",
        ]

    @property
    def program(self) -> list[str]:
        """The lines of Python that log in with the exported variables."""
        return [
            f"from slipstream.libcloud.{self.module} import {self.driver}",
            f"ss = {self.driver}.ex_from_profile()",
        ]

    @property
    def command(self) -> str:
        """A command that deploys with the exported variables."""
        return f"slipstream deploy apps/WordPress/wordpress --location {self.location} --wait"


FAMILIES: Mapping[str, Family] = {
    "slipstream": Family(
        *("SlipStream", "3.71", slipstream3),
        *("compute_driver", "SlipStreamNodeDriver", "exoscale-ch-gva"),
    ),
    "nuvla": Family(
        *("Nuvla", "6.19", nuvla),
        *("nuvla_driver", "NuvlaNodeDriver", "swarm-lausanne"),
    ),
}
