from __future__ import annotations

import pytest

from sandbox.client import Client
from slipstream.sandbox import Sandbox

BLOG = "apps/WordPress/wordpress"


@pytest.fixture
def blog(alice: Client) -> str:
    """A deployment of a component."""
    return f"/run/{alice.deploy(BLOG, tags='x')}"


def reply(client: Client, method: str, path: str, **options: str) -> tuple[int, str]:
    answer = client.request(method, path, headers={"Accept": "text/plain"}, **options)
    return answer.status_code, answer.text.partition("\n")[2] if not answer.ok else answer.text


def test_reading_an_unknown_key_fails_the_deployment(
    sandbox: Sandbox, alice: Client, blog: str
) -> None:
    sandbox.clock.advance(300)
    first, second = "Unknown key machine:nonsense", "Unknown key ss:other"
    for path, expected in (
        ("machine:nonsense", (404, first)),
        ("ss:abort?ignoreabort=true", (200, first)),
        ("ss:other", (404, second)),
        ("ss:abort?ignoreabort=true", (200, second)),
        ("machine:abort?ignoreabort=true", (200, first)),
        ("ss:state?ignoreabort=TRUE", (200, "Ready")),
        ("ss:state", (409, "Abort flag raised!")),
        ("ss:state?ignoreabort=1", (409, "Abort flag raised!")),
    ):
        assert reply(alice, "GET", f"{blog}/{path}") == expected


def test_any_user_may_read_values(bob: Client, blog: str) -> None:
    assert reply(bob, "GET", f"{blog}/ss:state") == (200, "Initializing")
