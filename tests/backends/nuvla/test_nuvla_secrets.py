"""What a deployment holds that nobody may see; the rest is in tests/redaction/test_canaries.py."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from libcloud.compute.base import Node

from slipstream.sandbox import Sandbox

from .support import JSON, WORDPRESS, Driver, deploy, stored

VALUE = "hunter2-of-the-blog"
GIVEN = {"WP_ADMIN_PASSWORD": VALUE}


def everything(node: Node) -> str:
    return repr(node) + repr(vars(node))


def test_node_shows_no_environment_and_no_credentials(
    driver: Driver, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    created = deploy(driver, name="blog", ex_parameters=GIVEN)
    sandbox.clock.advance(300)
    document = stored(sandbox, created.id)
    secret = document["api-credentials"]["api-secret"]
    (listed,) = driver.list_nodes(ex_addresses=True)
    nodes = [created, listed, driver.ex_get_node(created)]
    assert VALUE in repr(document)
    # A server that sends them although it was not asked to.
    sandbox.faults.add("GET", r"/api/deployment/.*", body=json.dumps(document), headers=JSON)
    nodes.append(driver.ex_get_node(created))
    for text in (*map(everything, nodes), caplog.text):
        assert secret not in text
        assert VALUE not in text
    assert not any("api-credentials" in node.extra for node in nodes)


SECRET = {
    "api-credentials", "private-key", "secret-key", "key", "cert", "ca", "password", "token",
    "digest", "claims",
}  # fmt: skip
HEAVY = {"coe-resources", "content"}


def test_searches_select_no_secret(driver: Driver, sandbox: Sandbox, running: Node) -> None:
    edge = deploy(driver, where="edge-geneva")
    sandbox.journal.clear()
    driver.list_nodes()
    options: dict[str, Any]
    for options in ({}, {"ex_path": "apps/web"}, {"ex_path": "apps", "ex_recurse": True}):
        driver.list_images(**options)
    driver.get_image(WORDPRESS)
    driver.list_locations()
    driver.list_key_pairs()
    driver.ex_list_virtual_machines()
    driver.ex_list_virtual_machines(node=edge)
    driver.ex_get_node(running)
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
