"""libcloud's own tests for a compute driver, on every kind of endpoint."""

from __future__ import annotations

import unittest

# The module, for pytest would collect a class whose name starts with Test.
import libcloud.test.compute as libclouds
import pytest
from endpoints_under_test import Driver, LiveEndpoint

from slipstream.libcloud.errors import NotSupported

NAMES = [name for name in dir(libclouds.TestCaseMixin) if name.startswith("test_")]


class Case(libclouds.TestCaseMixin, unittest.TestCase):
    __test__ = False
    driver: Driver


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("name", NAMES)
def test_of_libcloud(endpoint: LiveEndpoint, name: str) -> None:
    assert len(NAMES) == 9
    case = Case(name)
    # libcloud's test of create_node gives no location.
    case.driver = endpoint.login(region="swarm-lausanne" if endpoint.family == "nuvla" else None)
    endpoint.deploy(case.driver)
    endpoint.pass_time()
    if (endpoint.family, name) == ("slipstream", "test_reboot_node_response"):
        # A run cannot be rebooted, which libcloud's test takes for granted.
        with pytest.raises(NotSupported, match=r"cannot reboot a deployment.*\(\)"):
            getattr(case, name)()
    else:
        getattr(case, name)()
