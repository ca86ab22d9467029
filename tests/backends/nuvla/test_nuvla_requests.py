"""What requests ask for; how many each call sends is counted in tests/libcloud/costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from libcloud.compute.base import Node

from slipstream.sandbox import Sandbox

from .support import WORDPRESS, Driver, deploy, place, requests

SECRET = {
    "api-credentials", "private-key", "secret-key", "key", "cert", "ca", "password", "token",
    "digest", "claims",
}  # fmt: skip
HEAVY = {"coe-resources", "content"}


def test_no_search_selects_a_secret_or_what_nobody_reads(
    driver: Driver, sandbox: Sandbox, running: Node
) -> None:
    edge = deploy(driver, where="edge-geneva")
    sandbox.journal.clear()
    driver.list_nodes()
    for options in ({}, {"ex_path": "apps/web"}, {"ex_path": "apps", "ex_recurse": True}):
        driver.list_images(**options)  # type: ignore[arg-type]
    driver.get_image(WORDPRESS)
    driver.list_locations()
    driver.list_key_pairs()
    driver.ex_list_virtual_machines()
    driver.ex_list_virtual_machines(node=edge)
    driver.ex_get_node(running.id)
    driver.ex_wait_node_in_state(running)
    searches = [entry.form for entry in sandbox.journal if entry.form is not None]
    assert len(searches) > 12
    for form in searches:
        assert (SECRET | HEAVY).isdisjoint(form["select"][0].split(","))
        assert {"orderby", "first", "last"} <= form.keys()
        assert form.get("filter") != [""]
    reads = sandbox.journal.entries("GET", f"/api/{running.id}")
    assert reads
    assert not any("api-credentials" in entry.query["select"][0].split(",") for entry in reads)


CALLS: dict[str, tuple[Callable[[Driver, Node], object], list[tuple[str, str]]]] = {
    "list_nodes": (
        lambda d, _: d.list_nodes(),
        [("PUT", "deployment"), ("PUT", "deployment-parameter")],
    ),
    "list_nodes without addresses": (
        lambda d, _: d.list_nodes(ex_addresses=False),
        [("PUT", "deployment")],
    ),
    "create_node without a name": (
        lambda d, _: deploy(d),
        [("POST", "deployment"), ("GET", "deployment"), ("POST", "deployment/start")],
    ),
    "machines of a node on a plain service": (
        lambda d, node: d.ex_list_virtual_machines(node=d.ex_get_node(node.id)),
        [("GET", "deployment"), ("PUT", "deployment-parameter")],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_requests_of(driver: Driver, sandbox: Sandbox, running: Node, name: str) -> None:
    call, expected = CALLS[name]
    place(driver)
    sandbox.journal.clear()
    call(driver, running)
    assert requests(sandbox)[-len(expected) :] == expected
