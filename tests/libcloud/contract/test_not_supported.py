"""What an endpoint cannot do says why and what to do instead, and a plugin's kind may do more."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from endpoints_under_test import Driver, LiveEndpoint
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, StorageVolume, VolumeSnapshot

from slipstream.libcloud.errors import NotSupported


def a_node(driver: Any) -> Node:
    return Node("0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab", None, None, None, None, driver)  # type: ignore[arg-type]


OF_OBJECTS: list[Callable[[StorageVolume, VolumeSnapshot], Any]] = [
    lambda volume, _: volume.attach(a_node(volume.driver)),
    lambda volume, _: volume.detach(),
    lambda volume, _: volume.list_snapshots(),
    lambda volume, _: volume.snapshot("nightly"),
    lambda volume, _: volume.destroy(),
    lambda _, snapshot: snapshot.destroy(),
]


def test_not_supported_methods_of_volumes(driver: Driver, endpoint: LiveEndpoint) -> None:
    volume, snapshot = StorageVolume("1", "data", 10, driver), VolumeSnapshot("1", driver)
    for call in OF_OBJECTS:
        with pytest.raises(NotSupported, match=r"[Cc]annot \w+") as caught:
            call(volume, snapshot)
        assert isinstance(caught.value, NotImplementedError)
        assert isinstance(caught.value, LibcloudError)
        assert caught.value.endpoint == endpoint.url
        assert "not implemented for this driver" not in str(caught.value)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(TypeError, match="volume"):
        driver.attach_volume(a_node(driver))
    assert len(endpoint.sandbox.journal) == 0


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
@pytest.mark.parametrize("method", ["start_node", "stop_node", "reboot_node", "ex_update_node"])
def test_not_supported_by_the_family(method: str, driver: Driver, endpoint: Any) -> None:
    with pytest.raises(NotSupported, match=f"^{endpoint.name} endpoints cannot") as caught:
        getattr(driver, method)(a_node(driver))
    assert "create_node()" in str(caught.value)
    assert len(endpoint.sandbox.journal) == 0
