"""The three kinds of endpoint that what holds for all of them is tried on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from libcloud.compute.base import Node, NodeImage, NodeLocation

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.plugins import default_plugins
from slipstream.sandbox import Sandbox

PLUGIN = Path(__file__).parents[1] / "examples" / "plugins" / "endpoint"
BLOG = "apps/WordPress/wordpress"
LOCATIONS = {"slipstream": "exoscale-ch-gva", "nuvla": "swarm-lausanne"}
OWN = "the password of the user"
KINDS = ("slipstream", "nuvla", "campus")
"""The last one is added by a plugin."""
Driver = SlipStreamNodeDriver
Login = Callable[..., Driver]


@attrs.define(slots=False)
class LiveEndpoint:
    """
    An endpoint of one kind.

    :param name: ``slipstream``, ``nuvla``, or ``campus``: the kind that a plugin adds.
    :param sandbox: The server behind it.
    """

    name: str
    sandbox: Sandbox
    drivers: ExitStack = attrs.field(factory=ExitStack, repr=False)

    @property
    def family(self) -> str:
        """The protocol that it speaks."""
        return self.sandbox.family

    @property
    def url(self) -> str:
        """Its address."""
        host = "localhost" if self.name == "campus" else "127.0.0.1"
        return self.sandbox.url.replace("127.0.0.1", host)

    @property
    def interface(self) -> str:
        """The addresses that nodes have; the services of Nuvla's sandbox have private ones."""
        return "private_ips" if self.family == "nuvla" else "public_ips"

    def login(
        self, key: str | None = None, secret: str | None = OWN, **options: Any
    ) -> SlipStreamNodeDriver:
        """Make a driver, by default for the sandbox's main user."""
        if key is None and not {"ex_cookie_file", "ex_login_method"} & options.keys():
            key = self.sandbox.username
        if secret == OWN:
            user = self.sandbox.users.get(key or "")
            secret = user.password if user else None
            if user:
                options.setdefault("ex_login_method", "internal")
        options = {"ex_endpoint": self.url, "retry_delay": 0.001, **options}
        driver = SlipStreamNodeDriver(key, secret, **options)
        self.drivers.callback(driver.close)
        return driver

    def image(self, driver: SlipStreamNodeDriver) -> NodeImage:
        """Something that can be deployed."""
        return driver.get_image(BLOG)

    def location(self, driver: SlipStreamNodeDriver) -> NodeLocation:
        """Where it can be deployed."""
        name = LOCATIONS[self.family]
        return next(location for location in driver.list_locations() if location.name == name)

    def deploy(self, driver: SlipStreamNodeDriver, name: str = "blog", **options: Any) -> Node:
        """A node on its way."""
        options = {"image": self.image(driver), "location": self.location(driver), **options}
        return driver.create_node(name, **options)

    def add_nodes(self, number: int) -> list[str]:
        """Add deployments that run, and give their ids in the order of a listing."""
        world = self.sandbox.world
        add = world.add_deployments if self.family == "nuvla" else world.add_runs
        return list(reversed(add(number)))

    def fail(self, node: Node, reason: str) -> None:
        """Let a node fail: on Nuvla with its next job, elsewhere at once."""
        world = self.sandbox.world
        (world.fail if self.family == "nuvla" else world.abort_run)(node.id, reason)

    def hold(self, node: Node) -> None:
        """Let a node stay in its state."""
        world = self.sandbox.world
        (world.hold if self.family == "nuvla" else world.hold_run)(node.id)

    def pass_time(self, seconds: int = 600) -> None:
        """Let what was begun come to its end."""
        for _ in range(seconds // 10):
            self.sandbox.clock.advance(10)

    @contextmanager
    def passing_time(self) -> Iterator[None]:
        """Let ten seconds pass again and again, for a program that waits by itself."""
        over = threading.Event()

        def pass_time() -> None:
            while not over.wait(0.02):
                self.sandbox.clock.advance(10)

        thread = threading.Thread(target=pass_time)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def close(self) -> None:
        """Close the drivers."""
        self.drivers.close()


@contextmanager
def serve(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveEndpoint]:
    """
    An endpoint of a kind, with the plugin that it needs installed.

    :param name: The name of the kind.
    :param folder: An empty folder.
    :param monkeypatch: Takes the plugin away again.
    """
    family = "nuvla" if name == "nuvla" else "slipstream"
    with Sandbox(family=family, speed=0) as sandbox, ExitStack() as stack:
        if name == "campus":
            metadata = folder / "campus-1.0.dist-info"
            metadata.mkdir()
            (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: campus\nVersion: 1\n")
            entry_points = "[slipstream]\ncampus = example_slipstream_endpoint\n"
            (metadata / "entry_points.txt").write_text(entry_points)
            monkeypatch.syspath_prepend(str(folder))
            monkeypatch.syspath_prepend(str(PLUGIN))
            default_plugins.cache_clear()
            stack.callback(default_plugins.cache_clear)
        yield LiveEndpoint(name, sandbox, stack)


def logins(sandbox: Sandbox) -> int:
    """How many logins the server was sent."""
    return len(sandbox.journal.entries("POST", "/api/session"))


def changed(sandbox: Sandbox) -> list[str]:
    """The methods of what may have changed something; a PUT with a form is a search."""
    return [e.method for e in sandbox.journal if e.method not in {"GET", "HEAD"} and not e.form]
