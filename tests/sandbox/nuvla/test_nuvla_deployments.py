from __future__ import annotations

from typing import Any

from sandbox.client import NuvlaClient as Client
from slipstream.sandbox import Sandbox

PULL = "edge-geneva swarm"
KUBERNETES = "k8s-lausanne admin"


def variables(document: dict[str, Any]) -> dict[str, Any]:
    content = document["module"]["content"]
    return {item["name"]: item.get("value") for item in content["environmental-variables"]}


class TestCreating:
    def test_all_but_the_module_and_the_credential_is_dropped(self, alice: Client) -> None:
        body = {
            "module": {
                "href": f"{alice.module()}_2",
                "content": {
                    "environmental-variables": [{"name": "wordpress_title", "value": "x"}]
                },
            },
            "parent": alice.credential(),
            "name": "blog",
            "tags": ["prod"],
            "state": "STARTED",
            "execution-mode": "pull",
        }
        document = alice.read(alice.added("deployment", body))
        assert "name" not in document
        assert "tags" not in document
        assert (document["state"], document["execution-mode"]) == ("CREATED", "push")
        assert variables(document)["wordpress_title"] == "My blog"
        assert document["credential-name"] == "swarm-lausanne admin"
        assert document["infrastructure-service-name"] == "swarm-lausanne"
        assert document["owner"] == document["acl"]["owners"][0]
        assert document["module"]["href"] == f"{alice.module()}_2"
        assert "api-credentials" not in document

    def test_the_place_of_an_edge_is_told(self, alice: Client) -> None:
        document = alice.read(alice.deployment(credential=PULL))
        assert document["nuvlabox-name"] == "edge-geneva"
        assert document["nuvlabox"] in document["acl"]["edit-data"]
        assert document["execution-mode"] == "pull"


class TestEditing:
    def test_values_are_matched_by_name(self, alice: Client) -> None:
        deployment = alice.deployment()
        content = {
            "environmental-variables": [
                {"name": "wordpress_title", "value": "Hello", "required": True},
                {"name": "WP_ADMIN_EMAIL"},
                {"name": "UNKNOWN", "value": "x"},
            ],
            "files": [{"file-name": "php.ini", "file-content": "a=b"}],
            "docker-compose": "services: {}",
        }
        document = alice.edit(deployment, {"name": "blog", "module": {"content": content}})
        assert document["name"] == "blog"
        assert variables(document) == {
            "wordpress_title": "Hello",
            "WP_ADMIN_EMAIL": None,
            "WP_ADMIN_PASSWORD": None,
        }
        stored = document["module"]["content"]
        assert stored["files"] == [{"file-name": "php.ini", "file-content": "a=b"}]
        assert "wordpress" in stored["docker-compose"]
        assert "required" not in stored["environmental-variables"][0]

    def test_another_credential_moves_it(self, alice: Client) -> None:
        deployment = alice.deployment()
        document = alice.edit(deployment, {"parent": alice.credential(PULL)})
        assert document["nuvlabox-name"] == "edge-geneva"
        assert document["execution-mode"] == "pull"
        assert document["nuvlabox"] in document["acl"]["edit-data"]
        assert alice.put(deployment, json={"parent": "credential/x"}).status_code == 404

    def test_what_is_fixed_is_ignored_and_what_is_unknown_refused(self, alice: Client) -> None:
        deployment = alice.deployment()
        assert alice.edit(deployment, {"owner": "user/other"})["owner"] != "user/other"
        status, message = alice.refused("PUT", deployment, json={"colour": "red"})
        assert status == 400
        assert message.startswith(f"resource {deployment} does not satisfy defined schema:\n")

    def test_a_whole_document_may_be_sent_back_with_its_state(self, alice: Client) -> None:
        deployment = alice.deployment()
        old = alice.read(deployment)
        alice.act(f"{deployment}/start")
        assert alice.edit(deployment, old)["state"] == "CREATED"


class TestOtherActions:
    def test_an_update_ends_where_it_began(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        alice.act(f"{deployment}/update")
        assert alice.state(deployment) == "UPDATING"
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"
