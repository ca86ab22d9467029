"""What is said of a change whose response says little, and of a profile that is not whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import NodeImage

from slipstream.errors import (
    AnswerLost,
    CannotConnect,
    DriverError,
    MalformedAnswer,
    RateLimitReached,
)
from slipstream.sandbox import Sandbox
from slipstream.transport.messages import Request, Response

from .support import KEY, NOBODYS_RUN, OTHER_KEY, WORDPRESS, XML, Driver

PAGE = "<html><body>Sign in to the network</body></html>"
LOST = {
    "500": {"status": 500},
    "502": {"status": 502},
    "503": {"status": 503, "retry_after": 1},
    "504": {"status": 504},
    **{
        str(status): {"status": status} for status in (400, 401, 403, 404, 408, 409, 415, 499, 511)
    },
    "portal": {"status": 200, "body": PAGE},
    "created-page": {"status": 201, "body": PAGE},
    "no-location": {"status": 201, "body": ""},
    "accepted": {"status": 202, "body": ""},
    "ok": {"status": 200, "body": "", "headers": {"Location": f"/run/{NOBODYS_RUN}"}},
    "location-of-another": {"status": 201, "body": "", "headers": {"Location": "/user/alice"}},
    "location-no-id": {"status": 201, "body": "", "headers": {"Location": "/run/latest"}},
    "location-no-url": {"status": 201, "body": "", "headers": {"Location": "http://["}},
    "choices": {"status": 300, "body": PAGE},
    "not-modified": {"status": 304, "body": ""},
    "redirect": {"status": 303, "body": "", "headers": {"Location": "https://portal.example/"}},
    "cut": {"cut": "after"},
    "cut-before": {"cut": "before"},
    "cut-body": {"cut": "body", "status": 201, "body": "x" * 100},
}


@pytest.fixture
def image(driver: Driver, sandbox: Sandbox) -> NodeImage:
    image = driver.get_image(WORDPRESS)
    sandbox.journal.clear()
    return image


@pytest.mark.parametrize("response", LOST.values(), ids=LOST)
def test_create_node_with_a_response_that_is_no_refusal(
    driver: Driver, sandbox: Sandbox, image: NodeImage, response: dict[str, Any]
) -> None:
    sandbox.faults.add("POST", "/run", **response)
    with pytest.raises(AnswerLost, match=r"may have been deployed.*list_nodes\(\)") as caught:
        driver.create_node(name="blog", image=image)
    assert caught.value.may_have_happened
    has_response = "cut" not in response and response["status"] != 303
    assert caught.value.code == (response["status"] if has_response else 0)
    assert len(sandbox.journal.entries("POST", "/run")) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 409, 415, 429])
def test_create_node_refused(
    driver: Driver, sandbox: Sandbox, image: NodeImage, status: int
) -> None:
    body, headers = f'<error code="{status}">No.</error>', {"Content-Type": "application/xml"}
    sandbox.faults.add("POST", "/run", status=status, body=body, headers=headers)
    with pytest.raises(DriverError) as caught:
        driver.create_node(name="blog", image=image)
    assert not caught.value.may_have_happened
    assert caught.value.code == status
    assert isinstance(caught.value, RateLimitReached) == (status == 429)


@pytest.mark.parametrize("when", ["before", "after", "reading"])
def test_create_node_that_is_interrupted(
    driver: Driver, image: NodeImage, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    send = driver._session.transport.send

    def interrupted(request: Request, **options: Any) -> Response:
        is_reading = request.path.startswith("/run/")
        if is_reading if when == "reading" else request.method == "POST":
            if when == "after":
                send(request, **options)
            raise KeyboardInterrupt
        return send(request, **options)

    monkeypatch.setattr(driver._session.transport, "send", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.create_node(name="blog", image=image)
    (note,) = caught.value.__notes__
    nodes = driver.list_nodes()
    assert len(nodes) == (when != "before")
    if when == "reading":
        assert note == f"Deployment {nodes[0].id} was created; destroy it if it is not needed."
    else:
        assert "may have been deployed: look with list_nodes()" in note


def test_create_node_that_was_not_sent(driver: Driver, sandbox: Sandbox, image: NodeImage) -> None:
    sandbox.stop()
    with pytest.raises(CannotConnect) as caught:
        driver.create_node(name="blog", image=image)
    assert not caught.value.may_have_happened


PARAMETER = "<parameter name='General.ssh.public.key'><value>{}</value></parameter>"
USERS = {
    "no-parameters": "<user name='alice'/>",
    "empty": "<user name='alice'><parameters/></user>",
    "another-user": f"<user name='bob'><parameters><entry>{PARAMETER}</entry></parameters></user>",
    "no-name": f"<user><parameters><entry>{PARAMETER}</entry></parameters></user>",
    "entry-without-parameter": "<user name='alice'><parameters><entry><string>x</string></entry>"
    "</parameters></user>",
    "parameter-without-name": "<user name='alice'><parameters><entry><parameter/></entry>"
    "</parameters></user>",
    "one-name-twice": f"<user name='alice'><parameters><entry>{PARAMETER}</entry>"
    f"<entry>{PARAMETER}</entry></parameters></user>",
    "parameters-twice": f"<user name='alice'><parameters><entry>{PARAMETER}</entry></parameters>"
    "<parameters/></user>",
}


@pytest.mark.parametrize("body", USERS.values(), ids=USERS)
@pytest.mark.parametrize("times", [1, None])
def test_profile_that_is_not_whole_is_not_written_back(
    driver: Driver, sandbox: Sandbox, body: str, times: int | None
) -> None:
    driver.import_key_pair_from_string("first", KEY)
    lines = sandbox.world.accounts["alice"].parameters["General.ssh.public.key"]
    before = lines.value
    sandbox.journal.clear()
    calls: list[Callable[[], object]] = [
        lambda: driver.import_key_pair_from_string("second", OTHER_KEY),
        lambda: driver.delete_key_pair("first"),
        driver.list_key_pairs,
    ]
    for call in calls:
        sandbox.faults.clear()
        sandbox.faults.add("GET", "/user/alice", body=body, headers=XML, times=times)
        with pytest.raises(MalformedAnswer, match="not complete"):
            call()
    assert sandbox.journal.entries("PUT", "/user/alice") == []
    assert lines.value == before
