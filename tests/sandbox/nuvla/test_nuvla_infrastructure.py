from __future__ import annotations

import pytest

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox

GENERIC = "infrastructure-service-template/generic"


def edge(client: Client, name: str) -> str:
    return str(client.found("nuvlabox", f"name='{name}'")[0]["id"])


def test_there_are_a_swarm_a_kubernetes_and_edges(alice: Client) -> None:
    found = alice.found("infrastructure-service", "subtype='swarm' or subtype='kubernetes'")
    subtypes = {one["name"]: one["subtype"] for one in found}
    assert subtypes["swarm-lausanne"] == "swarm"
    assert subtypes["k8s-lausanne"] == "kubernetes"
    assert subtypes["edge-geneva"] == "swarm"
    offline = [one["name"] for one in found if one.get("online") is False]
    assert offline == ["edge-zurich"]


class TestEdges:
    def test_each_has_a_status_with_addresses_and_resources(self, alice: Client) -> None:
        box = alice.read(edge(alice, "edge-geneva"))
        status = alice.read(box["nuvlabox-status"])
        assert status["parent"] == box["id"]
        assert status["ip"] == status["network"]["ips"]["vpn"]
        assert status["resources"]["ram"]["capacity"] > 0
        assert (box["state"], box["online"], status["online"]) == ("COMMISSIONED", True, True)

    def test_one_can_be_lost_and_found(self, sandbox: Sandbox, alice: Client) -> None:
        sandbox.world.set_edge_online("edge-geneva", online=False)
        box = alice.read(edge(alice, "edge-geneva"))
        assert box["online"] is False
        assert alice.read(box["nuvlabox-status"])["online"] is False

    @pytest.mark.parametrize("path", ["{}/heartbeat", "{}/commission"])
    def test_what_is_done_to_it_is_not_played(self, alice: Client, path: str) -> None:
        path = path.format(edge(alice, "edge-geneva"))
        refused = alice.refused("POST", path)
        assert refused == (501, f"POST /api/{path} is not played by this sandbox")


@pytest.mark.parametrize("kind", ["resource-metadata", "data-set"])
def test_other_types_are_not_played(alice: Client, kind: str) -> None:
    assert alice.refused("GET", kind) == (501, f"/api/{kind} is not played by this sandbox")
