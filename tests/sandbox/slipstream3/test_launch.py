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


def test_a_deployment_answers_with_its_absolute_address(sandbox: Sandbox, alice: Client) -> None:
    answer = alice.post("/run", data={"refqname": BLOG})
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["Location"].startswith(f"{sandbox.url}/run/")
    browser = alice.post("/run", data={"refqname": BLOG, "redirect_to_dashboard": ""})
    assert browser.headers["Location"] == f"{sandbox.url}/dashboard"


@pytest.mark.parametrize(
    ("name", "version"), [(BLOG, 478), (f"module/{BLOG}", 478), (f"module/{BLOG}/412", 412)]
)
def test_a_version_needs_the_prefix(alice: Client, name: str, version: int) -> None:
    uri = alice.xml(f"/run/{alice.deploy(name)}").get("moduleResourceUri")
    assert uri == f"module/{BLOG}/{version}"
    refusal = (404, f"Coudn't find reference module: {BLOG}/412")
    assert refused(alice, refqname=f"{BLOG}/412") == refusal


@pytest.mark.parametrize("cloud", ["", "default"])
def test_the_default_cloud_of_the_user_is_meant_by_nothing_and_by_default(
    alice: Client, cloud: str
) -> None:
    uuid = alice.deploy(BLOG, **{"parameter--cloudservice": cloud})
    assert alice.xml(f"/run/{uuid}").get("cloudServiceNames") == "exoscale-ch-gva"


def test_an_offer_alone_chooses_the_cloud(alice: Client) -> None:
    chosen = offer(alice, "ec2-eu-west")
    uuid = alice.deploy(BLOG, **{"parameter--service-offer": chosen})
    assert alice.xml(f"/run/{uuid}").get("cloudServiceNames") == "ec2-eu-west"


def test_an_application_takes_parameters_for_each_node(alice: Client) -> None:
    apache = {node("apache--cloudservice"): "ec2-eu-west", node("apache--port"): "'81'"}
    client = {node("testclient--multiplicity"): "2"}
    client[node("testclient--max-provisioning-failures")] = "1"
    uuid = alice.deploy(SYSTEM, mutable="on", **apache, **client)
    root = alice.xml(f"/run/{uuid}")
    values = {one.get("key"): one.text or "" for one in root.iter("runtimeParameter")}
    assert values["apache.1:port"] == "81"
    assert values["testclient:ids"] == "1,2"
    assert values["testclient:multiplicity"] == "2"
    assert values["testclient:max-provisioning-failures"] == "1"
    alice.sandbox.clock.advance(900)
    mapped = alice.text(f"/run/{uuid}/testclient.2:webserver.port")
    assert mapped.text == "81"
    assert values["ss:groups"] == "ec2-eu-west:apache,exoscale-ch-gva:testclient"
    assert root.get("mutable") == "true"
    assert root.get("nodeNames") == (
        "apache.1,testclient.1,testclient.2,orchestrator-ec2-eu-west,orchestrator-exoscale-ch-gva"
    )
    (target,) = root.iterfind(".//runtimeParameter[@key='testclient.2:webserver.port']")
    (source,) = root.iterfind(".//runtimeParameter[@key='apache.1:listen.port']")
    assert (target.get("isMappedValue"), source.get("mapsOthers")) == ("true", "true")
    assert source.get("mappedRuntimeParameterNames") == (
        "testclient.1:webserver.port,testclient.2:webserver.port"
    )


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
    made = attrs.evolve(world.library.find(BLOG), path="apps/made", version=0)
    made.reference, made.images = f"module/{path}", {}
    world.add_module(made)
    system = world.library.find(SYSTEM)
    system.nodes = [
        attrs.evolve(one, image=f"module/{path}", parameters={}) for one in system.nodes
    ]
    for module, fields, detail in (
        (path, field, f"Base image must have an image id for cloud service: {cloud}"),
        ("apps/made", field, f"Missing image id for base image: {path} on cloud service: {cloud}"),
        (
            SYSTEM,
            {node("apache--cloudservice"): cloud},
            f"Node apache refers to image {path} missing an image id for cloud: {cloud}",
        ),
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


def test_mapping_goes_over_the_value_of_the_form(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(SYSTEM, **{node("testclient--webserver.port"): "81"})
    sandbox.clock.advance(900)
    assert alice.text(f"/run/{uuid}/testclient.1:webserver.port").text == "8080"


def test_empty_value_leaves_the_default_of_a_component(alice: Client) -> None:
    uuid = alice.deploy(BLOG, **{"parameter--wordpress_title": ""})
    assert alice.text(f"/run/{uuid}/machine:wordpress_title").text == "Hello from SlipStream"
