from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"
SYSTEM = "examples/tutorials/service-testing/system"


@pytest.fixture
def blog(alice: Client) -> str:
    """A deployment of a component."""
    return f"/run/{alice.deploy(BLOG, tags='x')}"


@pytest.fixture
def system(sandbox: Sandbox, alice: Client) -> str:
    """A scalable application that is up."""
    path = f"/run/{alice.deploy(SYSTEM, mutable='true')}"
    sandbox.clock.advance(300)
    return path


def told(client: Client, method: str, path: str, **options: str) -> tuple[int, str]:
    answer = client.request(method, path, headers={"Accept": "text/plain"}, **options)
    return answer.status_code, answer.text.partition("\n")[2] if not answer.ok else answer.text


def test_a_value_is_bare_text(alice: Client, blog: str) -> None:
    answer = alice.text(f"{blog}/ss:tags")
    assert answer.content == b"x"
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"


def test_the_question_for_an_unknown_key_fails_the_deployment(
    sandbox: Sandbox, alice: Client, blog: str
) -> None:
    sandbox.clock.advance(300)
    assert told(alice, "GET", f"{blog}/machine:nonsense") == (404, "Unknown key machine:nonsense")
    assert told(alice, "GET", f"{blog}/ss:abort?ignoreabort=true") == (
        200,
        "Unknown key machine:nonsense",
    )
    assert told(alice, "GET", f"{blog}/ss:state?ignoreabort=TRUE") == (200, "Ready")
    assert told(alice, "GET", f"{blog}/ss:state") == (409, "Abort flag raised!")
    assert told(alice, "GET", f"{blog}/ss:state?ignoreabort=1")[0] == 409


def test_an_unset_value_is_not_an_empty_one(alice: Client, blog: str) -> None:
    found = told(alice, "GET", f"{blog}/ss:url.service")
    assert found == (412, "key ss:url.service not yet set")
    assert told(alice, "GET", f"{blog}/ss:abort")[0] == 412
    assert told(alice, "GET", "/run/no-such/ss:state") == (404, "Unknown run id no-such")


def test_the_state_of_a_machine_is_never_unset(alice: Client, blog: str) -> None:
    assert told(alice, "GET", f"{blog}/machine:vmstate") == (200, "Unknown")


def test_any_user_may_read_and_write_values(bob: Client, alice: Client, blog: str) -> None:
    assert told(bob, "GET", f"{blog}/ss:state") == (200, "Initializing")
    assert bob.put(f"{blog}/machine:statecustom", data="hello").status_code == 200
    assert told(alice, "GET", f"{blog}/machine:statecustom") == (200, "hello")


def test_a_value_has_a_longest_length(alice: Client, blog: str) -> None:
    assert alice.put(f"{blog}/machine:statecustom", data="x" * 4096).status_code == 200
    assert alice.put(f"{blog}/machine:statecustom", data="x" * 4097).status_code == 400


def test_an_abort_is_raised_once_and_taken_back(alice: Client, blog: str) -> None:
    assert alice.put(f"{blog}/machine:abort?ignoreabort=true", data="first").status_code == 200
    assert alice.put(f"{blog}/ss:abort?ignoreabort=true", data="second").status_code == 200
    assert alice.put(f"{blog}/ss:abort", data="third").status_code == 409
    assert told(alice, "GET", f"{blog}/ss:abort?ignoreabort=true") == (200, "first")
    assert alice.delete(f"{blog}/ss:abort").status_code == 409
    assert alice.delete(f"{blog}/ss:abort?ignoreabort=true").status_code == 204
    assert told(alice, "GET", f"{blog}/ss:abort")[0] == 412


def test_a_value_can_be_emptied(alice: Client, blog: str) -> None:
    assert alice.delete(f"{blog}/ss:tags?ignoreabort=true").status_code == 204
    assert told(alice, "GET", f"{blog}/ss:tags")[0] == 412


def test_the_state_is_set_by_hand_only_to_provision_again(
    alice: Client, root: Client, blog: str, system: str
) -> None:
    assert alice.put(f"{blog}/ss:state", data="Provisioning").status_code == 400
    assert alice.put(f"{system}/ss:state", data="Done").status_code == 400
    assert alice.put(f"{system}/ss:state", data="Nonsense").status_code == 400
    assert alice.put(f"{system}/ss:state", data="Provisioning").status_code == 200
    assert told(alice, "GET", f"{system}/ss:state") == (200, "Provisioning")
    assert root.put(f"{blog}/ss:state", data="Ready").status_code == 200
    assert told(alice, "GET", f"{blog}/ss:state") == (200, "Ready")


def test_machines_complete_their_steps(sandbox: Sandbox, alice: Client) -> None:
    path = f"/run/{alice.deploy(SYSTEM)}"
    first = "orchestrator-exoscale-ch-gva"
    assert told(alice, "POST", f"{path}/{first}:complete") == (200, "Provisioning")
    for group in (first, "apache.1"):
        assert told(alice, "POST", f"{path}/{group}:complete") == (200, "Provisioning")
    assert told(alice, "POST", f"{path}/testclient.1:complete") == (200, "Executing")
    assert told(alice, "POST", f"{path}/nobody:complete")[0] == 409
    assert told(alice, "POST", f"{path}/apache.1:other")[0] == 405
    sandbox.clock.advance(300)
    assert told(alice, "POST", f"{path}/apache.1:complete")[0] == 409


def test_a_name_of_letters_is_a_node_and_not_a_key(alice: Client, system: str) -> None:
    assert told(alice, "GET", f"{system}/apache") == (200, "apache.1")
    assert told(alice, "GET", f"{system}/nonsense") == (200, "")
    assert told(alice, "GET", f"{system}/ss:abort")[0] == 412
    assert told(alice, "PUT", f"{system}/apache")[0] == 405


def test_a_node_grows_and_shrinks(sandbox: Sandbox, alice: Client, system: str) -> None:
    answer = alice.post(f"{system}/testclient", data={"n": "2"})
    assert (answer.status_code, answer.text) == (201, "testclient.2,testclient.3")
    assert "Location" not in answer.headers
    assert told(alice, "GET", f"{system}/ss:state") == (200, "Provisioning")
    assert told(alice, "GET", f"{system}/testclient.2:scale.state") == (200, "creating")
    sandbox.clock.advance(300)
    assert told(alice, "GET", f"{system}/testclient.2:scale.state") == (200, "operational")
    assert told(alice, "GET", f"{system}/testclient.2:webserver.ready") == (200, "true")
    assert alice.json("/api/virtual-machine")["count"] == 5
    assert alice.post(f"{system}/testclient").text == "testclient.4"
    sandbox.clock.advance(300)
    removed = alice.delete(f"{system}/testclient", data={"ids": "1, 3"})
    assert removed.status_code == 204
    assert told(alice, "GET", f"{system}/testclient.3:scale.state") == (200, "removing")
    assert told(alice, "GET", f"{system}/testclient") == (200, "testclient.2,testclient.4")
    sandbox.clock.advance(300)
    assert told(alice, "GET", f"{system}/testclient.3:scale.state") == (200, "gone")
    assert told(alice, "GET", f"{system}/testclient:ids") == (200, "2,4")
    assert alice.json("/api/virtual-machine")["count"] == 4
    names = alice.xml(system).get("nodeNames") or ""
    assert "testclient.3" not in names


def test_only_the_list_of_ids_can_be_shortened(alice: Client, system: str) -> None:
    form = {"ids": "1", "delete-ids-only": "true"}
    assert alice.delete(f"{system}/testclient", data=form).status_code == 204
    assert told(alice, "GET", f"{system}/ss:state") == (200, "Ready")
    assert told(alice, "GET", f"{system}/testclient") == (200, "")


@pytest.mark.parametrize(
    ("method", "node", "form", "status", "detail"),
    [
        ("POST", "nonsense", {"n": "1"}, 400, "Node nonsense doesn't exist."),
        (
            "POST",
            "apache",
            {"x": "1"},
            400,
            "No form parameter n=# found in the scale-up request.",
        ),
        (
            "POST",
            "nonsense",
            {"n": "two"},
            400,
            "Number of instances to add should be an integer.",
        ),
        ("DELETE", "apache", {"ids": " 1"}, 400, "Invalid instance name:  1"),
        (
            "POST",
            "apache",
            {"n": "101"},
            409,
            "Limit exceeded. Maximum 100 VMs per scale action.",
        ),
        (
            "POST",
            "apache",
            {"n": "99"},
            409,
            "Quota 'VMs' exceeded (quota=100, current=3, requested=99)",
        ),
        (
            "DELETE",
            "apache",
            {},
            400,
            "Provide list of node instance IDs to be removed from the Run.",
        ),
        ("DELETE", "nonsense", {"ids": "1"}, 400, "Invalid nodename: nonsense"),
        ("DELETE", "apache", {"ids": "apache.1"}, 400, "Invalid instance name: apache.1"),
    ],
)
def test_scaling_is_refused_and_changes_nothing(
    alice: Client,
    system: str,
    method: str,
    node: str,
    form: dict[str, str],
    status: int,
    detail: str,
) -> None:
    assert alice.refused(method, f"{system}/{node}", data=form) == (status, detail)
    assert told(alice, "GET", f"{system}/apache") == (200, "apache.1")
    assert told(alice, "GET", f"{system}/ss:state") == (200, "Ready")


def test_a_node_can_grow_by_nothing(alice: Client, system: str) -> None:
    answer = alice.post(f"{system}/apache", data={"n": "0"})
    assert (answer.status_code, answer.text) == (201, "")
    assert told(alice, "GET", f"{system}/apache") == (200, "apache.1")
    assert told(alice, "GET", f"{system}/ss:state") == (200, "Provisioning")


def test_the_run_is_looked_at_before_the_number(alice: Client) -> None:
    fixed = f"/run/{alice.deploy(SYSTEM)}"
    expected = (409, "Can't add/remove instances. Run is not mutable.")
    assert alice.refused("POST", f"{fixed}/apache", data={"n": "two"}) == expected
    assert alice.refused("DELETE", f"{fixed}/apache") == expected


def test_an_instance_that_never_was_is_a_key_that_is_not_found(alice: Client, system: str) -> None:
    uuid = system.rpartition("/")[2]
    assert alice.refused("DELETE", f"{system}/apache", data={"ids": "1,7"}) == (
        409,
        f"Couldn't find key 'apache.7:scale.state' in execution instance: '{uuid}'",
    )
    assert told(alice, "GET", f"{system}/apache") == (200, "apache.1")


def test_the_list_of_ids_can_be_shortened_whatever_the_run(alice: Client) -> None:
    fixed = f"/run/{alice.deploy(SYSTEM)}"
    form = {"ids": "1", "delete-ids-only": "true"}
    assert alice.delete(f"{fixed}/apache", data=form).status_code == 204
    assert told(alice, "GET", f"{fixed}/apache") == (200, "")


def test_scaling_needs_a_scalable_run_that_is_ready_and_well(
    sandbox: Sandbox, alice: Client, system: str
) -> None:
    fixed = f"/run/{alice.deploy(SYSTEM)}"
    assert alice.refused("POST", f"{fixed}/apache", data={"n": "1"}) == (
        409,
        "Can't add/remove instances. Run is not mutable.",
    )
    early = f"/run/{alice.deploy(SYSTEM, mutable='true')}"
    assert alice.refused("POST", f"{early}/apache", data={"n": "1"}) == (
        409,
        (
            "Can't add/remove instances. Incompatible state Initializing. "
            "This can only be performed on state Ready"
        ),
    )
    sandbox.world.abort_run(system.rpartition("/")[2], "broken")
    assert alice.refused("POST", f"{system}/apache") == (409, "Abort flag raised!")


def test_a_test_can_set_any_value(sandbox: Sandbox, alice: Client, blog: str) -> None:
    uuid = blog.rpartition("/")[2]
    sandbox.world.set_parameter(uuid, "machine:new", "v")
    assert told(alice, "GET", f"{blog}/machine:new") == (200, "v")
