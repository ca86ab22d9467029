"""What the sandbox does as SlipStream, where neither the recordings nor the driver show it."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, tostring

import attrs
import pytest

from sandbox.client import Client
from slipstream.sandbox import Clock, Sandbox
from slipstream.values.ssh_key import SSHKey

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"
KEYS = "General.ssh.public.key"
CLOUD = "parameter--cloudservice"


def value(client: Client, uuid: str, key: str) -> str:
    return client.text(f"/run/{uuid}/{key}?ignoreabort=true").text


def state(client: Client, uuid: str) -> str:
    return value(client, uuid, "ss:state")


def machines(client: Client) -> list[dict[str, Any]]:
    return list(client.json("/api/virtual-machine")["virtualMachines"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("PUT", "/module/alice/new"), ("DELETE", f"/module/{BLOG}/478/publish")),
        *(("PUT", "/user/carol"), ("DELETE", "/user/alice"), ("POST", "/api/credential")),
        ("GET", "/api/service-offer?$select=connector/href"),
    ],
)
def test_what_is_not_played_answers_501(alice: Client, method: str, path: str) -> None:
    response = alice.request(method, path)
    assert response.status_code == 501
    assert "played" in response.text


@pytest.mark.parametrize("text", ["'\"\n<&>\t", "a\x00b", "]]>", "{{ 7 * 7 }}", "é\U0001f600"])
def test_texts_survive_in_attributes_and_elements(alice: Client, text: str) -> None:
    uuid = alice.deploy(BLOG, tags=text, **{"parameter--wordpress_title": text})
    title = alice.xml(f"/run/{uuid}").find(".//runtimeParameter[@key='machine:wordpress_title']")
    assert title is not None
    assert title.text == alice.xml("/run")[0].get("tags") == text.replace("\x00", "")


def test_token_without_an_account_gets_an_empty_200(sandbox: Sandbox, bob: Client) -> None:
    uuid = bob.deploy(BLOG)
    del sandbox.world.accounts["bob"]
    answer = bob.delete(f"/run/{uuid}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert sandbox.world.run(uuid).ended is None


def test_reading_an_unknown_parameter_fails_the_deployment(alice: Client, bob: Client) -> None:
    uuid = alice.deploy(BLOG)
    for key in ("machine:nonsense", "ss:other"):
        assert bob.text(f"/run/{uuid}/{key}").status_code == 404
        assert value(alice, uuid, "ss:abort") == f"Unknown key {key}"
    assert value(alice, uuid, "machine:abort") == "Unknown key machine:nonsense"
    assert alice.text(f"/run/{uuid}/ss:state").status_code == 409


def test_runs_are_selected_by_activity_cloud_module_and_owner(
    alice: Client, bob: Client, root: Client
) -> None:
    ended, active, theirs = alice.deploy(BLOG), alice.deploy(BLOG), bob.deploy(BLOG)
    alice.delete(f"/run/{ended}")
    for client, query, expected in (
        (alice, "activeOnly=YES", {active}),
        (alice, "activeOnly=false", {ended, active}),
        (alice, "cloud=exoscale", {ended, active}),
        (alice, "cloud=ec2-eu-west", set()),
        (alice, f"moduleResourceUri=module/{BLOG}/478", {ended, active}),
        (alice, f"moduleResourceUri=module/{BLOG}/412", set()),
        (alice, "runOwner=bob", {ended, active}),
        (root, "", {ended, active, theirs}),
        (root, "user=bob", {theirs}),
        (root, "runOwner=bob", {theirs}),
    ):
        items = client.xml(f"/run?{query}").findall("item")
        assert {item.get("uuid") for item in items} == expected, query
    assert alice.refused("GET", "/run?user=bob")[0] == 403


def offer(client: Client, cloud: str) -> str:
    where = f"resource:type='VM' and connector/href='{cloud}'"
    return str(client.json("/api/service-offer", filter=where)["serviceOffers"][0]["id"])


def test_cloud_is_that_of_an_offer_or_the_default(sandbox: Sandbox, alice: Client) -> None:
    chosen = {"parameter--service-offer": offer(alice, "ec2-eu-west")}
    for fields, cloud in ((chosen, "ec2-eu-west"), ({CLOUD: "default"}, "exoscale-ch-gva")):
        assert sandbox.world.run(alice.deploy(BLOG, **fields)).clouds == [cloud]
    fields = {"refqname": BLOG, **chosen, CLOUD: "exoscale-ch-gva"}
    status, detail = alice.refused("POST", "/run", data=fields)
    assert status == 409
    assert "is for 'ec2-eu-west' but the Cloud service 'exoscale-ch-gva' was asked" in detail
    assert alice.refused("POST", "/run", data={"refqname": BLOG, "parameter--cpu": "2"})[0] == 501
    sandbox.world.accounts["alice"].parameters["General.default.cloud.service"].value = ""
    refusal = (409, "No cloud service names set on the run.")
    assert alice.refused("POST", "/run", data={"refqname": BLOG}) == refusal


def test_cloud_must_have_the_image(alice: Client) -> None:
    path, cloud = "examples/images/centos-7", "open-telekom-de1"
    library = alice.sandbox.world.library
    changes = {"path": "apps/built", "version": 0, "reference": f"module/{path}", "images": {}}
    library.add(attrs.evolve(library.find(BLOG), **changes))
    for node in library.find(SYSTEM).nodes:
        node.image, node.parameters = f"module/{path}", {}
    of_node = f"image {path} missing an image id for cloud: {cloud}"
    of_built = f"Missing image id for base image: {path} on cloud service: {cloud}"
    for module, field, detail in (
        (path, CLOUD, f"Base image must have an image id for cloud service: {cloud}"),
        ("apps/built", CLOUD, of_built),
        (SYSTEM, "parameter--node--apache--cloudservice", f"Node apache refers to {of_node}"),
    ):
        fields = {"refqname": module, field: cloud}
        assert alice.refused("POST", "/run", data=fields) == (409, detail)


def test_application_maps_parameters_over_what_was_sent(alice: Client) -> None:
    fields = {"testclient--multiplicity": "2", "testclient--webserver.port": "81"}
    nodes = {f"parameter--node--{name}": text for name, text in fields.items()}
    uuid = alice.deploy(SYSTEM, mutable="on", **nodes)
    assert alice.xml(f"/run/{uuid}").get("mutable") == "true"
    alice.sandbox.clock.advance(900)
    assert value(alice, uuid, "testclient.2:webserver.port") == "8080"
    address = value(alice, uuid, "apache.1:hostname")
    assert value(alice, uuid, "testclient.1:webserver.hostname") == address
    assert alice.xml("/run")[0].get("activeVm") == "4"


def test_machine_appears_boots_and_vanishes(sandbox: Sandbox, alice: Client) -> None:
    uuid = alice.deploy(BLOG)
    assert machines(alice) == []
    sandbox.clock.advance(35)
    (pending,) = machines(alice)
    assert (pending["state"], pending.get("ip")) == ("pending", None)
    sandbox.clock.advance(60)
    (running,) = machines(alice)
    assert (running["id"], running["state"]) == (pending["id"], "running")
    assert running["ip"] == value(alice, uuid, "machine:hostname")
    assert running["instanceID"] == value(alice, uuid, "machine:instanceid")
    alice.delete(f"/run/{uuid}")
    assert machines(alice) == []


@pytest.mark.parametrize(
    ("keep", "ends"),
    [
        ("always", ["Ready", "Ready"]),
        ("on-success", ["Ready", "Aborted"]),
        ("on-error", ["Done", "Ready"]),
        ("never", ["Done", "Aborted"]),
    ],
)
def test_keep_running_decides_how_an_application_ends(
    sandbox: Sandbox, alice: Client, keep: str, ends: list[str]
) -> None:
    uuids = [alice.deploy(SYSTEM, **{"keep-running": keep}) for _ in range(2)]
    component = alice.deploy(BLOG, **{"keep-running": keep})
    sandbox.clock.advance(150)
    sandbox.world.abort_run(uuids[1], "broken")
    sandbox.clock.advance(300)
    assert [state(alice, uuid) for uuid in uuids] == ends
    assert state(alice, component) == "Ready"


@pytest.mark.parametrize(("speed", "status"), [(0, 204), (0.001, 409)])
def test_early_termination_is_refused_while_the_clock_runs(speed: float, status: int) -> None:
    with Sandbox(clock=Clock(speed=speed)) as sandbox:
        alice = Client(sandbox, sandbox.users["alice"])
        assert alice.delete(f"/run/{alice.deploy(BLOG)}").status_code == status


def profile(client: Client) -> tuple[Element, Element]:
    """Read the profile of alice, without what must not go back, and find its keys."""
    root = client.xml("/user/alice")
    root.attrib.pop("roles")
    (keys,) = root.iterfind(f".//parameter[@name='{KEYS}']/value")
    return root, keys


def test_profile_is_replaced_as_a_whole(sandbox: Sandbox, alice: Client) -> None:
    root, keys = profile(alice)
    lines = (keys.text or "").splitlines()
    assert [SSHKey.parse(line).line for line in lines] == lines
    root.set("lastName", "Durand")
    (parameters,) = root.iterfind("parameters")
    parameters.clear()
    answer = alice.put("/user/alice", data=tostring(root))
    assert (answer.status_code, answer.headers["Location"]) == (202, f"{sandbox.url}/user/alice")
    account = sandbox.world.accounts["alice"]
    assert (account.last_name, account.value(KEYS)) == ("Durand", "")
    assert account.value("General.keep-running") == "on-success"


def test_profile_is_refused(alice: Client) -> None:
    root, keys = profile(alice)
    keys.text = "a quote in a restricted value: alice's"
    bomb = '<!DOCTYPE x [<!ENTITY a "b">]><user name="alice">&a;</user>'
    for body, status in ((tostring(root), 409), ("<user", 400), (bomb, 400)):
        assert alice.put("/user/alice", data=body).status_code == status
    root.set("roles", "")
    refusal = (403, "Only super users are authorized to update roles!")
    assert alice.refused("PUT", "/user/alice", data=tostring(root)) == refusal


def test_events_come_newest_first_unless_ordered(sandbox: Sandbox, alice: Client) -> None:
    alice.deploy(BLOG)
    sandbox.clock.advance(300)
    stamps = [event["timestamp"] for event in alice.json("/api/event")["events"]]
    assert stamps == sorted(stamps, reverse=True)
    ordered = alice.json("/api/event", orderby="timestamp:asc")["events"]
    assert [event["timestamp"] for event in ordered] == sorted(stamps)
