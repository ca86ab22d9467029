"""What is said of a change whose response is lost, or comes from something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import Node

from slipstream.libcloud.errors import DriverError, KeyPairMissing, MalformedAnswer, NotFound
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport

from .support import COMPONENT, JSON, Driver, changes, deploy, deployments, place

HTML = {"Content-Type": "text/html"}
ONE = r"/api/deployment/[^/]+"
CALLS: dict[str, tuple[Callable[[Driver, Any], object], str, str]] = {
    "start_node": (lambda d, subjects: d.start_node(subjects["stopped"]), "POST", f"{ONE}/start"),
    "stop_node": (lambda d, subjects: d.stop_node(subjects["node"]), "POST", f"{ONE}/stop"),
    "ex_update_node": (
        lambda d, subjects: d.ex_update_node(subjects["node"]),
        "POST",
        f"{ONE}/update",
    ),
    "destroy_node": (lambda d, subjects: d.destroy_node(subjects["node"]), "POST", f"{ONE}/stop"),
    "delete_image": (
        lambda d, subjects: d.delete_image(subjects["image"]),
        "POST",
        "/api/module/.*/delete-version",
    ),
    "delete_image of all versions": (
        lambda d, subjects: d.delete_image(subjects["image"], ex_all_versions=True),
        "DELETE",
        "/api/module/.*",
    ),
    "delete_key_pair": (
        lambda d, subjects: d.delete_key_pair(subjects["key"]),
        "DELETE",
        "/api/credential/.*",
    ),
    "create_key_pair": (lambda d, _: d.create_key_pair("other"), "POST", "/api/credential"),
}
FAULTS: dict[str, dict[str, Any]] = {
    "a captive portal": {"status": 200, "body": "<html>Log in</html>", "headers": HTML},
    "not modified": {"status": 304, "body": ""},
    "several choices": {"status": 300, "body": "<html></html>", "headers": HTML},
    "an empty response": {"status": 200, "body": ""},
    "a list": {"status": 200, "body": "[]", "headers": JSON},
}


@pytest.fixture
def subjects(driver: Driver, running: Node, sandbox: Sandbox) -> dict[str, Any]:
    [stopped] = sandbox.world.add_deployments(1)
    result = {
        "node": running,
        "stopped": driver.ex_get_node(stopped),
        "image": driver.get_image(COMPONENT),
        "key": driver.create_key_pair("spare"),
    }
    sandbox.journal.clear()
    return result


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CALLS)
def test_a_change_is_done_only_when_the_server_says_so(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], name: str, fault: str
) -> None:
    call, method, path = CALLS[name]
    sandbox.faults.add(method, path, **FAULTS[fault])
    with pytest.raises(MalformedAnswer, match="may or may not have been done") as caught:
        call(driver, subjects)
    assert caught.value.may_have_happened


@pytest.mark.parametrize("name", CALLS)
def test_a_page_of_a_front_server_leaves_it_open(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], name: str
) -> None:
    call, method, path = CALLS[name]
    sandbox.faults.add(method, path, status=500)
    with pytest.raises(DriverError) as caught:
        call(driver, subjects)
    assert caught.value.may_have_happened


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409])
def test_a_refusal_of_the_server_is_no_doubt(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], status: int
) -> None:
    sandbox.faults.add("POST", f"{ONE}/start", status=status, body="{}", headers=JSON)
    with pytest.raises(DriverError) as caught:
        driver.start_node(subjects["stopped"])
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("name", [name for name in CALLS if name.startswith("delete_")])
def test_a_deletion_whose_first_response_was_lost_has_succeeded(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], name: str
) -> None:
    call, method, path = CALLS[name]
    if method == "DELETE":
        sandbox.faults.add(method, path, cut="after")
        assert call(driver, subjects) is True


def test_what_was_not_there_is_still_missing(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any]
) -> None:
    driver.delete_key_pair(subjects["key"])
    with pytest.raises(KeyPairMissing):
        driver.delete_key_pair(subjects["key"])
    driver.delete_image(subjects["image"], ex_all_versions=True)
    with pytest.raises(NotFound):
        driver.delete_image(subjects["image"], ex_all_versions=True)


class TestCreating:
    @pytest.mark.parametrize(
        "fault",
        [
            *({"status": status} for status in (500, 502, 503, 504)),
            *({"status": 201, "body": body} for body in ("", '{"status": 201', "<html></html>")),
            *({"status": 200, "body": "<html></html>"}, {"status": 304, "body": ""}),
            *({"cut": "after"}, {"cut": "body"}),
        ],
        ids=str,
    )
    def test_a_first_response_that_is_no_refusal_leaves_it_open(
        self, driver: Driver, sandbox: Sandbox, fault: Any
    ) -> None:
        sandbox.faults.add("POST", "/api/deployment", **fault)
        with pytest.raises(DriverError, match=r"list_nodes\(\)") as caught:
            deploy(driver)
        assert caught.value.may_have_happened
        assert changes(sandbox) == [("POST", "deployment")]

    @pytest.mark.parametrize(("method", "path"), [("PUT", ONE), ("POST", f"{ONE}/start")])
    @pytest.mark.parametrize(
        "fault", [{"status": 500}, {"status": 200, "body": "<html>"}], ids=str
    )
    def test_what_was_cleaned_up_has_not_happened(
        self, driver: Driver, sandbox: Sandbox, method: str, path: str, fault: Any
    ) -> None:
        sandbox.faults.add(method, path, times=1, **fault)
        with pytest.raises(DriverError) as caught:
            deploy(driver, name="blog")
        assert not caught.value.may_have_happened
        assert deployments(sandbox) == []

    def test_what_could_not_be_cleaned_up_may_have_happened(
        self, driver: Driver, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("POST", f"{ONE}/start", status=402, body="{}", headers=JSON)
        sandbox.faults.add("DELETE", ONE, status=500, body="{}", headers=JSON)
        with pytest.raises(DriverError, match="could not be deleted again") as caught:
            deploy(driver)
        assert caught.value.may_have_happened

    def test_who_interrupts_the_first_request_learns_what_may_be_there(
        self, driver: Driver, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image, location = driver.get_image("apps/web/whoami"), place(driver)
        send = Transport.send

        def interrupted(self: Transport, request: Any, **options: Any) -> Any:
            if request.method == "POST" and request.path == "/api/deployment":
                raise KeyboardInterrupt
            return send(self, request, **options)

        monkeypatch.setattr(Transport, "send", interrupted)
        with pytest.raises(KeyboardInterrupt) as caught:
            driver.create_node(image=image, location=location)
        assert "may have been created" in caught.value.__notes__[0]


def test_an_action_without_a_job_was_not_accepted(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any]
) -> None:
    sandbox.faults.add("POST", f"{ONE}/stop", status=202, body='{"status": 202}', headers=JSON)
    with pytest.raises(MalformedAnswer) as caught:
        driver.stop_node(subjects["node"])
    assert caught.value.may_have_happened
