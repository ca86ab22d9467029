"""How deployments end: destroyed early, failed, or left without what they need."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import NodeImage
from libcloud.compute.types import NodeState

from slipstream.errors import BadInput, DriverError, NodeFailed, RequestFailed
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.testing.scenarios import Scenario

pytestmark = pytest.mark.scenario
Deploy = Callable[..., Any]

GONE = [NodeState.TERMINATED, NodeState.ERROR]


def failing_image(driver: Driver, scenario: Scenario) -> NodeImage:
    """An application whose name says that it fails, from the projects of the App Store."""
    paths = [image.extra["path"] for image in driver.list_images()]
    tops = sorted({path.partition("/")[0] for path in paths})
    projects = {path.rsplit("/", n)[0] for path in paths for n in range(1, path.count("/"))}
    # The projects in between first: a whole tree may be read by several threads.
    for project in [*sorted(projects), *tops]:
        for image in driver.list_images(ex_path=project, ex_recurse=project in tops):
            if "fail" in f"{image.extra['path']} {image.name}".lower():
                return driver.get_image(image.id)
    return scenario.unsupported("it has no application whose name says that it fails")


def test_destroying_at_once_after_creating(
    driver: Driver, image: NodeImage, create: Deploy, waiting: Any
) -> None:
    node = create(image)
    assert driver.destroy_node(node)
    driver.ex_wait_node_in_state(node.id, GONE, ignore_abort=True, **waiting)
    assert node.id not in {other.id for other in driver.list_nodes(ex_addresses=False)}


def test_destroying_what_has_ended(driver: Any, image: Any, create: Deploy, waiting: Any) -> None:
    node = create(image)
    driver.ex_wait_node_in_state(node.id, **waiting)
    assert driver.destroy_node(node)
    driver.ex_wait_node_in_state(node.id, "terminated", ignore_abort=True, **waiting)
    assert driver.destroy_node(node)


@pytest.mark.filterwarnings("ignore::Warning")
def test_a_deployment_whose_script_fails(
    driver: Driver, scenario: Scenario, deployed: Deploy, waiting: Any
) -> None:
    node = deployed(failing_image(driver, scenario))
    with pytest.raises(NodeFailed) as failure:
        driver.ex_wait_node_in_state(node.id, **waiting)
    assert failure.value.reason
    assert "<" not in failure.value.reason
    assert driver.ex_get_node(node.id).extra["abort"]


def test_a_cloud_without_credentials(driver: Any, scenario: Any, image: Any, waiting: Any) -> None:
    """It is refused at once, or fails at launch and can be destroyed."""
    failures: list[Exception] = []
    for location in reversed(driver.list_locations()):
        node: Any = None
        try:
            node = driver.create_node(name=scenario.name, image=image, location=location)
        except (BadInput, RequestFailed) as refusal:
            failures.append(refusal)
            break
        try:
            driver.ex_wait_node_in_state(node.id, **waiting)
        except NodeFailed as failure:
            failures.append(failure)
            break
        finally:
            assert driver.destroy_node(node)
    if not failures:
        scenario.unsupported("this account can deploy on each of its clouds")
    assert "<" not in str(failures[0])


def test_the_node_of_another_user(
    driver: Driver, scenario: Scenario, other_driver: Driver, deploy: Deploy
) -> None:
    node = deploy()
    assert node.id not in {other.id for other in other_driver.list_nodes(ex_addresses=False)}
    with pytest.raises(RequestFailed):
        other_driver.ex_get_node(node.id)
    assert driver.ex_get_node(node.id).name == scenario.name


def test_destroying_the_node_of_another_user(
    driver: Driver, scenario: Scenario, other_driver: Driver, deploy: Deploy
) -> None:
    node = deploy()
    with pytest.raises(DriverError):
        other_driver.destroy_node(driver.ex_get_node(node.id))
    assert driver.ex_get_node(node.id).name == scenario.name


def test_stop_start_and_update(
    driver: Driver, running: Any, supported: Callable[..., Any], waiting: Any
) -> None:
    assert supported(driver.stop_node, running)
    driver.ex_wait_node_in_state(running.id, NodeState.STOPPED, **waiting)
    assert driver.start_node(running)
    driver.ex_wait_node_in_state(running.id, NodeState.RUNNING, **waiting)
    assert driver.ex_update_node(running)
    driver.ex_wait_node_in_state(running.id, NodeState.RUNNING, **waiting)


def test_logs(driver: Driver, running: Any, supported: Callable[..., Any], waiting: Any) -> None:
    options = {"lines": 5, "timeout": waiting["timeout"]}
    assert isinstance(supported(driver.ex_get_node_logs, running, ["web"], **options), dict)


def test_a_deployment_whose_credential_is_gone(
    driver: Driver, scenario: Scenario, image: NodeImage, waiting: Any
) -> None:
    service = next(iter(services(driver)), None)
    if service is None:
        scenario.unsupported("its deployments need no credential of an infrastructure service")
    credential = add_credential(driver, scenario, service)
    options: Any = {"name": scenario.name, "image": image, "ex_cloud": credential}
    node: Any = driver.create_node(**options)
    try:
        with suppress(NodeFailed):
            driver.ex_wait_node_in_state(node.id, **waiting)
    finally:
        driver.connection.request(f"/api/{credential}", method="DELETE")
    refusal = ""
    try:
        assert driver.destroy_node(node)
    except DriverError as error:
        refusal = str(error)
    assert not refusal or "credential" in refusal


def services(driver: Driver) -> list[dict[str, Any]]:
    """The services that run containers, of an endpoint that has such services."""
    try:
        document = driver.connection.request(
            "/api/infrastructure-service", params={"filter": "subtype='swarm'"}
        ).object
    except BaseHTTPError:
        return []
    return document.get("resources", []) if isinstance(document, dict) else []


def add_credential(driver: Driver, scenario: Scenario, service: dict[str, Any]) -> str:
    template = {
        "href": "credential-template/infrastructure-service-swarm",
        "parent": service["id"],
        **dict.fromkeys(("ca", "cert", "key"), "none"),
    }
    document = {"name": scenario.name, "parent": service["id"], "template": template}
    added = driver.connection.request("/api/credential", method="POST", json=document).object
    return str(added["resource-id"])
