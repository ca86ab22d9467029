"""The shapes in which programs for any cloud call a driver."""

from __future__ import annotations

import inspect
import json

from libcloud.compute.base import NodeDriver
from libcloud.utils.retry import Retry
from places import Place


def test_everything_that_lists_return_has_an_extra_that_json_can_hold(place: Place) -> None:
    driver = place.login()
    place.deploy(driver, "shop")
    place.pass_time()
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


def test_a_call_is_retried_by_the_decorator_of_libcloud(place: Place) -> None:
    driver = place.login()
    node = place.deploy(driver, "shop")
    listed = Retry(timeout=1, retry_delay=0)(driver.list_nodes)()
    assert [entry.id for entry in listed] == [node.id]


def test_the_arguments_of_a_method_show_by_getfullargspec(place: Place) -> None:
    driver = place.login()
    ours = inspect.getfullargspec(driver.create_node).args
    base = inspect.getfullargspec(NodeDriver.create_node).args
    assert ours[: len(base)] == base
    assert inspect.getfullargspec(driver.list_sizes).args == ["self", "location"]


def test_a_node_destroys_itself(place: Place) -> None:
    driver = place.login()
    place.deploy(driver, "shop")
    place.pass_time()
    (node,) = driver.list_nodes()
    assert node.destroy() is True
    place.pass_time()
    assert driver.list_nodes() == []
