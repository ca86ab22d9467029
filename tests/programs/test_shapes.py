"""The shapes in which programs for any cloud call a driver."""

from __future__ import annotations

import inspect
import json

from endpoints_under_test import LiveEndpoint
from libcloud.compute.base import NodeDriver
from libcloud.utils.retry import Retry


def test_everything_that_lists_return_has_an_extra_that_json_can_hold(
    endpoint: LiveEndpoint,
) -> None:
    driver = endpoint.login()
    endpoint.deploy(driver, "shop")
    endpoint.pass_time()
    objects = [
        *driver.list_nodes(),
        *driver.list_images(),
        *driver.list_sizes(),
        *driver.list_locations(),
        *driver.list_key_pairs(),
    ]
    assert objects
    for listed in objects:
        json.dumps(listed.extra)


def test_a_call_is_retried_by_the_decorator_of_libcloud(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    node = endpoint.deploy(driver, "shop")
    listed = Retry(timeout=1, retry_delay=0)(driver.list_nodes)()
    assert [entry.id for entry in listed] == [node.id]


def test_the_arguments_of_a_method_show_by_getfullargspec(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    ours = inspect.getfullargspec(driver.create_node).args
    base = inspect.getfullargspec(NodeDriver.create_node).args
    assert ours[: len(base)] == base
    assert inspect.getfullargspec(driver.list_sizes).args == ["self", "location"]


def test_a_node_destroys_itself(endpoint: LiveEndpoint) -> None:
    driver = endpoint.login()
    endpoint.deploy(driver, "shop")
    endpoint.pass_time()
    (node,) = driver.list_nodes()
    assert node.destroy() is True
    endpoint.pass_time()
    assert driver.list_nodes() == []
