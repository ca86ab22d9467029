from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from sandbox.nuvla.client import WORDPRESS, Client
from slipstream.sandbox import Sandbox

PULL = "edge-geneva swarm"
OFFLINE = "edge-zurich swarm"
MIXED = "edge-basel swarm"
KUBERNETES = "k8s-lausanne admin"


def variables(document: dict[str, Any]) -> dict[str, Any]:
    content = document["module"]["content"]
    return {one["name"]: one.get("value") for one in content["environmental-variables"]}


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

    def test_it_works_without_a_credential(self, alice: Client) -> None:
        body = {"module": {"href": alice.module()}, "execution-mode": "mixed"}
        document = alice.read(alice.added("deployment", body))
        assert document["execution-mode"] == "mixed"
        assert "parent" not in document

    @pytest.mark.parametrize(
        ("body", "status", "message"),
        [
            ({}, 400, "Request body is missing a module href!"),
            ({"module": {"href": "module/x_1"}}, 404, "module/x_1 not found"),
            ({"module": {"href": "user/x"}}, 404, "user/x not found"),
        ],
    )
    def test_a_bad_module_is_refused(
        self, alice: Client, body: dict[str, Any], status: int, message: str
    ) -> None:
        assert alice.refused("POST", "deployment", json=body) == (status, message)

    def test_what_others_hide_cannot_be_used(self, alice: Client, bob: Client) -> None:
        (diary,) = bob.found("module", "path='private/diary'")
        body: dict[str, Any] = {"module": {"href": diary["id"]}}
        refused = alice.refused("POST", "deployment", json=body)
        assert refused == (403, f"invalid credentials for '{diary['id']}'")
        body = {"module": {"href": bob.module()}, "parent": alice.credential()}
        assert bob.refused("POST", "deployment", json=body)[0] == 403
        body["parent"] = "credential/x"
        assert bob.refused("POST", "deployment", json=body) == (404, "credential/x not found")

    def test_a_project_cannot_be_deployed(self, alice: Client) -> None:
        body = {"module": {"href": alice.module("apps")}}
        assert alice.post("deployment", json=body).status_code == 400


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
        kept = document["module"]["content"]
        assert kept["files"] == [{"file-name": "php.ini", "file-content": "a=b"}]
        assert "wordpress" in kept["docker-compose"]
        assert "required" not in kept["environmental-variables"][0]

    def test_another_version_brings_its_own_values(self, alice: Client) -> None:
        deployment, module = alice.deployment(), alice.module()
        document = alice.edit(deployment, {"module": {"href": f"{module}_0"}})
        assert "environmental-variables" not in document["module"]["content"]

    def test_fetching_a_version_keeps_the_values(self, alice: Client) -> None:
        deployment, module = alice.deployment(), alice.module()
        content = {"environmental-variables": [{"name": "wordpress_title", "value": "Kept"}]}
        alice.edit(deployment, {"module": {"content": content}})
        path = f"{deployment}/fetch-module"
        document = alice.post(path, json={"module-href": f"{module}_2"}).json()
        assert variables(document)["wordpress_title"] == "Kept"
        assert variables(document)["WP_ADMIN_EMAIL"] == "admin@example.org"
        for href in (module, f"{alice.module('apps/web/redis')}_0"):
            refused = alice.refused("POST", path, json={"module-href": href})
            assert refused == (400, "invalid module-href")

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

    def test_attributes_are_removed_by_name(self, alice: Client) -> None:
        deployment = alice.deployment()
        alice.edit(deployment, {"name": "blog", "tags": ["a"]})
        document = alice.edit(deployment, {"description": "x"}, select="name,tags,id")
        assert "name" not in document
        assert "tags" not in document
        assert (document["id"], document["description"]) == (deployment, "x")

    def test_a_json_patch_changes_parts(self, alice: Client) -> None:
        deployment = alice.deployment()
        alice.edit(deployment, {"tags": ["a", "b"]})
        headers = {"Content-Type": "application/json-patch+json"}
        operations = [
            {"op": "replace", "path": "/tags/0", "value": "z"},
            {"op": "add", "path": "/tags/-", "value": "c"},
            {"op": "remove", "path": "/tags/1"},
            {"op": "add", "path": "/description", "value": "patched"},
        ]
        answer = alice.put(deployment, data=json.dumps(operations), headers=headers)
        assert (answer.json()["tags"], answer.json()["description"]) == (["z", "c"], "patched")
        for wrong in ([{"op": "test", "path": "/x"}], [{"op": "remove", "path": "/nothing"}], {}):
            status, message = alice.refused(
                "PUT", deployment, data=json.dumps(wrong), headers=headers
            )
            assert status == 400
            assert message.startswith("Json patch exception: ")


class TestStarting:
    def test_pushed_it_starts_within_a_minute(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment()
        answer = alice.post(f"{deployment}/start")
        job = answer.json()["location"]
        assert answer.json() == {
            "status": 202,
            "message": f"start_deployment {deployment} with async {job}",
            "resource-id": deployment,
            "location": job,
        }
        seen = []
        for _ in range(5):
            document = alice.read(job)
            seen.append((alice.state(deployment), document["state"], document["progress"]))
            sandbox.clock.advance(10)
        assert seen == [
            ("STARTING", "QUEUED", 0),
            ("STARTING", "RUNNING", 10),
            ("STARTING", "RUNNING", 50),
            ("STARTING", "RUNNING", 50),
            ("STARTED", "SUCCESS", 100),
        ]
        done = alice.read(job)
        assert (done["return-code"], done["duration"]) == (0, 35)
        assert alice.read(deployment)["api-credentials"]["api-secret"]

    def test_pulled_it_is_pending_until_it_is_started(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment(credential=PULL)
        alice.act(f"{deployment}/start")
        states = []
        for _ in range(7):
            states.append(alice.state(deployment))
            sandbox.clock.advance(10)
        assert set(states[:6]) == {"PENDING"}
        assert states[6] == "STARTED"

    def test_an_edge_that_is_offline_keeps_it_pending(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment(credential=OFFLINE)
        job = alice.act(f"{deployment}/start")
        sandbox.clock.advance(24 * 3600)
        assert (alice.state(deployment), alice.read(job)["state"]) == ("PENDING", "QUEUED")
        sandbox.world.set_edge_online("edge-zurich", online=True)
        sandbox.clock.advance(120)
        assert alice.state(deployment) == "STARTED"

    def test_mixed_the_first_failure_is_not_the_last_word(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment(credential=MIXED)
        job = alice.act(f"{deployment}/start")
        assert alice.read(job)["execution-mode"] == "mixed"
        sandbox.clock.advance(10)
        assert alice.read(job)["state"] == "RUNNING"
        sandbox.clock.advance(20)
        document = alice.read(job)
        assert (document["state"], document["execution-mode"]) == ("QUEUED", "pull")
        assert document["status-message"].startswith(
            "Re-running job in pull mode after failed first attempt"
        )
        assert alice.state(deployment) == "STARTING"
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"

    def test_mixed_the_second_failure_is(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment("apps/trials/failing", MIXED)
        job = alice.act(f"{deployment}/start")
        sandbox.clock.advance(30)
        assert alice.read(job)["state"] == "QUEUED"
        sandbox.clock.advance(100)
        assert (alice.read(job)["state"], alice.state(deployment)) == ("FAILED", "ERROR")

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("apps/trials/failing", "RuntimeError: manifest for sandbox/no-such-image"),
            ("apps/trials/component", "NotImplementedError: Unsupported module subtype"),
        ],
    )
    def test_a_failure_is_told_by_the_job(self, alice: Client, path: str, words: str) -> None:
        deployment = alice.started(path)
        assert alice.state(deployment) == "ERROR"
        (job,) = alice.found("job", f"target-resource/href='{deployment}'")
        assert (job["state"], job["progress"], job["return-code"]) == ("FAILED", 100, 1)
        message = job["status-message"]
        assert message.splitlines()[0].endswith("-Traceback (most recent call last):")
        assert message.splitlines()[-1].startswith(words)
        assert alice.found("job", "status-message!=null") == []

    def test_without_a_credential_the_job_fails(self, sandbox: Sandbox, alice: Client) -> None:
        body = {"module": {"href": alice.module()}}
        deployment = alice.added("deployment", body)
        alice.act(f"{deployment}/start")
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "ERROR"

    def test_a_failure_can_be_arranged(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment()
        sandbox.world.fail(deployment, "no space left on device")
        job = alice.act(f"{deployment}/start")
        sandbox.clock.advance(60)
        assert "no space left on device" in alice.read(job)["status-message"]
        alice.act(f"{deployment}/update")
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"

    def test_a_deployment_can_hang(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment()
        alice.act(f"{deployment}/start")
        sandbox.world.hold(deployment)
        sandbox.clock.advance(3600)
        assert alice.state(deployment) == "STARTING"

    def test_any_method_starts_it(self, alice: Client) -> None:
        deployment = alice.deployment()
        assert alice.get(f"{deployment}/start").status_code == 202

    def test_the_state_is_changed_before_rights_are_checked(
        self, alice: Client, nobody: Client
    ) -> None:
        deployment = alice.deployment()
        refused = nobody.refused("POST", f"{deployment}/start")
        assert refused == (403, f"invalid credentials for '{deployment}'")
        assert alice.state(deployment) == "STARTING"
        assert alice.found("job", f"target-resource/href='{deployment}'") == []
        assert nobody.refused("POST", f"{deployment}/stop")[0] == 403
        assert alice.state(deployment) == "STOPPING"
        assert alice.refused("POST", f"{deployment}/stop")[0] == 409
        alice.edit(deployment, {"state": "ERROR"})
        assert alice.post(f"{deployment}/stop").status_code == 202

    def test_most_actions_check_rights_first(self, alice: Client, nobody: Client) -> None:
        deployment = alice.started()
        for action in ("update", "create-log", "clone", "force-delete", "check-dct", "detach"):
            assert nobody.post(f"{deployment}/{action}").status_code == 403
        assert nobody.delete(deployment).status_code == 403
        assert alice.state(deployment) == "STARTED"


class TestEnding:
    def test_a_stop_that_deletes_leaves_parameters_behind(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.started()
        key = alice.read(deployment)["api-credentials"]["api-key"]
        job = alice.act(f"{deployment}/stop", delete=True, **{"remove-volumes": True})
        payload = json.loads(alice.read(job)["payload"])
        assert payload == {"delete": True, "remove-volumes": True}
        assert alice.state(deployment) == "STOPPING"
        sandbox.clock.advance(60)
        assert alice.refused("GET", deployment) == (404, f"{deployment} not found")
        assert key not in sandbox.world.store
        assert alice.parameters(deployment)["hostname"]

    def test_stopped_it_can_be_started_anew_without_its_parameters(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.started()
        alice.act(f"{deployment}/stop")
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STOPPED"
        assert alice.parameters(deployment)
        alice.act(f"{deployment}/start")
        assert alice.parameters(deployment) == {}
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"

    def test_a_start_under_way_gives_way_to_a_stop(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.deployment()
        start = alice.act(f"{deployment}/start")
        alice.act(f"{deployment}/stop")
        assert alice.read(start)["state"] == "CANCELED"
        sandbox.clock.advance(300)
        assert alice.state(deployment) == "STOPPED"

    def test_deleting_clears_up(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        alice.act(f"{deployment}/stop")
        sandbox.clock.advance(60)
        answer = alice.delete(deployment)
        assert answer.json() == {
            "status": 200,
            "message": f"{deployment} deleted",
            "resource-id": deployment,
        }
        assert alice.parameters(deployment) == {}

    def test_an_error_is_stopped_or_deleted_by_force(self, alice: Client) -> None:
        deployment = alice.started("apps/trials/failing")
        message = f"Action delete cannot be called on {deployment} in state ERROR!"
        assert alice.refused("DELETE", deployment) == (409, message)
        answer = alice.post(f"{deployment}/force-delete")
        assert (answer.status_code, answer.json()["message"]) == (200, f"{deployment} deleted")
        assert alice.get(deployment).status_code == 404

    @pytest.mark.parametrize(
        ("state", "action", "named"),
        [
            ("CREATED", "stop", "stop"),
            ("CREATED", "update", "update_deployment"),
            ("CREATED", "create-log", "create-log"),
            ("STARTED", "start", "start"),
            ("STARTING", "start", "start"),
            ("STOPPING", "stop", "stop"),
        ],
    )
    def test_a_wrong_state_is_a_conflict(
        self, alice: Client, state: str, action: str, named: str
    ) -> None:
        deployment = alice.deployment()
        alice.edit(deployment, {"state": state})
        refused = alice.refused("POST", f"{deployment}/{action}", json={"components": ["web"]})
        message = f"Action {named} cannot be called on {deployment} in state {state}!"
        assert refused == (409, message)

    def test_an_unfinished_job_of_what_is_gone_fails(
        self, sandbox: Sandbox, alice: Client
    ) -> None:
        deployment = alice.deployment()
        job = alice.act(f"{deployment}/start")
        alice.post(f"{deployment}/force-delete")
        sandbox.clock.advance(60)
        assert alice.read(job)["state"] == "FAILED"


class TestOtherActions:
    def test_a_clone_has_no_place(self, alice: Client) -> None:
        deployment = alice.started()
        alice.edit(deployment, {"name": "blog", "tags": ["a"]})
        clone = alice.post(f"{deployment}/clone").json()["resource-id"]
        document = alice.read(clone)
        assert (document["name"], document["tags"]) == ("blog", ["a"])
        assert document["state"] == "CREATED"
        assert "parent" not in document

    def test_an_update_ends_where_it_began(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        alice.act(f"{deployment}/update")
        assert alice.state(deployment) == "UPDATING"
        sandbox.clock.advance(60)
        assert alice.state(deployment) == "STARTED"

    def test_resources_depend_on_what_runs_it(self, alice: Client) -> None:
        def resources(path: str, credential: str) -> Any:
            deployment = alice.deployment(path, credential)
            return alice.post(f"{deployment}/fetch-coe-resources").json()

        assert resources(WORDPRESS, "swarm-lausanne admin") == {}
        assert set(resources(WORDPRESS, PULL)["docker"]) > {"containers", "volumes"}
        assert "kubernetes" in resources("apps/web/nginx", KUBERNETES)

    def test_only_what_is_of_a_set_can_be_detached(self, alice: Client) -> None:
        body = {"module": {"href": alice.module()}, "deployment-set": "deployment-set/x"}
        deployment = alice.added("deployment", body)
        assert alice.post(f"{deployment}/detach").json() == {"status": 200, "message": "detached"}
        refused = alice.refused("POST", f"{deployment}/detach")
        assert refused == (409, f"operation 'detach' not allowed on {deployment}")

    def test_a_check_is_a_job(self, alice: Client) -> None:
        assert alice.act(f"{alice.deployment()}/check-dct").startswith("job/")


class TestLogs:
    def test_each_fetch_brings_what_is_new(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        body = {"components": ["web", "db"], "lines": 10}
        answer = alice.post(f"{deployment}/create-log", json=body)
        log = answer.json()["resource-id"]
        assert answer.status_code == 201
        job = alice.act(f"{log}/fetch")
        assert alice.act(f"{log}/fetch") == job
        sandbox.clock.advance(60)
        first = alice.read(log)
        assert set(first["log"]) == {"web", "db"}
        alice.act(f"{log}/fetch")
        sandbox.clock.advance(60)
        second = alice.read(log)
        assert second["log"]["web"][0] > first["log"]["web"][0]
        assert second["last-timestamp"] > first["last-timestamp"]

    def test_components_have_to_be_named(self, alice: Client) -> None:
        deployment = alice.started()
        status, message = alice.refused(
            "POST", f"{deployment}/create-log", json={"service": "Service/web"}
        )
        assert status == 400
        assert "components" in message

    def test_a_log_belongs_to_its_session(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started()
        body = {"components": ["web"]}
        log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
        again = Client(sandbox, sandbox.users["alice"])
        assert again.get(log).status_code == 403

    def test_an_edge_fetches_its_own(self, sandbox: Sandbox, alice: Client) -> None:
        deployment = alice.started(credential=PULL)
        sandbox.clock.advance(60)
        body = {"components": ["web"]}
        log = alice.post(f"{deployment}/create-log", json=body).json()["resource-id"]
        assert alice.read(alice.act(f"{log}/fetch"))["execution-mode"] == "pull"
        sandbox.world.set_edge_online("edge-geneva", online=False)
        sandbox.clock.advance(600)
        assert "log" not in alice.read(log)


class TestManyAtOnce:
    BULK: ClassVar = {"bulk": "true"}

    def test_a_filter_stops_many(self, sandbox: Sandbox, alice: Client) -> None:
        many = [alice.started() for _ in range(2)]
        sandbox.world.add_deployments(1)
        body = {"filter": "state!='X'"}
        answer = alice.patch("deployment/bulk-stop", json=body, headers=self.BULK)
        job = answer.json()["location"]
        assert answer.json()["message"] == f"starting bulk_stop_deployment with async {job}"
        sandbox.clock.advance(60)
        assert {alice.state(one) for one in many} == {"STOPPED"}
        assert alice.read(job)["state"] == "SUCCESS"

    @pytest.mark.parametrize(
        ("action", "left"), [("bulk-delete", ["STARTED"]), ("bulk-force-delete", [])]
    )
    def test_a_filter_deletes_many(self, alice: Client, action: str, left: list[str]) -> None:
        alice.world.add_deployments(2, state="STOPPED")
        alice.started()
        body = {"filter": "state!='X'"}
        assert alice.patch(f"deployment/{action}", json=body, headers=self.BULK).ok
        found = alice.search("deployment", select="state")["resources"]
        assert [one["state"] for one in found] == left

    def test_tags_are_changed_for_many(self, alice: Client) -> None:
        alice.world.add_deployments(2)
        for action, tags, wanted in (
            ("set-tags", ["a", "b"], ["a", "b"]),
            ("add-tags", ["b", "c"], ["a", "b", "c"]),
            ("remove-tags", ["a"], ["b", "c"]),
        ):
            body = {"filter": "state='STOPPED'", "doc": {"tags": tags}}
            answer = alice.patch(f"deployment/{action}", json=body, headers=self.BULK)
            assert answer.json()["updated"] == 2
            found = alice.search("deployment", select="tags")["resources"]
            assert [one["tags"] for one in found] == [wanted, wanted]

    def test_the_header_and_the_filter_are_insisted_on(
        self, alice: Client, nobody: Client
    ) -> None:
        path = "deployment/bulk-stop"
        refused = alice.refused("PATCH", path, json={"filter": "id!=null"})
        assert refused == (400, "Bulk request should contain bulk http header.")
        refused = alice.refused("PATCH", path, json={}, headers=self.BULK)
        assert refused == (400, "Bulk request should contain a non empty cimi filter.")
        assert nobody.refused("PATCH", path)[0] == 403

    def test_parameters_are_deleted_by_a_filter(self, alice: Client, nobody: Client) -> None:
        deployment = alice.started()
        form = {"filter": f"parent='{deployment}' and name^='web.'"}
        answer = alice.delete("deployment-parameter", data=form, headers=self.BULK)
        assert answer.json()["deleted"] == 0
        alice.added("deployment-parameter", {"parent": deployment, "name": "web.x"})
        assert alice.refused("DELETE", "deployment-parameter", headers=self.BULK)[0] == 400
        assert nobody.delete("deployment-parameter", headers=self.BULK).status_code == 403
