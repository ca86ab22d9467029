"""One call for each method, and for each option that differs, on a server of each family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
from fake_time import FakeTime
from libcloud.compute.base import Node, NodeAuthSSHKey, StorageVolume, VolumeSnapshot

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NotFound
from slipstream.sandbox import Sandbox
from slipstream.transport import clock

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"
BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
VOLUME = StorageVolume("id", "name", 10, None)
SNAPSHOT = VolumeSnapshot("id", None)


@attrs.define(slots=False)
class Family:
    """A sandbox of one family, a driver that is logged in on it, and what the calls need."""

    sandbox: Sandbox
    folder: Path

    def __attrs_post_init__(self) -> None:
        self.is_nuvla = self.sandbox.family == "nuvla"
        self.driver = self.log_in()
        name = "swarm-lausanne" if self.is_nuvla else "exoscale-ch-gva"
        self.location = next(cloud for cloud in self.driver.list_locations() if cloud.name == name)
        self.image = self.driver.get_image(BLOG)
        self.several = self.image if self.is_nuvla else self.driver.get_image(SYSTEM)
        self.node = self.ready()

    def log_in(self, user: str = "alice", **options: Any) -> SlipStreamNodeDriver:
        login = self.sandbox.users[user]
        return SlipStreamNodeDriver(
            login.username, login.password, ex_endpoint=self.sandbox.url, **options
        )

    def pass_time(self) -> None:
        for _ in range(60):
            self.sandbox.clock.advance(10)

    def deploy(self, **options: Any) -> Node:
        return self.driver.create_node(
            **{"image": self.image, "location": self.location, **options}
        )

    def ready(self, **options: Any) -> Node:
        node = self.deploy(**options)
        self.pass_time()
        return self.driver.ex_get_node(node.id)

    def end(self, node: Node) -> bool:
        accepted = self.driver.destroy_node(node)
        self.pass_time()
        return accepted

    def sleeping(self) -> Any:
        """Let what sleeps move the sandbox's clock instead."""
        return mock.patch.object(clock, "time", FakeTime(self.sandbox.clock.advance))


def _call(name: str, *arguments: Any, **options: Any) -> Callable[[Family], Any]:
    return lambda family: getattr(family.driver, name)(*arguments, **options)


def _ids(listed: list[Any]) -> list[str]:
    return [item.id for item in listed]


def _saved(f: Family) -> SlipStreamNodeDriver:
    path = f.folder / f"{f.sandbox.family}.txt"
    f.driver.ex_save_cookies(path)
    return SlipStreamNodeDriver(None, ex_endpoint=f.sandbox.url, ex_cookie_file=path)


def _plain(f: Family) -> SlipStreamNodeDriver:
    host, _, port = f.sandbox.url.removeprefix("http://").partition(":")
    login = (f.sandbox.username, f.sandbox.password)
    return SlipStreamNodeDriver(*login, secure=False, host=host, port=int(port))


def _with_fields(f: Family) -> SlipStreamNodeDriver:
    if f.is_nuvla:
        code = f.sandbox.world.two_factor_code("carol")
        return f.log_in("carol", ex_login_parameters={"code": code})
    return SlipStreamNodeDriver(
        None,
        ex_endpoint=f.sandbox.url,
        ex_login_method="mitreid-token",
        ex_login_parameters={"token": f.sandbox.token},
    )


def _ended_is_listed(f: Family) -> bool:
    node = f.ready()
    f.end(node)
    assert node.id not in _ids(f.driver.list_nodes())
    return (node.id in _ids(f.driver.list_nodes(ex_active_only=False))) is not f.is_nuvla


def _ended_is_readable(f: Family) -> bool:
    node = f.ready()
    assert f.end(node)
    try:
        return f.driver.ex_get_node(node.id).state == "terminated" and not f.is_nuvla
    except NotFound:
        return f.is_nuvla


def _forced(f: Family) -> bool:
    with f.sleeping():
        return f.driver.destroy_node(f.ready(), ex_force=True)


def _rebooted(f: Family) -> bool:
    with f.sleeping():
        return f.driver.reboot_node(f.ready() if f.is_nuvla else f.node)


def _stopped(f: Family) -> Node:
    node = f.ready() if f.is_nuvla else f.node
    f.driver.stop_node(node)
    f.pass_time()
    return node


def _logs(f: Family) -> bool:
    with f.sleeping():
        return "web" in f.driver.ex_get_node_logs(f.node, ["web"])


def _runs(f: Family) -> Any:
    at = "private_ips" if f.is_nuvla else "public_ips"
    [(node, addresses)] = f.driver.wait_until_running([f.node], ssh_interface=at)
    return node.state == "running" and addresses


def _imported(f: Family, method: str, material: str) -> bool:
    pair = getattr(f.driver, method)("key", material)
    same = f.driver.get_key_pair("key").fingerprint == pair.fingerprint
    return same and f.driver.delete_key_pair(pair)


def _imported_from_file(f: Family) -> bool:
    path = f.folder / "key.pub"
    path.write_text(KEY, "utf-8")
    return _imported(f, "import_key_pair_from_file", str(path))


def _created(f: Family) -> Any:
    pair = f.driver.create_key_pair("key")
    return pair.private_key and f.driver.delete_key_pair(pair)


def _image_deleted(f: Family) -> bool:
    if f.is_nuvla:
        return f.driver.delete_image(f.driver.get_image("apps/web/redis"))
    driver = f.log_in("super")
    return driver.delete_image(driver.get_image("examples/images/ubuntu-16.04"))


def _alike(what: str) -> Callable[[Family], bool]:
    def call(f: Family) -> bool:
        prefix = "ex_list_" if what == "virtual_machines" else "list_"
        listed = getattr(f.driver, f"{prefix}{what}")()
        iterator = getattr(f.driver, f"ex_iterate_{what}")()
        assert iter(iterator) is iterator
        order = sorted if what == "sizes" else list
        return order(map(repr, iterator)) == order(map(repr, listed))

    return call


def _has_one_size(f: Family) -> bool:
    return (_ids(f.driver.list_sizes()) == ["default"]) is f.is_nuvla


CALLS: dict[str, Callable[[Family], Any]] = {
    "host": _plain,
    "api_version": lambda f: f.log_in(api_version="2" if f.is_nuvla else "1"),
    "ex_login_method": lambda f: f.log_in(ex_login_method="internal"),
    "ex_login_parameters": _with_fields,
    "ex_endpoint_kind": lambda f: f.log_in(ex_endpoint_kind=f.sandbox.family),
    "ex_group": lambda f: f.log_in(ex_group="acme").list_nodes() == [],
    "list_nodes()": lambda f: f.node.id in _ids(f.driver.list_nodes()),
    "list_nodes(ex_active_only)": _ended_is_listed,
    "list_nodes(ex_addresses)": lambda f: any(
        node.public_ips + node.private_ips for node in f.driver.list_nodes(ex_addresses=True)
    ),
    "ex_find_node()": lambda f: f.driver.ex_find_node(f.deploy(name="once").name).name == "once",
    "ex_get_node()": _ended_is_readable,
    "create_node()": lambda f: f.end(f.deploy()),
    "create_node(name)": lambda f: f.ready(name="blog").name == "blog",
    "create_node(size)": lambda f: f.deploy(size=f.driver.list_sizes(f.location)[0]),
    "create_node(image)": lambda f: f.deploy(image=f.several),
    "create_node(location)": lambda f: f.location.name in f.deploy().extra["clouds"],
    "create_node(auth)": lambda f: f.deploy(auth=NodeAuthSSHKey(KEY)),
    "create_node(ex_cloud)": lambda f: f.deploy(location=None, ex_cloud=f.location.name),
    "create_node(ex_parameters)": lambda f: f.deploy(ex_parameters={"wordpress_title": "Blog"}),
    "create_node(ex_keep_running)": lambda f: f.deploy(ex_keep_running="always"),
    "create_node(ex_multiplicity)": lambda f: f.deploy(
        image=f.several, ex_multiplicity={"apache": 1}
    ),
    "create_node(ex_tolerate_failures)": lambda f: f.deploy(
        image=f.several, ex_tolerate_failures={"testclient": 0}
    ),
    "create_node(ex_check_ssh_key)": lambda f: f.deploy(ex_check_ssh_key=True),
    "create_node(ex_scalable)": lambda f: f.deploy(image=f.several, ex_scalable=True),
    "destroy_node()": _ended_is_readable,
    "destroy_node(ex_force)": _forced,
    "stop_node()": lambda f: f.driver.ex_get_node(_stopped(f).id).state == "stopped",
    "start_node()": lambda f: f.driver.start_node(_stopped(f) if f.is_nuvla else f.node),
    "ex_stop_node()": lambda f: f.driver.ex_stop_node(f.ready()),
    "ex_start_node()": lambda f: f.driver.ex_start_node(_stopped(f) if f.is_nuvla else f.node),
    "reboot_node()": _rebooted,
    "ex_update_node()": lambda f: f.driver.ex_update_node(f.ready()),
    "ex_get_node_logs()": _logs,
    "ex_wait_node_in_state()": lambda f: (
        f.driver.ex_wait_node_in_state(f.node) == ("STARTED" if f.is_nuvla else "Ready")
    ),
    "ex_wait_node_in_state(ignore_abort)": lambda f: f.driver.ex_wait_node_in_state(
        f.node, ignore_abort=True
    ),
    "wait_until_running()": _runs,
    "ex_operation()": lambda f: f.driver.ex_operation(f.node).poll().done,
    "ex_get_node_parameter()": lambda f: f.driver.ex_get_node_parameter(
        f.node, "hostname" if f.is_nuvla else "machine:hostname"
    ),
    "ex_get_node_parameter(ignore_abort)": lambda f: f.driver.ex_get_node_parameter(
        f.node, "hostname" if f.is_nuvla else "machine:hostname", ignore_abort=False
    ),
    "ex_list_virtual_machines()": _call("ex_list_virtual_machines"),
    "ex_list_virtual_machines(location)": lambda f: (
        f.is_nuvla is not bool(f.driver.ex_list_virtual_machines(location=f.location))
    ),
    "ex_list_virtual_machines(node)": lambda f: (
        f.is_nuvla is not bool(f.driver.ex_list_virtual_machines(node=f.node))
    ),
    "list_images()": _call("list_images"),
    "list_images(location)": lambda f: f.driver.list_images(f.location),
    "list_images(ex_recurse)": _call("list_images", ex_path="apps", ex_recurse=True),
    "ex_find_image()": lambda f: (
        f.driver.ex_find_image(f.image.name).extra["path"] == f.image.extra["path"]
    ),
    "get_image()": lambda f: f.driver.get_image(f.image.id).id == f.image.id,
    "delete_image()": _image_deleted,
    "list_sizes()": _has_one_size,
    "list_sizes(ex_all)": lambda f: (len(f.driver.list_sizes(ex_all=True)) == 1) is f.is_nuvla,
    "list_locations()": lambda f: f.location.name in [c.name for c in f.driver.list_locations()],
    "list_key_pairs()": _call("list_key_pairs"),
    "ex_iterate_nodes()": _alike("nodes"),
    "ex_iterate_images()": _alike("images"),
    "ex_iterate_sizes()": _alike("sizes"),
    "ex_iterate_locations()": _alike("locations"),
    "ex_iterate_key_pairs()": _alike("key_pairs"),
    "ex_iterate_virtual_machines()": _alike("virtual_machines"),
    "get_key_pair()": lambda f: _imported(f, "import_key_pair_from_string", KEY),
    "create_key_pair()": _created,
    "import_key_pair_from_string()": lambda f: _imported(f, "import_key_pair_from_string", KEY),
    "import_key_pair_from_file()": _imported_from_file,
    "delete_key_pair()": lambda f: _imported(f, "import_key_pair_from_string", KEY),
    "create_image()": lambda f: f.driver.create_image(f.node, "name"),
    "copy_image()": lambda f: f.driver.copy_image("here", f.image, "name"),
    "list_volumes()": _call("list_volumes"),
    "create_volume()": _call("create_volume", 10, "name"),
    "attach_volume()": lambda f: f.driver.attach_volume(f.node, VOLUME),
    "detach_volume()": _call("detach_volume", VOLUME),
    "destroy_volume()": _call("destroy_volume", VOLUME),
    "list_volume_snapshots()": _call("list_volume_snapshots", VOLUME),
    "create_volume_snapshot()": _call("create_volume_snapshot", VOLUME),
    "destroy_volume_snapshot()": _call("destroy_volume_snapshot", SNAPSHOT),
    "ex_explain()": lambda f: f.driver.ex_explain("destroy_node", f.node).complete,
    "ex_save_cookies()": _saved,
    "close()": lambda f: f.log_in().close() is None,
}
"""What the tables promise, by the first cell; something true comes out if it holds."""
