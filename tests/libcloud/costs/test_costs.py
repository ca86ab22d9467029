"""Each method sends the number of requests that its docstring says, however much there is."""

from __future__ import annotations

import base64
import inspect
import re
import time
from contextlib import ExitStack, suppress
from types import SimpleNamespace
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from endpoints_under_test import KINDS, serve
from libcloud.compute.base import (
    KeyPair,
    NodeAuthSSHKey,
    NodeImage,
    StorageVolume,
    VolumeSnapshot,
)
from libcloud.compute.deployment import ScriptDeployment

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, DeployFailed, NotSupported
from slipstream.session.polling import Wait

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"
NAMES = {"slipstream": "SlipStream", "campus": "SlipStream", "nuvla": "Nuvla"}
_FIELD = re.compile(r":requests: (.*?)(?:\n\s*\n|\n\s*:|\Z)", re.DOTALL)
_NUMBER = re.compile(r"(SlipStream|Nuvla) (none|\d+)")


class Stop(Exception):
    """Ends a call where the rest is counted elsewhere."""


class World:
    """An endpoint, a driver on it, and what calls need, made before requests are counted."""

    def __init__(self, endpoint, folder):
        self.endpoint, self.folder = endpoint, folder
        self.driver = endpoint.login()
        self.nuvla = endpoint.family == "nuvla"
        self.image = endpoint.image(self.driver)
        self.location = endpoint.location(self.driver)
        self.node = self.running()
        self.driver.list_key_pairs()

    def made(self, name="blog"):
        return self.driver.create_node(name, image=self.image, location=self.location)

    def running(self):
        node = self.made()
        self.endpoint.pass_time()
        return self.driver.ex_get_node(node.id)

    def stopped(self):
        node = self.running()
        if self.nuvla:
            self.driver.stop_node(node)
            self.endpoint.pass_time()
        return node

    def deletable(self):
        """An image, and a driver of somebody who may delete it."""
        if self.nuvla:
            return self.driver, self.driver.get_image("apps/trials/component")
        admin = self.endpoint.sandbox.users["super"]
        driver = self.endpoint.login(admin.username, admin.password, ex_login_method="internal")
        return driver, driver.get_image("examples/images/old/ubuntu-14.04")

    def pair(self):
        return self.driver.import_key_pair_from_string("probe", KEY)

    def file(self):
        path = self.folder / "probe.pub"
        path.write_text(KEY)
        return str(path)

    def private_key(self):
        path = self.folder / "probe.pem"
        path.write_bytes(
            Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
            )
        )
        path.chmod(0o600)
        return str(path)

    def crowd(self):
        """Many of everything, but not so many that a list needs another page."""
        for number in range(60):
            self.made(f"n{number}")
        self.endpoint.pass_time()
        for number in range(20):
            self.driver.import_key_pair_from_string(f"k{number}", KEY)

    def requests(self, method):
        prepare, call = CALLS[method]
        given = prepare(self)
        self.endpoint.sandbox.journal.clear()
        early = None
        with suppress(NotSupported):
            early = call(self.driver, given)
        left_out = early if method == "ex_get_node_logs" and early else 0
        return len(list(self.endpoint.sandbox.journal)) - left_out


def _nothing(world):
    return None


def _bare(name, *arguments):
    """A call that needs nothing but what is said here."""
    return _nothing, lambda driver, _: getattr(driver, name)(*arguments)


def _on_node(name, prepare=lambda world: world.node, **options):
    """A call with a node."""
    return prepare, lambda driver, node: getattr(driver, name)(node, **options)


def _deployed(driver, given):
    """It costs what making and waiting cost; here it ends once the node is made."""
    with (
        mock.patch.object(type(driver), "wait_until_running", side_effect=Stop),
        suppress(DeployFailed),
    ):
        driver.deploy_node(ScriptDeployment("true"), **given)


def _rebooted(driver, world):
    with mock.patch.object(Wait, "until", side_effect=lambda _: world.endpoint.pass_time()):
        return driver.reboot_node(world.node)


def _running(driver, world):
    assert driver.wait_until_running([world.node], ssh_interface=world.endpoint.interface)


def _logs(driver, world):
    """Without the looks that came too early."""
    early = []

    def sleep(seconds):
        early.append(seconds)
        world.endpoint.sandbox.clock.advance(seconds)

    clock = SimpleNamespace(monotonic=time.monotonic, time=time.time, sleep=sleep)
    with mock.patch("slipstream.transport.clock.time", clock):
        assert driver.ex_get_node_logs(world.node, ["web"])
    return len(early)


LISTS = ("nodes", "images", "sizes", "locations", "key_pairs")
VOLUME = StorageVolume("1", "disk", 1, 0, None)
SNAPSHOT = VolumeSnapshot("1", None)
CALLS = {
    **{f"list_{what}": _bare(f"list_{what}") for what in LISTS},
    "ex_list_virtual_machines": _bare("ex_list_virtual_machines"),
    **{
        f"ex_iterate_{what}": (
            _nothing,
            lambda driver, _, what=what: list(getattr(driver, f"ex_iterate_{what}")()),
        )
        for what in (*LISTS, "virtual_machines")
    },
    "get_image": (lambda w: w.image.id, lambda d, name: d.get_image(name)),
    "delete_image": (World.deletable, lambda _, given: given[0].delete_image(given[1])),
    "get_key_pair": (lambda w: w.pair().name, lambda d, name: d.get_key_pair(name)),
    "create_key_pair": _bare("create_key_pair", "made"),
    "import_key_pair_from_string": _bare("import_key_pair_from_string", "imported", KEY),
    "import_key_pair_from_file": (
        World.file,
        lambda d, path: d.import_key_pair_from_file("from-file", path),
    ),
    "delete_key_pair": (World.pair, lambda d, pair: d.delete_key_pair(pair)),
    "create_node": (
        lambda w: {"image": w.image, "location": w.location},
        lambda d, given: d.create_node("blog", **given),
    ),
    "deploy_node": (
        lambda w: {"image": w.image, "location": w.location, "ssh_key": w.private_key()},
        _deployed,
    ),
    "ex_find_node": (
        lambda w: w.made("the-only-one").name,
        lambda d, name: d.ex_find_node(name),
    ),
    "ex_find_image": (lambda w: w.image.name, lambda d, name: d.ex_find_image(name)),
    "ex_get_node": (lambda w: w.node.id, lambda d, name: d.ex_get_node(name)),
    "destroy_node": _on_node("destroy_node", World.running),
    "start_node": _on_node("start_node", World.stopped),
    "stop_node": _on_node("stop_node", World.running),
    "ex_start_node": _on_node("ex_start_node", World.stopped),
    "ex_stop_node": _on_node("ex_stop_node", World.running),
    "reboot_node": (lambda w: w, _rebooted),
    "ex_update_node": _on_node("ex_update_node", World.running),
    "ex_get_node_logs": (lambda w: w, _logs),
    "ex_wait_node_in_state": _on_node("ex_wait_node_in_state"),
    "wait_until_running": (lambda w: w, _running),
    "ex_operation": _on_node("ex_operation"),
    "ex_get_node_parameter": (
        lambda w: (w.node, "hostname" if w.nuvla else "machine:hostname"),
        lambda d, given: d.ex_get_node_parameter(*given),
    ),
    "ex_save_cookies": (
        lambda w: w.folder / "cookies.txt",
        lambda d, path: d.ex_save_cookies(path),
    ),
    "ex_explain": (
        lambda w: (w.node, "hostname" if w.nuvla else "machine:hostname"),
        lambda d, given: d.ex_explain("ex_get_node_parameter", *given),
    ),
    "list_volumes": _bare("list_volumes"),
    "create_volume": _bare("create_volume", 1, "disk"),
    "destroy_volume": _bare("destroy_volume", VOLUME),
    "detach_volume": _bare("detach_volume", VOLUME),
    "attach_volume": (lambda w: w.node, lambda d, node: d.attach_volume(node, VOLUME)),
    "list_volume_snapshots": _bare("list_volume_snapshots", VOLUME),
    "create_volume_snapshot": _bare("create_volume_snapshot", VOLUME),
    "destroy_volume_snapshot": _bare("destroy_volume_snapshot", SNAPSHOT),
    "create_image": (lambda w: w.node, lambda d, node: d.create_image(node, "x")),
    "copy_image": (lambda w: w.image, lambda d, image: d.copy_image("x", image, "x")),
    "close": (lambda w: w.endpoint.login(), lambda _, driver: driver.close()),
}
"""What is prepared for a call, and the call."""


def promised(method, family):
    """The number of requests that a method's docstring names."""
    text = inspect.getdoc(getattr(SlipStreamNodeDriver, method)) or ""
    field = _FIELD.search(text)
    assert field, f"{method} does not say how many requests it sends"
    numbers = dict(reversed(_NUMBER.findall(field[1])))
    return 0 if numbers[family] == "none" else int(numbers[family])


@pytest.fixture(scope="module", params=KINDS)
def worlds(request, tmp_path_factory):
    """The same endpoint twice: with little in it, and with much."""
    folder = tmp_path_factory.mktemp("costs")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        made = []
        for name in ("quiet", "crowded"):
            (folder / name).mkdir()
            endpoint = stack.enter_context(serve(request.param, folder / name, patch))
            made.append(World(endpoint, folder / name))
        made[1].crowd()
        yield made


@pytest.mark.parametrize("method", CALLS)
def test_a_method_sends_the_requests_that_its_docstring_names(worlds, method):
    quiet, _ = worlds
    assert quiet.requests(method) == promised(method, NAMES[quiet.endpoint.name])


@pytest.mark.parametrize("method", CALLS)
def test_it_sends_no_more_of_them_where_there_is_more_of_everything(worlds, method):
    _, crowded = worlds
    assert crowded.requests(method) == promised(method, NAMES[crowded.endpoint.name])


def test_every_public_method_is_counted():
    methods = inspect.getmembers(SlipStreamNodeDriver, inspect.isfunction)
    public = {name for name, _ in methods if not name.startswith("_")}
    assert public == set(CALLS)


def _created(**changes):
    def call(world):
        given = {"image": world.image, "location": world.location}
        given |= {name: value(world) for name, value in changes.items()}
        if given.get("ex_cloud"):
            del given["location"]
        world.driver.create_node(**given)

    return call


def _application(world):
    image = world.driver.get_image("examples/tutorials/service-testing/system")
    world.endpoint.sandbox.journal.clear()
    return image


def _listed(world):
    images = world.driver.list_images()
    chosen = next(one for one in images if one.name.lower() == "wordpress")
    world.endpoint.sandbox.journal.clear()
    return chosen


def _key(number):
    blob = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes([number]) * 32).decode()
    return NodeAuthSSHKey(f"ssh-ed25519 {blob} of-{number}")


FURTHER = {
    "no addresses": (lambda w: w.driver.list_nodes(ex_addresses=False), 1, 1),
    "sizes of a location": (lambda w: w.driver.list_sizes(w.location), 1, 0),
    "all sizes": (lambda w: w.driver.list_sizes(ex_all=True), 1, 0),
    "a new key": (_created(auth=lambda _: _key(1)), 6, 0),
    "a key that is there": (_created(auth=lambda _: NodeAuthSSHKey(KEY)), 3, 0),
    "a listed image": (_created(image=_listed), 2, 4),
    "an image by its path": (
        _created(image=lambda w: NodeImage("apps/WordPress/wordpress", None, None)),
        3,
        5,
    ),
    "a location by its id": (_created(ex_cloud=lambda w: w.location.id), 2, 4),
    "a location by its name": (_created(ex_cloud=lambda w: w.location.name), 2, 5),
    "an application": (
        _created(image=lambda w: w.image if w.nuvla else _application(w)),
        3,
        3,
    ),
    "get_image by path": (lambda w: w.driver.get_image("apps/WordPress/wordpress"), 1, 2),
    "a tree": (
        lambda w: w.driver.list_images(
            ex_path="apps" if w.nuvla else "examples/images", ex_recurse=True
        ),
        2,
        1,
    ),
    "a key pair made by hand": (
        lambda w: w.driver.delete_key_pair(KeyPair("made", None, None, w.driver)),
        5,
        2,
    ),
    "the machines of a node": (lambda w: w.driver.ex_list_virtual_machines(node=w.node), 1, 0),
}


@pytest.mark.parametrize("case", FURTHER)
def test_what_a_docstring_says_of_other_cases_is_so_too(worlds, case):
    call, of_slipstream, of_nuvla = FURTHER[case]
    world, _ = worlds
    world.driver.import_key_pair_from_string("there", KEY)
    if "made" not in [pair.name for pair in world.driver.list_key_pairs()]:
        world.driver.create_key_pair("made")
    world.endpoint.sandbox.journal.clear()
    with suppress(BadInput):
        call(world)
    expected = of_nuvla if world.nuvla else of_slipstream
    assert len(list(world.endpoint.sandbox.journal)) == expected
