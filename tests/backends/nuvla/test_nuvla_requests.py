"""How many requests each call costs, and what they ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import NodeImage

from slipstream.sandbox import Sandbox

from .support import WORDPRESS, Driver, deploy, place, requests

SECRET = {
    "api-credentials", "private-key", "secret-key", "key", "cert", "ca", "password", "token",
    "digest", "claims",
}  # fmt: skip
HEAVY = {"coe-resources", "content"}

CALLS: dict[str, tuple[Callable[[Driver, Any], object], list[tuple[str, str]]]] = {
    "list_nodes": (
        lambda d, _: d.list_nodes(),
        [("PUT", "deployment"), ("PUT", "deployment-parameter")],
    ),
    "list_nodes without addresses": (
        lambda d, _: d.list_nodes(ex_addresses=False),
        [("PUT", "deployment")],
    ),
    "list_images": (lambda d, _: d.list_images(), [("PUT", "module")]),
    "list_images of a path": (lambda d, _: d.list_images(ex_path="apps/web"), [("PUT", "module")]),
    "list_images of a tree": (
        lambda d, _: d.list_images(ex_path="apps", ex_recurse=True),
        [("PUT", "module")],
    ),
    "get_image": (
        lambda d, _: d.get_image(WORDPRESS),
        [("PUT", "module"), ("GET", "module")],
    ),
    "get_image by id": (
        lambda d, subjects: d.get_image(subjects["image"].id),
        [("GET", "module")],
    ),
    "delete_image": (
        lambda d, subjects: d.delete_image(subjects["image"]),
        [("POST", "module/delete-version")],
    ),
    "list_locations": (
        lambda d, _: d.list_locations(),
        [("PUT", "credential"), ("PUT", "infrastructure-service")],
    ),
    "list_sizes": (lambda d, _: d.list_sizes(), []),
    "create_node": (
        lambda d, subjects: d.create_node("x", None, subjects["image"], subjects["location"]),
        [("POST", "deployment"), ("PUT", "deployment"), ("POST", "deployment/start")],
    ),
    "create_node without a name": (
        lambda d, subjects: d.create_node(image=subjects["image"], location=subjects["location"]),
        [("POST", "deployment"), ("GET", "deployment"), ("POST", "deployment/start")],
    ),
    "create_node of an image that was not read": (
        lambda d, subjects: d.create_node(
            "x", None, NodeImage(subjects["image"].id, "x", d), subjects["location"]
        ),
        [
            ("GET", "module"),
            ("POST", "deployment"),
            ("PUT", "deployment"),
            ("POST", "deployment/start"),
        ],
    ),
    "create_node with a credential": (
        lambda d, subjects: d.create_node(
            "x",
            image=subjects["image"],
            ex_cloud=subjects["location"].extra["credentials"][0]["id"],
        ),
        [("POST", "deployment"), ("PUT", "deployment"), ("POST", "deployment/start")],
    ),
    "stop_node": (
        lambda d, subjects: d.stop_node(subjects["node"]),
        [("GET", "deployment"), ("POST", "deployment/stop")],
    ),
    "ex_update_node": (
        lambda d, subjects: d.ex_update_node(subjects["node"]),
        [("POST", "deployment/update")],
    ),
    "destroy_node": (
        lambda d, subjects: d.destroy_node(subjects["node"]),
        [("POST", "deployment/stop")],
    ),
    "ex_get_node": (
        lambda d, subjects: d.ex_get_node(subjects["node"].id),
        [("GET", "deployment"), ("PUT", "deployment-parameter")],
    ),
    "ex_wait_node_in_state": (
        lambda d, subjects: d.ex_wait_node_in_state(subjects["node"]),
        [("GET", "deployment"), ("GET", "deployment"), ("PUT", "deployment-parameter")],
    ),
    "ex_get_node_parameter": (
        lambda d, subjects: d.ex_get_node_parameter(subjects["node"], "web.tcp.80"),
        [("GET", "deployment-parameter")],
    ),
    "ex_list_virtual_machines": (
        lambda d, _: d.ex_list_virtual_machines(),
        [("PUT", "nuvlabox"), ("PUT", "nuvlabox-status")],
    ),
    "ex_list_virtual_machines of a node": (
        lambda d, subjects: d.ex_list_virtual_machines(node=subjects["edge node"]),
        [("PUT", "nuvlabox-status")],
    ),
    "ex_list_virtual_machines of a node on a plain service": (
        lambda d, subjects: d.ex_list_virtual_machines(node=subjects["node"]),
        [],
    ),
    "list_key_pairs": (lambda d, _: d.list_key_pairs(), [("PUT", "credential")]),
    "get_key_pair": (lambda d, _: d.get_key_pair("laptop"), [("PUT", "credential")]),
    "create_key_pair": (
        lambda d, _: d.create_key_pair("new"),
        [("PUT", "credential"), ("POST", "credential")],
    ),
    "delete_key_pair": (
        lambda d, subjects: d.delete_key_pair(subjects["key"]),
        [("DELETE", "credential")],
    ),
}
AT_ONCE = {"list_locations", "ex_list_virtual_machines"}


@pytest.fixture
def subjects(driver: Driver, running: Any, sandbox: Sandbox) -> dict[str, Any]:
    """What was read before, at a cost of its own."""
    result = {
        "node": driver.ex_get_node(running.id),
        "edge node": driver.ex_get_node(deploy(driver, where="edge-geneva").id),
        "image": driver.get_image(WORDPRESS),
        "location": place(driver),
        "key": driver.create_key_pair("spare"),
    }
    sandbox.journal.clear()
    return result


@pytest.mark.parametrize("name", CALLS)
def test_a_call_costs_these_requests_and_no_other(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], name: str
) -> None:
    call, expected = CALLS[name]
    call(driver, subjects)
    asked = requests(sandbox)
    assert (sorted(asked) if name in AT_ONCE else asked) == expected


def test_no_listing_asks_for_a_secret_or_for_what_nobody_reads(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any]
) -> None:
    for name, (call, _) in CALLS.items():
        if name.startswith(("list", "get", "ex_list", "ex_get", "ex_wait")):
            call(driver, subjects)
    searches = [entry for entry in sandbox.journal if entry.form is not None]
    assert len(searches) > 12
    for entry in searches:
        assert entry.form is not None
        selected = set(entry.form["select"][0].split(","))
        assert selected.isdisjoint(SECRET | HEAVY), entry.path
        assert {"orderby", "first", "last"} <= entry.form.keys()
        assert entry.form.get("filter") != [""]


def test_a_deployment_is_read_without_its_credentials(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any]
) -> None:
    driver.ex_get_node(subjects["node"].id)
    (entry,) = [item for item in sandbox.journal if item.method == "GET"]
    assert "api-credentials" not in entry.query["select"][0].split(",")
