from __future__ import annotations

import attrs
import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"


def offer(client: Client, cloud: str) -> str:
    where = f"resource:type='VM' and connector/href='{cloud}'"
    return str(client.json("/api/service-offer", filter=where)["serviceOffers"][0]["id"])


def refused(client: Client, **fields: str) -> tuple[int, str]:
    data = {name.replace("_", "-"): value for name, value in fields.items()}
    return client.refused("POST", "/run", data=data)


def node(field: str) -> str:
    return f"parameter--node--{field}"


@pytest.mark.parametrize(
    ("fields", "path"), [({}, "/run/"), ({"redirect_to_dashboard": ""}, "/dashboard")]
)
def test_a_deployment_answers_with_an_absolute_address(
    sandbox: Sandbox, alice: Client, fields: dict[str, str], path: str
) -> None:
    answer = alice.post("/run", data={"refqname": BLOG, **fields})
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["Location"].startswith(f"{sandbox.url}{path}")


def test_a_version_needs_the_prefix(alice: Client) -> None:
    refusal = (404, f"Coudn't find reference module: {BLOG}/412")
    assert refused(alice, refqname=f"{BLOG}/412") == refusal


def test_the_cloud_is_that_of_an_offer_or_the_default(alice: Client) -> None:
    for fields, cloud in (
        ({"parameter--service-offer": offer(alice, "ec2-eu-west")}, "ec2-eu-west"),
        ({"parameter--cloudservice": "default"}, "exoscale-ch-gva"),
    ):
        uuid = alice.deploy(BLOG, **fields)
        assert alice.xml(f"/run/{uuid}").get("cloudServiceNames") == cloud


def test_an_application_has_groups_node_names_and_mapped_parameters(alice: Client) -> None:
    fields = {node("apache--cloudservice"): "ec2-eu-west", node("testclient--multiplicity"): "2"}
    fields[node("testclient--webserver.port")] = "81"  # a mapping goes over it
    uuid = alice.deploy(SYSTEM, mutable="on", **fields)
    root = alice.xml(f"/run/{uuid}")
    values = {item.get("key"): item.text or "" for item in root.iter("runtimeParameter")}
    assert values["ss:groups"] == "ec2-eu-west:apache,exoscale-ch-gva:testclient"
    assert root.get("mutable") == "true"
    assert root.get("nodeNames") == (
        "apache.1,testclient.1,testclient.2,orchestrator-ec2-eu-west,orchestrator-exoscale-ch-gva"
    )
    (source,) = root.iterfind(".//runtimeParameter[@key='apache.1:listen.port']")
    assert source.get("mappedRuntimeParameterNames") == (
        "testclient.1:webserver.port,testclient.2:webserver.port"
    )
    alice.sandbox.clock.advance(900)
    assert alice.text(f"/run/{uuid}/testclient.1:webserver.port").text == "8080"


@pytest.mark.parametrize("text", ["raw", "'raw'", '"raw"'])
def test_one_pair_of_quotes_is_lost_from_values_of_applications(alice: Client, text: str) -> None:
    uuid = alice.deploy(SYSTEM, **{node("apache--port"): text})
    assert alice.text(f"/run/{uuid}/apache.1:port").text == "raw"
    component = alice.deploy(BLOG, **{"parameter--wordpress_title": text})
    assert alice.text(f"/run/{component}/machine:wordpress_title").text == text


def test_an_offer_and_a_cloud_must_agree(alice: Client) -> None:
    chosen = {"parameter--service-offer": offer(alice, "ec2-eu-west")}
    status, detail = refused(
        alice, refqname=BLOG, **chosen, **{"parameter--cloudservice": "exoscale-ch-gva"}
    )
    assert status == 409
    assert "is for 'ec2-eu-west' but the Cloud service 'exoscale-ch-gva' was asked" in detail


def test_a_cloud_must_have_the_image(alice: Client) -> None:
    path, cloud = "examples/images/centos-7", "open-telekom-de1"
    field, world = {"parameter--cloudservice": cloud}, alice.sandbox.world
    changes = {"path": "apps/built", "version": 0, "reference": f"module/{path}", "images": {}}
    world.add_module(attrs.evolve(world.library.find(BLOG), **changes))
    system = world.library.find(SYSTEM)
    system.nodes = [
        attrs.evolve(item, image=f"module/{path}", parameters={}) for item in system.nodes
    ]
    on_node = {node("apache--cloudservice"): cloud}
    base = f"base image: {path} on cloud service: {cloud}"
    of_node = f"image {path} missing an image id for cloud: {cloud}"
    for module, fields, detail in (
        (path, field, f"Base image must have an image id for cloud service: {cloud}"),
        ("apps/built", field, f"Missing image id for {base}"),
        (SYSTEM, on_node, f"Node apache refers to {of_node}"),
    ):
        assert refused(alice, refqname=module, **fields) == (409, detail)


def test_no_cloud_at_all_is_refused(alice: Client) -> None:
    account = alice.sandbox.world.accounts["alice"]
    account.parameters["General.default.cloud.service"].value = ""
    assert refused(alice, refqname=BLOG) == (409, "No cloud service names set on the run.")


def test_launch_needs_a_key_in_the_profile_unless_the_check_is_bypassed(alice: Client) -> None:
    alice.sandbox.world.accounts["alice"].parameters["General.ssh.public.key"].value = ""
    assert refused(alice, refqname=BLOG) == (409, "Missing public key in your user profile.")
    bad = refused(alice, refqname=BLOG, parameter__nonsense="1")
    assert bad[1] == "Missing public key in your user profile."
    assert alice.deploy(BLOG, **{"bypass-ssh-check": "true"})


def test_empty_applications_are_not_deployed(alice: Client) -> None:
    alice.sandbox.world.library.find(SYSTEM).nodes.clear()
    refusal = (409, "Deployment module provided for run is missing nodes.")
    assert refused(alice, refqname=SYSTEM) == refusal


def test_cloud_without_a_credential_fails_at_launch(sandbox: Sandbox, bob: Client) -> None:
    uuid = bob.deploy(BLOG, **{"parameter--cloudservice": "ec2-eu-west"})
    reason = bob.text(f"/run/{uuid}/ss:abort?ignoreabort=true").text
    assert reason.startswith(
        "Cloud Username cannot be empty, please edit your <a href='/user/bob'>"
    )
    for _ in range(2):
        refusal = (400, f"Validation error: {reason}")
        assert bob.refused("DELETE", f"/run/{uuid}") == refusal
        assert sandbox.world.run(uuid).state == "Cancelled"


def test_empty_value_leaves_the_default_of_a_component(alice: Client) -> None:
    uuid = alice.deploy(BLOG, **{"parameter--wordpress_title": ""})
    assert alice.text(f"/run/{uuid}/machine:wordpress_title").text == "Hello from SlipStream"
