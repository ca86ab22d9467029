"""One call for each method, and for each option that differs, on a server of each family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

from endpoints_under_test import LiveEndpoint
from fake_time import FakeTime
from key_files import KEY
from libcloud.compute.base import Node, NodeAuthSSHKey

from slipstream.errors import NotFound
from slipstream.sandbox import Sandbox
from slipstream.transport import calls

Families = Mapping[str, "Family"]
SYSTEM = "examples/tutorials/service-testing/system"


class Family(LiveEndpoint):
    """An endpoint of one family, a driver that is logged in on it, and a node that runs."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox.family, sandbox)
        self.is_nuvla = self.family == "nuvla"
        self.driver = self.login()
        self.cloud, self.blog = self.location(self.driver), self.image(self.driver)
        self.several = self.blog if self.is_nuvla else self.driver.get_image(SYSTEM)
        self.node = self.ready()

    def begin(self, **options: Any) -> Node:
        return self.deploy(self.driver, **options)

    def ready(self, **options: Any) -> Node:
        node = self.begin(**options)
        self.pass_time()
        return self.driver.ex_get_node(node)

    def end(self, node: Node) -> bool:
        accepted = self.driver.destroy_node(node)
        self.pass_time()
        return accepted


def _deploy(**options: Any) -> Callable[[Family], Node]:
    return lambda f: f.begin(image=f.several, **options)


def _ids(listed: list[Any]) -> list[str]:
    return [item.id for item in listed]


def _ended_is_listed(f: Family) -> bool:
    node = f.ready()
    f.end(node)
    assert node.id not in _ids(f.driver.list_nodes())
    return (node.id in _ids(f.driver.list_nodes(ex_active_only=False))) is not f.is_nuvla


def _ended_is_readable(f: Family) -> bool:
    node = f.ready()
    assert f.end(node)
    try:
        return f.driver.ex_get_node(node).state == "terminated" and not f.is_nuvla
    except NotFound:
        return f.is_nuvla


def _sleeping(call: Callable[[Family], Any]) -> Callable[[Family], Any]:
    """A call during which what sleeps moves the sandbox's clock instead."""

    def sleeping(f: Family) -> Any:
        with mock.patch.object(calls, "time", FakeTime(f.sandbox.clock.advance)):
            return call(f)

    return sleeping


def _stopped(f: Family) -> Node:
    node = f.ready() if f.is_nuvla else f.node
    f.driver.stop_node(node)
    f.pass_time()
    return node


CALLS: dict[str, Callable[[Family], Any]] = {
    "ex_group": lambda f: f.login(ex_group="acme").list_nodes() == [],
    "list_nodes(ex_active_only)": _ended_is_listed,
    "ex_get_node()": _ended_is_readable,
    "create_node(auth)": _deploy(auth=NodeAuthSSHKey(KEY)),
    "create_node(ex_keep_running)": _deploy(ex_keep_running="always"),
    "create_node(ex_multiplicity)": _deploy(ex_multiplicity={"apache": 1}),
    "create_node(ex_tolerate_failures)": _deploy(ex_tolerate_failures={"testclient": 0}),
    "create_node(ex_check_ssh_key)": _deploy(ex_check_ssh_key=True),
    "create_node(ex_scalable)": _deploy(ex_scalable=True),
    "destroy_node(ex_force)": _sleeping(lambda f: f.driver.destroy_node(f.ready(), ex_force=True)),
    "stop_node()": lambda f: f.driver.ex_get_node(_stopped(f)).state == "stopped",
    "start_node()": lambda f: f.driver.start_node(_stopped(f) if f.is_nuvla else f.node),
    "ex_stop_node()": lambda f: f.driver.ex_stop_node(f.ready()),
    "ex_start_node()": lambda f: f.driver.ex_start_node(_stopped(f) if f.is_nuvla else f.node),
    "reboot_node()": _sleeping(lambda f: f.driver.reboot_node(f.ready())),
    "ex_update_node()": lambda f: f.driver.ex_update_node(f.ready()),
    "ex_get_node_logs()": _sleeping(lambda f: "web" in f.driver.ex_get_node_logs(f.node, ["web"])),
    "ex_list_virtual_machines(location)": lambda f: (
        f.is_nuvla is not bool(f.driver.ex_list_virtual_machines(location=f.cloud))
    ),
    "ex_list_virtual_machines(node)": lambda f: (
        f.is_nuvla is not bool(f.driver.ex_list_virtual_machines(node=f.node))
    ),
    "list_sizes()": lambda f: (_ids(f.driver.list_sizes()) == ["default"]) is f.is_nuvla,
    "list_sizes(ex_all)": lambda f: (len(f.driver.list_sizes(ex_all=True)) == 1) is f.is_nuvla,
}
"""
What rows of the table promise, by the first cell; the result is true if it holds.

Those that refuse something are all here. What is done for every family is not: it is tried on each
kind of endpoint.
"""
