from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import requests
from endpoints_under_test import LiveEndpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from libcloud.common.types import LibcloudError

from slipstream.libcloud.errors import MalformedAnswer
from slipstream.sandbox import Sandbox

from .strategies import QUICK, spoilt
from .support import JSON, NOBODYS_RUN, SYSTEM, WORDPRESS, XML, Driver, stub_server

BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (letter, b"&%c;" % (letter - 1) * 30) for letter in b"bcdefghi"
    )
    + b']><%s x="&i;">&i;</%s>'
)
XML_CALLS: dict[str, tuple[str, str, Callable[[Driver], Any]]] = {
    "list_nodes": ("/run", "runs", lambda driver: driver.list_nodes()),
    "ex_get_node": (f"/run/{NOBODYS_RUN}", "run", lambda d: d.ex_get_node(NOBODYS_RUN)),
    "list_images": ("/appstore", "list", lambda driver: driver.list_images()),
    "get_image": (f"/module/{WORDPRESS}", "imageModule", lambda d: d.get_image(WORDPRESS)),
    "list_key_pairs": ("/user/alice", "user", lambda driver: driver.list_key_pairs()),
}
BAD_XML: dict[str, bytes] = {
    "an entity bomb": BOMB,
    "a declaration": b"<!DOCTYPE %s><%s/>",
    "a local file": b'<!DOCTYPE %s [<!ENTITY x SYSTEM "file:///etc/passwd">]><%s>&x;</%%s>',
    "a declaration in utf-16": "<!DOCTYPE list><list/>".encode("utf-16"),
    "deep nesting": b"<%s>" + b"<x>" * 100_000,
    "deep nesting, closed": b"<%s>" + b"<x>" * 5000 + b"</x>" * 5000 + b"</%s>",
    "half of it": b'<%s a="1"><entry><stri',
    "nothing": b"",
    "blanks": b"  \n ",
    "text": b"hello",
    "bytes": b"\x00\xff\xfe\x80",
    "another root": b"<html><body>Sign in</body></html>",
    "json": b'{"runs": []}',
    "a wrong encoding": b'<?xml version="1.0" encoding="klingon"?><%s/>',
    "a lie about its encoding": b'<?xml version="1.0" encoding="utf-8"?><%s a="\xff"/>',
    "a null character": b"<%s>&#0;</%s>",
    "two roots": b"<%s/><%s/>",
}


@pytest.fixture
def endpoint(reused_endpoint: LiveEndpoint) -> LiveEndpoint:
    return reused_endpoint


def filled(document: bytes, root: str) -> bytes:
    return document.replace(b"%%s", b"%s").replace(b"%s", root.encode())


@pytest.mark.parametrize("call", XML_CALLS)
@pytest.mark.parametrize("document", BAD_XML)
def test_xml_hostile(driver: Driver, sandbox: Sandbox, call: str, document: str) -> None:
    path, root, ask = XML_CALLS[call]
    body = filled(BAD_XML[document], root)
    sandbox.faults.add("GET", path, body=body, headers=XML, times=None)
    with pytest.raises(MalformedAnswer) as caught:
        ask(driver)
    text = str(caught.value)
    assert sandbox.url in text
    assert len(text) < 500
    assert "root:" not in text


def test_xml_bomb_takes_no_memory(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/run", body=filled(BOMB, "runs"), headers=XML)
    tracemalloc.start()
    with pytest.raises(MalformedAnswer):
        driver.list_nodes()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_xml_external_entity_is_never_fetched(driver: Driver, sandbox: Sandbox) -> None:
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


def test_xml_bomb_in_an_error(driver: Driver, sandbox: Sandbox) -> None:
    sandbox.faults.add("GET", "/run", status=409, body=filled(BOMB, "error"), headers=XML)
    with pytest.raises(LibcloudError, match=r"Cannot list deployments.*HTTP 409") as caught:
        driver.list_nodes()
    assert len(str(caught.value)) < 300


BAD_JSON: dict[str, bytes] = {
    "deep nesting": b"[" * 100_000,
    "deep nesting in an object": b'{"count":' * 50_000,
    "half of it": b'{"count": 1, "serviceOff',
    "nothing": b"",
    "text": b"hello",
    "bytes": b"\xff\x00\x80",
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "a number of a million digits": b"1" * 1_000_000,
    "html": b"<html>Sign in</html>",
    "an empty object": b"{}",
    "a wrong count": b'{"count": "1", "serviceOffers": [], "virtualMachines": []}',
    "a huge count": b'{"count": 1e999, "serviceOffers": [], "virtualMachines": []}',
    "entries without an id": b'{"count":1,"serviceOffers":[{}],"virtualMachines":[{}]}',
}


@pytest.mark.parametrize("document", BAD_JSON)
def test_json_hostile(driver: Driver, sandbox: Sandbox, document: str) -> None:
    sandbox.faults.add(path="/api/.*", body=BAD_JSON[document], headers=JSON, times=None)
    for call in (driver.list_sizes, driver.ex_list_virtual_machines):
        with pytest.raises(MalformedAnswer) as caught:
            call()
        assert sandbox.url in str(caught.value)
        assert len(str(caught.value)) < 500
    sandbox.faults.add("GET", "/user/.*", status=404, times=None)
    with pytest.raises(LibcloudError) as refused:
        driver.list_key_pairs()  # reads the list of sessions
    assert len(str(refused.value)) < 500


ODD = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.fixed_dictionaries({"href": st.one_of(st.none(), st.integers(), st.text(max_size=9))}),
)
OFFER = ["name", "connector", "price:unitCost"]
OFFER += ["resource:ram", "resource:vcpu", "resource:country"]
MACHINE = ["state", "ip", "connector", "deployment", "serviceOffer", "created", "instanceID"]


@settings(QUICK, max_examples=12)
@given(odd=st.fixed_dictionaries(dict.fromkeys(OFFER, ODD)))
def test_offers_with_odd_values(driver: Driver, sandbox: Sandbox, odd: dict[str, Any]) -> None:
    size = driver.list_sizes()[0]
    document = sandbox.world.store.get(size.id)
    assert document is not None
    remaining = dict(document)
    document.update(odd)
    try:
        assert size.id in [item.id for item in driver.list_sizes(ex_all=True)]
        driver.list_locations()
    finally:
        document.clear()
        document.update(remaining)


@settings(QUICK, max_examples=12)
@given(odd=st.fixed_dictionaries(dict.fromkeys(MACHINE, ODD)))
def test_machines_with_odd_values(driver: Driver, sandbox: Sandbox, odd: dict[str, Any]) -> None:
    document = sandbox.world.add_machine()
    document.update(odd)
    assert document["id"] in [item.id for item in driver.ex_list_virtual_machines()]
    driver.list_nodes(ex_addresses=True)
    sandbox.world.store.remove(document["id"])


REAL = ["list_nodes", "list_images", "get_image", "application", "list_key_pairs", "list_sizes"]


@settings(QUICK, max_examples=25)
@given(data=st.data())
@pytest.mark.parametrize("call", REAL)
def test_spoilt_response_is_read_or_an_error_of_libcloud(
    driver: Driver, sandbox: Sandbox, call: str, data: st.DataObject
) -> None:
    if not sandbox.world.runs:
        sandbox.world.add_runs(3)
    paths: dict[str, tuple[str, Callable[[], Any]]] = {
        "list_nodes": ("/run", driver.list_nodes),
        "list_images": ("/appstore", driver.list_images),
        "get_image": (f"/module/{WORDPRESS}", lambda: driver.get_image(WORDPRESS)),
        "application": (f"/module/{SYSTEM}", lambda: driver.get_image(SYSTEM)),
        "list_key_pairs": ("/user/alice", driver.list_key_pairs),
        "list_sizes": ("/api/service-offer", lambda: driver.list_sizes()[:1]),
    }
    path, ask = paths[call]
    real = requests.get(
        sandbox.url + path,
        headers={"Accept": "application/xml"},
        cookies=driver._session.cookies,
        timeout=10,
    )
    body = data.draw(spoilt(real.content[:20_000]))
    headers = {"Content-Type": real.headers["Content-Type"]}
    sandbox.faults.clear()
    sandbox.faults.add(path=path, body=body, headers=headers, times=None)
    with contextlib.suppress(LibcloudError):
        repr(ask())
    sandbox.faults.clear()
