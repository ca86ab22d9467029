"""Every public method of the driver that sends requests, as a call to try."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from endpoints_under_test import BLOG, Driver, LiveEndpoint
from key_files import KEY as PUBLIC_KEY
from key_files import make_pair
from libcloud.compute.deployment import ScriptDeployment

from slipstream.sandbox import Sandbox

PROJECTS = {"slipstream": "examples", "nuvla": "apps"}
STATES = {"slipstream": "Ready", "nuvla": "STARTED"}
PARAMETERS = {"slipstream": "ss:state", "nuvla": "hostname"}
KEY = "kept"
Do = Callable[[Any, "Stage"], Any]


@attrs.define
class Stage:
    """A server with a node that runs, a driver behind the proxy, and one that goes past it."""

    endpoint: LiveEndpoint
    driver: Driver
    direct: Driver
    folder: Path
    node: Any = None
    image: Any = None
    location: Any = None

    @property
    def sandbox(self) -> Sandbox:
        return self.endpoint.sandbox

    @property
    def family(self) -> str:
        return self.endpoint.family

    @property
    def new_node(self) -> dict[str, Any]:
        return {"name": "fresh", "image": self.image, "location": self.location}


@attrs.frozen
class Call:
    """A call of a method; a fresh one needs a server of its own, since it changes something."""

    name: str
    do: Do
    fresh: bool = False


def _log_in(driver: Driver, stage: Stage, **options: Any) -> str:
    options |= {"ex_endpoint": driver.ex_endpoint, "timeout": driver.connection.timeout}
    with stage.endpoint.login(**options) as new:
        return repr(new)


def _log_in_by_file(driver: Driver, stage: Stage) -> str:
    path = str(stage.folder / "cookies")
    stage.direct.ex_save_cookies(path)
    return _log_in(driver, stage, ex_cookie_file=path)


def _deploy(driver: Driver, stage: Stage) -> Any:
    key = str(make_pair(stage.folder, "key").file)
    steps = ScriptDeployment("true")
    return driver.deploy_node(steps, ssh_key=key, timeout=300, **stage.new_node)


def _import(driver: Driver, stage: Stage) -> Any:
    path = stage.folder / "key.pub"
    path.write_text(f"{PUBLIC_KEY} from-file\n")
    return driver.import_key_pair_from_file("from-file", str(path))


def _method(name: str, /, *attributes: str, **options: Any) -> Do:
    """Call a method with some attributes of the stage; an iterator is read to its end."""

    def do(driver: Driver, stage: Stage) -> Any:
        arguments = [getattr(stage, attribute) for attribute in attributes]
        result = getattr(driver, name)(*arguments, **options)
        return list(result) if name.startswith("ex_iterate") else result

    return do


READS: dict[str, Do] = {
    "__init__": _log_in,
    "__init__ (cookie file)": _log_in_by_file,
    "connection.request": lambda d, s: d.connection.request("/api/session").object,
    **{
        name: _method(name)
        for name in ("list_locations", "ex_iterate_locations", "list_sizes", "ex_iterate_sizes",
                     "list_images", "list_key_pairs", "ex_iterate_key_pairs")
    },
    "ex_iterate_images": lambda d, s: list(
        d.ex_iterate_images(ex_path=PROJECTS[s.family], ex_recurse=True)
    ),
    "get_image": _method("get_image", image_id=BLOG),
    "ex_find_image": _method("ex_find_image", name=BLOG),
    "ex_find_node": _method("ex_find_node", name="blog"),
    "wait_until_running": lambda d, s: d.wait_until_running([s.node], timeout=60),
    "ex_wait_node_in_state": lambda d, s: d.ex_wait_node_in_state(
        s.node, STATES[s.family], timeout=60
    ),
    "ex_operation": lambda d, s: d.ex_operation(s.node, STATES[s.family]).wait(timeout=60),
    "list_nodes": _method("list_nodes", ex_addresses=True),
    "ex_iterate_nodes": _method("ex_iterate_nodes", ex_active_only=False),
    "ex_get_node": lambda d, s: d.ex_get_node(s.node.id),
    "ex_get_node_parameter": lambda d, s: d.ex_get_node_parameter(s.node, PARAMETERS[s.family]),
    "ex_list_virtual_machines": _method("ex_list_virtual_machines"),
    "ex_iterate_virtual_machines": lambda d, s: list(d.ex_iterate_virtual_machines(node=s.node)),
    "get_key_pair": _method("get_key_pair", name=KEY),
    "ex_explain": lambda d, s: d.ex_explain("create_node", **s.new_node),
}  # fmt: skip
CHANGES: dict[str, Do] = {
    "create_node": lambda d, s: d.create_node(**s.new_node),
    "deploy_node": _deploy,
    "ex_get_node_logs": _method("ex_get_node_logs", "node", components=["wordpress"]),
    **{
        name: _method(name, "node")
        for name in ("start_node", "ex_start_node", "stop_node", "ex_stop_node", "reboot_node",
                     "ex_update_node", "destroy_node")
    },
    "create_key_pair": _method("create_key_pair", name="fresh"),
    "import_key_pair_from_string": _method(
        "import_key_pair_from_string", name="fresh", key_material=PUBLIC_KEY
    ),
    "import_key_pair_from_file": _import,
    "delete_key_pair": _method("delete_key_pair", key_pair=KEY),
    "delete_image": _method("delete_image", "image"),
}  # fmt: skip
CALLS = [Call(*item) for item in READS.items()]
CALLS += [Call(*item, fresh=True) for item in CHANGES.items()]

SEND_NOTHING = {"ex_save_cookies", "close", "ex_from_profile", "ex_endpoint", "connectionCls"}
"""Public names that send no requests, or those of ``__init__``."""
