"""The addresses of nodes: which is public, and which comes first."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from endpoints_under_test import LiveEndpoint

from slipstream.libcloud.compute_driver import SlipStreamNodeDriver as Driver
from slipstream.libcloud.convert import split

SYSTEM = "examples/tutorials/service-testing/system"


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("10.0.0.7", True),
        ("::ffff:10.0.0.7", True),
        ("::ffff:192.168.3.4", True),
        ("fe80::1%eth0", True),
        ("fd00::7", True),
        ("::ffff:198.51.100.7", False),
        ("2001:db8::7", False),
        ("198.51.100.7", False),
        ("host.example", False),
    ],
)
def test_private_addresses(address: str, is_private: bool) -> None:
    assert split([address]) == (([], [address]) if is_private else ([address], []))


@pytest.mark.parametrize("endpoint", ["slipstream", "campus"], indirect=True)
def test_address_of_the_service_comes_first(endpoint: LiveEndpoint, driver: Driver) -> None:
    image = driver.get_image(SYSTEM)
    clouds = {"apache": "exoscale-ch-gva", "testclient": "ec2-eu-west"}
    nodes = [driver.create_node(name, image=image, ex_cloud=clouds) for name in ("a", "b")]
    for number in range(40):
        if number < 8:  # nothing but the orchestrators is up
            assert [node.public_ips for node in driver.list_nodes()] == [[], []]
        endpoint.sandbox.clock.advance(10)
        endpoint.sandbox.world.tick()  # the server looks at the machines from time to time
    own = {node.id: driver.ex_get_node(node) for node in nodes}
    waited = [node for node, _ in driver.wait_until_running(nodes)]
    for node in [*driver.list_nodes(), *waited]:
        document = own[node.id]
        assert node.public_ips[0] == urlsplit(document.extra["service_url"]).hostname
        assert {*document.public_ips} < {*node.public_ips}
