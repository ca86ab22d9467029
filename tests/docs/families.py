"""One call for each method and option of the driver, made alike on a server of each family."""

from __future__ import annotations

import time
import warnings
from types import SimpleNamespace
from unittest import mock

import attrs
from authority import Authority, tls
from fake_time import FakeTime
from key_files import make_pair
from libcloud.compute.base import NodeAuthSSHKey, StorageVolume, VolumeSnapshot
from libcloud.compute.deployment import ScriptDeployment
from servers import front
from ssh_server import Machine

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NoAnswer, NodeFailed, NotFound
from slipstream.transport import UncheckedCertificate, clock

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJfmhBbM99sFG+9xQMYY7wO4GxidbheaCun88ux2zQw1"
BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
VOLUME = StorageVolume("told", "told", 10, None)
SNAPSHOT = VolumeSnapshot("told", None)
SEEN, TOLD = [], []


@attrs.define(slots=False)
class Stage:
    """A sandbox of one family, somebody logged in on it, and what the calls need."""

    sandbox: object
    folder: object

    def __attrs_post_init__(self):
        self.nuvla = self.sandbox.family == "nuvla"
        self.driver = self.log_in()
        place = "swarm-lausanne" if self.nuvla else "exoscale-ch-gva"
        self.location = next(p for p in self.driver.list_locations() if p.name == place)
        self.image = self.driver.get_image(BLOG)
        self.several = self.image if self.nuvla else self.driver.get_image(SYSTEM)
        self.node = self.ready()

    def log_in(self, key=None, secret=None, **more):
        given = (key or self.sandbox.username, secret or self.sandbox.password)
        more = {"ex_endpoint": self.sandbox.url, "retry_delay": 0.001, **more}
        return SlipStreamNodeDriver(*given, **more)

    def pass_time(self):
        for _ in range(60):
            self.sandbox.clock.advance(10)

    def deploy(self, **more):
        more = {"image": self.image, "location": self.location, **more}
        return self.driver.create_node(**more)

    def ready(self, **more):
        node = self.deploy(**more)
        self.pass_time()
        return self.driver.ex_get_node(node.id)

    def end(self, node):
        done = self.driver.destroy_node(node)
        self.pass_time()
        return done

    def wait(self, **more):
        more = {"wait_period": 0, "timeout": 10, **more}
        return self.driver.ex_wait_node_in_state(self.node, **more)


def _forced(stage):
    with _hurried(stage):
        return stage.driver.destroy_node(stage.ready(), ex_force=True)


def _hurried(stage):
    return mock.patch("slipstream.transport.clock.time", FakeTime(stage.sandbox.clock.advance))


def _rebooted(stage):
    if not stage.nuvla:
        return stage.driver.reboot_node(stage.node)
    with _hurried(stage):
        return stage.driver.reboot_node(stage.ready())


def _ids(things):
    return [thing.id for thing in things]


def _plain(s):
    address, _, port = s.sandbox.url.removeprefix("http://").partition(":")
    given = (s.sandbox.username, s.sandbox.password)
    return SlipStreamNodeDriver(*given, secure=False, host=address, port=int(port))


def _saved(s):
    path = s.folder / f"{s.sandbox.family}.txt"
    s.driver.ex_save_cookies(path)
    return SlipStreamNodeDriver(None, ex_endpoint=s.sandbox.url, ex_cookie_file=path)


def _proxied(s):
    try:
        s.log_in(proxy_url="http://127.0.0.1:1")
    except NoAnswer:
        return True
    return False


def _encrypted(s, *, careless=False, both=False):
    authority = Authority(s.folder)
    server = authority.issue("server", "localhost")
    shown = authority.issue("client").both if both else None
    trusted = {"ex_verify": False} if careless else {"ex_ca_cert": authority.certificate}
    context = tls(server, clients=authority if both else None)
    with front(s.sandbox.url, tls=context) as url, warnings.catch_warnings():
        warnings.simplefilter("ignore", UncheckedCertificate)
        driver = s.log_in(ex_endpoint=url, ex_client_cert=shown, **trusted)
        driver.close()
    return driver.secure


def _with_fields(s):
    if s.nuvla:
        carol, code = s.sandbox.users["carol"], s.sandbox.world.two_factor_code("carol")
        return s.log_in(carol.username, carol.password, ex_login_parameters={"code": code})
    token = {"token": s.sandbox.token}
    more = {"ex_login_method": "mitreid-token", "ex_login_parameters": token}
    return SlipStreamNodeDriver(None, ex_endpoint=s.sandbox.url, **more)


def _ended(s, **more):
    node = s.ready()
    s.end(node)
    return (node.id in _ids(s.driver.list_nodes(**more))) is (bool(more) and not s.nuvla)


def _readable(s):
    node = s.ready()
    assert s.end(node)
    try:
        return s.driver.ex_get_node(node.id).state == "terminated" and not s.nuvla
    except NotFound:
        return s.nuvla


def _found_as(s):
    node = s.ready(name="told", ex_tags=["shop"])
    return node.name == "told" and node.extra["tags"] == ["shop"]


def _set_up(s, **options):
    home = s.folder / f"home-of-{s.sandbox.family}"
    home.mkdir(exist_ok=True)
    pair = make_pair(s.folder, "told")
    step = ScriptDeployment("#!/bin/sh\n")
    moving = SimpleNamespace(
        sleep=s.sandbox.clock.advance, monotonic=time.monotonic, time=time.time
    )
    here = mock.patch.object(s.sandbox.world.ids, "fixed_address", "127.0.0.1")
    passing = mock.patch.object(clock, "time", moving)
    with Machine(home, lambda: pair.public, ("root", "told")) as machine, here, passing:
        given = {"ssh_port": machine.port, "ssh_interface": "private_ips", **options}
        given |= {"ssh_key": str(pair.file), "image": s.image, "location": s.location}
        s.driver.deploy_node(step, **given)
    return step.exit_status == 0


def _restarted(s):
    node = s.ready()
    s.driver.stop_node(node)
    s.pass_time()
    assert s.driver.ex_get_node(node.id).state == "stopped"
    assert s.driver.start_node(node)
    s.pass_time()
    return s.driver.ex_get_node(node.id).state == "running"


def _started_again(s):
    node = s.ready()
    s.driver.ex_stop_node(node)
    s.pass_time()
    return s.driver.ex_start_node(node)


def _kept(s, method, material):
    pair = method("told", material)
    return s.driver.get_key_pair("told").fingerprint == pair.fingerprint and (
        s.driver.delete_key_pair(pair)
    )


def _from_file(s):
    path = s.folder / "key.pub"
    path.write_text(KEY, "utf-8")
    return _kept(s, s.driver.import_key_pair_from_file, str(path))


def _made(s):
    pair = s.driver.create_key_pair("told")
    return pair.private_key and s.driver.delete_key_pair(pair)


def _deleted(s, **more):
    of_slipstream, of_nuvla = (
        ("examples/images/centos-7", "apps/web/whoami")
        if more
        else ("examples/images/ubuntu-16.04", "apps/web/redis")
    )
    admin = s.sandbox.users["super"]
    driver = s.driver if s.nuvla else s.log_in(admin.username, admin.password)
    return driver.delete_image(driver.get_image(of_nuvla if s.nuvla else of_slipstream), **more)


def _logs(s, **more):
    fake = SimpleNamespace(sleep=s.sandbox.clock.advance, monotonic=time.monotonic, time=time.time)
    with mock.patch.object(clock, "time", fake):
        return "web" in s.driver.ex_get_node_logs(s.node, ["web"], **more)


def _runs(s, **more):
    at = "private_ips" if s.nuvla else "public_ips"
    [(node, addresses)] = s.driver.wait_until_running([s.node], ssh_interface=at, **more)
    return node.state == "running" and addresses


def _runs_elsewhere(s):
    at = "public_ips" if s.nuvla else "private_ips"
    try:
        s.driver.wait_until_running([s.node], wait_period=0, ssh_interface=at)
    except NodeFailed as error:
        return "Pass ssh_interface=" in str(error)
    return False


def _alike(s, what, **options):
    listed = getattr(s.driver, f"list_{what}")(**options)
    going_through = getattr(s.driver, f"ex_iterate_{what}")(**options)
    assert iter(going_through) is going_through
    order = sorted if what == "sizes" else list
    return order(map(repr, going_through)) == order(map(repr, listed))


def _machines_alike(s, **options):
    listed = s.driver.ex_list_virtual_machines(**options)
    return list(map(repr, s.driver.ex_iterate_virtual_machines(**options))) == list(
        map(repr, listed)
    )


CALLS = {
    "key": lambda s: s.log_in(s.sandbox.key, s.sandbox.secret),
    "secret": lambda s: s.log_in(s.sandbox.key, s.sandbox.secret),
    "secure": _plain,
    "host": _plain,
    "port": _plain,
    "api_version": lambda s: s.log_in(api_version="2" if s.nuvla else "1"),
    "region": lambda s: s.log_in(region="nowhere"),
    "timeout": lambda s: s.log_in(timeout=5),
    "retry_delay": lambda s: s.log_in(retry_delay=0.1),
    "backoff": lambda s: s.log_in(backoff=1.5),
    "proxy_url": _proxied,
    "ex_verify": lambda s: _encrypted(s, careless=True),
    "ex_ca_cert": _encrypted,
    "ex_client_cert": lambda s: _encrypted(s, both=True),
    "ex_endpoint": lambda s: s.log_in().ex_endpoint == s.sandbox.url,
    "ex_cookie_file": _saved,
    "ex_login_method": lambda s: s.log_in(ex_login_method="internal"),
    "ex_login_parameters": _with_fields,
    "ex_endpoint_kind": lambda s: s.log_in(ex_endpoint_kind=s.sandbox.family),
    "ex_group": lambda s: s.log_in(ex_group="acme").list_nodes() == [],
    "ex_disable_plugins": lambda s: s.log_in(ex_disable_plugins=[]),
    "list_nodes()": lambda s: s.node.id in _ids(s.driver.list_nodes()),
    "list_nodes(location)": lambda s: s.node.id in _ids(s.driver.list_nodes(location=s.location)),
    "list_nodes(ex_active_only)": lambda s: _ended(s) and _ended(s, ex_active_only=False),
    "list_nodes(ex_addresses)": lambda s: any(
        node.public_ips + node.private_ips for node in s.driver.list_nodes(ex_addresses=True)
    ),
    "ex_find_node()": lambda s: (
        s.driver.ex_find_node(s.deploy(name="told-once").name).name == "told-once"
    ),
    "ex_get_node()": _readable,
    "create_node()": lambda s: s.end(s.deploy()),
    "create_node(name)": _found_as,
    "create_node(size)": lambda s: s.deploy(size=s.driver.list_sizes(s.location)[0]),
    "create_node(image)": lambda s: s.deploy(image=s.several),
    "create_node(location)": lambda s: s.location.name in s.deploy().extra["clouds"],
    "create_node(auth)": lambda s: s.deploy(auth=NodeAuthSSHKey(KEY)),
    "create_node(ex_tags)": _found_as,
    "create_node(ex_cloud)": lambda s: s.deploy(location=None, ex_cloud=s.location.name),
    "create_node(ex_parameters)": lambda s: s.deploy(ex_parameters={"wordpress_title": "Told"}),
    "create_node(ex_keep_running)": lambda s: s.deploy(ex_keep_running="always"),
    "create_node(ex_multiplicity)": lambda s: s.deploy(
        image=s.several, ex_multiplicity={"apache": 1}
    ),
    "create_node(ex_tolerate_failures)": lambda s: s.deploy(
        image=s.several, ex_tolerate_failures={"testclient": 0}
    ),
    "create_node(ex_check_ssh_key)": lambda s: s.deploy(ex_check_ssh_key=True),
    "create_node(ex_scalable)": lambda s: s.deploy(image=s.several, ex_scalable=True),
    "deploy_node()": _set_up,
    "deploy_node(ssh_username)": lambda s: _set_up(s, ssh_username="told"),
    "deploy_node(ssh_alternate_usernames)": lambda s: _set_up(
        s, ssh_username="nobody", ssh_alternate_usernames=["told"]
    ),
    "deploy_node(ssh_port)": _set_up,
    "deploy_node(ssh_timeout)": lambda s: _set_up(s, ssh_timeout=5),
    "deploy_node(ssh_key)": _set_up,
    "deploy_node(ssh_key_password)": lambda s: _set_up(s, ssh_key_password="told"),
    "deploy_node(auth)": lambda s: _set_up(s, auth=NodeAuthSSHKey(KEY)),
    "deploy_node(timeout)": lambda s: _set_up(s, timeout=900),
    "deploy_node(max_tries)": lambda s: _set_up(s, max_tries=1),
    "deploy_node(ssh_interface)": _set_up,
    "deploy_node(at_exit_func)": lambda s: _set_up(s, at_exit_func=print),
    "deploy_node(wait_period)": lambda s: _set_up(s, wait_period=10),
    "destroy_node()": _readable,
    "destroy_node(ex_force)": _forced,
    "stop_node()": _restarted,
    "start_node()": lambda s: s.driver.start_node(s.node) if not s.nuvla else _restarted(s),
    "ex_stop_node()": lambda s: s.driver.ex_stop_node(s.ready()),
    "ex_start_node()": lambda s: _started_again(s) if s.nuvla else s.driver.ex_start_node(s.node),
    "reboot_node()": _rebooted,
    "ex_update_node()": lambda s: s.driver.ex_update_node(s.ready()),
    "ex_get_node_logs()": _logs,
    "ex_get_node_logs(components)": _logs,
    "ex_get_node_logs(lines)": lambda s: _logs(s, lines=1),
    "ex_get_node_logs(timeout)": lambda s: _logs(s, timeout=30),
    "ex_wait_node_in_state()": lambda s: s.wait() == ("STARTED" if s.nuvla else "Ready"),
    "ex_wait_node_in_state(states)": lambda s: s.wait(states=["running"]),
    "ex_wait_node_in_state(wait_period)": lambda s: s.wait(wait_period=0.01),
    "ex_wait_node_in_state(timeout)": lambda s: s.wait(timeout=1),
    "ex_wait_node_in_state(ignore_abort)": lambda s: s.wait(ignore_abort=True),
    "ex_wait_node_in_state(progress)": lambda s: s.wait(progress=SEEN.append) and SEEN,
    "wait_until_running()": _runs,
    "wait_until_running(wait_period)": lambda s: _runs(s, wait_period=0.01),
    "wait_until_running(timeout)": lambda s: _runs(s, timeout=1),
    "wait_until_running(ssh_interface)": _runs_elsewhere,
    "wait_until_running(force_ipv4)": lambda s: _runs(s, force_ipv4=False),
    "wait_until_running(ex_list_nodes_kwargs)": lambda s: _runs(
        s, ex_list_nodes_kwargs={"ex_addresses": True}
    ),
    "wait_until_running(progress)": lambda s: _runs(s, progress=TOLD.append) and TOLD,
    "ex_operation()": lambda s: s.driver.ex_operation(s.node).poll().done,
    "ex_operation(states)": lambda s: s.driver.ex_operation(s.node, ["running"]).poll().done,
    "ex_operation(ignore_abort)": lambda s: (
        s.driver.ex_operation(s.node, ignore_abort=True).poll().done
    ),
    "ex_get_node_parameter()": lambda s: s.driver.ex_get_node_parameter(
        s.node, "hostname" if s.nuvla else "machine:hostname"
    ),
    "ex_get_node_parameter(ignore_abort)": lambda s: s.driver.ex_get_node_parameter(
        s.node, "hostname" if s.nuvla else "machine:hostname", ignore_abort=False
    ),
    "ex_list_virtual_machines()": lambda s: s.driver.ex_list_virtual_machines(),
    "ex_list_virtual_machines(location)": lambda s: (
        s.nuvla is not bool(s.driver.ex_list_virtual_machines(location=s.location))
    ),
    "ex_list_virtual_machines(node)": lambda s: (
        s.nuvla is not bool(s.driver.ex_list_virtual_machines(node=s.node))
    ),
    "list_images()": lambda s: s.driver.list_images(),
    "list_images(location)": lambda s: s.driver.list_images(s.location),
    "list_images(ex_path)": lambda s: s.driver.list_images(
        ex_path="apps/web" if s.nuvla else "examples/images"
    ),
    "list_images(ex_recurse)": lambda s: s.driver.list_images(ex_path="apps", ex_recurse=True),
    "ex_find_image()": lambda s: (
        s.driver.ex_find_image(s.image.name).extra["path"] == s.image.extra["path"]
    ),
    "get_image()": lambda s: s.driver.get_image(s.image.id).id == s.image.id,
    "delete_image()": _deleted,
    "delete_image(ex_all_versions)": lambda s: _deleted(s, ex_all_versions=True),
    "list_sizes()": lambda s: (len(s.driver.list_sizes()) == 1) is s.nuvla,
    "list_sizes(ex_all)": lambda s: (len(s.driver.list_sizes(ex_all=True)) == 1) is s.nuvla,
    "list_sizes(location)": lambda s: (len(s.driver.list_sizes(s.location)) == 1) is s.nuvla,
    "list_locations()": lambda s: s.location.name in [p.name for p in s.driver.list_locations()],
    "list_key_pairs()": lambda s: s.driver.list_key_pairs(),
    "ex_iterate_nodes()": lambda s: _alike(s, "nodes"),
    "ex_iterate_nodes(location)": lambda s: _alike(s, "nodes", location=s.location),
    "ex_iterate_nodes(ex_active_only)": lambda s: _alike(s, "nodes", ex_active_only=False),
    "ex_iterate_nodes(ex_addresses)": lambda s: _alike(s, "nodes", ex_addresses=True),
    "ex_iterate_images()": lambda s: _alike(s, "images"),
    "ex_iterate_images(location)": lambda s: s.driver.ex_iterate_images(s.location),
    "ex_iterate_images(ex_path)": lambda s: _alike(s, "images", ex_path="apps"),
    "ex_iterate_images(ex_recurse)": lambda s: _alike(
        s, "images", ex_path="apps", ex_recurse=True
    ),
    "ex_iterate_sizes()": lambda s: _alike(s, "sizes"),
    "ex_iterate_sizes(ex_all)": lambda s: _alike(s, "sizes", ex_all=True),
    "ex_iterate_sizes(location)": lambda s: _alike(s, "sizes", location=s.location),
    "ex_iterate_locations()": lambda s: _alike(s, "locations"),
    "ex_iterate_key_pairs()": lambda s: _alike(s, "key_pairs"),
    "ex_iterate_virtual_machines()": _machines_alike,
    "ex_iterate_virtual_machines(location)": lambda s: _machines_alike(s, location=s.location),
    "ex_iterate_virtual_machines(node)": lambda s: _machines_alike(s, node=s.node),
    "get_key_pair()": lambda s: _kept(s, s.driver.import_key_pair_from_string, KEY),
    "create_key_pair()": _made,
    "import_key_pair_from_string()": lambda s: _kept(s, s.driver.import_key_pair_from_string, KEY),
    "import_key_pair_from_file()": _from_file,
    "delete_key_pair()": lambda s: _kept(s, s.driver.import_key_pair_from_string, KEY),
    "create_image()": lambda s: s.driver.create_image(s.node, "told"),
    "create_image(description)": lambda s: s.driver.create_image(s.node, "told", "A text."),
    "copy_image()": lambda s: s.driver.copy_image("here", s.image, "told"),
    "copy_image(description)": lambda s: s.driver.copy_image("here", s.image, "told", "A text."),
    "list_volumes()": lambda s: s.driver.list_volumes(),
    "create_volume()": lambda s: s.driver.create_volume(10, "told"),
    "create_volume(location)": lambda s: s.driver.create_volume(10, "told", location=s.location),
    "create_volume(snapshot)": lambda s: s.driver.create_volume(10, "told", snapshot=SNAPSHOT),
    "attach_volume()": lambda s: s.driver.attach_volume(s.node, VOLUME),
    "attach_volume(device)": lambda s: s.driver.attach_volume(s.node, VOLUME, device="/dev/sdb"),
    "detach_volume()": lambda s: s.driver.detach_volume(VOLUME),
    "destroy_volume()": lambda s: s.driver.destroy_volume(VOLUME),
    "list_volume_snapshots()": lambda s: s.driver.list_volume_snapshots(VOLUME),
    "create_volume_snapshot()": lambda s: s.driver.create_volume_snapshot(VOLUME),
    "create_volume_snapshot(name)": lambda s: s.driver.create_volume_snapshot(VOLUME, name="told"),
    "destroy_volume_snapshot()": lambda s: s.driver.destroy_volume_snapshot(SNAPSHOT),
    "ex_explain()": lambda s: s.driver.ex_explain("destroy_node", s.node).complete,
    "ex_save_cookies()": _saved,
    "close()": lambda s: s.log_in().close() is None,
}
"""What the table's rows promise, by the first cell; something true comes out if it was kept."""
