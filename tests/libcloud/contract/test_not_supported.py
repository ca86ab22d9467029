"""What an endpoint cannot do says why and what to do instead, and a plugin's kind may do more."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import LiveEndpoint
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, StorageVolume, VolumeSnapshot

from slipstream.backends import SlipStream3
from slipstream.errors import UnknownName
from slipstream.hookspecs import Backend
from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import NotSupported

Driver = SlipStreamNodeDriver


def volume(driver: Driver) -> StorageVolume:
    return StorageVolume("volume-1", "data", 10, driver)


def snapshot(driver: Driver) -> VolumeSnapshot:
    return VolumeSnapshot("snapshot-1", driver)


def a_node(driver: Driver) -> Node:
    return Node("0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab", None, None, None, None, driver)  # type: ignore[arg-type]


THROUGH_OBJECTS: list[Callable[[Driver], Any]] = [
    lambda driver: volume(driver).attach(a_node(driver)),
    lambda driver: volume(driver).detach(),
    lambda driver: volume(driver).list_snapshots(),
    lambda driver: volume(driver).snapshot("nightly"),
    lambda driver: volume(driver).destroy(),
    lambda driver: snapshot(driver).destroy(),
]


@pytest.mark.parametrize("call", THROUGH_OBJECTS)
def test_what_there_is_not_is_refused_by_the_methods_of_objects_too(
    call: Callable[[Driver], Any], driver: Driver, endpoint: LiveEndpoint
) -> None:
    with pytest.raises(NotSupported, match=r"[Cc]annot \w+") as caught:
        call(driver)
    assert isinstance(caught.value, NotImplementedError)
    assert isinstance(caught.value, LibcloudError)
    assert caught.value.endpoint == endpoint.url
    assert "not implemented for this driver" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize("method", ["start_node", "stop_node", "reboot_node", "ex_update_node"])
def test_the_family_says_why_a_node_cannot_be_acted_on_and_what_to_do(
    method: str, driver: Driver, endpoint: LiveEndpoint
) -> None:
    if endpoint.family == "nuvla":
        pytest.skip("this family can")
    with pytest.raises(NotSupported, match=f"^{driver._session.kind.name} endpoints cannot") as it:
        getattr(driver, method)(a_node(driver))
    assert "create_node()" in str(it.value)
    assert len(endpoint.sandbox.journal) == 0


def test_what_is_missing_is_a_type_error_even_for_what_is_refused(driver: Driver) -> None:
    with pytest.raises(TypeError, match="volume"):
        driver.attach_volume(a_node(driver))  # type: ignore[call-arg]


def test_the_reasons_of_a_family_are_sentences_that_say_what_to_do() -> None:
    assert {"start_deployment", "stop_deployment", "get_logs"} <= SlipStream3.cannot.keys()
    assert all(reason.endswith(".") for reason in SlipStream3.cannot.values())


def test_a_reason_for_a_hook_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'reboot_deployment'"):
        type("Broken", (Backend,), {"cannot": {"reboot_deploymnt": "It is up or gone."}})
