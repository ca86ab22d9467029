from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from slipstream.libcloud.errors import (
    AnswerLost,
    BadInput,
    DriverError,
    NoAnswer,
    NotFound,
    RequestFailed,
)
from slipstream.sandbox import Sandbox
from slipstream.transport import Transport
from slipstream.values import DeploymentRequest, Parameter, Role

from .support import (
    CLUSTER,
    COMPONENT,
    JSON,
    NGINX,
    NOBODYS,
    SWARM,
    WHOAMI,
    WORDPRESS,
    Driver,
    Login,
    changes,
    deploy,
    deployments,
    get_location,
    requests,
)

CREATE, CONFIGURE = ("POST", "deployment"), ("PUT", "deployment")
START, DELETE = ("POST", "deployment/start"), ("DELETE", "deployment")
ONE = r"/api/deployment/[^/]+"
STARTING = f"{ONE}/start"
UUID = NOBODYS.partition("/")[2]
Create = Callable[..., Node]


@pytest.fixture
def image(driver: Driver) -> NodeImage:
    return driver.get_image(WORDPRESS)


@pytest.fixture
def location(driver: Driver) -> NodeLocation:
    return get_location(driver)


@pytest.fixture
def create(driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox) -> Create:
    """Create a node of the image on the location; the journal starts before it."""
    sandbox.journal.clear()

    def create(name: str | None = "blog", **options: Any) -> Node:
        options = {"image": image, "location": location, **options}
        return driver.create_node(name, **{n: v for n, v in options.items() if v is not None})

    return create


def only(sandbox: Sandbox) -> dict[str, Any]:
    (document,) = deployments(sandbox)
    return document


def refuse(sandbox: Sandbox, method: str, path: str, status: int, message: str = "") -> None:
    body = json.dumps({"status": status, "message": message})
    sandbox.faults.add(method, path, status=status, headers=JSON, body=body)


def test_create_with_every_option(create: Create, image: Any, location: Any, sandbox: Any) -> None:
    values = {"wordpress_title": "Über <b>&amp; 'us'", "php.ini": "memory_limit=1G"}
    node = create("my blog", ex_tags=["prod", "eu"], ex_parameters=values)
    document = only(sandbox)
    assert node.id == document["id"]
    assert document["name"] == node.name == "my blog"
    assert document["tags"] == node.extra["tags"] == ["prod", "eu"]
    assert document["parent"] == location.extra["credentials"][0]["id"]
    assert node.image is not None
    assert document["module"]["href"] == image.id == node.image.id
    content = document["module"]["content"]
    assert {v["name"]: v.get("value") for v in content["environmental-variables"]} == {
        "wordpress_title": "Über <b>&amp; 'us'",
        "WP_ADMIN_EMAIL": "admin@example.org",
        "WP_ADMIN_PASSWORD": None,
    }
    assert content["files"] == [{"file-name": "php.ini", "file-content": "memory_limit=1G"}]
    assert requests(sandbox) == [CREATE, CONFIGURE, START]
    assert (node.state, node.extra["state"]) == (NodeState.STARTING, document["state"])
    assert node.extra["clouds"] == [SWARM]
    assert node.created_at is not None


def test_create_on_an_edge(driver: Driver) -> None:
    assert deploy(driver, where="edge-geneva", name="x").state == NodeState.PENDING
    # A mandatory value that has a default may be left out.
    assert deploy(driver, WHOAMI, where="edge-basel").state == NodeState.STARTING


def test_create_of_a_version(driver: Driver, create: Create, sandbox: Sandbox) -> None:
    for image in (driver.get_image(f"{WORDPRESS}/0"), NodeImage(WORDPRESS, "wordpress", driver)):
        create(image=image)
    versions = {document["module"]["href"][-2:] for document in deployments(sandbox)}
    assert versions == {"_0", "_2"}


@pytest.mark.parametrize(
    "by", ["id", "name", "credential", "region by id", "region by name", "the only one"]
)
def test_create_finds_the_location(
    login: Any, driver: Any, location: Any, sandbox: Any, by: str
) -> None:
    path, parameters = (NGINX if by == "the only one" else WORDPRESS), {"GREETING": "hi"}
    location = get_location(driver, CLUSTER) if by == "the only one" else location
    credential = location.extra["credentials"][0]["id"]
    names = {"id": location.id, "name": location.name, "credential": credential}
    region = names.get(by.rpartition(" ")[2]) if by.startswith("region") else None
    driver = login(region=region)
    image = driver.get_image(path)
    options: Any = {"ex_parameters": parameters} if path == NGINX else {}
    sandbox.journal.clear()
    node = driver.create_node(image=image, ex_cloud=names.get(by), **options)
    assert only(sandbox)["parent"] == credential
    assert node.extra["clouds"] == [location.name]
    assert bool(sandbox.journal.entries("PUT", "/api/credential")) is (by != "credential")
    chosen = [Parameter(role=Role.LOCATION, value=names[by])] if by in names else []
    request = DeploymentRequest(module_id=image.id, parameters=chosen, region=region)
    assert driver._backend.deployment_locations(request) == {None: location.id}


def test_create_outside_the_region(login: Login, location: NodeLocation) -> None:
    driver = login(region=location.name)
    node = deploy(driver, NGINX, CLUSTER, ex_parameters={"GREETING": "hi"})
    assert node.extra["clouds"] == [CLUSTER]
    request = DeploymentRequest(module_id=WORDPRESS, region="nowhere")
    assert driver._backend.deployment_locations(request) == {None: "nowhere"}


SMALL: Any = NodeSize("s", "s", 1, 1, None, 0, cast(Any, None))
LONG = "more than 32766 bytes"
WRONG: list[tuple[str, str | None, dict[str, Any], str]] = [
    (WORDPRESS, CLUSTER, {}, "runs on swarm services"),
    (NGINX, "edge-basel", {"ex_parameters": {"GREETING": "hi"}}, "runs on kubernetes services"),
    (NGINX, CLUSTER, {}, "needs a value for GREETING"),
    (NGINX, CLUSTER, {"ex_parameters": {"GREETING": ""}}, "needs a value for GREETING"),
    (COMPONENT, SWARM, {}, "is a component; only applications"),
    (WORDPRESS, SWARM, {"ex_parameters": {"wordpres_title": "x"}}, "did you mean 'wordpress_t"),
    (WORDPRESS, SWARM, {"ex_parameters": {"admin_url": "x"}}, "Unknown parameter 'admin_url'"),
    (WORDPRESS, SWARM, {"ex_parameters": {"web": {"wordpress_title": "x"}}}, "has no nodes"),
    (WORDPRESS, None, {"ex_cloud": "swarm-lausane"}, r"did you mean 'swarm-lausanne'.*edge-basel"),
    (WORDPRESS, SWARM, {"ex_scalable": True}, r"ex_scalable.*ex_update_node"),
    (WORDPRESS, SWARM, {"ex_multiplicity": {"web": 2}}, r"ex_multiplicity.*replicas.*compose"),
    (WORDPRESS, SWARM, {"ex_tolerate_failures": {"web": 1}}, r"ex_tolerate_failures.*compose"),
    (WORDPRESS, SWARM, {"ex_keep_running": "always"}, r"ex_keep_running.*stop_node"),
    (WORDPRESS, SWARM, {"ex_check_ssh_key": True}, r"ex_check_ssh_key.*Leave it out"),
    (WORDPRESS, SWARM, {"size": SMALL}, "only size here.*leave size"),
    (WORDPRESS, None, {"ex_cloud": {"web": "x"}}, r"one location.*cannot be a dict"),
    (WORDPRESS, SWARM, {"name": "é" * 16_384}, LONG),
    (WORDPRESS, SWARM, {"ex_tags": ["x" * 32_767]}, LONG),
    (WORDPRESS, None, {}, r"needs a location.*swarm-lausanne"),
]


class TestRefused:
    """What the user must decide is said before anything is created."""

    @pytest.fixture(autouse=True)
    def _nothing_is_created(self, sandbox: Sandbox) -> Iterator[None]:
        yield
        assert deployments(sandbox) == []
        assert changes(sandbox) == []

    @pytest.mark.parametrize(("path", "where", "options", "message"), WRONG)
    def test_create_with_wrong_arguments(
        self, driver: Driver, sandbox: Sandbox, path: str, where: str | None, options: Any,
        message: str,
    ) -> None:  # fmt: skip
        image, location = driver.get_image(path), get_location(driver, where) if where else None
        sandbox.journal.clear()
        with pytest.raises(BadInput, match=message) as caught:
            driver.create_node(image=image, location=location, **options)
        assert len(str(caught.value)) < 500
        is_looked_up = "did you mean" in message or "location.*swarm" in message
        assert is_looked_up or len(sandbox.journal) <= (path == COMPONENT)

    @pytest.mark.parametrize("by", ["location", "ex_cloud"])
    def test_create_with_several_credentials(
        self, driver: Driver, image: NodeImage, location: NodeLocation, sandbox: Sandbox, by: str
    ) -> None:
        second = sandbox.world.add_credential(location.id, name="swarm operator")["id"]
        again: Any = get_location(driver)
        with pytest.raises(BadInput, match=r"2 credentials.*ex_cloud") as caught:
            driver.create_node(image=image, **{by: again if by == "location" else again.name})
        for text in (second, "swarm operator", location.extra["credentials"][0]["id"]):
            assert text in str(caught.value)

    def test_create_without_a_credential(self, bob: Driver, location: NodeLocation) -> None:
        image = bob.get_image(WORDPRESS)
        with pytest.raises(BadInput, match="you have a credential for none"):
            bob.create_node(image=image)
        with pytest.raises(BadInput, match="no credential"):
            bob.create_node(image=image, ex_cloud=location.id)

    def test_create_with_an_ambiguous_location(
        self, create: Create, location: Any, sandbox: Any
    ) -> None:
        twin = {**sandbox.world.store[location.id], "id": f"infrastructure-service/{UUID}"}
        sandbox.world.add_document(twin)
        with pytest.raises(BadInput, match="2 locations are named") as caught:
            create(location=None, ex_cloud=location.name)
        assert location.id in str(caught.value)
        assert twin["id"] in str(caught.value)

    def test_create_of_a_deleted_image(
        self, driver: Any, create: Any, image: Any, sandbox: Any
    ) -> None:
        with pytest.raises(NotFound, match=f"credential/{UUID} not found"):
            create(location=None, ex_cloud=f"credential/{UUID}")
        driver.delete_image(image, ex_all_versions=True)
        with pytest.raises(NotFound):
            create()
        sandbox.journal.clear()


def created(name: str) -> str:
    return json.dumps({"status": 201, "resource-id": name})


# The suite for backends and the faults of tests/faults try more.
@pytest.mark.parametrize("fault", [
    *({"status": 502}, {"status": 409, "body": ""}, {"cut": "after"}, {"cut": "body"}),
    *({"status": 201, "body": body, "headers": JSON} for body in ("{}", created(NOBODYS))),
])  # fmt: skip
def test_create_first_response_lost(create: Create, sandbox: Sandbox, fault: Any) -> None:
    sandbox.faults.add("POST", "/api/deployment", **fault)
    with pytest.raises(DriverError, match=r"may have been created.*list_nodes\(\)") as caught:
        create()
    assert caught.value.may_have_happened
    assert START not in changes(sandbox)
    assert changes(sandbox).count(CREATE) == 1


def test_create_first_response_names_another(create: Any, driver: Any, sandbox: Any) -> None:
    [other] = sandbox.world.add_deployments(1)
    before = driver.ex_get_node(other).extra["state"]
    sandbox.faults.add("POST", "/api/deployment", status=201, body=created(other), headers=JSON)
    with pytest.raises(AnswerLost, match="as the new deployment, which is") as caught:
        create(name=None)
    assert caught.value.may_have_happened
    assert driver.ex_get_node(other).extra["state"] == before


@pytest.mark.parametrize(("method", "path"), [("PUT", ONE), ("POST", STARTING)])
@pytest.mark.parametrize("status", [400, 402, 403, 404, 409, 500])
def test_create_refused_half_way(
    create: Any, sandbox: Any, method: str, path: str, status: int
) -> None:
    refuse(sandbox, method, path, status, "the first failure")
    with pytest.raises(RequestFailed, match="the first failure") as caught:
        create()
    assert caught.value.http_code == status
    assert not caught.value.may_have_happened
    assert deployments(sandbox) == []
    assert len(changes(sandbox)) - changes(sandbox).index(DELETE) == 1


ANOTHER = json.dumps({"id": NOBODYS, "state": "CREATED"})
STRANGE: list[dict[str, Any]] = [
    *({"method": "PUT", "path": ONE, "body": body, "headers": JSON} for body in ("{", ANOTHER)),
    {"path": STARTING, "status": 200, "body": "<html>"},
    *({"path": STARTING, "status": 502}, {"path": STARTING, "cut": "before"}),
]


@pytest.mark.parametrize("fault", STRANGE)
def test_create_strange_response_half_way(create: Any, sandbox: Sandbox, fault: Any) -> None:
    sandbox.faults.add(**fault)
    with pytest.raises(AnswerLost if "method" in fault else DriverError) as caught:
        create()
    assert not caught.value.may_have_happened
    assert deployments(sandbox) == []


def test_create_refused_after_the_state_was_written(create: Create, sandbox: Sandbox) -> None:
    refuse(sandbox, "POST", STARTING, 403, "not allowed")
    # Deleting is refused then, as it is in the state that was written.
    refuse(sandbox, "DELETE", ONE, 409, "Action delete cannot be called")
    with pytest.raises(RequestFailed, match="not allowed"):
        create()
    assert changes(sandbox)[-1] == ("POST", "deployment/force-delete")
    assert deployments(sandbox) == []


@pytest.mark.parametrize("cut", ["after", "body"])
def test_create_last_response_lost(create: Create, sandbox: Sandbox, cut: Any) -> None:
    sandbox.faults.add("POST", STARTING, cut=cut)
    assert create().extra["state"] == only(sandbox)["state"] == "STARTING"
    assert changes(sandbox) == [CREATE, CONFIGURE, START]


def test_create_that_cannot_be_read_is_stopped(create: Create, sandbox: Sandbox) -> None:
    sandbox.faults.add("POST", STARTING, cut="after")
    refuse(sandbox, "GET", ONE, 500)
    with pytest.raises(NoAnswer, match="/start was sent"):
        create()
    assert changes(sandbox)[-1] == ("POST", "deployment/stop")
    sandbox.clock.advance(300)
    sandbox.world.tick()
    assert deployments(sandbox) == []


def test_create_cannot_be_deleted_again(create: Create, sandbox: Any, caplog: Any) -> None:
    refuse(sandbox, "POST", STARTING, 402)
    refuse(sandbox, "DELETE", ONE, 500)
    with pytest.raises(RequestFailed, match="could not be deleted again") as caught:
        create()
    assert caught.value.http_code == 402
    assert caught.value.may_have_happened
    assert only(sandbox)["id"] in str(caught.value)
    assert only(sandbox)["id"] in caplog.text


def test_create_interrupted_while_it_is_deleted_again(
    create: Create, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Transport.send

    def interrupted(self: Transport, request: Any, **options: Any) -> Any:
        if request.method == "DELETE":
            raise KeyboardInterrupt
        return send(self, request, **options)

    monkeypatch.setattr(Transport, "send", interrupted)
    refuse(sandbox, "POST", STARTING, 402)
    with pytest.raises(KeyboardInterrupt) as caught:
        create()
    assert f"{only(sandbox)['id']} was created" in caught.value.__notes__[0]
