"""Each method sends the number of requests that its docstring says, however much there is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from endpoints_under_test import BLOG, KINDS, Driver, LiveEndpoint, serve
from fake_time import FakeTime
from key_files import KEY, make_pair
from libcloud.compute.base import KeyPair, Node, NodeAuthSSHKey, NodeImage
from libcloud.compute.deployment import ScriptDeployment

from slipstream.libcloud.errors import BadInput, DeployFailed, NotSupported
from slipstream.session.polling import Wait

_FIELD = re.compile(r":requests: (.*?)(?:\n\s*\n|\n\s*:|\Z)", re.DOTALL)
_NUMBER = re.compile(r"(SlipStream|Nuvla) (none|\d+)")


class World:
    """An endpoint, a driver on it, and what calls need, made before requests are counted."""

    def __init__(self, endpoint: LiveEndpoint, folder: Path) -> None:
        self.endpoint, self.folder = endpoint, folder
        self.driver = endpoint.login()
        self.nuvla = endpoint.family == "nuvla"
        self.image = endpoint.image(self.driver)
        self.location = endpoint.location(self.driver)
        self.node = self.running()
        self.driver.list_key_pairs()
        if not self.nuvla:
            for module in endpoint.sandbox.world.library.versions(self.deletable):
                module.owner = "alice"

    @property
    def deletable(self) -> str:
        return "apps/trials/component" if self.nuvla else "examples/images/old/ubuntu-14.04"

    @property
    def parameter(self) -> str:
        return "hostname" if self.nuvla else "machine:hostname"

    def deploy(self, name: str = "blog") -> Node:
        return self.driver.create_node(name, image=self.image, location=self.location)

    def running(self) -> Node:
        node = self.deploy()
        self.endpoint.pass_time()
        return self.driver.ex_get_node(node.id)

    def stopped(self) -> Node:
        node = self.running()
        if self.nuvla:
            self.driver.stop_node(node)
            self.endpoint.pass_time()
        return node

    def pair(self) -> KeyPair:
        return self.driver.import_key_pair_from_string("probe", KEY)

    def file(self) -> str:
        (self.folder / "probe.pub").write_text(KEY)
        return str(self.folder / "probe.pub")

    def crowd(self) -> None:
        """Many of everything, but not so many that a list needs another page."""
        for number in range(25):
            self.deploy(f"n{number}")
        self.endpoint.pass_time()
        for number in range(8):
            self.driver.import_key_pair_from_string(f"k{number}", KEY)

    def requests(self, method: str) -> int:
        """How many requests a method sends, its polls left out."""
        driver = self.endpoint.login() if method == "close" else self.driver
        call = getattr(driver, method)
        parameters = inspect.signature(call).parameters.values()
        arguments = [None for p in parameters if p.default is p.empty and p.name != "kwargs"]
        arguments = ARGUMENTS.get(method, lambda _: arguments)(self)
        clock = FakeTime(self.endpoint.sandbox.clock.advance)
        self.endpoint.sandbox.journal.clear()
        with ExitStack() as stack:
            stack.enter_context(mock.patch("slipstream.transport.calls.time", clock))
            stack.enter_context(suppress(NotSupported, DeployFailed))
            if method == "deploy_node":  # the call ends once the node is made
                fail = mock.patch.object(Driver, "wait_until_running", side_effect=RuntimeError)
                stack.enter_context(fail)
            elif method == "reboot_node":
                stopped = mock.patch.object(
                    Wait, "until", side_effect=lambda _: self.endpoint.pass_time()
                )
                stack.enter_context(stopped)
            result = call(**arguments) if isinstance(arguments, dict) else call(*arguments)
            if isinstance(result, Iterator):
                list(result)
        polls = len(clock.slept) if method == "ex_get_node_logs" else 0
        return len(self.endpoint.sandbox.journal) - polls


ARGUMENTS: dict[str, Callable[[World], Any]] = {
    "get_image": lambda w: [w.image.id],
    "delete_image": lambda w: [w.driver.get_image(w.deletable)],
    "get_key_pair": lambda w: [w.pair().name],
    "create_key_pair": lambda w: ["fresh"],
    "import_key_pair_from_string": lambda w: ["imported", KEY],
    "import_key_pair_from_file": lambda w: ["from-file", w.file()],
    "delete_key_pair": lambda w: [w.pair()],
    "create_node": lambda w: ["blog", None, w.image, w.location],
    "deploy_node": lambda w: {
        "deploy": ScriptDeployment("true"),
        "ssh_key": str(make_pair(w.folder, "probe").file),
        "image": w.image,
        "location": w.location,
    },
    "ex_find_node": lambda w: [w.deploy("the-only-one").name],
    "ex_find_image": lambda w: [w.image.name],
    "ex_get_node": lambda w: [w.node.id],
    **dict.fromkeys(("destroy_node", "stop_node", "ex_stop_node"), lambda w: [w.running()]),
    **dict.fromkeys(("start_node", "ex_start_node"), lambda w: [w.stopped()]),
    **dict.fromkeys(("ex_wait_node_in_state", "ex_operation", "reboot_node"), lambda w: [w.node]),
    "ex_update_node": lambda w: [w.running()],
    "ex_get_node_logs": lambda w: [w.node, ["web"]],
    "wait_until_running": lambda w: [[w.node], 5, 600, w.endpoint.interface],
    "ex_get_node_parameter": lambda w: [w.node, w.parameter],
    "ex_save_cookies": lambda w: [w.folder / "cookies.txt"],
    "ex_explain": lambda w: ["ex_get_node_parameter", w.node, w.parameter],
}
"""The arguments of the methods that need some, but of those that no server has."""
METHODS = [n for n, _ in inspect.getmembers(Driver, inspect.isfunction) if not n.startswith("_")]


def promised(method: str, family: str) -> int:
    """The number of requests that a method's docstring names."""
    field = _FIELD.search(inspect.getdoc(getattr(Driver, method)) or "")
    assert field, f"{method} does not say how many requests it sends"
    numbers = dict(reversed(_NUMBER.findall(field[1])))
    number = numbers["Nuvla" if family == "nuvla" else "SlipStream"]
    return 0 if number == "none" else int(number)


Worlds = tuple[World, World]


@pytest.fixture(scope="module", params=KINDS)
def worlds(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """The same endpoint twice: with little in it, and with much."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:

        def build() -> World:
            folder = tmp_path_factory.mktemp("costs")
            return World(stack.enter_context(serve(request.param, folder, patch)), folder)

        quiet, crowded = build(), build()
        crowded.crowd()
        yield quiet, crowded


@pytest.mark.parametrize("method", METHODS)
def test_requests_are_those_of_the_docstring(worlds: Worlds, method: str) -> None:
    number = promised(method, worlds[0].endpoint.family)
    assert [world.requests(method) for world in worlds] == [number, number]


def _created(**options: Callable[[World], object]) -> Callable[[World], object]:
    def call(world: World) -> None:
        arguments: dict[str, Any] = {"image": world.image, "location": world.location}
        arguments |= {name: value(world) for name, value in options.items()}
        if "ex_cloud" in arguments:
            del arguments["location"]
        world.endpoint.sandbox.journal.clear()
        world.driver.create_node(**arguments)

    return call


def _listed(world: World) -> NodeImage:
    images = world.driver.list_images()
    return next(image for image in images if image.name.lower() == "wordpress")


SYSTEM = "examples/tutorials/service-testing/system"
OTHER_CASES: dict[str, tuple[Callable[[World], object], int, int]] = {
    "no addresses": (lambda w: w.driver.list_nodes(ex_addresses=False), 1, 1),
    "sizes of a location": (lambda w: w.driver.list_sizes(w.location), 1, 0),
    "all sizes": (lambda w: w.driver.list_sizes(ex_all=True), 1, 0),
    "a new key": (_created(auth=lambda w: make_pair(w.folder, "new").auth), 6, 0),
    "a key that is there": (_created(auth=lambda _: NodeAuthSSHKey(KEY)), 3, 0),
    "a listed image": (_created(image=_listed), 2, 4),
    "an image by its path": (_created(image=lambda _: BLOG), 3, 5),
    "a location by its id": (_created(ex_cloud=lambda w: w.location.id), 2, 4),
    "a location by its name": (_created(ex_cloud=lambda w: w.location.name), 2, 5),
    "an application": (
        _created(image=lambda w: w.image if w.nuvla else w.driver.get_image(SYSTEM)),
        *(3, 3),
    ),
    "get_image by path": (lambda w: w.driver.get_image(BLOG), 1, 2),
    "a tree": (
        lambda w: w.driver.list_images(None, "apps" if w.nuvla else "examples/images", True),
        *(2, 1),
    ),
    "a key pair made by hand": (lambda w: w.driver.delete_key_pair("hand-made"), 5, 2),
    "the machines of a node": (lambda w: w.driver.ex_list_virtual_machines(node=w.node), 1, 0),
}
"""Other cases that a docstring counts: the requests on SlipStream and on Nuvla."""


@pytest.mark.parametrize("case", OTHER_CASES)
def test_requests_of_other_cases(worlds: Worlds, case: str) -> None:
    call, of_slipstream, of_nuvla = OTHER_CASES[case]
    world, _ = worlds
    world.driver.import_key_pair_from_string("there", KEY)
    if "hand-made" not in [pair.name for pair in world.driver.list_key_pairs()]:
        world.driver.create_key_pair("hand-made")
    world.endpoint.sandbox.journal.clear()
    with suppress(BadInput):
        call(world)
    expected = of_nuvla if world.nuvla else of_slipstream
    assert len(world.endpoint.sandbox.journal) == expected
