"""What is said of a change whose response is lost, says little, or comes from something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from libcloud.compute.base import NodeImage

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    DriverError,
    KeyPairMissing,
    NotFound,
    RateLimitReached,
)
from slipstream.sandbox import Sandbox

from .support import JSON, WORDPRESS, XML

on_slipstream = pytest.mark.parametrize("endpoint", ["slipstream"], indirect=True)
on_nuvla = pytest.mark.parametrize("endpoint", ["nuvla"], indirect=True)
NOBODYS_RUN = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
TRIAL = "apps/trials/component"
HTML = {"Content-Type": "text/html"}
PAGE = "<html><body>Sign in to the network</body></html>"
Change = tuple[str, str, str, Callable[[LiveEndpoint, Driver], Callable[[], object]]]


def stopping(endpoint: LiveEndpoint, driver: Driver) -> Callable[[], object]:
    node = endpoint.deploy(driver)
    endpoint.pass_time(300)
    return partial(driver.stop_node, node)


CHANGES: list[Change] = [
    ("nuvla", "POST", ".*/stop", stopping),
    ("nuvla", "DELETE", ".*/credential/.*",
     lambda _, d: partial(d.delete_key_pair, d.create_key_pair("spare"))),
    ("nuvla", "POST", ".*/delete-version",
     lambda _, d: partial(d.delete_image, d.get_image(TRIAL))),
    ("nuvla", "DELETE", "/api/module/.*",
     lambda _, d: partial(d.delete_image, d.get_image(TRIAL), ex_all_versions=True)),
    ("slipstream", "DELETE", "/run/.*", lambda e, d: partial(d.destroy_node, e.deploy(d))),
    ("slipstream", "DELETE", "/module/.*",
     lambda _, d: partial(d.delete_image, d.get_image(WORDPRESS))),
]  # fmt: skip


def about_another(status: int) -> str:
    """A confirmation that is about another resource."""
    names = {"resource-id": f"deployment/{NOBODYS_RUN}", "location": f"job/{NOBODYS_RUN}"}
    return json.dumps({"status": status, **names})


NO_CONFIRMATIONS: dict[str, dict[str, Any]] = {
    "a captive portal": {"status": 200, "body": PAGE, "headers": HTML},
    "not modified": {"status": 304, "body": ""},
    "several choices": {"status": 300, "body": PAGE, "headers": HTML},
    "an empty response": {"status": 200, "body": "", "headers": {"Content-Type": ""}},
    "accepted": {"status": 202, "body": "queued"},
    "a list": {"status": 200, "body": "[]", "headers": JSON},
    "done to another": {"status": 200, "body": about_another(200), "headers": JSON},
    "begun for another": {"status": 202, "body": about_another(202), "headers": JSON},
    "a refusal without words": {"status": 409, "body": "", "headers": {"Content-Type": ""}},
    "a page of a front server": {"status": 500},
}


@pytest.mark.parametrize(("endpoint", "method", "path", "prepare"), CHANGES, indirect=["endpoint"])
def test_unconfirmed(endpoint: Any, driver: Driver, method: str, path: str, prepare: Any) -> None:
    change = prepare(endpoint, driver)
    for name, fault in NO_CONFIRMATIONS.items():
        endpoint.sandbox.faults.add(method, path, **fault)
        with pytest.raises(DriverError, match=f"HTTP {fault['status']}") as caught:
            change()
        assert caught.value.may_have_happened, name
        assert isinstance(caught.value, AnswerLost) == (fault["status"] < 400)


@pytest.mark.parametrize("endpoint", ["slipstream", "nuvla"], indirect=True)
def test_create_node_refused(endpoint: LiveEndpoint, driver: Driver, pauses: Any) -> None:
    kind, body = (JSON, "{}") if endpoint.family == "nuvla" else (XML, "<error>No.</error>")
    path = "/api/deployment" if endpoint.family == "nuvla" else "/run"
    for status in (400, 402, 403, 404, 409, 415, 429):
        endpoint.sandbox.faults.add("POST", path, status=status, body=body, headers=kind)
        with pytest.raises(DriverError) as caught:
            endpoint.deploy(driver)
        assert not caught.value.may_have_happened
        assert caught.value.code == status
        assert isinstance(caught.value, RateLimitReached) == (status == 429)


@on_nuvla
def test_deletion_whose_response_was_lost(driver: Driver, sandbox: Sandbox) -> None:
    image, key = driver.get_image(TRIAL), driver.create_key_pair("spare")
    deletions: list[tuple[Callable[[], bool], type[DriverError]]] = [
        (lambda: driver.delete_key_pair(key), KeyPairMissing),
        (lambda: driver.delete_image(image, ex_all_versions=True), NotFound),
    ]
    for delete, error in deletions:
        sandbox.faults.add("DELETE", cut="after")
        assert delete() is True
        with pytest.raises(error):
            delete()


LOST: dict[str, dict[str, Any]] = {
    **NO_CONFIRMATIONS,
    **{str(s): {"status": s} for s in (400, 401, 403, 404, 408, 409, 415, 499, 511)},
    **{str(s): {"status": s} for s in (500, 502, 504)},
    "503": {"status": 503, "retry_after": 1},
    "created page": {"status": 201, "body": PAGE},
    "no location": {"status": 201, "body": ""},
    "ok": {"status": 200, "body": "", "headers": {"Location": f"/run/{NOBODYS_RUN}"}},
    **{
        f"location {location}": {"status": 201, "body": "", "headers": {"Location": location}}
        for location in ("/user/alice", "/run/latest", "http://[")
    },
    "redirect": {"status": 303, "body": "", "headers": {"Location": "https://portal.example/"}},
    "cut after": {"cut": "after"},
    "cut before": {"cut": "before"},
    "cut body": {"cut": "body", "status": 201, "body": "x" * 100},
}


@pytest.fixture
def image(driver: Driver, sandbox: Sandbox) -> NodeImage:
    image = driver.get_image(WORDPRESS)
    sandbox.journal.clear()
    return image


@on_slipstream
def test_create_node_without_a_refusal(driver: Driver, sandbox: Sandbox, image: NodeImage) -> None:
    for name, response in LOST.items():
        sandbox.journal.clear()
        sandbox.faults.add("POST", "/run", **response)
        with pytest.raises(AnswerLost, match=r"may have been deployed.*list_nodes\(\)") as caught:
            driver.create_node(name="blog", image=image)
        assert caught.value.may_have_happened, name
        has_response = "cut" not in response and response["status"] != 303
        assert caught.value.code == (response["status"] if has_response else 0), name
        assert len(sandbox.journal.entries("POST", "/run")) == 1, name


@on_slipstream
def test_create_node_that_was_not_sent(driver: Driver, sandbox: Sandbox, image: NodeImage) -> None:
    sandbox.stop()
    with pytest.raises(CannotConnect) as caught:
        driver.create_node(name="blog", image=image)
    assert not caught.value.may_have_happened
