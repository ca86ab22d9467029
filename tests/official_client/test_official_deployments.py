"""SlipStream's own client deploys, lists, waits and terminates."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

import pytest
from driving import Client, ClientFailure, Official

from slipstream.sandbox import Sandbox

_WORDPRESS = "apps/WordPress/wordpress"
_SYSTEM = "examples/tutorials/service-testing/system"
_FAILING = "examples/tutorials/failing"
_LONG = 3600


def test_component_goes_from_deployment_to_termination(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_WORDPRESS, "exoscale-ch-gva", {"wordpress_title": "Tea & <cakes>"})

    assert isinstance(uuid, UUID)
    begun = alice.get_deployment(uuid)
    assert (begun["id"], begun["status"]) == (uuid, "initializing")
    assert (begun["username"], begun["clouds"]) == ("alice", ["exoscale-ch-gva"])
    assert begun["module"] == f"{_WORDPRESS}/478"
    assert not begun["abort"]
    assert not begun["service_url"]

    sandbox.clock.advance(_LONG)
    ready = alice.get_deployment(uuid)
    assert (ready["status"], ready["abort"]) == ("ready", "")
    assert ready["service_url"].startswith(sandbox.url)
    assert ready["last_state_change"] != begun["last_state_change"]
    assert alice.get_deployment_parameter(uuid, "ss:state") == b"Ready"
    title = alice.get_deployment_parameter(uuid, "machine:wordpress_title")
    assert title == b"Tea & <cakes>"

    assert alice.terminate(uuid) is True
    assert alice.get_deployment(uuid)["status"] == "done"
    assert sandbox.world.run(str(uuid)).ended is not None


def test_waiting_is_a_loop_over_the_status(official: Official, tmp_path: Path) -> None:
    with Sandbox(speed=2000) as quick:
        client = official.open(
            endpoint=quick.url, cookie_file=str(tmp_path / "quick.txt"), insecure=True
        )
        client.login_internal(quick.username, quick.password)
        uuid = client.deploy(_WORDPRESS)

        seen = [client.get_deployment(uuid)["status"]]
        while seen[-1] != "ready" and len(seen) < 200:
            time.sleep(0.02)
            seen.append(client.get_deployment(uuid)["status"])

        assert seen[-1] == "ready"
        order = ["initializing", "provisioning", "executing", "sendingreports", "ready"]
        assert seen == sorted(seen, key=order.index)
        client.terminate(uuid)


def test_component_form_says_what_was_asked(alice: Client, sandbox: Sandbox) -> None:
    offer = alice.cimi_search(
        "serviceOffers", filter='resource:type="VM" and connector/href="ec2-eu-west"', last=1
    )["resources"][0]["id"]

    uuid = alice.deploy(
        f"{_WORDPRESS}/412",
        "ec2-eu-west",
        {"service-offer": offer, "admin_email": "a@b.org", "keep-running": "never"},
        tags=["blog", "tea"],
        check_ssh_key=True,
        raw_params={"parameter--wordpress_title": "Raw"},
    )

    assert sandbox.journal.entries("POST", "/run")[0].form == {
        "refqname": [f"module/{_WORDPRESS}/412"],
        "parameter--cloudservice": ["ec2-eu-west"],
        "parameter--service-offer": [offer],
        "parameter--admin_email": ["a@b.org"],
        "parameter--wordpress_title": ["Raw"],
        "keep-running": ["never"],
        "tags": ["blog,tea"],
    }
    run = sandbox.world.run(str(uuid))
    assert (run.module.version, run.clouds) == (412, ["ec2-eu-west"])
    assert run.get("machine:wordpress_title") == "Raw"
    assert run.get("machine:service-offer") == offer
    assert alice.get_deployment_parameter(uuid, "ss:tags") == b"blog,tea"


def test_application_is_spread_over_clouds(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(
        _SYSTEM,
        {"apache": "exoscale-ch-gva", "testclient": "ec2-eu-west"},
        {"apache": {"port": "9090"}},
        multiplicity={"testclient": 2},
        tolerate_failures={"testclient": "1"},
        keep_running="always",
        tags="demo",
    )

    form = sandbox.journal.entries("POST", "/run")[0].form
    assert form is not None
    assert form["parameter--node--apache--port"] == ["9090"]
    assert form["parameter--node--testclient--max-provisioning-failures"] == ["1"]
    sandbox.clock.advance(_LONG)
    deployment = alice.get_deployment(uuid)
    assert (deployment["status"], deployment["scalable"]) == ("ready", "false")
    assert set(deployment["clouds"]) == {"exoscale-ch-gva", "ec2-eu-west"}
    read = {
        key: alice.get_deployment_parameter(uuid, key)
        for key in ("testclient:ids", "testclient:multiplicity", "testclient.2:webserver.port")
    }
    assert read == {
        "testclient:ids": b"1,2",
        "testclient:multiplicity": b"2",
        "testclient.2:webserver.port": b"9090",
    }
    listed = alice.list_deployments()
    assert [(item["id"], item["module"]) for item in listed] == [(uuid, f"{_SYSTEM}/540")]


def test_failure_raises_the_abort_flag(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_FAILING)

    sandbox.clock.advance(_LONG)

    failed = alice.get_deployment(uuid)
    assert failed["status"] == "ready"
    assert failed["abort"].startswith("Failed running 'execute' target on 'machine'")
    with pytest.raises(ClientFailure) as caught:
        alice.get_deployment_parameter(uuid, "ss:state")
    assert caught.value.status == 409
    state = alice.get_deployment_parameter(uuid, "ss:state", ignore_abort=True)
    assert state == b"Ready"
    assert sandbox.journal[-1].query == {"ignoreabort": ["true"]}


def test_deployment_on_its_way_is_cancelled(alice: Client, sandbox: Sandbox) -> None:
    sandbox.world.refuses_early_termination = True
    uuid = alice.deploy(_WORDPRESS)

    with pytest.raises(ClientFailure) as caught:
        alice.terminate(uuid)

    assert caught.value.status == 409
    assert alice.get_deployment(uuid)["status"] == "cancelled"
    sandbox.clock.advance(60)
    assert alice.terminate(str(uuid)) is True


def test_deployments_are_listed_newest_first_in_pages(alice: Client, sandbox: Sandbox) -> None:
    uuids = [UUID(text) for text in reversed(sandbox.world.add_runs(25))]

    assert [item["id"] for item in alice.list_deployments()] == uuids[:20]
    page = alice.list_deployments(offset=20, limit=3)
    assert [item["id"] for item in page] == uuids[20:23]
    assert {(item["status"], item["username"]) for item in page} == {("ready", "alice")}
    # The client looks for these, and the entries of the list have neither.
    assert {(item["last_state_change"], item["scalable"]) for item in page} == {(None, None)}

    alice.terminate(uuids[0])
    assert alice.list_deployments(limit=1)[0]["id"] == uuids[1]
    [ended] = alice.list_deployments(limit=1, inactive=True)
    assert (ended["id"], ended["status"]) == (uuids[0], "done")


def test_events_are_listed_newest_first(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_WORDPRESS)
    alice.deploy(_WORDPRESS)
    sandbox.clock.advance(_LONG)

    events = alice.get_deployment_events(uuid, types=["state", "alarm"])["resources"]

    states = ["Initializing", "Provisioning", "Executing", "SendingReports", "Ready"]
    assert [item["content"]["state"] for item in events] == states[::-1]
    assert {item["content"]["resource"]["href"] for item in events} == {f"run/{uuid}"}
    events = alice.get_deployment_events(uuid)["resources"]
    assert {item["type"] for item in events} == {"state", "action"}


def test_list_of_machines_is_gone(alice: Client) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.list_virtualmachines()

    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("path", "arguments", "reason"),
    [
        (
            _WORDPRESS,
            {"parameters": {"titel": "x"}},
            "Unknown parameter: titel in node: machine",
        ),
        (
            _SYSTEM,
            {"cloud": "exoscale-ch-gva"},
            "Invalid key format for Deployment module: parameter--cloudservice",
        ),
        (_SYSTEM, {"multiplicity": {"nginx": 2}}, "Unknown node: nginx"),
        (
            _WORDPRESS,
            {"cloud": "no-cloud"},
            "Missing image id for base image: examples/images/ubuntu-16.04 on cloud service",
        ),
        (
            _WORDPRESS,
            {"parameters": {"service-offer": "service-offer/none"}},
            "Failed to find the service offer 'service-offer/none'",
        ),
        (
            _WORDPRESS,
            {"parameters": {"keep-running": "sometimes"}},
            "Value of keep-running should be one of the following: ",
        ),
    ],
    ids=["parameter", "one cloud for an application", "node", "cloud", "size", "keep-running"],
)
def test_bad_deployment_is_refused_in_the_words_of_the_server(
    alice: Client, sandbox: Sandbox, path: str, arguments: dict[str, object], reason: str
) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.deploy(path, **arguments)

    assert caught.value.kind == "SlipStreamError"
    assert caught.value.message.startswith(reason)
    assert sandbox.journal[-1].status == 409
    assert sandbox.world.runs == {}
