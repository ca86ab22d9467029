"""Every public method of the driver that sends requests, as a call to try."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from libcloud.compute.base import Node
from libcloud.compute.deployment import ScriptDeployment

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
LOCATIONS = {"slipstream": "exoscale-ch-gva", "nuvla": "swarm-lausanne"}
PROJECTS = {"slipstream": "examples", "nuvla": "apps"}
STATES = {"slipstream": "Ready", "nuvla": "STARTED"}
PARAMETERS = {"slipstream": "ss:state", "nuvla": "hostname"}
KEY = "kept"

_private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = _private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
PRIVATE_KEY = _private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


@attrs.define
class Stage:
    """
    What a call finds.

    :param sandbox: The server.
    :param driver: A driver whose requests go through the proxy.
    :param direct: Another one, whose requests do not.
    :param folder: Where files may be written.
    :param node: A node that runs.
    """

    sandbox: Sandbox
    driver: Driver
    direct: Driver
    folder: Path
    node: Node | None = None
    image: Any = None
    location: Any = None

    @property
    def family(self) -> str:
        return self.sandbox.family


@attrs.frozen
class Call:
    """
    One call.

    :param name: The method.
    :param do: Makes it.
    :param fresh: Whether it needs a server of its own, since it changes something.
    """

    name: str
    do: Callable[[Stage], Any]
    fresh: bool = False


def _deploy(stage: Stage) -> Any:
    key = stage.folder / "key"
    key.write_bytes(PRIVATE_KEY)
    return stage.driver.deploy_node(
        ScriptDeployment("true"),
        ssh_key=str(key),
        name="fresh",
        image=stage.image,
        location=stage.location,
        timeout=300,
    )


def _log_in(stage: Stage, *login: str | None, **options: Any) -> Any:
    driver = Driver(
        *login,
        ex_endpoint=stage.driver.ex_endpoint,
        retry_delay=0.001,
        timeout=stage.driver.connection.timeout,
        **options,
    )
    driver.close()
    return repr(driver)


def _log_in_by_password(stage: Stage) -> Any:
    sandbox = stage.sandbox
    return _log_in(stage, sandbox.username, sandbox.password, ex_login_method="internal")


def _log_in_by_file(stage: Stage) -> Any:
    path = str(stage.folder / "cookies")
    stage.direct.ex_save_cookies(path)
    return _log_in(stage, None, ex_cookie_file=path)


def _import(stage: Stage) -> Any:
    path = stage.folder / "key.pub"
    path.write_text(f"{PUBLIC_KEY} from-file\n")
    return stage.driver.import_key_pair_from_file("from-file", str(path))


CALLS = [
    Call("__init__", _log_in_by_password),
    Call("__init__ (cookie file)", _log_in_by_file),
    Call("connection.request", lambda s: s.driver.connection.request("/api/session").object),
    Call("list_locations", lambda s: s.driver.list_locations()),
    Call("ex_iterate_locations", lambda s: list(s.driver.ex_iterate_locations())),
    Call("list_sizes", lambda s: s.driver.list_sizes()),
    Call("ex_iterate_sizes", lambda s: list(s.driver.ex_iterate_sizes())),
    Call("list_images", lambda s: s.driver.list_images()),
    Call(
        "ex_iterate_images",
        lambda s: list(s.driver.ex_iterate_images(ex_path=PROJECTS[s.family], ex_recurse=True)),
    ),
    Call("get_image", lambda s: s.driver.get_image(BLOG)),
    Call("ex_find_image", lambda s: s.driver.ex_find_image(BLOG)),
    Call("ex_find_node", lambda s: s.driver.ex_find_node("blog")),
    Call(
        "create_node",
        lambda s: s.driver.create_node("fresh", image=s.image, location=s.location),
        fresh=True,
    ),
    Call("deploy_node", _deploy, fresh=True),
    Call("wait_until_running", lambda s: s.driver.wait_until_running([s.node], timeout=60)),
    Call(
        "ex_wait_node_in_state",
        lambda s: s.driver.ex_wait_node_in_state(s.node, STATES[s.family], timeout=60),
    ),
    Call(
        "ex_operation", lambda s: s.driver.ex_operation(s.node, STATES[s.family]).wait(timeout=60)
    ),
    Call("list_nodes", lambda s: s.driver.list_nodes(ex_addresses=True)),
    Call("ex_iterate_nodes", lambda s: list(s.driver.ex_iterate_nodes(ex_active_only=False))),
    Call("ex_get_node", lambda s: s.driver.ex_get_node(s.node.id)),
    Call(
        "ex_get_node_parameter",
        lambda s: s.driver.ex_get_node_parameter(s.node, PARAMETERS[s.family]),
    ),
    Call("ex_list_virtual_machines", lambda s: s.driver.ex_list_virtual_machines()),
    Call(
        "ex_iterate_virtual_machines",
        lambda s: list(s.driver.ex_iterate_virtual_machines(node=s.node)),
    ),
    Call(
        "ex_get_node_logs", lambda s: s.driver.ex_get_node_logs(s.node, ["wordpress"]), fresh=True
    ),
    Call("start_node", lambda s: s.driver.start_node(s.node), fresh=True),
    Call("ex_start_node", lambda s: s.driver.ex_start_node(s.node), fresh=True),
    Call("stop_node", lambda s: s.driver.stop_node(s.node), fresh=True),
    Call("ex_stop_node", lambda s: s.driver.ex_stop_node(s.node), fresh=True),
    Call("reboot_node", lambda s: s.driver.reboot_node(s.node), fresh=True),
    Call("ex_update_node", lambda s: s.driver.ex_update_node(s.node), fresh=True),
    Call("destroy_node", lambda s: s.driver.destroy_node(s.node), fresh=True),
    Call("list_key_pairs", lambda s: s.driver.list_key_pairs()),
    Call("ex_iterate_key_pairs", lambda s: list(s.driver.ex_iterate_key_pairs())),
    Call("get_key_pair", lambda s: s.driver.get_key_pair(KEY)),
    Call("create_key_pair", lambda s: s.driver.create_key_pair("fresh"), fresh=True),
    Call(
        "import_key_pair_from_string",
        lambda s: s.driver.import_key_pair_from_string("fresh", PUBLIC_KEY),
        fresh=True,
    ),
    Call("import_key_pair_from_file", _import, fresh=True),
    Call("delete_key_pair", lambda s: s.driver.delete_key_pair(KEY), fresh=True),
    Call("delete_image", lambda s: s.driver.delete_image(s.image), fresh=True),
    Call(
        "ex_explain",
        lambda s: s.driver.ex_explain("create_node", "x", image=s.image, location=s.location),
    ),
]

SEND_NOTHING = {"ex_save_cookies", "close", "ex_from_profile", "ex_endpoint", "connectionCls"}
"""Public names that send no requests, or those of ``__init__``."""
