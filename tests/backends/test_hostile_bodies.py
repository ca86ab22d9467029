"""Whatever a body holds, a call gives what it can read or raises one error of libcloud."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import KINDS, Driver
from libcloud.common.types import LibcloudError
from libcloud.compute.base import KeyPair

from slipstream.libcloud.errors import BadInput, MalformedAnswer
from slipstream.sandbox import Sandbox

from .slipstream.support import NOBODYS_RUN, stub_server
from .support import JSON, KEY, WORDPRESS, XML

NOBODYS, MODULE = f"deployment/{NOBODYS_RUN}", f"module/{NOBODYS_RUN}"
Call = Callable[[Driver], Any]
on_slipstream = pytest.mark.parametrize("endpoint", KINDS[:1], indirect=True)
on_nuvla = pytest.mark.parametrize("endpoint", KINDS[1:2], indirect=True)


def refused(driver: Driver, call: Call) -> None:
    """A call that raises one short error about the endpoint."""
    with pytest.raises(MalformedAnswer) as caught:
        call(driver)
    message = str(caught.value)
    assert driver.ex_endpoint in message
    assert len(message) < 500
    assert "root:" not in message


BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 30) for letter in b"bcdefghi"
    )
    + b']><runs x="&i;">&i;</runs>'
)
BAD_XML = [
    BOMB,
    b"<!DOCTYPE runs><runs/>",
    b'<!DOCTYPE runs [<!ENTITY x SYSTEM "file:///etc/passwd">]><runs>&x;</runs>',
    "<!DOCTYPE list><list/>".encode("utf-16"),
    b"<runs>" + b"<x>" * 100_000,
    b"<runs>" + b"<x>" * 5000 + b"</x>" * 5000 + b"</runs>",
    b'<runs a="1"><entry><stri',
    *(b"", b"  \n ", b"hello", b"\x00\xff\xfe\x80"),
    b"<html><body>Sign in</body></html>",
    b'{"runs": []}',
    b'<?xml version="1.0" encoding="klingon"?><runs/>',
    b'<?xml version="1.0" encoding="utf-8"?><runs a="\xff"/>',
    b"<runs>&#0;</runs>",
    b"<runs/><runs/>",
]


@on_slipstream
def test_hostile_xml_takes_no_memory_and_fetches_nothing(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/run", body=BOMB, headers=XML)
    tracemalloc.start()
    with pytest.raises(MalformedAnswer):
        driver.list_nodes()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    sandbox.faults.add("GET", "/run", status=409, body=BOMB, headers=XML)
    with pytest.raises(LibcloudError, match=r"Cannot list deployments.*HTTP 409") as caught:
        driver.list_nodes()
    assert len(str(caught.value)) < 300
    with stub_server(lambda *_: (200, {}, b"stolen")) as (url, methods):
        for declaration in (
            f'<!DOCTYPE list SYSTEM "{url}/dtd"><list/>',
            f'<!DOCTYPE list [<!ENTITY x SYSTEM "{url}/x">]><list>&x;</list>',
            f'<!DOCTYPE list [<!ENTITY % x SYSTEM "{url}/p">%x;]><list/>',
        ):
            sandbox.faults.add("GET", "/appstore", body=declaration, headers=XML)
            with pytest.raises(MalformedAnswer):
                driver.list_images()
    assert methods == []


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
CALLS: list[tuple[str, str, Call]] = [
    ("slipstream", "GET", lambda d: d.list_nodes()),
    ("slipstream", "PUT", lambda d: d.list_sizes()),
    ("nuvla", "PUT", lambda d: d.list_nodes()),
    ("nuvla", "PUT", lambda d: d.get_image(WORDPRESS)),
    ("nuvla", "GET", lambda d: d.ex_get_node(NOBODYS)),
    ("nuvla", "GET", lambda d: d.get_image(MODULE)),
]


@pytest.mark.parametrize(("endpoint", "method", "call"), CALLS, indirect=["endpoint"])
def test_hostile_body(endpoint: Any, driver: Any, sandbox: Any, method: str, call: Call) -> None:
    is_xml = (endpoint.family, method) == ("slipstream", "GET")
    path, kind = ("/run", XML) if is_xml else ("/api/.*", JSON)
    for body in BAD_XML if is_xml else BAD_JSON if method == "GET" else [*BAD_JSON, *BAD_LISTS]:
        sandbox.faults.clear()
        sandbox.faults.add(method, path, times=None, body=body, headers=kind)
        refused(driver, call)


@on_slipstream
def test_hostile_list_of_sessions(driver: Driver, sandbox: Sandbox) -> None:
    for body in BAD_JSON:
        sandbox.faults.clear()
        sandbox.faults.add(path="/api/.*", body=body, headers=JSON, times=None)
        sandbox.faults.add("GET", "/user/.*", status=404, times=None)
        with pytest.raises(LibcloudError) as caught:
            driver.list_key_pairs()
        assert len(str(caught.value)) < 500


NAMED_BY_ID: dict[str, Call] = {
    "deployment": lambda d: d.list_nodes(),
    "module": lambda d: d.list_images(),
    "credential": lambda d: d.list_key_pairs(),
    "infrastructure-service": lambda d: d.list_locations(),
}


@on_nuvla
@pytest.mark.parametrize("collection", NAMED_BY_ID)
def test_hostile_ids(driver: Driver, sandbox: Sandbox, collection: str) -> None:
    for name in ("abc", "", "../x", f"0{NOBODYS_RUN[1:]}/x", "\u00e9"):
        sandbox.faults.clear()
        body = json.dumps({"resources": [{"id": f"{collection}/{name}"}], "count": 1})
        sandbox.faults.add("PUT", f"/api/{collection}", times=None, body=body, headers=JSON)
        with pytest.raises(MalformedAnswer, match="holds no list of"):
            NAMED_BY_ID[collection](driver)


ODD_VALUES: list[Any] = [None, 5, "x", [], {}, True, [None], [["a"]], {"a": {}}, 1e400, "0" * 9]
ODD_VALUES += [{"href": value} for value in (None, 7, "x")]
LISTS = {"service-offer": "serviceOffers", "virtual-machine": "virtualMachines"}
ATTRIBUTES = {
    "service-offer": "name connector price:unitCost resource:ram resource:vcpu resource:country",
    "virtual-machine": "state ip connector deployment serviceOffer created instanceID",
    "deployment": "name state tags created owner module infrastructure-service-name acl"
    " execution-mode",
    "module": "name description path subtype versions created updated published price",
    "infrastructure-service": "name subtype endpoint online",
    "credential": "name parent subtype status public-key",
    "nuvlabox": "name state online location created",
    "nuvlabox-status": "parent name online network ip resources",
}


@pytest.mark.parametrize(
    ("endpoint", "collection"),
    [("slipstream" if name in LISTS else "nuvla", name) for name in ATTRIBUTES],
    indirect=["endpoint"],
)
def test_odd_attributes(driver: Driver, sandbox: Sandbox, collection: str) -> None:
    for name in ATTRIBUTES[collection].split():
        for number, value in enumerate(ODD_VALUES):
            entry = {"id": f"{collection}/0d3a3e2c-5f5f-4c8e-9a4e-{number:012}", name: value}
            body = json.dumps({LISTS.get(collection, "resources"): [entry], "count": 1})
            sandbox.faults.clear()
            sandbox.faults.add("PUT", f"/api/{collection}", times=None, body=body, headers=JSON)
            call = NAMED_BY_ID.get(collection)
            call(driver) if call else driver.ex_list_virtual_machines()
            driver.list_sizes(ex_all=True)
            driver.list_locations()


@on_nuvla
@pytest.mark.parametrize("value", [*ODD_VALUES[:9], [{"name": 5}]], ids=repr)
def test_odd_contents(driver: Driver, sandbox: Sandbox, value: Any) -> None:
    names = ("environmental-variables", "files", "output-parameters", "urls")
    for content in (value, dict.fromkeys(names, value)):
        image = {"id": MODULE, "path": "a/b", "subtype": "application", "content": content}
        sandbox.faults.add("GET", "/api/module/.*", body=json.dumps(image), headers=JSON)
        assert driver.get_image(MODULE).extra["path"] == "a/b"
        deployment = {"id": NOBODYS, "state": "STARTED", "module": image}
        sandbox.faults.add("GET", "/api/deployment/.*", body=json.dumps(deployment), headers=JSON)
        hostname = {"id": "deployment-parameter/x", "name": "hostname", "value": "h"}
        parameters = json.dumps({"resources": [{**hostname, "parent": NOBODYS}], "count": 1})
        sandbox.faults.add("PUT", "/api/deployment-parameter", body=parameters, headers=JSON)
        assert driver.ex_get_node(NOBODYS).extra["hostname"] == "h"


@on_nuvla
def test_delete_key_pair_with_a_forged_id(driver: Driver, sandbox: Sandbox) -> None:
    forged = KeyPair("x", KEY, "", driver, extra={"id": "deployment/../x"})
    with pytest.raises(BadInput, match="is not the id of a key pair"):
        driver.delete_key_pair(forged)
    assert len(sandbox.journal) == 0
