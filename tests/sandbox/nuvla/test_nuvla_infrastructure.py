from __future__ import annotations

from typing import Any

import pytest

from sandbox.nuvla.client import Client
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


def test_a_group_names_its_services_and_goes_when_it_is_empty(alice: Client) -> None:
    group = alice.added("infrastructure-service-group", {"name": "mine"})
    template = {"href": GENERIC, "subtype": "swarm", "endpoint": "https://10.0.0.1:2376"}
    body = {"name": "box", "parent": group, "template": template}
    service = alice.added("infrastructure-service", body)
    document = alice.read(service)
    assert (document["subtype"], document["parent"]) == ("swarm", group)
    assert alice.read(group)["infrastructure-services"] == [{"href": service}]
    refused = alice.refused("DELETE", group)
    assert refused == (409, f"cannot delete {group}: 1 linked services remain")
    assert alice.delete(service).ok
    assert alice.delete(group).ok


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"href": GENERIC, "subtype": "swarm", "endpoint": "x", "colour": "red"},
        {"href": "infrastructure-service-template/exoscale", "subtype": "swarm"},
    ],
)
def test_a_bad_service_is_refused(alice: Client, template: dict[str, Any]) -> None:
    body = {"template": template}
    assert alice.post("infrastructure-service", json=body).status_code == 400


def test_an_unknown_attribute_is_refused(alice: Client) -> None:
    body = {"name": "mine", "colour": "red"}
    status, message = alice.refused("POST", "infrastructure-service-group", json=body)
    assert status == 400
    assert "does not satisfy defined schema:" in message
    assert ":colour" in message


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

    def test_it_is_not_deleted_while_it_is_commissioned(self, alice: Client) -> None:
        box = edge(alice, "edge-geneva")
        refused = alice.refused("DELETE", box)
        assert refused == (409, f"operation 'delete' not allowed on {box}")

    @pytest.mark.parametrize("path", ["{}/reboot", "{}/add-ssh-key", "{}/commission"])
    def test_what_is_done_to_it_is_not_played(self, alice: Client, path: str) -> None:
        path = path.format(edge(alice, "edge-geneva"))
        refused = alice.refused("POST", path)
        assert refused == (501, f"POST /api/{path} is not played by this sandbox")


def test_a_service_without_an_endpoint_gets_the_one_of_the_template(alice: Client) -> None:
    body = {"template": {"href": GENERIC}}
    service = alice.read(alice.added("infrastructure-service", body))
    assert service["endpoint"] == "https://service.example.org:1234"


@pytest.mark.parametrize("kind", ["notification", "data-record", "configuration"])
def test_other_types_are_not_played(alice: Client, kind: str) -> None:
    assert alice.refused("GET", kind) == (501, f"/api/{kind} is not played by this sandbox")
