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
    """A server with a node that runs, a driver behind the proxy, and one that goes past it."""

    sandbox: Sandbox
    driver: Driver
    direct: Driver
    folder: Path
    node: Any = None
    image: Any = None
    location: Any = None

    @property
    def family(self) -> str:
        return self.sandbox.family


@attrs.frozen
class Call:
    """A call of a method; a fresh one needs a server of its own, since it changes something."""

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


def _log_in(stage: Stage, key: Any, secret: Any = None, **options: Any) -> Any:
    driver = Driver(
        key,
        secret,
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


def _call(name: str, /, *arguments: str, fresh: bool = False, **options: Any) -> Call:
    """A call with some attributes of the stage as arguments; an iterator is read to its end."""

    def do(stage: Stage) -> Any:
        result = getattr(stage.driver, name)(*(getattr(stage, a) for a in arguments), **options)
        return list(result) if name.startswith("ex_iterate") else result

    return Call(name, do, fresh)


CALLS = [
    Call("__init__", _log_in_by_password),
    Call("__init__ (cookie file)", _log_in_by_file),
    Call("connection.request", lambda s: s.driver.connection.request("/api/session").object),
    *map(_call, ("list_locations", "ex_iterate_locations", "list_sizes", "ex_iterate_sizes")),
    *map(_call, ("list_images", "list_key_pairs", "ex_iterate_key_pairs")),
    Call(
        "ex_iterate_images",
        lambda s: list(s.driver.ex_iterate_images(ex_path=PROJECTS[s.family], ex_recurse=True)),
    ),
    _call("get_image", image_id=BLOG),
    _call("ex_find_image", name=BLOG),
    _call("ex_find_node", name="blog"),
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
    _call("list_nodes", ex_addresses=True),
    _call("ex_iterate_nodes", ex_active_only=False),
    Call("ex_get_node", lambda s: s.driver.ex_get_node(s.node.id)),
    Call(
        "ex_get_node_parameter",
        lambda s: s.driver.ex_get_node_parameter(s.node, PARAMETERS[s.family]),
    ),
    _call("ex_list_virtual_machines"),
    Call(
        "ex_iterate_virtual_machines",
        lambda s: list(s.driver.ex_iterate_virtual_machines(node=s.node)),
    ),
    _call("ex_get_node_logs", "node", components=["wordpress"], fresh=True),
    *(
        _call(name, "node", fresh=True)
        for name in ("start_node", "ex_start_node", "stop_node", "ex_stop_node", "reboot_node",
                     "ex_update_node", "destroy_node")
    ),
    _call("get_key_pair", name=KEY),
    _call("create_key_pair", name="fresh", fresh=True),
    _call("import_key_pair_from_string", name="fresh", key_material=PUBLIC_KEY, fresh=True),
    Call("import_key_pair_from_file", _import, fresh=True),
    _call("delete_key_pair", key_pair=KEY, fresh=True),
    _call("delete_image", "image", fresh=True),
    Call(
        "ex_explain",
        lambda s: s.driver.ex_explain("create_node", "x", image=s.image, location=s.location),
    ),
]  # fmt: skip

SEND_NOTHING = {"ex_save_cookies", "close", "ex_from_profile", "ex_endpoint", "connectionCls"}
"""Public names that send no requests, or those of ``__init__``."""
