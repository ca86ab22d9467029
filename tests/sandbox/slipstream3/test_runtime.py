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


def test_the_question_for_an_unknown_key_fails_the_deployment(
    sandbox: Sandbox, alice: Client, blog: str
) -> None:
    sandbox.clock.advance(300)
    assert told(alice, "GET", f"{blog}/machine:nonsense") == (404, "Unknown key machine:nonsense")
    assert told(alice, "GET", f"{blog}/ss:abort?ignoreabort=true") == (
        200,
        "Unknown key machine:nonsense",
    )
    assert told(alice, "GET", f"{blog}/ss:other") == (404, "Unknown key ss:other")
    assert told(alice, "GET", f"{blog}/ss:abort?ignoreabort=true") == (200, "Unknown key ss:other")
    assert told(alice, "GET", f"{blog}/machine:abort?ignoreabort=true") == (
        200,
        "Unknown key machine:nonsense",
    )
    assert told(alice, "GET", f"{blog}/ss:state?ignoreabort=TRUE") == (200, "Ready")
    assert told(alice, "GET", f"{blog}/ss:state") == (409, "Abort flag raised!")
    assert told(alice, "GET", f"{blog}/ss:state?ignoreabort=1")[0] == 409


def test_any_user_may_read_and_write_values(bob: Client, alice: Client, blog: str) -> None:
    assert told(bob, "GET", f"{blog}/ss:state") == (200, "Initializing")
    assert bob.put(f"{blog}/machine:statecustom", data="hello").status_code == 200
    assert told(alice, "GET", f"{blog}/machine:statecustom") == (200, "hello")


def test_an_abort_is_raised_once_and_taken_back(alice: Client, blog: str) -> None:
    assert alice.put(f"{blog}/machine:abort?ignoreabort=true", data="first").status_code == 200
    assert alice.put(f"{blog}/ss:abort?ignoreabort=true", data="second").status_code == 200
    assert alice.put(f"{blog}/ss:abort", data="third").status_code == 409
    assert told(alice, "GET", f"{blog}/ss:abort?ignoreabort=true") == (200, "first")
    assert alice.delete(f"{blog}/ss:abort").status_code == 409
    assert alice.delete(f"{blog}/ss:abort?ignoreabort=true").status_code == 204
    assert told(alice, "GET", f"{blog}/ss:abort")[0] == 412


def test_a_test_can_set_any_value(sandbox: Sandbox, alice: Client, blog: str) -> None:
    uuid = blog.rpartition("/")[2]
    sandbox.world.set_parameter(uuid, "machine:new", "v")
    assert told(alice, "GET", f"{blog}/machine:new") == (200, "v")


def test_scaling_is_not_played(alice: Client, system: str) -> None:
    for method in ("POST", "DELETE"):
        assert alice.request(method, f"{system}/apache", data={"n": "1"}).status_code == 501


def test_complete_in_ready_answers_the_state(sandbox: Sandbox, alice: Client, blog: str) -> None:
    assert alice.post(f"{blog}/machine:complete").status_code == 501
    sandbox.clock.advance(300)
    assert told(alice, "POST", f"{blog}/machine:complete") == (200, "Ready")
