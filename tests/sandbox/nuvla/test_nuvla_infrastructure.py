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
        {"href": GENERIC},
        {"href": GENERIC, "subtype": "swarm", "endpoint": "x", "colour": "red"},
        {"href": "infrastructure-service-template/exoscale", "subtype": "swarm"},
    ],
)
def test_a_bad_service_is_refused(alice: Client, template: dict[str, Any]) -> None:
    body = {"template": template}
    assert alice.post("infrastructure-service", json=body).status_code == 400


def test_a_service_needs_a_group_that_can_be_seen(alice: Client, bob: Client) -> None:
    group = alice.added("infrastructure-service-group", {"name": "mine"})
    template = {"href": GENERIC, "subtype": "swarm", "endpoint": "x", "parent": group}
    assert bob.post("infrastructure-service", json={"template": template}).status_code == 403
    template["parent"] = "infrastructure-service-group/x"
    assert bob.post("infrastructure-service", json={"template": template}).status_code == 404


def test_an_unknown_attribute_is_refused(alice: Client) -> None:
    body = {"name": "mine", "colour": "red"}
    status, message = alice.refused("POST", "infrastructure-service-group", json=body)
    assert status == 400
    assert "extra keys: colour" in message


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

    @pytest.mark.parametrize("action", ["reboot", "update-nuvlabox", "revoke-ssh-key"])
    def test_its_actions_are_jobs(self, sandbox: Sandbox, alice: Client, action: str) -> None:
        job = alice.act(f"{edge(alice, 'edge-geneva')}/{action}")
        assert alice.read(job)["execution-mode"] == "pull"
        sandbox.clock.advance(120)
        assert alice.read(job)["state"] == "SUCCESS"

    def test_an_offline_one_does_nothing(self, sandbox: Sandbox, alice: Client) -> None:
        job = alice.act(f"{edge(alice, 'edge-zurich')}/reboot")
        sandbox.clock.advance(3600)
        assert alice.read(job)["state"] == "QUEUED"

    def test_an_ssh_key_is_given_or_made(self, alice: Client) -> None:
        path = f"{edge(alice, 'edge-geneva')}/add-ssh-key"
        (key,) = alice.found("credential", "subtype='ssh-key'")
        assert alice.act(path, credential=key["id"]).startswith("job/")
        made = alice.post(path)
        assert made.json()["message"].startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert alice.post(path, json={"credential": "credential/x"}).status_code == 404

    def test_it_stays_until_it_is_decommissioned(self, alice: Client) -> None:
        box = edge(alice, "edge-geneva")
        refused = alice.refused("DELETE", box)
        assert refused == (409, f"operation 'delete' not allowed on {box}")
        alice.act(f"{box}/decommission")
        assert alice.state(box) == "DECOMMISSIONING"

    def test_it_has_logs(self, alice: Client) -> None:
        path = f"{edge(alice, 'edge-geneva')}/create-log"
        answer = alice.post(path, json={"components": ["agent"]})
        assert answer.json()["resource-id"].startswith("resource-log/")

    def test_strangers_do_nothing_to_it(self, alice: Client, bob: Client) -> None:
        box = edge(alice, "edge-geneva")
        for action in ("reboot", "add-ssh-key", "decommission", "create-log"):
            assert bob.post(f"{box}/{action}").status_code == 403


def test_other_types_keep_what_they_are_given(alice: Client) -> None:
    body = {"message": "hello", "category": "x", "content-unique-id": "1"}
    notification = alice.added("notification", body)
    assert alice.read(notification)["message"] == "hello"
    assert alice.post("configuration", json={}).status_code == 403
