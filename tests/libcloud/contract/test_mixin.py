"""libcloud's own tests for a compute driver, on every kind of endpoint."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from unittest import mock

# The module, for pytest would collect a class whose name starts with Test.
import libcloud.test.compute as libclouds
import pytest
from endpoints_under_test import BLOG, LiveEndpoint, serve
from fake_time import FakeTime
from libcloud.compute.base import Node

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver
from slipstream.libcloud.errors import BadInput, NotSupported


class OfAnEndpoint(libclouds.TestCaseMixin):
    """What differs from libcloud's tests on every kind of endpoint."""

    name = ""
    endpoint: LiveEndpoint
    driver: SlipStreamNodeDriver

    @pytest.fixture(autouse=True)
    def _prepared(
        self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[None]:
        with serve(self.name, tmp_path_factory.mktemp("plugin"), monkeypatch) as self.endpoint:
            self.driver = self.endpoint.login()
            self.endpoint.deploy(self.driver)
            self.endpoint.pass_time()
            self._take_away_what_the_account_has_no_cloud_for()
            yield

    def _take_away_what_the_account_has_no_cloud_for(self) -> None:
        """libcloud's test takes the first size, which must be one that the user can have."""
        usable = {location.name for location in self.driver.list_locations()}
        for size in self.driver.list_sizes():
            if size.extra["location"] not in usable:
                self.endpoint.sandbox.world.store.remove(size.id)

    def test_reboot_node_response(self) -> None:
        """A run cannot be rebooted, which libcloud's test takes for granted."""
        (node,) = self.driver.list_nodes()
        with pytest.raises(NotSupported, match=r"cannot reboot a deployment.*\(\)"):
            self.driver.reboot_node(node)


class TestSlipStream(OfAnEndpoint, unittest.TestCase):
    name = "slipstream"


class TestAKindThatAPluginAdds(OfAnEndpoint, unittest.TestCase):
    name = "campus"


class TestNuvla(OfAnEndpoint, unittest.TestCase):
    name = "nuvla"

    def test_list_sizes_response(self) -> None:
        """libcloud's test wants memory, which the one size does not tell."""
        assert [size.id for size in self.driver.list_sizes()] == ["default"]

    def test_reboot_node_response(self) -> None:
        """libcloud's own test, with a clock that waits for nobody."""
        clock = FakeTime(self.endpoint.sandbox.clock.advance)
        with mock.patch("slipstream.transport.clock.time", clock):
            libclouds.TestCaseMixin.test_reboot_node_response(self)

    def test_create_node_response(self) -> None:
        """Several locations can run the image, so that none is the default."""
        image = next(one for one in self.driver.list_images() if one.extra["path"] == BLOG)
        given = {"name": "node-name", "image": image}
        with pytest.raises(BadInput, match="location"):
            self.driver.create_node(**given)
        node = self.driver.create_node(**given, location=self.endpoint.location(self.driver))
        assert isinstance(node, Node)


def test_every_test_of_libclouds_is_among_them() -> None:
    expected = {name for name in dir(libclouds.TestCaseMixin) if name.startswith("test_")}
    assert len(expected) == 9
    for cls in (TestSlipStream, TestAKindThatAPluginAdds, TestNuvla):
        assert expected == {name for name in dir(cls) if name.startswith("test_")}
