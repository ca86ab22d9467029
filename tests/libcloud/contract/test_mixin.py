"""libcloud's own tests for a compute driver, on every kind of endpoint."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import Any

# The module, for pytest would collect a class whose name starts with Test.
import libcloud.test.compute as libclouds
import pytest
from endpoints_under_test import Driver, LiveEndpoint, serve
from fake_time import FakeTime

from slipstream.libcloud.errors import NotSupported


class OfAnEndpoint(libclouds.TestCaseMixin):
    """What differs from libcloud's tests on every kind of endpoint."""

    name = ""
    region: str | None = None
    endpoint: LiveEndpoint
    driver: Driver

    @pytest.fixture(autouse=True)
    def _prepared(self, tmp_path_factory: Any, monkeypatch: Any) -> Iterator[None]:
        with serve(self.name, tmp_path_factory.mktemp("plugin"), monkeypatch) as self.endpoint:
            self.driver = self.endpoint.login(region=self.region)
            self.endpoint.deploy(self.driver)
            self.endpoint.pass_time()
            clock = FakeTime(self.endpoint.sandbox.clock.advance)
            monkeypatch.setattr("slipstream.transport.clock.time", clock)
            yield

    def test_reboot_node_response(self) -> None:
        """A run cannot be rebooted, which libcloud's test takes for granted."""
        (node,) = self.driver.list_nodes()
        with pytest.raises(NotSupported, match=r"cannot reboot a deployment.*\(\)"):
            self.driver.reboot_node(node)


class TestSlipStream(OfAnEndpoint, unittest.TestCase):
    name = "slipstream"


class TestKindOfAPlugin(OfAnEndpoint, unittest.TestCase):
    name = "campus"


class TestNuvla(OfAnEndpoint, unittest.TestCase):
    name = "nuvla"
    region = "swarm-lausanne"  # libcloud's test of create_node gives no location
    test_reboot_node_response = libclouds.TestCaseMixin.test_reboot_node_response

    def test_list_sizes_response(self) -> None:
        """libcloud's test needs memory, which the one size does not tell."""
        assert [size.id for size in self.driver.list_sizes()] == ["default"]


def test_all_tests_of_libcloud_are_run() -> None:
    expected = {name for name in dir(libclouds.TestCaseMixin) if name.startswith("test_")}
    assert len(expected) == 9
    for cls in (TestSlipStream, TestKindOfAPlugin, TestNuvla):
        assert expected == {name for name in dir(cls) if name.startswith("test_")}
