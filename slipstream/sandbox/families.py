"""The families of servers that the sandbox can play: here the dialects begin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from slipstream.sandbox import nuvla, slipstream3
from slipstream.sandbox.clock import Clock
from slipstream.sandbox.identifiers import Identifiers
from slipstream.sandbox.login import Login
from slipstream.sandbox.server import Application
from slipstream.sandbox.world import BaseWorld

Begun: TypeAlias = tuple[BaseWorld, Application, Mapping[str, Login]]


@attrs.frozen(kw_only=True)
class Family:
    """
    A dialect.

    :param title: What its servers are called.
    :param version: The release that is played.
    :param begin: Makes a filled world, its application and the users' logins.
    """

    title: str
    version: str
    begin: Callable[[Clock, Identifiers], Begun]


FAMILIES: Mapping[str, Family] = {
    "slipstream": Family(title="SlipStream", version="3.71", begin=slipstream3.begin),
    "nuvla": Family(title="Nuvla", version="6.19", begin=nuvla.begin),
}
