"""The addresses of nodes: which is public, and which comes first."""

from __future__ import annotations

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
@pytest.mark.parametrize("has_service", [True, False])
def test_no_orchestrator_comes_first(
    endpoint: LiveEndpoint, driver: Driver, has_service: bool
) -> None:
    image = driver.get_image(SYSTEM)
    clouds = {"apache": "exoscale-ch-gva", "testclient": "ec2-eu-west"}
    nodes = [driver.create_node(name, image=image, ex_cloud=clouds) for name in ("a", "b")]
    for number in range(40):
        if number < 8:  # nothing but the orchestrators is up
            assert [node.public_ips for node in driver.list_nodes()] == [[], []]
        endpoint.sandbox.clock.advance(10)
        endpoint.sandbox.world.tick()  # the server looks at the machines from time to time
    if not has_service:
        for node in nodes:
            endpoint.sandbox.world.set_parameter(node.id, "ss:url.service", "")
    own = {node.id: driver.ex_get_node(node).public_ips for node in nodes}
    waited = [node for node, _ in driver.wait_until_running(nodes)]
    for node in [*driver.list_nodes(), *waited]:
        number = len(own[node.id])
        assert set(node.public_ips[:number]) == set(own[node.id])
        assert len(node.public_ips) == number + 2
