"""What is told of a deployment whose response says little, and what is refused beforehand."""

from __future__ import annotations

import re
from typing import Any

import pytest
from libcloud.compute.base import NodeImage

from slipstream.errors import (
    AnswerLost,
    BadInput,
    CannotConnect,
    DriverError,
    MalformedAnswer,
    RateLimitReached,
)
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.sandbox import Sandbox
from slipstream.transport.messages import Request, Response

BLOG = "apps/WordPress/wordpress"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJcXWY+fsvBE1hYIURRt9IdlseO7BiQ1wWjWx8EqwrGz mine"
PAGE = "<html><body>Sign in to the network</body></html>"
RUN = "0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
LOST = {
    "500": {"status": 500},
    "502": {"status": 502},
    "503": {"status": 503, "retry_after": 1},
    "504": {"status": 504},
    "408": {"status": 408},
    "portal": {"status": 200, "body": PAGE},
    "created-page": {"status": 201, "body": PAGE},
    "no-location": {"status": 201, "body": ""},
    "accepted": {"status": 202, "body": ""},
    "ok": {"status": 200, "body": "", "headers": {"Location": f"/run/{RUN}"}},
    "location-of-another": {"status": 201, "body": "", "headers": {"Location": "/user/alice"}},
    "location-no-id": {"status": 201, "body": "", "headers": {"Location": "/run/latest"}},
    "location-no-url": {"status": 201, "body": "", "headers": {"Location": "http://["}},
    "choices": {"status": 300, "body": PAGE},
    "not-modified": {"status": 304, "body": ""},
    "redirect": {"status": 303, "body": "", "headers": {"Location": "https://portal.example/"}},
    "cut": {"cut": "after"},
    "cut-body": {"cut": "body", "status": 201, "body": "x" * 100},
}


@pytest.fixture
def image(driver: Driver, sandbox: Sandbox) -> NodeImage:
    image = driver.get_image(BLOG)
    sandbox.journal.clear()
    return image


@pytest.mark.parametrize("response", LOST.values(), ids=LOST)
def test_response_that_is_no_refusal_may_have_deployed(
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
def test_refusal_deploys_nothing(
    driver: Driver, sandbox: Sandbox, image: NodeImage, status: int
) -> None:
    sandbox.faults.add("POST", "/run", status=status)
    with pytest.raises(DriverError) as caught:
        driver.create_node(name="blog", image=image)
    assert not caught.value.may_have_happened
    assert caught.value.code == status
    assert isinstance(caught.value, RateLimitReached) == (status == 429)


@pytest.mark.parametrize("is_sent", [True, False])
def test_interrupt_during_the_request_says_what_may_have_happened(
    driver: Driver, image: NodeImage, monkeypatch: pytest.MonkeyPatch, is_sent: bool
) -> None:
    send = driver._session.transport.send

    def interrupted(request: Request, **options: Any) -> Response:
        if request.method != "POST":
            return send(request, **options)
        if is_sent:
            send(request, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(driver._session.transport, "send", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.create_node(name="blog", image=image)
    (note,) = caught.value.__notes__
    assert re.search(r"may have been deployed: look with list_nodes\(\)", note)
    assert len(driver.list_nodes()) == is_sent


def test_interrupt_after_the_response_names_the_new_node(
    driver: Driver, image: NodeImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = driver._session.transport.send

    def interrupted(request: Request, **options: Any) -> Response:
        if request.path.startswith("/run/"):
            raise KeyboardInterrupt
        return send(request, **options)

    monkeypatch.setattr(driver._session.transport, "send", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        driver.create_node(name="blog", image=image)
    (node,) = driver.list_nodes()
    assert caught.value.__notes__ == [
        f"Deployment {node.id} was created; destroy it if it is not needed."
    ]


def test_request_that_was_never_sent_has_deployed_nothing(
    driver: Driver, sandbox: Sandbox, image: NodeImage
) -> None:
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
    lines = sandbox.world.accounts["alice"].parameters["General.ssh.public.key"].value
    sandbox.journal.clear()
    headers = {"Content-Type": "application/xml"}
    for change in (
        lambda: driver.import_key_pair_from_string("second", KEY.replace("crGz", "crGx")),
        lambda: driver.delete_key_pair("first"),
        driver.list_key_pairs,
    ):
        sandbox.faults.clear()
        sandbox.faults.add("GET", "/user/alice", body=body, headers=headers, times=times)
        with pytest.raises(MalformedAnswer, match="not complete"):
            change()
    assert sandbox.journal.entries("PUT", "/user/alice") == []
    assert sandbox.world.accounts["alice"].parameters["General.ssh.public.key"].value == lines


ROOTS = ["/", "module", "module/", "/module/", "//", ""]
ELSEWHERE = [
    "..", "apps/..", "../user/alice", "module/../user/alice", "apps/%2e%2e", "%2e%2e/user/alice",
    "apps%2f..%2f..%2fuser%2falice", "%252e%252e/user/alice", "apps/..;x", "apps/./wordpress",
    "apps//wordpress", "apps/%00", "apps/%2525252525252e",
]  # fmt: skip


@pytest.mark.parametrize("module_id", [*ROOTS, *ELSEWHERE])
def test_image_id_that_reaches_anything_else_is_refused(
    driver: Driver, sandbox: Sandbox, image: NodeImage, module_id: str
) -> None:
    image.id = module_id
    calls: list[Any] = [
        lambda: driver.delete_image(image),
        lambda: driver.delete_image(image, ex_all_versions=True),
        lambda: driver.get_image(module_id),
        lambda: driver.create_node(name="blog", image=image),
    ]
    if module_id in ELSEWHERE:
        calls.append(lambda: driver.list_images(ex_path=module_id))
    for call in calls:
        with pytest.raises(BadInput):
            call()
    assert list(sandbox.journal) == []


@pytest.mark.parametrize("node_id", ["..", "", "%2e%2e", f"{RUN}/ss:state", f"../user/{RUN}"])
def test_node_id_that_reaches_anything_else_is_refused(
    driver: Driver, sandbox: Sandbox, image: NodeImage, node_id: str
) -> None:
    node = driver.create_node(name="blog", image=image)
    node.id = node_id
    sandbox.journal.clear()
    for call in (
        lambda: driver.destroy_node(node),
        lambda: driver.ex_get_node(node_id),
        lambda: driver.ex_get_node_parameter(node, "machine:hostname"),
        lambda: driver.ex_wait_node_in_state(node, timeout=0),
        lambda: driver.ex_list_virtual_machines(node=node),
    ):
        with pytest.raises(BadInput):
            call()
    assert list(sandbox.journal) == []
