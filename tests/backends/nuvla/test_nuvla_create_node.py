from __future__ import annotations

import json
from typing import Any

import pytest
from libcloud.compute.base import NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import (
    BadInput,
    MalformedAnswer,
    NoAnswer,
    NotFound,
    RequestFailed,
    ServiceUnavailable,
)
from slipstream.sandbox import Sandbox
from slipstream.values import DeploymentRequest, Role
from slipstream.values.deployment_request import Parameter

from .support import (
    CLUSTER,
    COMPONENT,
    JSON,
    NGINX,
    WHOAMI,
    WORDPRESS,
    Driver,
    Login,
    changes,
    deploy,
    deployments,
    place,
    requests,
)

CREATE = ("POST", "deployment")
CONFIGURE = ("PUT", "deployment")
START = ("POST", "deployment/start")
DELETE = ("DELETE", "deployment")
ONE = r"/api/deployment/[^/]+"


@pytest.fixture
def image(driver: Driver, sandbox: Sandbox) -> NodeImage:
    found = driver.get_image(WORDPRESS)
    sandbox.journal.clear()
    return found


@pytest.fixture
def location(driver: Driver, sandbox: Sandbox) -> NodeLocation:
    found = place(driver)
    sandbox.journal.clear()
    return found


def only(sandbox: Sandbox) -> dict[str, Any]:
    (found,) = deployments(sandbox)
    return found


def variables(sandbox: Sandbox) -> dict[str, str | None]:
    content = only(sandbox)["module"]["content"]
    return {v["name"]: v.get("value") for v in content["environmental-variables"]}


def test_everything_that_is_asked_for_reaches_the_deployment(
    driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
) -> None:
    node = driver.create_node(
        name="my blog",
        image=image,
        location=location,
        ex_tags=["prod", "eu"],
        ex_parameters={"wordpress_title": "Über <b>&amp; 'us'", "php.ini": "memory_limit=1G"},
    )
    made = only(sandbox)
    assert made["name"] == node.name == "my blog"
    assert made["tags"] == node.extra["tags"] == ["prod", "eu"]
    assert made["parent"] == location.extra["credentials"][0]["id"]
    assert made["module"]["href"] == image.id == node.image.id
    assert variables(sandbox) == {
        "wordpress_title": "Über <b>&amp; 'us'",
        "WP_ADMIN_EMAIL": "admin@example.org",
        "WP_ADMIN_PASSWORD": None,
    }
    assert made["module"]["content"]["files"] == [
        {"file-name": "php.ini", "file-content": "memory_limit=1G"}
    ]
    assert changes(sandbox) == [CREATE, CONFIGURE, START]


def test_the_node_is_on_its_way_and_is_not_read_again(
    driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
) -> None:
    node = driver.create_node(name="blog", image=image, location=location)
    assert node.state == NodeState.STARTING
    assert node.extra["state"] == only(sandbox)["state"] == "STARTING"
    assert node.id == only(sandbox)["id"]
    assert node.created_at is not None
    assert node.extra["clouds"] == ["swarm-lausanne"]
    assert requests(sandbox)[-1] == START


def test_a_node_on_an_edge_that_fetches_its_jobs_is_pending(driver: Driver) -> None:
    assert deploy(driver, where="edge-geneva", name="x").state == NodeState.PENDING
    assert deploy(driver, where="edge-basel").state == NodeState.STARTING


def test_an_older_version_is_deployed_when_it_is_the_one_given(
    driver: Driver, location: NodeLocation, sandbox: Sandbox
) -> None:
    driver.create_node(image=driver.get_image(f"{WORDPRESS}/0"), location=location)
    assert only(sandbox)["module"]["href"].endswith("_0")


def test_an_image_made_by_hand_deploys_the_newest_version(
    driver: Driver, location: NodeLocation, sandbox: Sandbox
) -> None:
    driver.create_node(image=NodeImage(WORDPRESS, "wordpress", driver), location=location)
    assert only(sandbox)["module"]["href"].endswith("_2")


@pytest.mark.parametrize("named", ["id", "name"])
def test_a_location_is_named_by_id_or_by_name(
    driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox, named: str
) -> None:
    driver.create_node(image=image, ex_cloud=getattr(location, named))
    assert only(sandbox)["parent"] == location.extra["credentials"][0]["id"]


def test_a_credential_is_taken_as_it_is(
    driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
) -> None:
    credential = location.extra["credentials"][0]["id"]
    driver.create_node(image=image, ex_cloud=credential)
    assert only(sandbox)["parent"] == credential
    assert not sandbox.journal.entries("PUT", "/api/credential")


class TestChoices:
    """What the user must decide is asked for, before anything is made."""

    @pytest.fixture(autouse=True)
    def _nothing_is_made(self, sandbox: Sandbox) -> Any:
        yield
        assert deployments(sandbox) == []
        assert changes(sandbox) == []

    @pytest.mark.parametrize("by", ["location", "ex_cloud"])
    def test_one_of_several_credentials_must_be_chosen(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox, by: str
    ) -> None:
        second = sandbox.world.add_credential(location.id, name="swarm operator")["id"]
        again = place(driver)
        given: Any = again if by == "location" else again.name
        with pytest.raises(BadInput, match="2 credentials") as caught:
            driver.create_node(image=image, **{by: given})
        assert second in str(caught.value)
        assert "swarm operator" in str(caught.value)
        assert location.extra["credentials"][0]["id"] in str(caught.value)
        assert "ex_cloud" in str(caught.value)

    def test_without_a_location_those_that_can_run_it_are_named(
        self, driver: Driver, image: NodeImage, sandbox: Sandbox
    ) -> None:
        with pytest.raises(BadInput, match=r"needs a location.*swarm-lausanne") as caught:
            driver.create_node(image=image)
        assert CLUSTER not in str(caught.value)
        assert deployments(sandbox) == []

    def test_who_can_run_it_nowhere_is_told_so(self, bob: Driver) -> None:
        with pytest.raises(BadInput, match="you have a credential for none"):
            bob.create_node(image=bob.get_image(WORDPRESS))

    @pytest.mark.parametrize("option", [{"name": "é" * 16_384}, {"ex_tags": ["x" * 32_767]}])
    def test_a_label_that_is_too_long_to_be_indexed_is_refused(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        option: dict[str, Any],
    ) -> None:
        with pytest.raises(BadInput, match="more than 32766 bytes") as caught:
            driver.create_node(image=image, location=location, **option)
        assert len(str(caught.value)) < 500
        assert len(sandbox.journal) == 0

    def test_an_unknown_location_is_refused_with_those_there_are(
        self, driver: Driver, image: NodeImage
    ) -> None:
        with pytest.raises(BadInput, match=r"did you mean 'swarm-lausanne'.*edge-basel"):
            driver.create_node(image=image, ex_cloud="swarm-lausane")

    def test_two_locations_of_one_name_are_told_apart_by_their_ids(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
    ) -> None:
        twin = {**sandbox.world.store[location.id]}
        twin["id"] = "infrastructure-service/0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
        sandbox.world.add_document(twin)
        with pytest.raises(BadInput, match="2 locations are named") as caught:
            driver.create_node(image=image, ex_cloud=location.name)
        assert location.id in str(caught.value)
        assert twin["id"] in str(caught.value)

    def test_a_location_without_a_credential_is_refused(
        self, bob: Driver, driver: Driver, location: NodeLocation
    ) -> None:
        with pytest.raises(BadInput, match="no credential"):
            bob.create_node(image=bob.get_image(WORDPRESS), ex_cloud=location.id)

    @pytest.mark.parametrize(
        ("path", "where", "kind"),
        [(WORDPRESS, CLUSTER, "swarm"), (NGINX, "edge-basel", "kubernetes")],
    )
    def test_an_application_cannot_run_on_a_service_of_another_kind(
        self, driver: Driver, path: str, where: str, kind: str
    ) -> None:
        given = {"GREETING": "hello"} if path == NGINX else {}
        with pytest.raises(BadInput, match=f"runs on {kind} services"):
            deploy(driver, path, where, ex_parameters=given)

    def test_a_required_value_that_is_missing_is_named(self, driver: Driver) -> None:
        for given in ({}, {"GREETING": ""}):
            with pytest.raises(BadInput, match=r"needs a value for GREETING"):
                deploy(driver, NGINX, CLUSTER, ex_parameters=given)

    def test_an_unknown_parameter_is_refused_with_the_nearest(
        self, driver: Driver, image: NodeImage, location: NodeLocation
    ) -> None:
        with pytest.raises(BadInput, match="did you mean 'wordpress_title'"):
            driver.create_node(
                image=image, location=location, ex_parameters={"wordpres_title": "x"}
            )

    def test_an_output_cannot_be_given(
        self, driver: Driver, image: NodeImage, location: NodeLocation
    ) -> None:
        with pytest.raises(BadInput, match="Unknown parameter 'admin_url'"):
            driver.create_node(image=image, location=location, ex_parameters={"admin_url": "x"})

    def test_parameters_have_no_nodes(
        self, driver: Driver, image: NodeImage, location: NodeLocation
    ) -> None:
        with pytest.raises(BadInput, match="has no nodes"):
            driver.create_node(
                image=image, location=location, ex_parameters={"web": {"wordpress_title": "x"}}
            )

    def test_a_component_cannot_be_deployed(self, driver: Driver, location: NodeLocation) -> None:
        with pytest.raises(BadInput, match="is a component; only applications"):
            driver.create_node(image=driver.get_image(COMPONENT), location=location)

    @pytest.mark.parametrize(
        ("option", "said"),
        [
            ({"ex_scalable": True}, r"ex_scalable.*ex_update_node"),
            ({"ex_multiplicity": {"web": 2}}, r"ex_multiplicity.*replicas.*compose file"),
            ({"ex_tolerate_failures": {"web": 1}}, r"ex_tolerate_failures.*compose file"),
            ({"ex_keep_running": "always"}, r"ex_keep_running.*stop_node"),
            ({"ex_check_ssh_key": True}, r"ex_check_ssh_key.*Leave it out"),
            ({"size": NodeSize("s", "s", 1, 1, None, 0, None)}, r"no sizes.*leave size out"),
            ({"ex_cloud": {"web": "x"}, "location": None}, r"one location.*cannot be a dict"),
        ],
    )
    def test_what_only_the_other_family_has_is_refused_with_what_to_do_instead(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        option: dict[str, Any],
        said: str,
    ) -> None:
        with pytest.raises(BadInput, match=said):
            driver.create_node(**{"image": image, "location": location, **option})
        assert len(sandbox.journal) == 0


def test_the_only_location_that_can_run_it_is_taken(driver: Driver, sandbox: Sandbox) -> None:
    node = driver.create_node(image=driver.get_image(NGINX), ex_parameters={"GREETING": "hi"})
    assert node.extra["clouds"] == [CLUSTER]


@pytest.mark.parametrize("by", ["id", "name"])
def test_the_region_of_the_driver_is_the_location_when_none_is_given(
    login: Login, location: NodeLocation, by: str
) -> None:
    driver = login(region=getattr(location, by))
    node = driver.create_node(image=driver.get_image(WORDPRESS))
    assert node.extra["clouds"] == [location.name]
    other = deploy(driver, NGINX, CLUSTER, ex_parameters={"GREETING": "hi"})
    assert other.extra["clouds"] == [CLUSTER]


@pytest.mark.parametrize("spelling", ["id", "name", "credential", "region", "none", "unknown"])
def test_deployment_locations_of_every_spelling(
    login: Login, location: NodeLocation, spelling: str
) -> None:
    names = {
        "id": location.id,
        "name": location.name,
        "credential": location.extra["credentials"][0]["id"],
        "unknown": "nowhere",
    }
    driver = login(region=location.name if spelling == "region" else None)
    image = driver.get_image(NGINX if spelling == "none" else WORDPRESS)
    cluster = next(one.id for one in driver.list_locations() if one.name == CLUSTER)
    parameters = []
    if spelling in names:
        parameters = [Parameter(role=Role.LOCATION, value=names[spelling])]
    request = DeploymentRequest(
        module_id=image.id, parameters=parameters, region=driver.region or None
    )
    expected = {"none": cluster, "unknown": "nowhere"}.get(spelling, location.id)
    assert driver._backend.deployment_locations(request) == {None: expected}


def test_the_size_that_is_listed_changes_nothing(
    driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
) -> None:
    [size] = driver.list_sizes()
    assert driver.create_node("blog", size, image, location).name == "blog"
    assert changes(sandbox) == [CREATE, CONFIGURE, START]


def test_a_value_with_a_default_need_not_be_given(driver: Driver) -> None:
    assert deploy(driver, NGINX, CLUSTER, ex_parameters={"GREETING": "hi"}).state == "starting"
    assert deploy(driver, WHOAMI).image.name == "Who am I"


class TestFailures:
    """Whatever fails on the way leaves nothing behind, and is told as the first failure."""

    @pytest.mark.parametrize(
        ("method", "path"),
        [("PUT", ONE), ("POST", f"{ONE}/start")],
        ids=["configuring", "starting"],
    )
    @pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 500])
    def test_a_refusal_half_way_leaves_no_orphan(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        method: str,
        path: str,
        status: int,
    ) -> None:
        body = json.dumps({"status": status, "message": "the first failure"})
        sandbox.faults.add(method, path, status=status, headers=JSON, body=body)
        with pytest.raises(RequestFailed, match="the first failure") as caught:
            driver.create_node(name="blog", image=image, location=location)
        assert caught.value.http_code == status
        assert deployments(sandbox) == []
        assert len(changes(sandbox)) - changes(sandbox).index(DELETE) == 1

    def test_a_session_that_ends_just_before_the_start_is_renewed(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("POST", f"{ONE}/start", expire_sessions=True)
        node = driver.create_node(name="blog", image=image, location=location)
        assert node.extra["state"] == only(sandbox)["state"] == "STARTING"
        (job,) = sandbox.world.store.collection("job")
        assert job["target-resource"]["href"] == node.id

    def test_a_start_that_was_refused_after_the_state_was_written_leaves_none_either(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
    ) -> None:
        body = json.dumps({"status": 403, "message": "not allowed"})
        sandbox.faults.add("POST", f"{ONE}/start", status=403, headers=JSON, body=body)
        # Deleting is refused then, as it is in the state that was written.
        refused = json.dumps({"status": 409, "message": "Action delete cannot be called"})
        sandbox.faults.add("DELETE", ONE, status=409, headers=JSON, body=refused)
        with pytest.raises(RequestFailed, match="not allowed"):
            driver.create_node(name="blog", image=image, location=location)
        assert changes(sandbox)[-1] == ("POST", "deployment/force-delete")
        assert deployments(sandbox) == []

    @pytest.mark.parametrize("cut", ["after", "body"])
    def test_a_start_whose_answer_is_lost_has_happened(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox, cut: Any
    ) -> None:
        sandbox.faults.add("POST", f"{ONE}/start", cut=cut)
        node = driver.create_node(name="blog", image=image, location=location)
        assert node.extra["state"] == only(sandbox)["state"] == "STARTING"
        assert changes(sandbox) == [CREATE, CONFIGURE, START]

    @pytest.mark.parametrize("fault", [{"cut": "before"}, {"status": 502}])
    def test_a_start_that_never_arrived_leaves_no_orphan(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        fault: dict[str, Any],
    ) -> None:
        sandbox.faults.add("POST", f"{ONE}/start", **fault)
        with pytest.raises((NoAnswer, ServiceUnavailable)):
            driver.create_node(name="blog", image=image, location=location)
        assert deployments(sandbox) == []

    def test_a_start_of_which_nothing_can_be_learned_is_stopped_and_not_abandoned(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("POST", f"{ONE}/start", cut="after")
        sandbox.faults.add("GET", ONE, status=500, body="{}", headers=JSON)
        with pytest.raises(NoAnswer, match="/start was sent"):
            driver.create_node(name="blog", image=image, location=location)
        assert changes(sandbox)[-1] == ("POST", "deployment/stop")
        sandbox.clock.advance(300)
        sandbox.world.tick()
        assert deployments(sandbox) == []

    def test_a_lost_answer_to_the_first_request_is_told_as_maybe_done(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add("POST", "/api/deployment", cut="after")
        with pytest.raises(NoAnswer, match=r"state CREATED with list_nodes") as caught:
            driver.create_node(name="blog", image=image, location=location)
        assert caught.value.may_have_happened
        assert changes(sandbox) == [CREATE]

    def test_what_cannot_be_deleted_again_is_named(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        sandbox.faults.add("POST", f"{ONE}/start", status=402, body="{}", headers=JSON)
        sandbox.faults.add("DELETE", ONE, status=500, body="{}", headers=JSON)
        with pytest.raises(RequestFailed) as caught:
            driver.create_node(name="blog", image=image, location=location)
        assert caught.value.http_code == 402
        assert only(sandbox)["id"] in str(caught.value)
        assert only(sandbox)["id"] in caplog.text

    @pytest.mark.parametrize("body", ['{"status": 201', "[]", "{}", '{"resource-id": 5}', "null"])
    def test_a_first_answer_that_makes_no_sense_is_one_clear_error(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        body: str,
    ) -> None:
        sandbox.faults.add("POST", "/api/deployment", status=201, body=body, headers=JSON)
        with pytest.raises(MalformedAnswer, match="list_nodes") as caught:
            driver.create_node(name="blog", image=image, location=location)
        assert caught.value.may_have_happened

    @pytest.mark.parametrize("body", ['{"id": "deploy', "[]", "{}", '{"id": 5}'])
    def test_a_second_answer_that_makes_no_sense_leaves_no_orphan(
        self,
        driver: Driver,
        image: NodeImage,
        location: NodeLocation,
        sandbox: Sandbox,
        body: str,
    ) -> None:
        sandbox.faults.add("PUT", ONE, body=body, headers=JSON)
        with pytest.raises(MalformedAnswer):
            driver.create_node(name="blog", image=image, location=location)
        assert deployments(sandbox) == []

    def test_an_image_or_a_credential_that_has_gone_is_not_found(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox
    ) -> None:
        gone = "credential/0d3a3e2c-5f5f-4c8e-9a4e-0123456789ab"
        with pytest.raises(NotFound, match=f"{gone} not found"):
            driver.create_node(image=image, ex_cloud=gone)
        driver.delete_image(image, ex_all_versions=True)
        with pytest.raises(NotFound):
            driver.create_node(image=image, location=location)
        assert deployments(sandbox) == []
