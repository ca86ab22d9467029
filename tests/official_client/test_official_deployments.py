"""SlipStream's own client deploys, waits and terminates."""

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


@pytest.mark.proves("deploy", "get_deployment", "get_deployment_parameter", "terminate")
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


@pytest.mark.proves("deploy", "get_deployment", "terminate")
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


@pytest.mark.proves("deploy")
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


@pytest.mark.proves("deploy", "get_deployment_parameter", "list_deployments")
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
    assert [(one["id"], one["module"]) for one in listed] == [(uuid, f"{_SYSTEM}/540")]


@pytest.mark.proves("get_deployment", "get_deployment_parameter")
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


@pytest.mark.proves("terminate", "get_deployment")
def test_deployment_on_its_way_is_cancelled(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_WORDPRESS)

    with pytest.raises(ClientFailure) as caught:
        alice.terminate(uuid)

    assert caught.value.status == 409
    assert alice.get_deployment(uuid)["status"] == "cancelled"
    sandbox.clock.advance(60)
    assert alice.terminate(str(uuid)) is True
