"""SlipStream's own client scales deployments, and builds components."""

from __future__ import annotations

from uuid import UUID

import attrs
import pytest
from driving import Client, ClientFailure

from slipstream.sandbox import Sandbox

_SYSTEM = "examples/tutorials/service-testing/system"
_APACHE = "examples/tutorials/service-testing/apache"
_LONG = 3600


@pytest.fixture
def scalable(alice: Client, sandbox: Sandbox) -> UUID:
    """Deploy an application that can be scaled, and let it come up."""
    uuid: UUID = alice.deploy(_SYSTEM, scalable=True)
    sandbox.clock.advance(_LONG)
    assert alice.get_deployment(uuid)["scalable"] == "true"
    return uuid


@pytest.mark.proves("add_node_instances", "get_deployment", "get_deployment_parameter")
def test_node_grows(alice: Client, sandbox: Sandbox, scalable: UUID) -> None:
    added = alice.add_node_instances(scalable, "testclient", 2)

    assert added == ["testclient.2", "testclient.3"]
    assert sandbox.journal.entries("POST")[-1].form == {"n": ["2"]}
    assert alice.get_deployment(scalable)["status"] == "provisioning"
    sandbox.clock.advance(_LONG)
    assert alice.get_deployment(scalable)["status"] == "ready"
    assert alice.get_deployment_parameter(scalable, "testclient:ids") == b"1,2,3"
    assert alice.get_deployment_parameter(scalable, "testclient.3:hostname")


@pytest.mark.proves("add_node_instances")
def test_node_grows_by_one_unless_told_otherwise(
    alice: Client, sandbox: Sandbox, scalable: UUID
) -> None:
    assert alice.add_node_instances(scalable, "testclient") == ["testclient.2"]
    assert sandbox.journal.entries("POST")[-1].body == b""


@pytest.mark.proves("remove_node_instances", "add_node_instances")
@pytest.mark.parametrize("ids", [pytest.param([2, 3], id="list"), pytest.param("2", id="text")])
def test_node_shrinks(
    alice: Client, sandbox: Sandbox, scalable: UUID, ids: list[int] | str
) -> None:
    alice.add_node_instances(scalable, "testclient", 2)
    sandbox.clock.advance(_LONG)

    assert alice.remove_node_instances(scalable, "testclient", ids) is True

    assert alice.get_deployment(scalable)["status"] == "provisioning"
    sandbox.clock.advance(_LONG)
    assert alice.get_deployment(scalable)["status"] == "ready"
    left = alice.get_deployment_parameter(scalable, "testclient:ids")
    assert left == (b"1,3" if ids == "2" else b"1")


def test_deployment_that_is_not_scalable_stays_as_it_is(alice: Client, sandbox: Sandbox) -> None:
    uuid = alice.deploy(_SYSTEM)
    sandbox.clock.advance(_LONG)

    for call, wanted in ((alice.add_node_instances, 1), (alice.remove_node_instances, [1])):
        with pytest.raises(ClientFailure, match="Run is not mutable") as caught:
            call(uuid, "testclient", wanted)
        assert caught.value.kind == "SlipStreamError"


def test_deployment_that_is_scaling_cannot_be_scaled(alice: Client, scalable: UUID) -> None:
    alice.add_node_instances(scalable, "testclient")

    with pytest.raises(ClientFailure, match="Incompatible state Provisioning") as caught:
        alice.add_node_instances(scalable, "testclient")

    assert caught.value.kind == "SlipStreamError"


def test_instance_of_an_unknown_node_cannot_be_removed(alice: Client, scalable: UUID) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.remove_node_instances(scalable, "nginx", [1])

    assert (caught.value.kind, caught.value.status) == ("HTTPError", 400)


def test_instance_that_never_was_cannot_be_removed(
    alice: Client, sandbox: Sandbox, scalable: UUID
) -> None:
    with pytest.raises(ClientFailure) as caught:
        alice.remove_node_instances(scalable, "testclient", [7])

    assert caught.value.kind == "SlipStreamError"
    assert caught.value.message.startswith("Couldn't find key 'testclient.7:scale.state'")
    assert sandbox.world.run(str(scalable)).state == "Ready"


@pytest.fixture
def recipe(sandbox: Sandbox) -> str:
    """Add a component that has something to build, and tell its path."""
    old = sandbox.world.library.find(_APACHE)
    path = f"{old.parent}/built"
    targets = old.targets | {"recipe": "#!/bin/sh\napt-get install -y apache2\n"}
    sandbox.world.add_module(attrs.evolve(old, path=path, version=0, targets=targets))
    return path


@pytest.mark.proves("build_component", "get_deployment")
@pytest.mark.parametrize(
    ("cloud", "sent"),
    [
        pytest.param(None, "default", id="default-cloud"),
        pytest.param("ec2-eu-west", "ec2-eu-west", id="named-cloud"),
    ],
)
def test_component_is_built(
    alice: Client, sandbox: Sandbox, recipe: str, cloud: str | None, sent: str
) -> None:
    uuid = alice.build_component(recipe, cloud)

    assert sandbox.journal.entries("POST", "/run")[0].form == {
        "type": ["Machine"],
        "refqname": [recipe],
        "parameter--cloudservice": [sent],
    }
    assert sandbox.world.run(str(uuid)).kind == "Machine"
    built_on = [cloud or "exoscale-ch-gva"]
    assert alice.get_deployment(uuid)["clouds"] == built_on
    sandbox.clock.advance(_LONG)
    assert alice.get_deployment(uuid)["status"] == "done"


@pytest.mark.proves("build_component", "update_user")
def test_building_needs_no_ssh_key(alice: Client, recipe: str) -> None:
    alice.update_user(ssh_public_keys="")

    assert alice.build_component(recipe)


@pytest.mark.parametrize("path", [_APACHE, "examples/images/ubuntu-16.04"])
def test_component_without_anything_to_build_is_refused(
    alice: Client, sandbox: Sandbox, path: str
) -> None:
    # The client reads the reason in deploy and scaling alone.
    with pytest.raises(ClientFailure) as caught:
        alice.build_component(path)

    assert (caught.value.kind, caught.value.status) == ("HTTPError", 409)
    assert sandbox.world.runs == {}
