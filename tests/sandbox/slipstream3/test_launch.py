from __future__ import annotations

import attrs
import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
GENERIC = (
    "The server encountered an unexpected condition which prevented it from fulfilling the request"
)


def offer(client: Client, cloud: str) -> str:
    found = client.json(
        "/api/service-offer",
        filter=f"resource:type='VM' and connector/href='{cloud}'",
        last="1",
    )
    return str(found["serviceOffers"][0]["id"])


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


def test_a_version_needs_the_prefix(alice: Client) -> None:
    for name, version in (
        (BLOG, "478"),
        (f"module/{BLOG}", "478"),
        (f"module/{BLOG}/412", "412"),
    ):
        uuid = alice.deploy(name)
        uri = alice.xml(f"/run/{uuid}").get("moduleResourceUri") or ""
        assert uri == f"module/{BLOG}/{version}"
    found = refused(alice, refqname=f"{BLOG}/412")
    assert found == (404, f"Coudn't find reference module: {BLOG}/412")


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
    uuid = alice.deploy(
        SYSTEM,
        **{
            node("apache--cloudservice"): "ec2-eu-west",
            node("apache--port"): "'81'",
            node("testclient--multiplicity"): "2",
            node("testclient--max-provisioning-failures"): "1",
            "mutable": "on",
        },
    )
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
    assert set((root.get("nodeNames") or "").split(",")) == {
        "apache.1",
        "testclient.1",
        "testclient.2",
        "orchestrator-ec2-eu-west",
        "orchestrator-exoscale-ch-gva",
    }
    mapped = root.find(".//runtimeParameter[@key='testclient.2:webserver.port']")
    source = root.find(".//runtimeParameter[@key='apache.1:listen.port']")
    assert mapped is not None
    assert source is not None
    assert mapped.get("isMappedValue") == "true"
    assert source.get("mapsOthers") == "true"
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
    fields = {
        "refqname": BLOG,
        "parameter--service-offer": offer(alice, "ec2-eu-west"),
        "parameter--cloudservice": "exoscale-ch-gva",
    }
    status, detail = alice.refused("POST", "/run", data=fields)
    assert status == 409
    assert detail.startswith(
        "The service offer is for 'ec2-eu-west' but the Cloud service 'exoscale-ch-gva' was asked"
    )


def test_a_cloud_must_have_the_image(alice: Client) -> None:
    field = {"parameter--cloudservice": "open-telekom-de1"}
    centos = {"refqname": "examples/images/centos-7", **field}
    assert alice.refused("POST", "/run", data=centos) == (
        409,
        "Base image must have an image id for cloud service: open-telekom-de1",
    )
    path = "examples/images/centos-7"
    world = alice.sandbox.world
    made = attrs.evolve(world.library.find(BLOG), path="apps/made", version=0)
    made.reference, made.images = f"module/{path}", {}
    world.add_module(made)
    assert alice.refused("POST", "/run", data={"refqname": "apps/made", **field}) == (
        409,
        f"Missing image id for base image: {path} on cloud service: open-telekom-de1",
    )
    system = world.library.find(SYSTEM)
    system.nodes = [
        attrs.evolve(one, image=f"module/{path}", parameters={}) for one in system.nodes
    ]
    fields = {"parameter--node--apache--cloudservice": "open-telekom-de1"}
    assert alice.refused("POST", "/run", data={"refqname": SYSTEM, **fields}) == (
        409,
        f"Node apache refers to image {path} missing an image id for cloud: open-telekom-de1",
    )


def test_no_cloud_at_all_is_refused(alice: Client) -> None:
    account = alice.sandbox.world.accounts["alice"]
    account.parameters["General.default.cloud.service"].value = ""
    assert refused(alice, refqname=BLOG) == (409, "No cloud service names set on the run.")


def test_a_key_in_the_profile_is_insisted_on_unless_told_otherwise(alice: Client) -> None:
    alice.sandbox.world.accounts["alice"].parameters["General.ssh.public.key"].value = ""
    assert refused(alice, refqname=BLOG) == (409, "Missing public key in your user profile.")
    bad = refused(alice, refqname=BLOG, parameter__nonsense="1")
    assert bad[1] == "Missing public key in your user profile."
    assert alice.deploy(BLOG, **{"bypass-ssh-check": "true"})


def test_projects_and_empty_applications_are_not_deployed(alice: Client) -> None:
    assert refused(alice, refqname="examples")[0] == 409
    alice.sandbox.world.library.find(SYSTEM).nodes.clear()
    assert refused(alice, refqname=SYSTEM) == (
        409,
        "Deployment module provided for run is missing nodes.",
    )
    assert refused(alice, refqname=BLOG, type="Orchestration")[0] == 409


def test_cloud_without_a_credential_fails_at_launch(sandbox: Sandbox, bob: Client) -> None:
    uuid = bob.deploy(BLOG, **{"parameter--cloudservice": "ec2-eu-west"})
    reason = (
        "Cloud Username cannot be empty, please edit your <a href='/user/bob'> user account</a>"
    )
    assert bob.text(f"/run/{uuid}/ss:abort?ignoreabort=true").text == reason
    refusal = (400, f"Validation error: {reason}")
    assert bob.refused("DELETE", f"/run/{uuid}") == refusal
    assert sandbox.world.run(uuid).state == "Cancelled"
    assert bob.refused("DELETE", f"/run/{uuid}") == refusal


def test_mapping_goes_over_the_value_of_the_form(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(SYSTEM, **{node("testclient--webserver.port"): "81"})
    sandbox.clock.advance(900)
    assert alice.text(f"/run/{uuid}/testclient.1:webserver.port").text == "8080"


def test_empty_value_leaves_the_default_of_a_component(alice: Client) -> None:
    uuid = alice.deploy(BLOG, **{"parameter--wordpress_title": ""})
    assert alice.text(f"/run/{uuid}/machine:wordpress_title").text == "Hello from SlipStream"
