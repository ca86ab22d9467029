"""What is said of a change whose response is lost, or comes from something else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from libcloud.compute.base import Node

from slipstream.libcloud.errors import DriverError, KeyPairMissing, MalformedAnswer, NotFound
from slipstream.sandbox import Sandbox

from .support import COMPONENT, JSON, Driver

HTML = {"Content-Type": "text/html"}
ONE = r"/api/deployment/[^/]+"
CALLS: dict[str, tuple[Callable[[Driver, Any], object], str, str]] = {
    "start_node": (lambda d, of: d.start_node(of["stopped"]), "POST", f"{ONE}/start"),
    "stop_node": (lambda d, of: d.stop_node(of["node"]), "POST", f"{ONE}/stop"),
    "ex_update_node": (lambda d, of: d.ex_update_node(of["node"]), "POST", f"{ONE}/update"),
    "destroy_node": (lambda d, of: d.destroy_node(of["node"]), "POST", f"{ONE}/stop"),
    "delete_image": (lambda d, of: d.delete_image(of["image"]), "POST", ".*/delete-version"),
    "delete_image of all versions": (
        lambda d, of: d.delete_image(of["image"], ex_all_versions=True),
        "DELETE",
        "/api/module/.*",
    ),
    "delete_key_pair": (lambda d, of: d.delete_key_pair(of["key"]), "DELETE", ".*/credential/.*"),
    "create_key_pair": (lambda d, _: d.create_key_pair("other"), "POST", "/api/credential"),
}
FAULTS: dict[str, dict[str, Any]] = {
    "a captive portal": {"status": 200, "body": "<html>Log in</html>", "headers": HTML},
    "not modified": {"status": 304, "body": ""},
    "several choices": {"status": 300, "body": "<html></html>", "headers": HTML},
    "an empty response": {"status": 200, "body": ""},
    "a list": {"status": 200, "body": "[]", "headers": JSON},
    "a page of a front server": {"status": 500},
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
def test_change_that_the_server_does_not_confirm(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], name: str, fault: str
) -> None:
    call, method, path = CALLS[name]
    sandbox.faults.add(method, path, **FAULTS[fault])
    with pytest.raises(DriverError) as caught:
        call(driver, subjects)
    assert caught.value.may_have_happened
    if FAULTS[fault]["status"] < 500:
        assert isinstance(caught.value, MalformedAnswer)
        assert "may or may not have been done" in str(caught.value)


@pytest.mark.parametrize("status", [400, 402, 403, 404, 409])
def test_change_that_is_refused(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], status: int
) -> None:
    sandbox.faults.add("POST", f"{ONE}/start", status=status, body="{}", headers=JSON)
    with pytest.raises(DriverError) as caught:
        driver.start_node(subjects["stopped"])
    assert not caught.value.may_have_happened


@pytest.mark.parametrize("name", ["delete_image of all versions", "delete_key_pair"])
def test_deletion_whose_first_response_was_lost(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any], name: str
) -> None:
    call, method, path = CALLS[name]
    sandbox.faults.add(method, path, cut="after")
    assert call(driver, subjects) is True


def test_deletion_of_what_is_gone(
    driver: Driver, sandbox: Sandbox, subjects: dict[str, Any]
) -> None:
    driver.delete_key_pair(subjects["key"])
    with pytest.raises(KeyPairMissing):
        driver.delete_key_pair(subjects["key"])
    driver.delete_image(subjects["image"], ex_all_versions=True)
    with pytest.raises(NotFound):
        driver.delete_image(subjects["image"], ex_all_versions=True)


def test_action_without_a_job(driver: Driver, sandbox: Sandbox, subjects: dict[str, Any]) -> None:
    sandbox.faults.add("POST", f"{ONE}/stop", status=202, body='{"status": 202}', headers=JSON)
    with pytest.raises(MalformedAnswer) as caught:
        driver.stop_node(subjects["node"])
    assert caught.value.may_have_happened
