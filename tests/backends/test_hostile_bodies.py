"""Whatever a body holds, a call gives what it can read or raises one error of libcloud."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from endpoints_under_test import KINDS, Driver, LiveEndpoint, serve
from libcloud.common.types import LibcloudError
from libcloud.compute.base import KeyPair, Node
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import BadInput, MalformedAnswer
from slipstream.sandbox import Sandbox

from .slipstream.support import NOBODYS_RUN, stub_server
from .support import JSON, KEY, WORDPRESS, XML

NOBODYS = f"deployment/{NOBODYS_RUN}"
MODULE = f"module/{NOBODYS_RUN}"
Call = Callable[[Driver], Any]
on_slipstream = pytest.mark.parametrize("endpoint", KINDS[:1], indirect=True)
on_nuvla = pytest.mark.parametrize("endpoint", KINDS[1:2], indirect=True)


@pytest.fixture(scope="module")
def endpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveEndpoint]:
    """One endpoint of a family for all tests of this module; faults end with each of them."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch, serve(request.param, folder, patch) as endpoint:
        yield endpoint


@pytest.fixture
def sandbox(endpoint: LiveEndpoint) -> Iterator[Sandbox]:
    yield endpoint.sandbox
    endpoint.sandbox.faults.clear()


def refused(driver: Driver, call: Call, text: str | bytes) -> None:
    """A call that raises one short error about the endpoint."""
    with pytest.raises(MalformedAnswer) as caught:
        call(driver)
    message = str(caught.value)
    assert driver.ex_endpoint in message, text
    assert len(message) < 500, text
    assert "root:" not in message


def node(driver: Driver) -> Node:
    return Node(NOBODYS, "blog", NodeState.UNKNOWN, [], [], driver)


BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 30) for letter in b"bcdefghi"
    )
    + b']><ROOT x="&i;">&i;</ROOT>'
)
XML_CALLS: dict[str, tuple[str, str, Call]] = {
    "list_nodes": ("/run", "runs", lambda d: d.list_nodes()),
    "ex_get_node": (f"/run/{NOBODYS_RUN}", "run", lambda d: d.ex_get_node(NOBODYS_RUN)),
    "list_images": ("/appstore", "list", lambda d: d.list_images()),
    "get_image": (f"/module/{WORDPRESS}", "imageModule", lambda d: d.get_image(WORDPRESS)),
    "list_key_pairs": ("/user/alice", "user", lambda d: d.list_key_pairs()),
}
BAD_XML = [
    BOMB,
    b"<!DOCTYPE ROOT><ROOT/>",
    b'<!DOCTYPE ROOT [<!ENTITY x SYSTEM "file:///etc/passwd">]><ROOT>&x;</ROOT>',
    "<!DOCTYPE list><list/>".encode("utf-16"),
    b"<ROOT>" + b"<x>" * 100_000,
    b"<ROOT>" + b"<x>" * 5000 + b"</x>" * 5000 + b"</ROOT>",
    b'<ROOT a="1"><entry><stri',
    *(b"", b"  \n ", b"hello", b"\x00\xff\xfe\x80"),
    b"<html><body>Sign in</body></html>",
    b'{"runs": []}',
    b'<?xml version="1.0" encoding="klingon"?><ROOT/>',
    b'<?xml version="1.0" encoding="utf-8"?><ROOT a="\xff"/>',
    b"<ROOT>&#0;</ROOT>",
    b"<ROOT/><ROOT/>",
]


@on_slipstream
@pytest.mark.parametrize("call", XML_CALLS)
def test_hostile_xml(driver: Driver, sandbox: Sandbox, call: str) -> None:
    path, root, function = XML_CALLS[call]
    for document in BAD_XML:
        sandbox.faults.clear()
        body = document.replace(b"ROOT", root.encode())
        sandbox.faults.add("GET", path, body=body, headers=XML, times=None)
        refused(driver, function, body[:99])


@on_slipstream
def test_hostile_xml_takes_no_memory_and_fetches_nothing(driver: Driver, sandbox: Sandbox) -> None:
    body = BOMB.replace(b"ROOT", b"runs")
    sandbox.faults.add("GET", "/run", body=body, headers=XML)
    tracemalloc.start()
    with pytest.raises(MalformedAnswer):
        driver.list_nodes()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    sandbox.faults.add("GET", "/run", status=409, body=body, headers=XML)
    with pytest.raises(LibcloudError, match=r"Cannot list deployments.*HTTP 409") as caught:
        driver.list_nodes()
    assert len(str(caught.value)) < 300
    with stub_server(lambda *_: (200, {}, b"stolen")) as stub:
        for declaration in (
            f'<!DOCTYPE list SYSTEM "{stub.url}/dtd"><list/>',
            f'<!DOCTYPE list [<!ENTITY x SYSTEM "{stub.url}/x">]><list>&x;</list>',
            f'<!DOCTYPE list [<!ENTITY % x SYSTEM "{stub.url}/p">%x;]><list/>',
        ):
            sandbox.faults.add("GET", "/appstore", body=declaration, headers=XML)
            with pytest.raises(MalformedAnswer):
                driver.list_images()
    assert stub.seen == []


BAD_JSON: list[bytes] = [
    *(b"", b"null", b"7", b"[]", b"{}", b'"hello"', b'{"id": "deploy', b"<html>Sign in</html>"),
    *(b"[" * 100_000, b'{"count":' * 50_000, b"\xff\x00\x80", b"1" * 1_000_000),
    *(b'{"id": 5}', b'{"id": "deployment/0d3a3e2c-5f5f-4c8e-9a4e-000000000000"}'),
]
BAD_LISTS = [
    b'{"count": "1", "serviceOffers": [], "virtualMachines": []}',
    b'{"count": 1e999, "serviceOffers": [], "virtualMachines": []}',
    b'{"count":1,"serviceOffers":[{}],"virtualMachines":[{}]}',
    *(b'{"resources": {}}', b'{"count": 5}', b'{"resources": [1, 2]}'),
    *(b'{"resources": [{"name": "x"}]}', b'{"resources": [{"id": {}}]}'),
]
SLIPSTREAM_LISTS: dict[str, Call] = {
    "list_sizes": lambda d: d.list_sizes(),
    "ex_list_virtual_machines": lambda d: d.ex_list_virtual_machines(),
}
NUVLA_LISTS: dict[str, Call] = {
    **SLIPSTREAM_LISTS,
    "list_nodes": lambda d: d.list_nodes(),
    "list_images": lambda d: d.list_images(),
    "list_locations": lambda d: d.list_locations(),
    "list_key_pairs": lambda d: d.list_key_pairs(),
    "get_image by path": lambda d: d.get_image(WORDPRESS),
}
NUVLA_LISTS.pop("list_sizes")
NUVLA_READS: dict[str, Call] = {
    "ex_get_node": lambda d: d.ex_get_node(NOBODYS),
    "ex_wait_node_in_state": lambda d: d.ex_wait_node_in_state(node(d)),
    "get_image": lambda d: d.get_image(MODULE),
    "ex_get_node_parameter": lambda d: d.ex_get_node_parameter(node(d), "hostname"),
    "machines of a node": lambda d: d.ex_list_virtual_machines(node=node(d)),
}
JSON_CALLS = [
    *(("slipstream", "PUT", call) for call in SLIPSTREAM_LISTS.items()),
    *(("nuvla", "PUT", call) for call in NUVLA_LISTS.items()),
    *(("nuvla", "GET", call) for call in NUVLA_READS.items()),
]


@pytest.mark.parametrize(
    ("endpoint", "method", "call"),
    JSON_CALLS,
    indirect=["endpoint"],
    ids=[f"{family}-{name}" for family, _, (name, _) in JSON_CALLS],
)
def test_hostile_json(
    driver: Driver, sandbox: Sandbox, method: str, call: tuple[str, Call]
) -> None:
    for body in BAD_JSON if method == "GET" else [*BAD_JSON, *BAD_LISTS]:
        sandbox.faults.clear()
        sandbox.faults.add(method, "/api/.*", times=None, body=body, headers=JSON)
        refused(driver, call[1], body[:99])


@on_slipstream
def test_hostile_list_of_sessions(driver: Driver, sandbox: Sandbox) -> None:
    for body in BAD_JSON:
        sandbox.faults.clear()
        sandbox.faults.add(path="/api/.*", body=body, headers=JSON, times=None)
        sandbox.faults.add("GET", "/user/.*", status=404, times=None)
        with pytest.raises(LibcloudError) as caught:
            driver.list_key_pairs()
        assert len(str(caught.value)) < 500


COLLECTIONS = {
    "deployment": "list_nodes",
    "module": "list_images",
    "credential": "list_key_pairs",
    "infrastructure-service": "list_locations",
}


@on_nuvla
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_hostile_ids(driver: Driver, sandbox: Sandbox, collection: str) -> None:
    for name in ("abc", "", "../x", f"0{NOBODYS[12:]}/x", "\u00e9"):
        sandbox.faults.clear()
        body = json.dumps({"resources": [{"id": f"{collection}/{name}"}], "count": 1})
        sandbox.faults.add("PUT", f"/api/{collection}", times=None, body=body, headers=JSON)
        with pytest.raises(MalformedAnswer, match="holds no list of"):
            NUVLA_LISTS[COLLECTIONS[collection]](driver)


@on_nuvla
def test_delete_key_pair_with_a_forged_id(driver: Driver, sandbox: Sandbox) -> None:
    forged = KeyPair("x", KEY, "", driver, extra={"id": "deployment/../x"})
    with pytest.raises(BadInput, match="is not the id of a key pair"):
        driver.delete_key_pair(forged)
    assert len(sandbox.journal) == 0
