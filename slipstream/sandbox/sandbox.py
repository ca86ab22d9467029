"""The class ``Sandbox``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Self

from slipstream.sandbox.clock import Clock
from slipstream.sandbox.dashboard import Dashboard
from slipstream.sandbox.families import FAMILIES
from slipstream.sandbox.faults import Faults
from slipstream.sandbox.front import FRONTS, VendorFront
from slipstream.sandbox.server import Gate, Journal, Server
from slipstream.sandbox.world import Identifiers, Login
from slipstream.values.fields import check_number


class Sandbox:
    """
    A small local server that speaks SlipStream's or Nuvla's protocol and has state.

    Use it in a ``with`` statement, or call :meth:`start` and :meth:`stop`::

        with Sandbox(clock=Clock(speed=0)) as sandbox:
            print(sandbox.url, sandbox.username, sandbox.password)

    :param family: Whose protocol: ``slipstream`` or ``nuvla``.
    :param host: The address to listen on.
    :param port: The port; 0 lets the system choose.
    :param speed: Simulated seconds per real second, if no clock is given.
    :param clock: The clock that moves deployments and ends sessions.
    :param machine_address: The address of every machine, and of every service of Nuvla but edges,
        on which a test can run a server. Left out, each machine has one of the networks that are
        reserved for documentation.
    :param front: ``vendor`` adds the front server of SlipStream's vendor: GET of ``/run``, of a
        run and of its state come from a cache for 30, 40 and 15 seconds, for all users, and more
        than 20 requests a second with bursts of 200 are refused with 429.
    :param password: The main user's password; the other users' are derived from it. Left out, all
        are fixed.
    :param seed: Decides ids, addresses and secrets of API keys; the same seed makes the same ones.
    :param allowed_hosts: Names in the header ``Host`` to accept beside this machine's own.
    :ivar username: The main user's name; ``password`` goes with it.
    :ivar key: The id of the main user's API key; ``secret`` goes with it.
    :ivar token: The main user's token for the login method ``mitreid-token``.
    :raises ValueError: If the family, the speed or the front server is unknown or wrong.
    """

    def __init__(
        self,
        *,
        family: str = "slipstream",
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        clock: Clock | None = None,
        machine_address: str | None = None,
        front: str | None = None,
        password: str | None = None,
        seed: int = 2017,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        if family not in FAMILIES:
            names = " and ".join(FAMILIES)
            raise ValueError(f"{family!r} is not a family the sandbox speaks: {names} are.")
        self.family = family
        self.host = host
        self.clock = Clock(speed) if clock is None else clock
        self.journal = Journal()
        self.faults = Faults()
        begin = FAMILIES[family].begin
        world, self._application, users = begin(self.clock, Identifiers(seed, password))
        if front is not None:
            if family != "slipstream":
                raise ValueError(f"There is no front server for {family}: leave front out.")
            if front not in FRONTS:
                raise ValueError(f"{front!r} is no front server: try {FRONTS[0]!r}.")
            self._application = VendorFront(self._application, self.clock)
        # Each family's world has levers of its own.
        self.world: Any = world
        world.ids.fixed_address = machine_address
        self.users: Mapping[str, Login] = MappingProxyType(users)
        self._main = main = users["alice"]
        self.username, self.password = main.username, main.password
        self.key, self.secret, self.token = main.key, main.secret, main.token
        self._port = check_number("port", port, most=65535, whole=True)
        self._allowed_hosts = frozenset(allowed_hosts)
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address, without a slash at the end; known once it was started."""
        return str(self.world.base_url)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it; known once it was started."""
        return self._server is None or ip_address(str(self._server.server_address[0])).is_loopback

    def start(self) -> None:
        """
        Start the server; does nothing if it runs.

        :raises OSError: If the address cannot be used.
        """
        if self._server is not None:
            return
        family, faults, journal = FAMILIES[self.family], self.faults, self.journal
        page = Dashboard(family, self.world, self._main, faults, journal)
        gate = Gate(
            application=self._application,
            journal=journal,
            faults=faults,
            expire_sessions=self.world.expire_sessions,
            find_page=page.find,
            host=self.host,
            allowed_hosts=self._allowed_hosts,
        )
        self._server = Server(gate, host=self.host, port=self._port)
        self._port = self._server.port
        literal = f"[{self.host}]" if ":" in self.host else self.host
        self.world.base_url = f"http://{literal}:{self._port}"
        self._server.start()

    def stop(self) -> None:
        """Stop the server; the state is kept, and :meth:`start` uses the same port again."""
        if self._server is not None:
            self._server.stop()
            self._server = None
