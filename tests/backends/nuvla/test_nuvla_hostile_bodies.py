from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from fake_time import FakeTime
from libcloud.compute.base import KeyPair, Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import DriverError, MalformedAnswer, RequestFailed
from slipstream.sandbox import Sandbox

from .support import JSON, KEY, NOBODYS, WORDPRESS, Driver

MODULE = "module/0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
BROKEN = {
    "cut short": '{"id": "deploy',
    "a list": "[]",
    "a text": '"hello"',
    "nothing": "",
    "null": "null",
    "a number": "7",
    "no id": "{}",
    "an id of the wrong type": '{"id": 5}',
    "another one": '{"id": "deployment/0d3a3e2c-5f5f-4c8e-9a4e-000000000000"}',
    "a page": "<html>Please log in to the Wi-Fi</html>",
}
WRONG = {
    "no list": '{"resources": {}}',
    "no resources": '{"count": 5}',
    "numbers": '{"resources": [1, 2]}',
    "resources without ids": '{"resources": [{"name": "x"}]}',
    "ids of the wrong type": '{"resources": [{"id": {}}]}',
}


def node(driver: Driver) -> Node:
    return Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver)


READS: dict[str, Callable[[Driver], object]] = {
    "ex_get_node": lambda d: d.ex_get_node(NOBODYS),
    "ex_wait_node_in_state": lambda d: d.ex_wait_node_in_state(node(d)),
    "get_image": lambda d: d.get_image(MODULE),
    "ex_get_node_parameter": lambda d: d.ex_get_node_parameter(node(d), "hostname"),
    "machines of a node": lambda d: d.ex_list_virtual_machines(node=node(d)),
}
SEARCHES: dict[str, Callable[[Driver], object]] = {
    "list_nodes": lambda d: d.list_nodes(),
    "list_images": lambda d: d.list_images(),
    "list_locations": lambda d: d.list_locations(),
    "list_key_pairs": lambda d: d.list_key_pairs(),
    "ex_list_virtual_machines": lambda d: d.ex_list_virtual_machines(),
    "get_image by path": lambda d: d.get_image(WORDPRESS),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("call", READS.values(), ids=READS)
def test_resource_that_makes_no_sense(
    driver: Driver, sandbox: Sandbox, call: Callable[[Driver], object], body: str
) -> None:
    sandbox.faults.add("GET", "/api/.*", times=None, body=body, headers=JSON)
    with pytest.raises(MalformedAnswer) as caught:
        call(driver)
    assert sandbox.url in str(caught.value)


@pytest.mark.parametrize("body", [*BROKEN.values(), *WRONG.values()], ids=[*BROKEN, *WRONG])
@pytest.mark.parametrize("call", SEARCHES.values(), ids=SEARCHES)
def test_list_that_makes_no_sense(
    driver: Driver, sandbox: Sandbox, call: Callable[[Driver], object], body: str
) -> None:
    sandbox.faults.add("PUT", "/api/.*", times=None, body=body, headers=JSON)
    with pytest.raises(MalformedAnswer) as caught:
        call(driver)
    assert sandbox.url in str(caught.value)


@pytest.mark.parametrize("name", ["abc", "", "../x", f"0{NOBODYS[12:]}/x", "\u00e9"])
@pytest.mark.parametrize(
    ("collection", "call"),
    [
        ("deployment", "list_nodes"),
        ("module", "list_images"),
        ("credential", "list_key_pairs"),
        ("infrastructure-service", "list_locations"),
    ],
)
def test_list_with_an_id_that_no_other_call_takes(
    driver: Driver, sandbox: Sandbox, collection: str, call: str, name: str
) -> None:
    body = json.dumps({"resources": [{"id": f"{collection}/{name}"}], "count": 1})
    sandbox.faults.add("PUT", f"/api/{collection}", times=None, body=body, headers=JSON)
    with pytest.raises(MalformedAnswer, match="holds no list of"):
        SEARCHES[call](driver)


MACHINES = Driver.ex_list_virtual_machines
ODD_VALUES: list[object] = [None, 5, "x", [], {}, True, [None], [["a"]], {"a": {}}, 1e400, "0" * 9]
ATTRIBUTES = {
    "/api/deployment": (
        "name state tags created owner module infrastructure-service-name acl execution-mode",
        lambda d: d.list_nodes(),
    ),
    "/api/module": (
        "name description path subtype versions created updated published price",
        lambda d: d.list_images(),
    ),
    "/api/infrastructure-service": ("name subtype endpoint online", lambda d: d.list_locations()),
    "/api/credential": (
        "name parent subtype status public-key",
        lambda d: (d.list_locations(), d.list_key_pairs()),
    ),
    "/api/nuvlabox": ("name state online location created", MACHINES),
    "/api/nuvlabox-status": ("parent name online network ip resources", MACHINES),
}


@pytest.mark.parametrize("path", ATTRIBUTES)
def test_attribute_of_a_wrong_type(driver: Driver, sandbox: Sandbox, path: str) -> None:
    names, call = ATTRIBUTES[path]
    collection = path.rpartition("/")[2]
    for name in names.split():
        for number, value in enumerate(ODD_VALUES):
            entry = {"id": f"{collection}/0d3a3e2c-5f5f-4c8e-9a4e-{number:012}", name: value}
            body = json.dumps({"resources": [entry]})
            sandbox.faults.clear()
            sandbox.faults.add("PUT", path, times=None, body=body, headers=JSON)
            call(driver)


CONTENTS = [
    {"environmental-variables": value, "files": value, "output-parameters": value, "urls": value}
    for value in ODD_VALUES
]


@pytest.mark.parametrize("content", [*CONTENTS, *ODD_VALUES[:8]])
def test_content_of_a_wrong_type(driver: Driver, sandbox: Sandbox, content: object) -> None:
    image = {"id": MODULE, "path": "a/b", "subtype": "application", "content": content}
    sandbox.faults.add("GET", "/api/module/.*", body=json.dumps(image), headers=JSON)
    assert driver.get_image(MODULE).extra["path"] == "a/b"
    deployment = {"id": NOBODYS, "state": "STARTED", "module": image}
    sandbox.faults.add("GET", "/api/deployment/.*", body=json.dumps(deployment), headers=JSON)
    hostname = {"id": "deployment-parameter/x", "name": "hostname", "value": "h"}
    parameters = json.dumps({"resources": [{**hostname, "parent": NOBODYS}]})
    sandbox.faults.add("PUT", "/api/deployment-parameter", body=parameters, headers=JSON)
    assert driver.ex_get_node(NOBODYS).extra["hostname"] == "h"


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_logs_that_make_no_sense(
    driver: Driver, running: Node, sandbox: Sandbox, waiting: FakeTime, body: str
) -> None:
    for method, path in (
        ("POST", ".*/create-log"),
        ("POST", ".*/fetch"),
        ("GET", "/api/job/.*"),
        ("GET", "/api/resource-log/.*"),
    ):
        sandbox.faults.clear()
        sandbox.faults.add(method, path, times=None, body=body, headers=JSON)
        with pytest.raises(MalformedAnswer):
            driver.ex_get_node_logs(running, ["web"])


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_import_key_pair_without_an_id(driver: Driver, sandbox: Sandbox, body: str) -> None:
    sandbox.faults.add("POST", "/api/credential", status=201, body=body, headers=JSON)
    with pytest.raises(MalformedAnswer):
        driver.import_key_pair_from_string("work", KEY)


@pytest.mark.parametrize("body", [*BROKEN.values(), '{"message": 5}', '{"message": {"a": 1}}'])
@pytest.mark.parametrize("status", [400, 404, 500])
def test_error_without_sense(driver: Driver, sandbox: Sandbox, status: int, body: str) -> None:
    sandbox.faults.add("PUT", "/api/deployment", status=status, body=body, headers=JSON)
    with pytest.raises(RequestFailed) as caught:
        driver.list_nodes()
    assert caught.value.http_code == status


def test_delete_key_pair_with_a_forged_id(driver: Driver, sandbox: Sandbox) -> None:
    forged = KeyPair("x", KEY, "", driver, extra={"id": "deployment/../x"})
    sandbox.journal.clear()
    with pytest.raises(DriverError, match="is not the id of a key pair"):
        driver.delete_key_pair(forged)
    assert len(sandbox.journal) == 0
